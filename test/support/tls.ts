/** Certificates for tests: test/fixtures/tls/make.sh says what they are. */
import { readFileSync } from 'node:fs';
import type { TlsSettings } from '../../src/cfg/tls-profiles.ts';

const FOLDER = new URL('../fixtures/tls/', import.meta.url).pathname;

/** path of a fixture */
export const tlsFile = (name: string): string => `${FOLDER}${name}`;
export const tlsText = (name: string): string => readFileSync(tlsFile(name), 'utf8');

/** certificate and key of one of them, as node:tls takes them */
export const identity = (name: string) => ({ cert: tlsText(`${name}.pem`), key: tlsText(`${name}.key`) });

/** The server localhost. */
export const SERVER: TlsSettings = { certificate: tlsFile('server.pem'), privateKey: tlsFile('server.key') };
