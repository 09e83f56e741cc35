/** State of module registrar in one runtime, and what its functions share. */
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { KemiError } from '../../errors.ts';
import { type Awaitable, DbError } from '../../kemi/db.ts';
import { eventRoute } from '../../kemi/event-route.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import type { Pv } from '../../kemi/pv-types.ts';
import type { Call } from '../../kemi/table.ts';
import { bracketed, varsOf, XavpList } from '../pv/api.ts';
import { attempt, type Contact, DB_ONLY, isValid, type Usrloc } from '../usrloc/api.ts';
import { OUTBOUND_OFF, type Settings } from './params.ts';
import { fillUlc } from './ulc.ts';

/** profile of $ulc that holds the contact of the event usrloc:contact-expired */
const EXPIRED_PROFILE = 'exp';
/** User-Agents that are remembered */
const MAX_SHARED = 1024;
const EXPIRED_EVENT = 'usrloc:contact-expired';

export class RegistrarState {
  readonly settings: Settings;
  readonly usrloc: Usrloc;
  readonly host: ModuleHost;
  /** whether saveUsual() may be tried: no modparam asks for what it does not do */
  readonly usual: boolean;
  /** whether lookup() may take an answer from before: no modparam makes it depend on more than the user, the time and the method */
  readonly keepsLookups: boolean;
  /** whether contacts are in memory: what is stored of a record is there at once, and cannot fail */
  readonly inMemory: boolean;
  /** what the core is asked for when it reads addresses of record: bits 1 users of different case are different, 2 they have a domain */
  readonly wants: number;
  /** likewise for lookup(): bit 4 contacts are chosen by their methods */
  readonly lookupWants: number;
  accepted = 0;
  rejected = 0;
  /** texts of the sockets by index, as they are stored */
  readonly sockets: readonly ByteStr[];
  readonly #texts = new Map<ByteStr, ByteStr>();
  /** q of set_q_override(), and the message that it is for */
  #q: { handle: number; q: number } | undefined;
  #receivedPv: Pv | undefined;
  #callidPv: Pv | undefined;

  /** @throws KemiError KEMI_ERR_CONFIG without usrloc */
  constructor(host: ModuleHost, settings: Settings) {
    const usrloc = host.module<Usrloc>('usrloc');
    if (!usrloc)
      throw new KemiError('KEMI_ERR_CONFIG', 'Cannot load module registrar: it needs module usrloc before it');
    this.host = host;
    this.settings = settings;
    this.usrloc = usrloc;
    usrloc.caseSensitive = settings.caseSensitive;
    const s = settings;
    this.usual =
      usrloc.atOnce &&
      usrloc.xavpContact === '' &&
      s.outboundMode === OUTBOUND_OFF &&
      s.defaultExpiresRange === 0 &&
      s.expiresRange === 0 &&
      !s.refuseBrief &&
      s.sockFlag === 0 &&
      s.xavpCfg === '' &&
      s.realmPrefix === '';
    this.keepsLookups = usrloc.xavpContact === '' && s.xavpRcd === '' && !s.useExpired && !s.flagFilter;
    this.inMemory = usrloc.dbMode !== DB_ONLY;
    this.wants = (s.caseSensitive ? 1 : 0) | (usrloc.useDomain ? 2 : 0);
    this.lookupWants = this.wants | (s.methodFiltering ? 4 : 0);
    this.sockets = host.sockets.map(s => {
      const ip = settings.advertised ? (s.advertisedIp ?? s.ip) : s.ip;
      const port = settings.advertised ? (s.advertisedPort ?? s.port) : s.port;
      return `${s.proto}:${bracketed(ip)}:${port}`;
    });
    const define = (name: string, read: () => number) => host.stats.define('registrar', name, read);
    const setting = (name: string, read: () => number) => host.stats.define('registrar', name, read, true);
    define('accepted_regs', () => this.accepted);
    define('rejected_regs', () => this.rejected);
    setting('max_expires', () => settings.maxExpiresSec);
    setting('max_contacts', () => settings.maxContacts);
    setting('default_expire', () => settings.defaultExpiresSec);
    setting('default_expires_range', () => settings.defaultExpiresRange);
    setting('expires_range', () => settings.expiresRange);
    const { eventCallback } = settings;
    if (eventCallback || host.native)
      usrloc.onExpired(contact => {
        const route = eventRoute(host, eventCallback, EXPIRED_EVENT);
        if (!route) return;
        fillUlc(host, EXPIRED_PROFILE, contact.record, [contact]);
        host.runRoute(route, EXPIRED_EVENT);
      });
  }

