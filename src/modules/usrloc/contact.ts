/** One registered contact and the record it belongs to. Plain fields, no closures: there may be hundreds of thousands of them. */
import type { ByteStr } from '../../core/memory.ts';
import type { XavpList } from '../pv/api.ts';

/** what the database knows of a contact: nothing yet; all; an older state */
export const CS_NEW = 0;
export const CS_SYNC = 1;
export const CS_DIRTY = 2;
/** what the database knows of it is not asked for: it was taken out of its record */
export const CS_GONE = 3;

/** internal flag of a contact that is never written to the database */
export const FL_MEM = 1;

/** q when neither the contact nor the configuration gave one */
export const Q_NONE = -1;
/** methods when the REGISTER had no Allow: any */
export const ALL_METHODS = -1;

/** What a REGISTER says of a contact, and what storage keeps of it. */
export interface Binding {
  /** URI of the contact, as it came, without brackets */
  readonly uri: ByteStr;
  /** wall clock, seconds since 1970, when it ends; 0 never */
  readonly expires: number;
  /** 0..1000, q times 1000, or Q_NONE */
  readonly q: number;
  readonly callId: ByteStr;
  readonly cseq: number;
  /** internal flags */
  readonly flags: number;
  /** branch flags */
  readonly cflags: number;
  /** 32 bits, signed: what Kamailio's numbers of methods come to (see registrar/methods.ts), ALL_METHODS when none was said */
  readonly methods: number;
  readonly userAgent: ByteStr;
  /** URI that the REGISTER really came from */
  readonly received: ByteStr | undefined;
  /** addresses of the Path headers, joined with commas */
  readonly path: ByteStr | undefined;
  /** local socket as proto:address:port */
  readonly socket: ByteStr | undefined;
  readonly instance: ByteStr | undefined;
  readonly regId: number;
  readonly serverId: number;
  /** 0 none */
  readonly connectionId: number;
  /** wall clock, seconds */
  readonly lastModified: number;
  /** attributes kept with the contact (modparam xavp_contact) */
  readonly xavp: XavpList | undefined;
}

const NONE: readonly Contact[] = [];

/**
 * All contacts of one address of record in one table, best first. Most users have one contact: it takes no array, which would be one more place in memory
 * to fetch for each lookup.
 */
export class UserRecord {
  /** user, or user@domain with use_domain */
  readonly aor: ByteStr;
  /** name of the table */
  readonly domain: ByteStr;
  private one: Contact | undefined = undefined;
  /** instead of `one`, when there were two */
  private many: Contact[] | undefined = undefined;
  /** what the core keeps of lookup(), see lookup-cache.ts; 0 nothing */
  answer = 0;

  constructor(domain: ByteStr, aor: ByteStr) {
    this.domain = domain;
    this.aor = aor;
  }

  get contacts(): readonly Contact[] {
    return this.many ?? (this.one ? [this.one] : NONE);
  }

  get size(): number {
    return this.many ? this.many.length : this.one ? 1 : 0;
  }

  /** The contact at a place, best first. */
  at(place: number): Contact | undefined {
    if (this.many) return this.many[place];
    return place === 0 ? this.one : undefined;
  }

  /** Puts a contact in front of the one at `at`. */
  insert(at: number, contact: Contact): void {
    if (this.many) this.many.splice(at, 0, contact);
    else if (!this.one) this.one = contact;
    else {
      this.many = at === 0 ? [contact, this.one] : [this.one, contact];
      this.one = undefined;
    }
  }

  /** @returns false when it is not among them */
  remove(contact: Contact): boolean {
    if (!this.many) {
      if (this.one !== contact) return false;
      this.one = undefined;
      return true;
    }
    const at = this.many.indexOf(contact);
    if (at >= 0) this.many.splice(at, 1);
    return at >= 0;
  }
}

/**
 * A text that is kept for long, in one piece: texts read from a message are ropes of single characters, ten times as large, until something looks into
 * them.
 */
export function kept<T extends ByteStr | undefined>(text: T): T {
  // The search makes it one piece; its result must be used, or the compiler leaves the search out.
  if (text !== undefined && text.indexOf('\n') > text.length) throw new RangeError('kept() found what cannot be');
  return text;
}

/** What lookup() reads comes first: it lies together in memory, and there may be very many contacts. */
export class Contact implements Binding {
  record: UserRecord;
  uri: ByteStr;
  expires: number;
  q: number;
  cflags: number;
  methods: number;
  received: ByteStr | undefined;
  path: ByteStr | undefined;
  socket: ByteStr | undefined;
  /** unique among all servers and restarts */
  readonly ruid: ByteStr;
  instance: ByteStr | undefined;
  userAgent: ByteStr;
  connectionId: number;
  callId: ByteStr;
  cseq: number;
  flags: number;
  regId: number;
  serverId: number;
  lastModified: number;
  /** wall clock, seconds: when it was last known to be alive */
  lastKeepalive: number;
  /** microseconds of the last keepalive round trip, 0 unknown */
  roundTripUs: number;
  xavp: XavpList | undefined;
  state: number;
  /** place in the expiry wheel */
  bucket: number;
  before: Contact | undefined;
  after: Contact | undefined;

  constructor(record: UserRecord, ruid: ByteStr, b: Binding) {
    this.record = record;
    this.uri = kept(b.uri);
    this.expires = b.expires;
    this.q = b.q;
    this.cflags = b.cflags;
    this.methods = b.methods;
    this.received = kept(b.received);
    this.path = kept(b.path);
    this.socket = b.socket;
    this.ruid = kept(ruid);
    this.instance = kept(b.instance);
    this.userAgent = b.userAgent;
    this.connectionId = b.connectionId;
    this.callId = kept(b.callId);
    this.cseq = b.cseq;
    this.flags = b.flags;
    this.regId = b.regId;
    this.serverId = b.serverId;
    this.lastModified = b.lastModified;
    this.lastKeepalive = b.lastModified;
    this.roundTripUs = 0;
    this.xavp = b.xavp;
    this.state = CS_NEW;
    this.bucket = -1;
    this.before = undefined;
    this.after = undefined;
  }
}
