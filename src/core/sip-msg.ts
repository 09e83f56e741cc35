/**
 * A message in linear memory as TypeScript modules see it. Values are byte strings, made when somebody asks. All parsing and all edits happen in the
 * core: this file only reads the struct of scripts/tables/layout.ts and calls exports.
 */
import { KemiError } from '../errors.ts';
import * as L from './gen/layout.gen.ts';
import type { Core } from './load.ts';
import type { ByteStr, Memory } from './memory.ts';

/** A header field. `index` is its position in the message, for removeHeader() and the like. */
export interface Header {
  readonly index: number;
  /** L.HDR_* id, 0 when unknown */
  readonly id: number;
  /** as written, without blanks before the colon */
  readonly name: ByteStr;
  /** outer white space trimmed, folding kept as received */
  readonly body: ByteStr;
  /** offset of the name's first byte in the message */
  readonly offset: number;
  /** offset of the line that follows */
  readonly end: number;
}

/** A parsed SIP URI; absent parts are undefined, empty ones ''. */
export interface Uri {
  readonly scheme: number;
  readonly user: ByteStr | undefined;
  readonly password: ByteStr | undefined;
  readonly host: ByteStr;
  /** 0 when absent */
  readonly port: number;
  readonly portText: ByteStr | undefined;
  /** without the leading ';' */
  readonly params: ByteStr | undefined;
  /** without the '?' */
  readonly headers: ByteStr | undefined;
}

/** name-addr or addr-spec with its header parameters. */
export interface NameAddr {
  /** quotes kept as written; '' when absent */
  readonly display: ByteStr;
  readonly uri: ByteStr;
  /** header parameters without the first ';' */
  readonly params: ByteStr;
  /** '' when absent or empty */
  readonly tag: ByteStr;
}

/** Digest credentials, quotes taken off, backslashes kept; absent parameters are undefined. */
export interface Credentials {
  /** position of the header */
  readonly index: number;
  readonly username: ByteStr;
  readonly realm: ByteStr;
  readonly nonce: ByteStr;
  readonly uri: ByteStr;
  readonly response: ByteStr;
  readonly algorithm: ByteStr | undefined;
  readonly cnonce: ByteStr | undefined;
  readonly nc: ByteStr | undefined;
  readonly qop: ByteStr | undefined;
  readonly opaque: ByteStr | undefined;
}

export interface Via {
  readonly transport: ByteStr;
  readonly transportId: number;
  readonly host: ByteStr;
  /** 0 when absent */
  readonly port: number;
  readonly branch?: ByteStr;
  readonly received?: ByteStr;
  /** '' when the parameter is there without a value */
  readonly rport?: ByteStr;
  readonly params: ByteStr;
}

export class SipMsg {
  readonly core: Core;
  /** address of the struct */
  readonly at: number;
  readonly handle: number;

  constructor(core: Core, at: number) {
    this.core = core;
    this.at = at;
    this.handle = core.mem.u32(at + L.M_HANDLE);
  }

  get mem(): Memory {
    return this.core.mem;
  }

  /** @throws KemiError KEMI_ERR_STALE_MSG when the message was released */
  assertLive(): void {
    if (this.core.x.msgByHandle(this.handle) !== this.at)
      throw new KemiError('KEMI_ERR_STALE_MSG', 'Cannot use a message: it was released');
  }