  /** From now on save() of this message stores its contacts with this q. */
  setQOverride(msg: SipMsg, q: number): void {
    this.#q = { handle: msg.handle, q };
  }

  qOverride(msg: SipMsg): number | undefined {
    return this.#q?.handle === msg.handle ? this.#q.q : undefined;
  }

  /** The same text for the same text: phones of one kind all say who they are. */
  shared(text: ByteStr): ByteStr {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= MAX_SHARED) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }

  /** wall clock, seconds */
  now(): number {
    return Math.floor(this.host.now() / 1000);
  }

  /** whether lookup() and the like may use it */
  usable(contact: Contact, nowSec: number): boolean {
    return this.settings.useExpired || isValid(contact, nowSec);
  }

  /** text of received_avp of the message at hand */
  receivedAvp(): ByteStr | undefined {
    const { receivedAvp } = this.settings;
    if (!receivedAvp) return undefined;
    const value = (this.#receivedPv ??= this.host.pv(receivedAvp))?.get();
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  callidAvp(): ByteStr | undefined {
    const { regCallidAvp } = this.settings;
    if (!regCallidAvp) return undefined;
    const value = (this.#callidPv ??= this.host.pv(regCallidAvp))?.get();
    return typeof value === 'string' ? value : undefined;
  }

  /** Field of the xavp that xavp_cfg names, of the message at hand. */
  config(name: ByteStr): number | ByteStr | undefined {
    const { xavpCfg } = this.settings;
    if (!xavpCfg) return undefined;
    const list = varsOf(this.host).xavps.find(xavpCfg)?.value;
    const value = list instanceof XavpList ? list.find(name)?.value : undefined;
    return value instanceof XavpList ? undefined : value;
  }
}

export type C = Call<RegistrarState>;

/** Runs fn with `msg` as the message at hand, which another one may have become while something was waited for. */
export function withMessage<T>(host: ModuleHost, msg: SipMsg, fn: () => T): T {
  const { x } = host.core;
  const before: number = x.currentMsg();
  if (before === msg.at) return fn();
  msg.assertLive();
  x.setMsg(msg.at);
  try {
    return fn();
  } finally {
    x.setMsg(before);
  }
}

/** As usrloc's after(): fn runs with the message at hand, now or then. */
export function onMessage<T, U>(
  host: ModuleHost,
  msg: SipMsg,
  value: Awaitable<T>,
  fn: (value: T) => Awaitable<U>,
): Awaitable<U> {
  if (!(value instanceof Promise)) return fn(value);
  return value.then(v => withMessage(host, msg, () => fn(v)));
}

/**
 * Opens the table and runs fn.
 * @returns what fn returns; `none` when there is no such table; `failed` when the database failed
 */
export function onTable(
  call: C,
  table: ByteStr,
  none: number,
  failed: number,
  fn: () => Awaitable<number>,
): Awaitable<number> {
  const { host, state, msg } = call;
  const run = (): Awaitable<number> =>
    attempt(
      fn,
      result => result,
      error => {
        if (!(error instanceof DbError)) throw error;
        host.log.error({ err: error, table }, `Cannot use table ${table}`);
        return failed;
      },
    );
  const open = state.usrloc.open(table);
  if (open === true) return run();
  return onMessage(host, msg, open, ok => {
    if (ok) return run();
    host.log.error({ table }, `Cannot find table ${table}`);
    return none;
  });
}
