/**
 * Nonces: base64 of
 *
 *   0 created, seconds | 4 number | 8 instance | 12 MAC over what is before | 24 MAC over parts of the request (auth_checks_*), only with such checks
 *
 * so that none has to be remembered. What is remembered, when asked for, is which of the last ones were used (one_time_nonce), and the greatest nonce count
 * of each (nonce_count): two arrays of fixed size, indexed by the number. The instance keeps a nonce of an earlier run, or of another server with the same secret,
 * out of them.
 */
import * as L from '../../core/gen/layout.gen.ts';
import type { Core } from '../../core/load.ts';
import { type ByteStr, byteStr } from '../../core/memory.ts';
import type { Credentials, SipMsg } from '../../core/sip-msg.ts';
import type { Shared } from '../../kemi/shared/shared.ts';
import { type Hasher, sameSecret } from './digest.ts';
import { Mac } from './mac.ts';

/** bits of auth_checks_register and its kind */
const CHECK_URI = 1;
const CHECK_CALLID = 2;
const CHECK_FROM_TAG = 4;
const CHECK_SOURCE = 8;

const MAC_AT = 12;
const CHECKS_AT = 24;
const END = 32;
const FORM = /^[A-Za-z0-9+/]{32}(?:[A-Za-z0-9+/]{11}=)?$/;
const MAX_COUNT = 255;

export interface NonceOptions {
  /** any bytes; random ones when empty */
  readonly secret: ByteStr;
  /** seconds */
  readonly expire: number;
  /** seconds that a nonce may seem to come from the future */
  readonly maxDrift: number;
  readonly nonceCount: boolean;
  readonly oneTime: boolean;
  /** how many nonces are tracked, powers of 2 */
  readonly countSize: number;
  readonly oneTimeSize: number;
  readonly checks: { readonly register: number; readonly noDialog: number; readonly inDialog: number };
  /** what several runtimes have in common: they know each other's nonces */
  readonly shared?: Shared | undefined;
}

/** ok; bad: not one of ours; stale: ours, and out of use; reused: a one-time nonce that was used */
export type NonceVerdict = 'ok' | 'bad' | 'stale' | 'reused';

export class Nonces {
  readonly #by: Hasher;
  readonly #mac: Mac;
  readonly #now: () => number;
  readonly #options: NonceOptions;
  readonly #instance: ByteStr;
  /** greatest count seen of the nonce in that place */
  readonly #counts: Uint8Array | undefined;
  /** a bit for each nonce that was used */
  readonly #used: Uint8Array | undefined;
  /** number of the next nonce */
  readonly #next: Int32Array;

  constructor(by: Hasher & { readonly core: Core }, now: () => number, options: NonceOptions) {
    this.#by = by;
    this.#now = now;
    this.#options = options;
    // A longer key would have to be hashed anyway.
    this.#mac = new Mac(by.core, by.sha256(options.secret || randomBytes(32)));
    const { shared } = options;
    const ints = (name: string, count: number) => shared?.ints(`auth.${name}`, count) ?? new Int32Array(count);
    const array = (name: string, count: number) => {
      const { buffer, byteOffset } = ints(name, Math.ceil(count / 4));
      return new Uint8Array(buffer, byteOffset, count);
    };
    if (options.nonceCount) this.#counts = array('counts', options.countSize);
    if (options.oneTime) this.#used = array('used', Math.max(1, options.oneTimeSize / 8));
    this.#next = ints('next', 1);
    const instance = ints('instance', 1);
    Atomics.compareExchange(instance, 0, 0, wordAt(randomBytes(4), 0) | 1);
    this.#instance = word(instance[0]!);
  }

  get isOneTime(): boolean {
    return this.#used !== undefined;
  }