  // ---- start line
  get isRequest(): boolean {
    return this.mem.u8[this.at + L.M_KIND] === 1;
  }
  get isReply(): boolean {
    return this.mem.u8[this.at + L.M_KIND] === 2;
  }
  /** L.METHOD_*; of a reply the CSeq's */
  get methodId(): number {
    if (this.isReply) return this.parsed('parseCseq') ? this.mem.u32(this.at + L.M_CSEQ + 8) : 0;
    return this.mem.u8[this.at + L.M_METHOD]!;
  }
  /** method of a request, of a reply the CSeq's */
  get method(): ByteStr {
    if (this.isReply) return this.cseq?.method ?? '';
    return this.pair(L.M_METH);
  }
  get status(): number {
    return this.mem.u16(this.at + L.M_STATUS);
  }
  get reason(): ByteStr {
    return this.pair(L.M_REASON);
  }
  get version(): ByteStr {
    return this.pair(L.M_VER);
  }
  /** request URI as received; '' in a reply */
  get originalUri(): ByteStr {
    return this.pair(L.M_URI);
  }
  /** request URI as the script left it */
  get ruri(): ByteStr {
    return this.span(L.M_NEWURI) ?? this.originalUri;
  }
  set ruri(uri: ByteStr) {
    this.setSpan(L.M_NEWURI, uri);
    const done = this.at + L.M_DONE;
    this.mem.setU32(done, this.mem.u32(done) & ~L.D_NURI);
  }
  /** drops what the script set: the request URI is the received one again */
  revertUri(): void {
    this.mem.setU32(this.at + L.M_NEWURI, 0);
    this.mem.setU32(this.at + L.M_NEWURI + 4, 0);
  }
  /** destination URI, undefined when not set */
  get dstUri(): ByteStr | undefined {
    return this.span(L.M_DSTURI);
  }
  set dstUri(uri: ByteStr | undefined) {
    this.setSpan(L.M_DSTURI, uri);
  }
  /** parts of the request URI as the script left it; undefined when it does not parse */
  get ruriParts(): Uri | undefined {
    const base = this.mem.u32(this.at + L.M_NEWURI);
    if (base) return this.parsed('parseNewUri') ? this.uriAt(this.at + L.M_NURI, base) : undefined;
    return this.parsed('parseRuri') ? this.uriAt(this.at + L.M_RURI, this.buf) : undefined;
  }

  /** port of the request URI as the script left it, 0 when it has none; without making the other parts */
  get ruriPort(): number {
    const changed = this.mem.u32(this.at + L.M_NEWURI) !== 0;
    if (!this.parsed(changed ? 'parseNewUri' : 'parseRuri')) return 0;
    return this.mem.u16(this.at + (changed ? L.M_NURI : L.M_RURI) + URI_PORT);
  }

