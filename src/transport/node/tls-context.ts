/**
 * Certificates of a server: reads what profiles name, checks it, and makes contexts of node:tls from it. A reload makes all of them anew and swaps them when they are
 * good; connections that are there keep what they began with. Nothing here knows SIP: an https server takes its side of TLS from here, too.
 */
import { createPrivateKey, type KeyObject, constants as ssl, X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import {
  DEFAULT_METHOD,
  matchesName,
  parseTlsConfig,
  type TlsProfile,
  type TlsSettings,
  verifyOf,
  versionsOf,
} from '../../cfg/tls-profiles.ts';
import { type Logger, silentLogger } from '../../core/log.ts';
import { ConfigError, KemiError } from '../../errors.ts';
import { formatAddress } from '../listen-address.ts';

export interface TlsSource {
  /** what modparams and options say: both sides, where there is no tls.cfg */
  readonly settings?: TlsSettings;
  /** path of a tls.cfg, or of a folder of such files (*.cfg) */
  readonly config?: string;
  /** folder of files that are named without . or / in front; the working directory when absent */
  readonly folder?: string;
  readonly log?: Logger;
}

/** A profile with what it names. */
interface Made {
  readonly profile: TlsProfile;
  readonly context: tls.SecureContext;
  readonly options: tls.SecureContextOptions;
}

interface Loaded {
  readonly server: readonly Made[];
  readonly client: readonly Made[];
}

/** What a client's side of a connection is chosen by. */
export interface TlsTarget {
  readonly ip: string;
  readonly port: number;
  /** name of the client profile, before all else */
  readonly serverId?: string;
  /** what the server is asked for (SNI), in place of the profile's */
  readonly serverName?: string;
}

/** How a connection is made, and what is looked at once it is there. */
export interface TlsClientSide {
  readonly options: tls.ConnectionOptions;
  /** @returns why the server is not to be talked to; undefined when it is */
  refusal(socket: tls.TLSSocket): string | undefined;
}

/** How connections to an address are accepted. */
export interface TlsServerSide {
  /** of tls.createServer() or https.createServer() */
  readonly options: tls.TlsOptions;
  /** To be asked when the handshake is done. @returns why the peer is not to be talked to; undefined when it is */
  refusal(socket: tls.TLSSocket): string | undefined;
}

export interface AcceptorEvents {
  /** The handshake is done and the peer may speak. Data comes only after this. */
  secured(socket: tls.TLSSocket, raw: net.Socket): void;
  /** There will be no connection; the raw one is closed. */
  failed(raw: net.Socket, why: string): void;
}

export class TlsContexts {
  readonly #source: TlsSource;
  readonly #log: Logger;
  #loaded: Loaded | undefined;
  #generation = 0;
  /** addresses that are listened on */
  readonly #served: { readonly ip: string; readonly port: number }[] = [];

  constructor(source: TlsSource) {
    this.#source = source;
    this.#log = source.log ?? silentLogger;
  }

  /** counts loads */
  get generation(): number {
    return this.#generation;
  }

  /** The profiles that are in use, for show. */
  get profiles(): readonly TlsProfile[] {
    const { server, client } = this.#all;
    return [...server, ...client].map(m => m.profile);
  }

  /**
   * Reads everything, again. On an error nothing changes.
   * @throws ConfigError mistakes in tls.cfg, with their lines  @throws KemiError KEMI_ERR_CONFIG naming the file that is missing, or that does not fit another
   */
  load(): void {
    const profiles = this.#profiles();
    const make = (side: TlsProfile['side']) => this.#make(profiles.filter(p => p.side === side));
    const loaded = { server: make('server'), client: make('client') };
    // who listens already must be able to go on
    for (const address of this.#served) profileFor(loaded.server, address);
    this.#loaded = loaded;
    this.#generation++;
  }

  /** The server's side for one listening address. @throws KemiError KEMI_ERR_CONFIG when there is no certificate for it */
  acceptor(address: { ip: string; port: number }, timeoutMs: number, events: AcceptorEvents): TlsAcceptor {
    const acceptor = new TlsAcceptor(this, address, timeoutMs, events);
    this.#served.push(address);
    return acceptor;
  }

  /** The server's side for an address, as it is now. @throws KemiError KEMI_ERR_CONFIG when there is no certificate for it */
  serverSide(address: { ip: string; port: number }): TlsServerSide {
    const { server } = this.#all;
    const plain = profileFor(server, address);
    const by = (name: string | undefined) => find(server, { ...address, ...(name && { serverName: name }) });
    const meant = server.filter(({ profile }) => profile.ip === undefined || isAt(profile, address));
    return {
      options: {
        ...plain.options,
        SNICallback: (name, done) => done(null, by(name).context),
        // what is asked of the peer depends on the name, so who may speak is decided behind the handshake
        requestCert: meant.some(({ profile }) => verifyOf(profile) !== 'off'),
        rejectUnauthorized: false,
      },
      refusal: socket => {
        const { profile } = by(typeof socket.servername === 'string' ? socket.servername : undefined);
        return refusal(socket, profile, verifyOf(profile));
      },
    };
  }

  /** The client's side for a connection to be made. */
  client(target: TlsTarget): TlsClientSide {
    const { profile, context } = find(this.#all.client, target);
    const name = target.serverName ?? profile.serverName;
    return {
      options: {
        secureContext: context,
        rejectUnauthorized: false,
        // RFC 6066 3: an address is no name to ask for
        ...(name !== undefined && !net.isIP(name) && { servername: name }),
        checkServerIdentity: (_host, certificate) =>
          name === undefined ? undefined : tls.checkServerIdentity(name, certificate),
      },
      // a server always has a certificate: to ask for one is to look at it
      refusal: socket => refusal(socket, profile, verifyOf(profile) === 'optional' ? 'on' : verifyOf(profile)),
    };
  }

  get #all(): Loaded {
    if (!this.#loaded) this.load();
    return this.#loaded!;
  }

  #profiles(): TlsProfile[] {
    const { config, settings = {} } = this.#source;
    const read: TlsProfile[] = [];
    if (config !== undefined) {
      const parsed = this.#configFiles(this.#resolve(config)).map(file =>
        parseTlsConfig(readText(file, 'the TLS config'), file),
      );
      const diagnostics = parsed.flatMap(p => p.diagnostics);
      if (diagnostics.length > 0) throw new ConfigError(diagnostics);
      read.push(...parsed.flatMap(p => p.profiles));
    }
    // sections take nothing from each other, as in Kamailio: what one leaves out is off
    const given = config === undefined ? settings : {};
    const out: TlsProfile[] = [];
    for (const side of ['server', 'client'] as const) {
      const own = read.filter(p => p.side === side);
      const base = own.find(p => p.name === 'default') ?? { ...given, side, name: 'default' };
      out.push(...[...own.filter(p => p !== base), base].map(p => this.#withCertificate(p)));
    }
    return out;
  }

  /** Kamailio's default: cert.pem in the config's folder, here only where there is one. */
  #withCertificate(profile: TlsProfile): TlsProfile {
    if (profile.side === 'client' || profile.certificate !== undefined || this.#source.folder === undefined)
      return profile;
    return fs.existsSync(this.#resolve(DEFAULT_CERTIFICATE))
      ? { ...profile, certificate: DEFAULT_CERTIFICATE }
      : profile;
  }

  #configFiles(config: string): string[] {
    const stat = fs.statSync(config, { throwIfNoEntry: false });
    if (!stat?.isDirectory()) return [config];
    const names = fs.readdirSync(config).filter(name => name.endsWith('.cfg'));
    return names.sort().map(name => path.join(config, name));
  }

  #resolve(file: string): string {
    const { folder } = this.#source;
    return folder === undefined || /^[./]/.test(file) || path.isAbsolute(file) ? file : path.join(folder, file);
  }

  #make(profiles: readonly TlsProfile[]): Made[] {
    return profiles.map(profile => {
      this.#check(profile);
      const options = this.#options(profile);
      try {
        return { profile, options, context: tls.createSecureContext(options) };
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new KemiError('KEMI_ERR_CONFIG', `Cannot use ${title(profile)}: ${why}`, { cause });
      }
    });
  }

  /** What can be told of a profile before its files are read. The default one may lack a certificate: nobody may be served by it. */
  #check(profile: TlsProfile): void {
    if (profile.side === 'server' && profile.name !== 'default' && profile.certificate === undefined)
      throw new KemiError('KEMI_ERR_CONFIG', `Cannot use ${title(profile)}: it has no certificate`);
    if (['on', 'optional'].includes(verifyOf(profile)) && !profile.caList && !profile.caPath)
      this.#log.warn(
        {},
        `[${profile.side}:${profile.name}] looks at certificates and trusts no CA: none is good; set ca_list`,
      );
  }

  #options(profile: TlsProfile): tls.SecureContextOptions {
    const versions = versionsOf(profile.method ?? DEFAULT_METHOD);
    if (typeof versions === 'string')
      throw new KemiError('KEMI_ERR_CONFIG', `Cannot use ${title(profile)}: ${versions}`);
    const { caList, crl, cipherList } = profile;
    const cas = caList === undefined ? [] : [readText(this.#resolve(caList), 'the CA list')];
    return {
      ...this.#identity(profile),
      minVersion: versions.min,
      maxVersion: versions.max,
      // nobody is trusted because a browser would
      ca: [...cas, ...this.#folder(profile.caPath)],
      ...(crl !== undefined && { crl: readText(this.#resolve(crl), 'the CRL') }),
      ...(cipherList !== undefined && { ciphers: cipherList }),
      // a resumed session would carry what one profile found out over to another one; a client that asks for one handshake after the other costs much
      secureOptions: ssl.SSL_OP_NO_TICKET | ssl.SSL_OP_NO_RENEGOTIATION,
      honorCipherOrder: true,
    };
  }

  #folder(caPath: string | undefined): string[] {
    if (caPath === undefined) return [];
    const folder = this.#resolve(caPath);
    let names: string[];
    try {
      names = fs.readdirSync(folder);
    } catch (error) {
      throw unreadable(folder, 'the folder of CAs', error);
    }
    const texts = names.sort().map(name => path.join(folder, name));
    return texts
      .filter(file => fs.statSync(file).isFile())
      .map(file => readText(file, 'a CA'))
      .filter(text => text.includes('-----BEGIN CERTIFICATE-----'));
  }

  /** Certificate and key, when the profile has them. @throws KemiError saying which file is wrong */
  #identity(profile: TlsProfile): { cert: string; key: string } | undefined {
    if (profile.certificate === undefined) return undefined;
    const certFile = this.#resolve(profile.certificate);
    const keyFile = this.#resolve(profile.privateKey ?? profile.certificate);
    const cert = readText(certFile, 'the certificate');
    const key = readText(keyFile, 'the private key');
    const fail = (why: string, cause?: unknown) =>
      new KemiError('KEMI_ERR_CONFIG', `Cannot use ${title(profile)}: ${why}`, { cause });
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(cert);
    } catch (cause) {
      throw fail(`there is no PEM certificate in ${certFile}`, cause);
    }
    let privateKey: KeyObject;
    try {
      privateKey = createPrivateKey(key);
    } catch (cause) {
      const encrypted = /ENCRYPTED/.test(key);
      throw fail(
        encrypted
          ? `the private key in ${keyFile} is encrypted: nobody is there to ask for the passphrase`
          : `there is no PEM private key in ${keyFile}`,
        cause,
      );
    }
    if (!certificate.checkPrivateKey(privateKey))
      throw fail(`the private key ${keyFile} does not belong to the certificate ${certFile}`);
    if (Date.parse(certificate.validTo) < Date.now())
      this.#log.warn({ file: certFile }, `The certificate ${certFile} is not valid since ${certificate.validTo}`);
    return { cert, key };
  }
}

/**
 * The server's side of TLS for the connections of one listening address: give it each raw one. Follows reloads.
 * It stands on tls.Server as a thing that connections are put into, which is what it is documented for.
 */
export class TlsAcceptor {
  readonly #contexts: TlsContexts;
  readonly #address: { readonly ip: string; readonly port: number };
  readonly #timeoutMs: number;
  readonly #events: AcceptorEvents;
  /** connections whose handshake is not done, by the peer's address: that is what both sides of TLS know */
  readonly #pending = new Map<string, net.Socket>();
  #server: tls.Server;
  #generation: number;

  constructor(contexts: TlsContexts, address: { ip: string; port: number }, timeoutMs: number, events: AcceptorEvents) {
    this.#contexts = contexts;
    this.#address = address;
    this.#timeoutMs = timeoutMs;
    this.#events = events;
    this.#server = this.#make();
    this.#generation = contexts.generation;
  }

  /** @param raw an accepted connection from which nothing was read */
  accept(raw: net.Socket): void {
    if (this.#generation !== this.#contexts.generation) {
      this.#server = this.#make();
      this.#generation = this.#contexts.generation;
    }
    const key = keyOf(raw);
    this.#pending.set(key, raw);
    raw.once('close', () => this.#fail(key, raw, 'the peer went away'));
    this.#server.emit('connection', raw);
  }

  #make(): tls.Server {
    const side = this.#contexts.serverSide(this.#address);
    const server = tls.createServer({
      ...side.options,
      handshakeTimeout: this.#timeoutMs,
      allowHalfOpen: true,
    });
    server.on('secureConnection', socket => {
      const key = keyOf(socket);
      const raw = this.#pending.get(key);
      const why = side.refusal(socket);
      if (!raw || why !== undefined) {
        socket.on('error', () => {});
        socket.destroy();
        if (raw) this.#fail(key, raw, why ?? 'it is closed');
        return;
      }
      this.#pending.delete(key);
      this.#events.secured(socket, raw);
    });
    server.on('tlsClientError', (error, socket) => {
      const key = keyOf(socket);
      const raw = this.#pending.get(key);
      socket.destroy();
      if (raw) this.#fail(key, raw, error.message);
    });
    return server;
  }

  #fail(key: string, raw: net.Socket, why: string): void {
    if (this.#pending.get(key) !== raw) return;
    this.#pending.delete(key);
    raw.destroy();
    this.#events.failed(raw, why);
  }
}

const keyOf = (socket: net.Socket): string => `${socket.remoteAddress} ${socket.remotePort}`;

/** The profile that is meant: by its id, by address and name, by name alone, by address alone, the default one. */
function find(made: readonly Made[], { ip, port, serverId, serverName }: TlsTarget): Made {
  const here = made.filter(m => isAt(m.profile, { ip, port }));
  const named = (list: readonly Made[]) =>
    serverName === undefined ? undefined : list.find(m => matchesName(m.profile, serverName));
  return (
    (serverId === undefined ? undefined : made.find(m => m.profile.serverId === serverId)) ??
    named(here) ??
    named(made.filter(m => m.profile.name === 'any')) ??
    here.find(m => m.profile.serverName === undefined) ??
    here[0] ??
    made.at(-1)!
  );
}

/** The profile of an address where no name is asked for. @throws KemiError KEMI_ERR_CONFIG when it has no certificate */
function profileFor(server: readonly Made[], address: { ip: string; port: number }): Made {
  const found = find(server, address);
  if (found.profile.certificate) return found;
  throw new KemiError(
    'KEMI_ERR_CONFIG',
    `Cannot serve TLS on ${formatAddress({ proto: 'tls', ...address })}: it has no certificate; give --tls-cert FILE --tls-key FILE, or modparam("tls", "certificate", "FILE")`,
  );
}

const isAt = (profile: TlsProfile, { ip, port }: { ip: string; port: number }): boolean =>
  profile.ip === ip && profile.port === port;

/** @returns why the peer's certificate is not good enough; undefined when it is */
function refusal(socket: tls.TLSSocket, profile: TlsProfile, verify: ReturnType<typeof verifyOf>): string | undefined {
  if (verify === 'off' || verify === 'optional_no_ca') return undefined;
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return verify === 'on' ? 'the peer has no certificate' : undefined;
  if (!socket.authorized) return `the peer's certificate is not trusted: ${errorText(socket.authorizationError)}`;
  const { verifyDepth = DEFAULT_DEPTH } = profile;
  const between = intermediates(certificate);
  if (between > verifyDepth) return `the peer's certificate is not trusted: ${between} authorities between it and a CA`;
  return undefined;
}

const DEFAULT_DEPTH = 9;
const DEFAULT_CERTIFICATE = 'cert.pem';

/** node:tls says a code or an Error, whatever its types say */
const errorText = (error: unknown): string =>
  error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);

/** authorities between a certificate and the one that ends its chain */
function intermediates(certificate: X509Certificate): number {
  let count = -1;
  for (let each = certificate.issuerCertificate; each && count < 100; each = each.issuerCertificate) {
    count++;
    if (each.fingerprint256 === each.issuerCertificate?.fingerprint256) break;
  }
  return Math.max(0, count);
}

const title = ({ side, name }: TlsProfile): string => `the TLS profile [${side}:${name}]`;

const MAX_FILE_BYTES = 4 << 20;

/** @throws KemiError KEMI_ERR_CONFIG */
function readText(file: string, what: string): string {
  try {
    const stat = fs.statSync(file);
    if (!stat.isFile()) throw new Error('it is no plain file');
    if (stat.size > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES >> 20} MiB`);
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw unreadable(file, what, error);
  }
}

function unreadable(file: string, what: string, error: unknown): KemiError {
  const { code, message } = error as NodeJS.ErrnoException;
  const why = code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'not allowed' : message;
  return new KemiError('KEMI_ERR_CONFIG', `Cannot read ${what} ${file}: ${why}`, { cause: error });
}