  /** A new nonce for the request. */
  issue(msg: SipMsg): ByteStr {
    const number = Atomics.add(this.#next, 0, 1) >>> 0;
    if (this.#counts) Atomics.store(this.#counts, number & (this.#options.countSize - 1), 0);
    if (this.#used) {
      const place = number & (this.#options.oneTimeSize - 1);
      Atomics.and(this.#used, place >> 3, ~(1 << (place & 7)));
    }
    const head = word(Math.floor(this.#now() / 1000)) + word(number) + this.#instance;
    const mac = this.#mac.of(head, CHECKS_AT - MAC_AT);
    return btoa(head + mac + this.#checksOf(msg, mac));
  }

  /** Judges the nonce of credentials; one that passes counts as used. */
  use(msg: SipMsg, { nonce, qop, nc }: Credentials): NonceVerdict {
    if (!FORM.test(nonce)) return 'bad';
    const bytes = atob(nonce);
    const created = wordAt(bytes, 0);
    const now = Math.floor(this.#now() / 1000);
    const { expire, maxDrift } = this.#options;
    if (now > created + expire) return 'stale';
    const mac = bytes.slice(MAC_AT, CHECKS_AT);
    if (!sameSecret(mac, this.#mac.of(bytes.slice(0, MAC_AT), CHECKS_AT - MAC_AT))) return 'bad';
    if (created > now + maxDrift) return 'stale';
    const number = wordAt(bytes, 4);
    const ours = bytes.slice(8, MAC_AT) === this.#instance;
    if (this.#counts && qop && nc !== undefined) return ours ? this.#count(number, nc) : 'stale';
    if (this.#used) {
      const verdict = ours ? this.#useOnce(number) : 'stale';
      if (verdict !== 'ok') return verdict;
    }
    const checks = this.#checksOf(msg, mac);
    return checks && !sameSecret(checks, bytes.slice(CHECKS_AT)) ? 'stale' : 'ok';
  }

  /** RFC 7616 3.4: the count of a nonce only grows */
  #count(number: number, nc: ByteStr): NonceVerdict {
    const { countSize } = this.#options;
    if (!/^[0-9a-f]{1,8}$/i.test(nc)) return 'bad';
    if (this.#isForgotten(number, countSize)) return 'stale';
    const count = Number.parseInt(nc, 16);
    const place = number & (countSize - 1);
    const counts = this.#counts!;
    for (let seen = Atomics.load(counts, place); ; ) {
      if (count > MAX_COUNT || count <= seen) return 'stale';
      const now = Atomics.compareExchange(counts, place, seen, count);
      if (now === seen) return 'ok';
      seen = now;
    }
  }

  #useOnce(number: number): NonceVerdict {
    const { oneTimeSize } = this.#options;
    if (this.#isForgotten(number, oneTimeSize)) return 'stale';
    const place = number & (oneTimeSize - 1);
    const bit = 1 << (place & 7);
    return Atomics.or(this.#used!, place >> 3, bit) & bit ? 'reused' : 'ok';
  }

  /** A later nonce has taken its place. */
  #isForgotten(number: number, size: number): boolean {
    return (Atomics.load(this.#next, 0) - 1 - number) >>> 0 >= size;
  }

  /** '' when nothing is to be checked for such a request */
  #checksOf(msg: SipMsg, mac: ByteStr): ByteStr {
    const { register, noDialog, inDialog } = this.#options.checks;
    if (!(register | noDialog | inDialog)) return '';
    const flags = msg.methodId === L.METHOD_REGISTER ? register : msg.to?.tag ? inDialog : noDialog;
    if (!flags) return '';
    const parts: ByteStr[] = [mac];
    if (flags & CHECK_URI) parts.push(msg.originalUri);
    if (flags & CHECK_CALLID) parts.push(msg.callId ?? '');
    if (flags & CHECK_FROM_TAG) parts.push(msg.from?.tag ?? '');
    if (flags & CHECK_SOURCE) parts.push(msg.srcIp);
    return this.#mac.of(this.#by.sha256(parts.map(p => `${p.length}:${p}`).join('')), END - CHECKS_AT);
  }
}

function randomBytes(count: number): ByteStr {
  return byteStr(crypto.getRandomValues(new Uint8Array(count)));
}

function word(value: number): ByteStr {
  return String.fromCharCode((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

function wordAt(bytes: ByteStr, at: number): number {
  const byte = (i: number) => bytes.charCodeAt(at + i);
  return ((byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3)) >>> 0;
}