  // ---- headers
  get headerCount(): number {
    return this.mem.u8[this.at + L.M_NHDR]!;
  }
  header(index: number): Header {
    const h = this.at + L.MSG_HDRS + index * L.HDR_SIZE;
    const { mem, buf } = this;
    const offset = mem.u16(h);
    return {
      index,
      id: mem.u8[h + L.H_ID]!,
      offset,
      end: mem.u16(h + L.H_NEXT),
      name: mem.str(buf + offset, mem.u16(h + 2)),
      body: mem.str(buf + mem.u16(h + L.H_BODY), mem.u16(h + L.H_BODY + 2)),
    };
  }
  /** all headers, in order; edits are not seen, as in Kamailio */
  *headers(): Generator<Header> {
    for (let i = 0; i < this.headerCount; i++) yield this.header(i);
  }
  /** first header with this id */
  first(id: number): Header | undefined {
    const n = this.mem.u8[this.at + L.M_FIRST + id]!;
    return n ? this.header(n - 1) : undefined;
  }
  /** value of the first header with this id: nothing else of it is made */
  firstBody(id: number): ByteStr | undefined {
    const { mem, at } = this;
    const n = mem.u8[at + L.M_FIRST + id]!;
    if (!n) return undefined;
    const h = at + L.MSG_HDRS + (n - 1) * L.HDR_SIZE + L.H_BODY;
    return mem.str(this.buf + mem.u16(h), mem.u16(h + 2));
  }
  /** headers with this name in any case or form: 'call-id', 'i' and 'Call-ID' are the same */
  named(name: ByteStr): Header[] {
    const id = headerId(name);
    const out: Header[] = [];
    const { mem, at } = this;
    const count = this.headerCount;
    if (id) {
      const first = mem.u8[at + L.M_FIRST + id]!;
      if (first) for (let i = first - 1; i < count; i++) if (this.idOf(i) === id) out.push(this.header(i));
      return out;
    }
    const lower = name.toLowerCase();
    for (let i = 0; i < count; i++) {
      if (this.idOf(i) !== 0 || mem.u16(at + L.MSG_HDRS + i * L.HDR_SIZE + 2) !== lower.length) continue;
      const header = this.header(i);
      if (header.name.toLowerCase() === lower) out.push(header);
    }
    return out;
  }
  get callId(): ByteStr | undefined {
    return this.firstBody(L.HDR_CALL_ID);
  }
  get from(): NameAddr | undefined {
    return this.parsed('parseFrom') ? this.addrAt(this.at + L.M_FROM) : undefined;
  }
  get to(): NameAddr | undefined {
    return this.parsed('parseTo') ? this.addrAt(this.at + L.M_TO) : undefined;
  }
  /** tag of From, '' when there is none: the other parts are not made */
  get fromTag(): ByteStr {
    return this.parsed('parseFrom') ? this.pair(L.M_FROM + ADDR_TAG) : '';
  }
  /** tag of To, '' when there is none */
  get toTag(): ByteStr {
    return this.parsed('parseTo') ? this.pair(L.M_TO + ADDR_TAG) : '';
  }
  get cseq(): { number: number; method: ByteStr } | undefined {
    if (!this.parsed('parseCseq')) return undefined;
    const at = this.at + L.M_CSEQ;
    return { number: this.mem.u32(at), method: this.pair(L.M_CSEQ + 4) };
  }
  get via(): Via | undefined {
    if (!this.parsed('parseVia')) return undefined;
    const o = L.M_VIA;
    const { mem, at } = this;
    return {
      transport: this.pair(o),
      transportId: mem.u16(at + o + 32),
      host: this.pair(o + 4),
      port: mem.u16(at + o + 28),
      params: this.pair(o + 24),
      branch: mem.u32(at + o + 8) ? this.pair(o + 8) : undefined,
      received: mem.u32(at + o + 12) ? this.pair(o + 12) : undefined,
      rport: mem.u16(at + o + 34) ? this.pair(o + 16) : undefined,
    };
  }
  /**
   * All addresses of the headers with this id, in order: Contact, Route, Record-Route, Path ... A Contact of `*` has that as its uri. Stops in front of the
   * first one that does not parse.
   * @param id L.HDR_*
   */
  *addresses(id: number): Generator<NameAddr> {
    const area = this.core.x.scratchArea();
    let cursor = 0;
    while ((cursor = this.core.x.nextAddr(this.at, id, cursor, area)) > 0) yield this.addrAt(area);
  }
  /** whether every address of the headers with this id parses */
  addressesParse(id: number): boolean {
    const area = this.core.x.scratchArea();
    let cursor = 0;
    while ((cursor = this.core.x.nextAddr(this.at, id, cursor, area)) > 0);
    return cursor === 0;
  }
  /** 0..255, undefined when there is none or it is not such a number */
  get maxForwards(): number | undefined {
    const value = this.core.x.maxForwards(this.at);
    return value < 0 ? undefined : value;
  }
  /** seconds, undefined when there is none or it is not a number */
  get expires(): number | undefined {
    const value = this.core.x.expires(this.at);
    return value < 0 ? undefined : value;
  }
  /**
   * Digest credentials of the headers with this id, in order; headers with another scheme, and such that do not parse, are left out.
   * @param id L.HDR_AUTHORIZATION or L.HDR_PROXY_AUTHORIZATION
   */
  *credentials(id: number): Generator<Credentials> {
    const { mem, core } = this;
    for (let i = 0; i < this.headerCount; i++) {
      const h = this.at + L.MSG_HDRS + i * L.HDR_SIZE;
      if (mem.u8[h + L.H_ID] !== id) continue;
      const at = this.buf + mem.u16(h + L.H_BODY);
      const area = core.x.scratchArea();
      if (core.x.parseCredentials(at, mem.u16(h + L.H_BODY + 2), area)) continue;
      const part = (o: number) =>
        mem.u32(area + o) ? mem.str(at + mem.u16(area + o), mem.u16(area + o + 2)) : undefined;
      const username = part(L.CRED_USERNAME);
      if (part(L.CRED_SCHEME)!.toLowerCase() !== 'digest' || username === undefined) continue;
      yield {
        index: i,
        username,
        realm: part(L.CRED_REALM) ?? '',
        nonce: part(L.CRED_NONCE) ?? '',
        uri: part(L.CRED_URI) ?? '',
        response: part(L.CRED_RESPONSE) ?? '',
        algorithm: part(L.CRED_ALGORITHM),
        cnonce: part(L.CRED_CNONCE),
        nc: part(L.CRED_NC),
        qop: part(L.CRED_QOP),
        opaque: part(L.CRED_OPAQUE),
      };
    }
  }
  /** the whole verdict of RFC 3261: 0, or the L.ST_* of the first thing that is wrong */
  get verdict(): number {
    return -this.core.x.msgStrict(this.at);
  }
  /** -1 when there is no Content-Length */
  get contentLength(): number {
    return this.mem.i32(this.at + L.M_CLEN);
  }
  /** offset of the first body byte */
  get bodyOffset(): number {
    return this.mem.u16(this.at + L.M_BODY);
  }
  /** everything behind the empty line, as received */
  get body(): ByteStr {
    const at = this.bodyOffset;
    return this.mem.str(this.buf + at, this.length - at);
  }
  get buf(): number {
    return this.mem.u32(this.at + L.M_BUF);
  }
  get length(): number {
    return this.mem.u32(this.at + L.M_LEN);
  }
  /** all bytes as received (max-forwards is counted down in place) */
  get raw(): ByteStr {
    return this.mem.str(this.buf, this.length);
  }
  slice(offset: number, length: number): ByteStr {
    return this.mem.str(this.buf + offset, length);
  }

