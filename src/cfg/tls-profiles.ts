/** Which certificate and which rules a TLS connection has: Kamailio's tls.cfg, and the modparams of `tls` that stand in for it. Pure: files are named, not read. */
import type { Diagnostic } from '../errors.ts';
import { closest } from '../kemi/suggest.ts';

/** verify_client: what is asked of a peer's certificate */
export type VerifyPeer = 'off' | 'on' | 'optional' | 'optional_no_ca';

/** What one section says; what it leaves out is not asked for. */
export interface TlsSettings {
  /** TLSv1.2+ and the like */
  readonly method?: string;
  readonly verifyCertificate?: boolean;
  readonly requireCertificate?: boolean;
  readonly verifyClient?: VerifyPeer;
  readonly verifyDepth?: number;
  /** names of PEM files, as they are written */
  readonly certificate?: string;
  readonly privateKey?: string;
  readonly caList?: string;
  /** folder of PEM files */
  readonly caPath?: string;
  readonly crl?: string;
  readonly cipherList?: string;
  readonly serverName?: string;
  /** 0 that name, 1 and below it, 2 only below it */
  readonly serverNameMode?: number;
  readonly serverId?: string;
}

export interface TlsProfile extends TlsSettings {
  readonly side: 'server' | 'client';
  /** the section's name: default, any, or IP:PORT */
  readonly name: string;
  /** of IP:PORT */
  readonly ip?: string;
  readonly port?: number;
}

/** Values of the versions' names, oldest first. */
const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
export type TlsVersion = (typeof VERSIONS)[number];

export const DEFAULT_METHOD = 'TLSv1.2+';

/** @returns oldest and newest version that are taken; what is wrong with the name */
export function versionsOf(method: string): { readonly min: TlsVersion; readonly max: TlsVersion } | string {
  const name = /^SSLv23$/i.test(method) ? 'TLSv1+' : method;
  const version = VERSIONS.find(v => v.toLowerCase() === name.replace(/\+$/, '').toLowerCase());
  if (version) return { min: version, max: name.endsWith('+') ? 'TLSv1.3' : version };
  if (/^SSLv[23]$/i.test(method)) return `${method} is broken and not available: write TLSv1.2+`;
  return `"${method}" is no TLS method: there are ${VERSIONS.join(', ')}, each also with + for newer ones`;
}

type Writable = { -readonly [K in keyof TlsSettings]: TlsSettings[K] };
/** @returns what is wrong with the value */
type Setter = (out: Writable, value: string) => string | undefined;

const text =
  (
    key: { [K in keyof TlsSettings]-?: NonNullable<TlsSettings[K]> extends string ? K : never }[keyof TlsSettings],
  ): Setter =>
  (out, value) => {
    if (value === '') return 'it needs a value';
    (out as Record<string, string>)[key] = value;
    return undefined;
  };
const bool =
  (key: 'verifyCertificate' | 'requireCertificate'): Setter =>
  (out, value) => {
    const lower = value.toLowerCase();
    const on = ['yes', 'true', 'on', 'enable', '1'].includes(lower);
    if (!on && !['no', 'false', 'off', 'disable', '0'].includes(lower)) return `"${value}" is not yes or no`;
    out[key] = on;
    return undefined;
  };
const whole =
  (key: 'verifyDepth' | 'serverNameMode', most: number): Setter =>
  (out, value) => {
    if (!/^\d{1,4}$/.test(value) || Number(value) > most) return `"${value}" is not a number from 0 to ${most}`;
    out[key] = Number(value);
    return undefined;
  };
const method: Setter = (out, value) => {
  const versions = versionsOf(value);
  if (typeof versions === 'string') return versions;
  out.method = value;
  return undefined;
};
const verifyClient: Setter = (out, value) => {
  const words = ['off', 'on', 'optional', 'optional_no_ca'] as const;
  const word = words.find(w => w === value.toLowerCase());
  if (!word) return `"${value}" is not one of ${words.join(', ')}`;
  out.verifyClient = word;
  return undefined;
};

/** By the names that tls.cfg and modparams have for them. */
const SETTERS: Readonly<Record<string, Setter>> = {
  method,
  tls_method: method,
  verify_certificate: bool('verifyCertificate'),
  require_certificate: bool('requireCertificate'),
  verify_client: verifyClient,
  verify_depth: whole('verifyDepth', 100),
  certificate: text('certificate'),
  private_key: text('privateKey'),
  ca_list: text('caList'),
  ca_path: text('caPath'),
  crl: text('crl'),
  cipher_list: text('cipherList'),
  server_name: text('serverName'),
  server_name_mode: whole('serverNameMode', 1000),
  server_id: text('serverId'),
};

/** modparams of `tls` that say the same as lines of a tls.cfg */
export const PROFILE_PARAMS: readonly string[] = Object.keys(SETTERS).filter(
  name => !['method', 'server_name_mode'].includes(name),
);

