/**
 * NAT pings: four zero bytes or a SIP request to registered contacts, so that NATs keep their bindings. All contacts are reached once in an interval: each
 * second has its share, and of a share only so many go out at once that messages are not kept waiting.
 */
import type { ByteStr } from '../../core/memory.ts';
import { byteStr, bytesOf } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { ModuleHost, Socket, Timer } from '../../kemi/host.ts';
import { numericHost } from '../../kemi/ip.ts';
import { isHeaderText } from '../../kemi/record-route.ts';
import { splitOutside } from '../../kemi/scan.ts';
import { NoTarget, type Target } from '../../kemi/targets.ts';
import { PROTOCOLS, secondVia, targetOf } from '../core/api.ts';
import type { PingContact, PingSource } from './api.ts';
import { bracketed } from './source.ts';

const TICK_MS = 1000;
/** pings sent in one go, and the pause behind them */
const BATCH = 200;
const PAUSE_MS = 5;
/** contacts that wait for their ping; what is above is left for the next interval */
const MAX_WAITING = 200_000;
const MAC_CHARS = 10;
const ZEROS = new Uint8Array(4);

export interface PingOptions {
  /** seconds, 0 off */
  readonly interval: number;
  readonly natedOnly: boolean;
  /** masks of branch flags, 0 none */
  readonly sipFlag: number;
  readonly disableFlag: number;
  /** URI of From, '' when no SIP requests are sent */
  readonly from: ByteStr;
  readonly method: ByteStr;
  /** seconds without an answer, 0 never */
  readonly timeoutSec: number;
  readonly filterServerId: boolean;
  /** the socket that all UDP pings leave by, where the configuration names one */
  readonly socket: Socket | undefined;
}

export class Pinger {
  /** nathelper.enable_ping */
  enabled = true;
  readonly #host: ModuleHost;
  readonly #options: PingOptions;
  readonly #key: ByteStr;
  #timer: Timer | undefined;
  #second = 0;
  #count = 0;
  #known: PingSource | undefined;
  #waiting: PingContact[] = [];
  #sending = false;

  constructor(host: ModuleHost, options: PingOptions) {
    this.#host = host;
    this.#options = options;
    let key = '';
    for (let i = 0; i < 8; i++) key += Math.floor(host.random() * 0x1_0000_0000).toString(16);
    // the answer to a ping may come to another worker than the one that pings
    this.#key = host.shared ? byteStr(host.secret('nathelper.ping')) : key;
    host.stats.define('nathelper', 'pings_sent');
    host.stats.define('nathelper', 'pings_answered');
    if (options.interval > 0 && (host.shared?.worker ?? 0) === 0) this.#timer = host.every(TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#waiting = [];
  }