  // ---- where it came from
  get id(): number {
    return this.mem.u32(this.at + L.M_ID);
  }
  get srcIp(): ByteStr {
    return this.span(L.M_SRCIP) ?? '';
  }
  get srcPort(): number {
    return this.mem.u16(this.at + L.M_SRCPORT);
  }
  /** L.PROTO_* */
  get proto(): number {
    return this.mem.u8[this.at + L.M_PROTO]!;
  }
  /** 4 or 6 */
  get af(): number {
    return this.mem.u8[this.at + L.M_AF]!;
  }
  /** index of the receiving socket */
  get socket(): number {
    return this.mem.u16(this.at + L.M_SOCK);
  }
  /** wall clock at arrival, milliseconds */
  get receivedMs(): number {
    return this.mem.view.getFloat64(this.at + L.M_RECVMS, true);
  }

  // ---- flags: any 32-bit field of the struct
  u32(field: number): number {
    return this.mem.u32(this.at + field);
  }
  setU32(field: number, value: number): void {
    this.mem.setU32(this.at + field, value);
  }
  setU16(field: number, value: number): void {
    this.mem.setU16(this.at + field, value);
  }

  // ---- edits: applied when the message is written; the message itself keeps its bytes
  /**
   * Puts `text` at `offset` and takes `remove` bytes away there. COPIED.
   * @param kind L.EK_*  @returns false when the message's memory is full or the removal overlaps another one
   */
  edit(offset: number, remove: number, text: ByteStr, kind: number = L.EK_TEXT): boolean {
    const src = text.length ? this.store(text) : 0;
    if (text.length && !src) return false;
    return this.core.x.editAdd(this.at, offset, remove, src, text.length, kind) >= 0;
  }
  /** Removes the whole header line. @returns false when it was removed before */
  removeHeader(index: number): boolean {
    return this.core.x.editRemoveHeader(this.at, index) >= 0;
  }
  /** Appends header text (with its CRLF) behind the last header, as hdr.append does. */
  appendHeader(text: ByteStr): boolean {
    return this.edit(this.headersEnd, 0, text, L.EK_ADD_HDR);
  }
  /** Inserts header text (with its CRLF) before the first header, as hdr.insert does. */
  insertHeader(text: ByteStr): boolean {
    return this.core.x.editInsertFirst(this.at, this.store(text), text.length) >= 0;
  }
  /** offset of the empty line: where new headers go */
  get headersEnd(): number {
    return this.headerCount ? this.header(this.headerCount - 1).end : this.bodyOffset;
  }
  /** Adds header text (with its CRLF) to the replies this message will get, as append_to_reply does. */
  addReplyHeader(text: ByteStr): boolean {
    return this.core.x.replyAdd(this.at, this.store(text), text.length) >= 0;
  }
  /**
   * Body of the reply, and its Content-Type as one more reply header; both COPIED.
   * @returns false when the reply has a body already (the first one stays) or the message's memory is full
   */
  setReplyBody(body: ByteStr, contentType: ByteStr): boolean {
    if (this.mem.u32(this.at + L.M_REPLYBODY)) return false;
    if (!this.addReplyHeader(`Content-Type: ${contentType}\r\n`)) return false;
    this.setSpan(L.M_REPLYBODY, body);
    return true;
  }
  /** COPIED into memory that lives as long as the message. @returns its address, 0 when the memory is full */
  store(text: ByteStr): number {
    if (!text.length) return 0;
    const at = this.core.x.arenaAlloc(this.at, text.length);
    if (at) this.mem.putStr(at, text);
    return at;
  }
  /** The message with its edits applied: what msg_apply_changes would make of it. */
  applied(): ByteStr {
    const length = this.core.x.msgWrite(this.at);
    return length < 0 ? this.raw : this.mem.str(this.core.x.outArea(), length);
  }