/** The profile that modparams stand for. @returns what is wrong with a value */
export function settingsOf(params: Readonly<Record<string, unknown>>): TlsSettings | string {
  const out: Writable = {};
  for (const name of PROFILE_PARAMS) {
    const value = params[name];
    if (value === undefined || value === '') continue;
    const wrong = SETTERS[name]!(out, String(value));
    if (wrong) return `modparam tls.${name}: ${wrong}`;
  }
  return out;
}

/**
 * Reads a tls.cfg.
 * @returns its sections in their order, and every mistake with its line; with an error among them the profiles must not be used
 */
export function parseTlsConfig(
  source: string,
  file: string,
): { readonly profiles: readonly TlsProfile[]; readonly diagnostics: readonly Diagnostic[] } {
  const profiles: TlsProfile[] = [];
  const diagnostics: Diagnostic[] = [];
  let current: (TlsProfile & Writable) | undefined;
  let lost = false;
  const lines = source.split(/\r?\n/);
  lines.forEach((raw, index) => {
    const error = (message: string) =>
      diagnostics.push({ severity: 'error', file, line: index + 1, column: raw.search(/\S/) + 1, message });
    const line = withoutComment(raw).trim();
    if (line === '') return;
    if (line.startsWith('[')) {
      const section = sectionOf(line);
      lost = typeof section === 'string';
      if (typeof section === 'string') {
        error(section);
        return;
      }
      if (section.name === 'default' && profiles.some(p => p.side === section.side && p.name === 'default'))
        error(`there is a [${section.side}:default] already`);
      current = section;
      profiles.push(current);
      return;
    }
    const match = /^([A-Za-z_]+)\s*=\s*(.*)$/.exec(line);
    if (!match) {
      error(`"${line}" is neither a section nor "name = value"`);
      return;
    }
    // its section is a mistake already
    if (lost) return;
    if (!current) {
      error(`${match[1]} stands in front of the first section: write [server:default] above it`);
      return;
    }
    const name = match[1]!.toLowerCase();
    const set = Object.hasOwn(SETTERS, name) ? SETTERS[name] : undefined;
    const near = set ? undefined : closest(name, Object.keys(SETTERS));
    const wrong = set
      ? set(current, unquoted(match[2]!))
      : `there is no such setting${near ? `, did you mean ${near}` : ''}`;
    if (wrong) error(`${name}: ${wrong}`);
  });
  profiles.forEach(profile => {
    const twin = profiles.find(p => p !== profile && p.side === profile.side && p.name === profile.name);
    if (profile.name === 'any' && profile.serverName === undefined && profile.serverId === undefined)
      problem(profile, 'needs a server_name: nothing else tells when it is meant');
    else if (twin && profile.name !== 'default' && profile.serverName === undefined && profile.serverId === undefined)
      problem(profile, 'is there several times: each needs a server_name');
  });
  function problem(profile: TlsProfile, what: string): void {
    const line = lines.findIndex(l => l.trim().toLowerCase().startsWith(`[${profile.side}:${profile.name}`)) + 1;
    diagnostics.push({
      severity: 'error',
      file,
      line,
      column: 1,
      message: `[${profile.side}:${profile.name}] ${what}`,
    });
  }
  return { profiles, diagnostics };
}

/** `[server:127.0.0.1:5061]` @returns what is wrong with it */
function sectionOf(line: string): (TlsProfile & Writable) | string {
  const match = /^\[\s*(server|client)\s*:\s*(.+?)\s*\]$/i.exec(line);
  if (!match)
    return `${line} is no section: write [server:default], [server:IP:PORT], [server:any], or client in place of server`;
  const side = match[1]!.toLowerCase() as 'server' | 'client';
  const name = match[2]!.toLowerCase();
  if (name === 'default' || name === 'any') return { side, name };
  const address = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(name);
  if (!address || Number(address[3]) > 65535)
    return `[${side}:${name}]: "${name}" is not IP:PORT (IPv6 in brackets), default or any`;
  return { side, name, ip: address[1] ?? address[2]!, port: Number(address[3]) };
}

/** A # outside of quotes begins a comment. */
function withoutComment(line: string): string {
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '"') quoted = !quoted;
    else if (line[i] === '#' && !quoted) return line.slice(0, i);
  }
  return line;
}

const unquoted = (value: string): string => /^"(.*)"$/.exec(value)?.[1] ?? value;

/** Whether a profile is meant by the name that the other side asks for. */
export function matchesName({ serverName, serverNameMode = 0 }: TlsSettings, name: string): boolean {
  if (serverName === undefined) return false;
  const own = serverName.toLowerCase();
  const asked = name.toLowerCase().replace(/\.$/, '');
  const below = asked.endsWith(`.${own}`);
  if (serverNameMode === 1) return asked === own || below;
  return serverNameMode === 2 ? below : asked === own;
}

/** What is asked of the peer. */
export function verifyOf({ verifyClient: asked, verifyCertificate, requireCertificate }: TlsSettings): VerifyPeer {
  if (asked !== undefined) return asked;
  if (requireCertificate) return 'on';
  return verifyCertificate ? 'optional' : 'off';
}