  /** Whether pings are SIP requests, for this contact. */
  #bySip(contact: PingContact): boolean {
    const { from, natedOnly, sipFlag } = this.#options;
    if (!from || !sipFlag) return false;
    return !natedOnly || (contact.cflags & sipFlag) !== 0;
  }

  #source(): PingSource | undefined {
    if (this.#known) return this.#known;
    const source = this.#host.module<PingSource>('usrloc');
    if (!source) {
      this.#host.log.error({}, 'Cannot ping contacts: module usrloc is not loaded');
      this.stop();
      return undefined;
    }
    const { timeoutSec, from, sipFlag, natedOnly } = this.#options;
    // A contact that gets zero bytes never answers: only those that get requests may be judged by their silence.
    if (timeoutSec > 0 && from && sipFlag)
      source.setKeepaliveTimeout(timeoutSec, natedOnly ? source.natFlag | sipFlag : 0);
    this.#known = source;
    return source;
  }

  #tick(): void {
    const part = this.#second++ % this.#options.interval;
    const source = this.enabled ? this.#source() : undefined;
    if (!source) return;
    const flags = this.#options.natedOnly ? source.natFlag : 0;
    const found = source.pingTargets(flags, part, this.#options.interval);
    if (!(found instanceof Promise)) this.#enqueue(found);
    else
      found.then(
        contacts => this.#enqueue(contacts),
        (error: unknown) => this.#host.log.error({ err: error }, 'Cannot read the contacts to ping'),
      );
  }

  #enqueue(contacts: readonly PingContact[]): void {
    const { disableFlag, filterServerId } = this.#options;
    const serverId = this.#known?.serverId ?? 0;
    for (const contact of contacts) {
      if (contact.cflags & disableFlag || (filterServerId && contact.serverId !== serverId)) continue;
      if (this.#waiting.length >= MAX_WAITING) {
        this.#host.log.warn(
          { limit: MAX_WAITING },
          'Cannot ping all contacts in time: the rest waits for the next interval',
        );
        break;
      }
      this.#waiting.push(contact);
    }
    if (!this.#sending) this.#sendSome();
  }

  #sendSome(): void {
    for (const contact of this.#waiting.splice(0, BATCH)) this.#ping(contact);
    this.#sending = this.#waiting.length > 0;
    if (this.#sending) this.#host.after(PAUSE_MS, () => this.#sendSome());
  }

  #ping(contact: PingContact): void {
    const sip = this.#bySip(contact);
    const path = sip ? firstUri(contact.path) : undefined;
    const to = path ?? contact.received ?? contact.uri;
    const send = (target: Target | NoTarget) => {
      if (target instanceof NoTarget) {
        this.#host.log.debug({ uri: to, why: target.why }, `Cannot ping "${to}": ${target.why}`);
        return;
      }
      // a connection needs no ping: it keeps its own binding
      if (target.proto !== 'udp') return;
      const socket = this.#socketFor(contact, target);
      if (!socket) return;
      const bytes = sip ? this.#request(contact, socket) : ZEROS;
      if (bytes && this.#host.send(bytes, { socket: socket.index, proto: 'udp', ip: target.ip, port: target.port }))
        this.#host.stats.add('nathelper', 'pings_sent');
    };
    const target = targetOf(this.#host, to);
    if (target instanceof Promise) void target.then(send);
    else send(target);
  }

  #socketFor(contact: PingContact, target: Target): Socket | undefined {
    const { sockets } = this.#host;
    const fits = (s: Socket | undefined): s is Socket =>
      s !== undefined && s.proto === 'udp' && s.ip.includes(':') === (target.family === 6);
    const stored = contact.socket ? socketNamed(sockets, contact.socket) : undefined;
    for (const socket of [this.#options.socket, stored]) if (fits(socket)) return socket;
    return sockets.find(fits);
  }

  #request(contact: PingContact, socket: Socket): Uint8Array | undefined {
    const { method, from } = this.#options;
    const { uri, path } = contact;
    if (!isHeaderText(uri) || !isHeaderText(path ?? '')) return undefined;
    const id = `${Math.floor(this.#host.monotonic()).toString(16)}.${(this.#count++ >>> 0).toString(16)}`;
    const tag = this.#tag(contact.ruid, id);
    const host = `${bracketed(socket.advertisedIp ?? socket.ip)}`;
    const to = /[;?,]/.test(uri) ? `<${uri}>` : uri;
    const lines = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${host}:${socket.advertisedPort ?? socket.port};branch=z9hG4bK${tag.slice(-MAC_CHARS)}${id}`,
      ...(path ? [`Route: ${path}`] : []),
      `From: ${/[;?,]/.test(from) ? `<${from}>` : from};tag=${tag}`,
      `To: ${to}`,
      `Call-ID: ${this.#host.md5(`${this.#key}${id}`).slice(0, 16)}-${id}@${host}`,
      `CSeq: 1 ${method}`,
      'Max-Forwards: 70',
      'Content-Length: 0',
    ];
    return bytesOf(`${lines.join('\r\n')}\r\n\r\n`);
  }

  /** ruid, then what shows that we made it: nobody else can say that a contact is alive */
  #tag(ruid: ByteStr, id: ByteStr): ByteStr {
    return `${ruid}-${id}-${this.#host.md5(`${this.#key}/${ruid}/${id}`).slice(0, MAC_CHARS)}`;
  }

  /** @returns whether the reply answers a ping of ours: then nobody else has to see it */
  takeReply(msg: SipMsg): boolean {
    if (!this.#options.from || msg.method !== this.#options.method) return false;
    const tag = msg.from?.tag ?? '';
    const m = /^(.+)-([0-9a-f]+)\.([0-9a-f]+)-[0-9a-f]+$/.exec(tag);
    if (!m || tag !== this.#tag(m[1]!, `${m[2]}.${m[3]}`) || secondVia(msg) !== undefined) return false;
    if (msg.status < 200) return true;
    this.#host.stats.add('nathelper', 'pings_answered');
    const roundTripMs = Math.max(0, this.#host.monotonic() - Number.parseInt(m[2]!, 16));
    this.#source()?.keepalive(m[1]!, Math.round(roundTripMs * 1000));
    return true;
  }
}

/** URI of the first address of a Path */
function firstUri(path: ByteStr | undefined): ByteStr | undefined {
  if (!path) return undefined;
  const first = splitOutside(path, ',')[0]!.text;
  return /<([^>]*)>/.exec(first)?.[1] ?? first.trim();
}

/** The listening socket that `[proto:]address[:port]` names. */
export function socketNamed(sockets: readonly Socket[], text: ByteStr): Socket | undefined {
  const m = /^(?:([a-z]{2,4}):)?(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(text);
  const ip = m && (numericHost(m[2]!)?.ip ?? m[2]!);
  const proto = m?.[1]?.toLowerCase() ?? 'udp';
  if (!m || !Object.hasOwn(PROTOCOLS, proto)) return undefined;
  return sockets.find(s => s.proto === proto && s.ip === ip && (!m[3] || s.port === Number(m[3])));
}