  // ---- struct access
  private idOf(index: number): number {
    return this.mem.u8[this.at + L.MSG_HDRS + index * L.HDR_SIZE + L.H_ID]!;
  }
  private parsed(fn: 'parseRuri' | 'parseNewUri' | 'parseFrom' | 'parseTo' | 'parseVia' | 'parseCseq'): boolean {
    return this.core.x[fn](this.at) === 0;
  }
  private pair(field: number): ByteStr {
    return this.mem.str(this.buf + this.mem.u16(this.at + field), this.mem.u16(this.at + field + 2));
  }
  private span(field: number): ByteStr | undefined {
    const at = this.mem.u32(this.at + field);
    return at ? this.mem.str(at, this.mem.u32(this.at + field + 4)) : undefined;
  }
  private setSpan(field: number, text: ByteStr | undefined): void {
    const src = text === undefined ? 0 : text.length ? this.store(text) : this.buf;
    this.mem.setU32(this.at + field, src);
    this.mem.setU32(this.at + field + 4, src ? text!.length : 0);
  }
  private addrAt(area: number): NameAddr {
    const { mem, buf } = this;
    const part = (o: number) => mem.str(buf + mem.u16(area + o), mem.u16(area + o + 2));
    return { display: part(0), uri: part(4), params: part(8), tag: part(12) };
  }
  private uriAt(area: number, base: number): Uri {
    return readUri(this.mem, area, base);
  }
}

/** Reads the `uri` area that a URI parser filled. */
export function readUri(mem: Memory, area: number, base: number): Uri {
  // one shape for all: a property that is only sometimes there makes V8 keep a kind of object for each mixture
  return {
    scheme: mem.u16(area),
    port: mem.u16(area + URI_PORT),
    host: partOf(mem, area + 12, base) ?? '',
    user: partOf(mem, area + 4, base),
    password: partOf(mem, area + 8, base),
    params: partOf(mem, area + 16, base),
    headers: partOf(mem, area + 20, base),
    portText: partOf(mem, area + 24, base),
  };
}

/** @param at of a pair of offset and length, both 0 when there is no such part */
function partOf(mem: Memory, at: number, base: number): ByteStr | undefined {
  return mem.u32(at) ? mem.str(base + mem.u16(at), mem.u16(at + 2)) : undefined;
}

/** offset of the port in the area of a URI */
const URI_PORT = 2;
/** offset of the tag in the area of an address */
const ADDR_TAG = 12;

const IDS = new Map(L.HEADER_NAMES.map((name, id) => [name, id]));

/** Header id of a name in any case or form, 0 when it is not one of the known. */
export function headerId(name: ByteStr): number {
  const lower = name.toLowerCase();
  return (lower.length === 1 ? L.COMPACT_NAMES[lower] : IDS.get(lower)) ?? 0;
}
