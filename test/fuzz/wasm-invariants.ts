/** What must hold for any bytes. Throws with what did not. */
import * as L from '../../src/core/gen/layout.gen.ts';
import type { Core } from '../../src/core/load.ts';
import { tellSockets } from '../../src/kemi/record-route.ts';
import { bytesAt, output, place } from '../support/core.ts';

const SLACKS = [0x00, 0x0d, 0x3b, 0x22];
const SOURCE_IP = '192.0.2.99';
const VIA_LINE = 'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKfuzz\r\n';
const REASON = 'Because';
/** fields with pairs, valid when the parser that fills them returned 0 */
const LAZY: [parser: string, field: number, pairs: number[]][] = [
  ['parseRuri', L.M_RURI, [4, 8, 12, 16, 20, 24]],
  ['parseFrom', L.M_FROM, [0, 4, 8, 12]],
  ['parseTo', L.M_TO, [0, 4, 8, 12]],
  ['parseVia', L.M_VIA, [0, 4, 8, 12, 16, 20, 24]],
  ['parseCseq', L.M_CSEQ, [4]],
];
const LISTS = [L.HDR_CONTACT, L.HDR_ROUTE, L.HDR_RECORD_ROUTE, L.HDR_PATH, L.HDR_FROM, L.HDR_TO];

export interface Counters {
  messages: number;
  indexed: number;
  checked: number;
  valid: number;
}

export class Checker {
  readonly core: Core;
  readonly counters: Counters = { messages: 0, indexed: 0, checked: 0, valid: 0 };
  #via: number;
  #reason: number;
  #area: number;
  /** pseudo-random choices of edits */
  #random: (n: number) => number;

  constructor(core: Core, random: (n: number) => number) {
    this.core = core;
    this.#via = bytesAt(core, VIA_LINE);
    this.#reason = bytesAt(core, REASON);
    this.#area = core.lua.malloc(64);
    this.#random = random;
    core.hooks.isMyself = (_at, length, port) => ((length + port) & 1 ? 1 : 0);
    tellSockets(core, [{ index: 0, proto: 'udp', ip: '192.0.2.1', port: 5060 }]);
    const user = bytesAt(core, 'bobsip:bob@192.0.2.4');
    core.x.lookupKeep(1, 1, user, 3, 17, -1, 0, 0, -1);
  }

  /** All invariants on one message. */
  check(text: string): void {
    this.counters.messages++;
    let before: string | undefined;
    for (const slack of SLACKS) {
      const dump = this.#onSlack(text, slack);
      if (before !== undefined && dump !== before)
        throw new Error(`the bytes behind the message change the result:\n${before}\n${dump}`);
      before = dump;
    }
    this.#write(text);
    if (this.core.x.msgLive() !== 0) throw new Error(`${this.core.x.msgLive()} slots are not free`);
  }

  /** Parses everything there is to parse. @returns all of it as text */
  #onSlack(text: string, slack: number): string {
    const { x, mem } = this.core;
    const msg = place(this.core, text, slack);
    const inside = (at: number, what: string): string => {
      const off = mem.u16(at);
      const length = mem.u16(at + 2);
      if (off + length > text.length) throw new Error(`${what} ends at ${off + length}, the message at ${text.length}`);
      return `${off}+${length}`;
    };
    const dump: (string | number)[] = [x.msgIndex(msg)];
    for (const field of [L.M_KIND, L.M_METHOD, L.M_NHDR, L.M_FLAGS]) dump.push(mem.u8[msg + field]!);
    for (const field of [L.M_METH, L.M_URI, L.M_VER, L.M_REASON]) dump.push(inside(msg + field, 'start line'));
    dump.push(mem.u16(msg + L.M_ERR), mem.u16(msg + L.M_ERROFF), mem.u16(msg + L.M_STATUS), mem.u16(msg + L.M_BODY));
    dump.push(mem.i32(msg + L.M_CLEN));
    const count = mem.u8[msg + L.M_NHDR]!;
    let end = 0;
    for (let i = 0; i < count; i++) {
      const h = msg + L.MSG_HDRS + i * L.HDR_SIZE;
      dump.push(
        inside(h, 'header name'),
        inside(h + L.H_BODY, 'header value'),
        mem.u16(h + L.H_NEXT),
        mem.u8[h + L.H_ID]!,
      );
      if (mem.u16(h) < end || mem.u16(h + L.H_NEXT) <= mem.u16(h))
        throw new Error(`header ${i} is not behind the one before`);
      end = mem.u16(h + L.H_NEXT);
    }
    if (end > text.length) throw new Error('the last header ends behind the message');
    for (const [parser, field, pairs] of LAZY) {
      const status = x[parser](msg);
      dump.push(parser, status);
      if (status === 0) for (const pair of pairs) dump.push(inside(msg + field + pair, parser));
      if (x[parser](msg) !== status) throw new Error(`${parser} changes its mind`);
    }
    for (const id of LISTS) {
      let cursor = 0;
      for (;;) {
        const next = x.nextAddr(msg, id, cursor, this.#area);
        dump.push(next);
        if (next <= 0) break;
        if (next <= cursor) throw new Error('nextAddr does not move on');
        for (const pair of [0, 4, 8, 12]) dump.push(inside(this.#area + pair, 'address'));
        cursor = next;
      }
    }
    for (let i = 0; i < count; i++) {
      const h = msg + L.MSG_HDRS + i * L.HDR_SIZE;
      const at = mem.u32(msg + L.M_BUF) + mem.u16(h + L.H_BODY);
      const length = mem.u16(h + L.H_BODY + 2);
      const status = x.parseCredentials(at, length, this.#area);
      dump.push(status);
      if (status === 0) {
        for (let pair = 0; pair < L.CRED_SIZE; pair += 4)
          if (mem.u16(this.#area + pair) + mem.u16(this.#area + pair + 2) > length)
            throw new Error('credentials outside');
      }
      for (const parser of ['parseUriAt', 'parseAddrAt', 'parseViaAt']) dump.push(x[parser](at, length, this.#area));
    }
    dump.push(x.maxForwards(msg), x.expires(msg), x.msgCheck(msg), x.msgStrict(msg), x.msgSummary(msg, this.#area));
    for (let pair = 0; pair < 24; pair += 4) inside(this.#area + pair, 'summary');
    x.msgFree(msg);
    return dump.join(' ');
  }

  /** Writes it in every way, with random edits too. */
  #write(text: string): void {
    const { x, mem, lua } = this.core;
    const msg = place(this.core, text);
    const index = x.msgIndex(msg);
    const checked = index || x.msgCheck(msg);
    if (index === 0) this.counters.indexed++;
    if (checked === 0) this.counters.checked++;
    if (checked === 0 && x.msgStrict(msg) === 0) this.counters.valid++;
    const ip = x.arenaAlloc(msg, SOURCE_IP.length);
    mem.putStr(ip, SOURCE_IP);
    mem.setU32(msg + L.M_SRCIP, ip);
    mem.setU32(msg + L.M_SRCIP + 4, SOURCE_IP.length);
    mem.view.setUint16(msg + L.M_SRCPORT, 5062, true);
    if (this.#random(2)) mem.setU32(msg + L.M_MFLAGS, L.MFL_FORCE_RPORT);

    const length = mem.i32(msg + L.M_CLEN);
    const end = length < 0 ? text.length : Math.min(text.length, mem.u16(msg + L.M_BODY) + length);
    if (output(this.core, x.msgWrite(msg)) !== text.slice(0, end))
      throw new Error('msgWrite without edits changes bytes');

    const isRequest = mem.u8[msg + L.M_KIND] === 1;
    const reply = x.replyBuild(msg, 404, this.#reason, REASON.length);
    if (reply >= 0 && checked === 0 && isRequest) this.#again(reply, 'reply');
    if (checked === 0) {
      const forward = x.msgForward(msg, this.#via, VIA_LINE.length, -1);
      if (isRequest) this.#again(forward, 'forwarded request');
      if (!isRequest) output(this.core, x.msgReplyForward(msg));
    } else {
      x.msgForward(msg, this.#via, VIA_LINE.length, -1);
      x.msgReplyForward(msg);
    }

    const edits: [off: number, del: number, add: string][] = [];
    for (let n = this.#random(6); n > 0; n--) {
      const off = this.#random(end + 1);
      const del = this.#random(3) ? 0 : Math.min(this.#random(30), text.length - off);
      const add = 'x'.repeat(this.#random(20));
      const src = x.arenaAlloc(msg, add.length + 1);
      mem.putStr(src, add);
      // header text kind: Content-Length does not follow
      const kind = del ? L.EK_REMOVE_HDR : L.EK_ADD_HDR;
      if (off + del <= mem.u16(msg + L.M_BODY) && x.editAdd(msg, off, del, src, add.length, kind) >= 0)
        edits.push([off, del, add]);
    }
    const edited = output(this.core, x.msgWrite(msg));
    if (edited !== reference(text.slice(0, end), edits))
      throw new Error(`edits ${JSON.stringify(edits)} come out wrong`);
    x.msgForward(msg, this.#via, VIA_LINE.length, -1);
    x.msgReplyForward(msg);
    this.#route(msg);
    x.msgFree(msg);
    if (lua.memory.buffer.byteLength > 64 << 20) throw new Error('the memory grows');
  }

  /** What routing reads of it and changes in it: any message comes this far when the script does not look. */
  #route(msg: number): void {
    const { x, mem } = this.core;
    for (const found of [x.msgTarget(msg), x.answerTarget(msg)])
      if (found < L.TG_BAD_TRANSPORT || (found > 0 && (found & (L.TG_NEW - 1)) > L.TG_COUNT))
        throw new Error(`a target ${found}`);
    const bits = this.#random(L.RRO_DOUBLE * (L.RR_ALWAYS + 1));
    for (let n = this.#random(3); n >= 0; n--) {
      const code = x.rrLoose(msg, this.#random(2), bits);
      if (code !== 1 && code !== -1 && code !== -3) throw new Error(`rrLoose gives ${code}`);
    }
    if (x.rrUpstream(msg) >> 1) throw new Error('rrUpstream is no yes or no');
    const asked = x.rrRecord(msg, bits, this.#random(3), 0, 0, 0, 0, 0, 0, 0, 0);
    if (asked !== (mem.u8[msg + L.M_KIND] === 1 ? 1 : -1)) throw new Error(`rrRecord gives ${asked}`);
    x.msgForward(msg, this.#via, VIA_LINE.length, 0);
    x.lookupKept(msg, 1, this.#random(8), 1000);
  }

  /** What we write, others must be able to read: it indexes and passes the check. */
  #again(length: number, what: string): void {
    const text = output(this.core, length);
    if (text.length > 65535) return;
    const { x } = this.core;
    const msg = place(this.core, text);
    const status = x.msgIndex(msg) || x.msgCheck(msg);
    x.msgFree(msg);
    // one more header than the table holds
    if (status !== 0 && status !== -L.ST_MANY_HDRS)
      throw new Error(`the ${what} does not parse: ${L.STATUS_NAMES[-status]}\n${text}`);
  }
}

/** Edits applied in JavaScript: by offset, insertions before removals, in the order made. */
export function reference(text: string, edits: readonly (readonly [off: number, del: number, add: string])[]): string {
  const sorted = edits
    .map((e, i) => ({ off: e[0], del: e[1], add: e[2], i }))
    .sort((a, b) => a.off - b.off || Number(a.del > 0) - Number(b.del > 0) || a.i - b.i);
  let out = '';
  let at = 0;
  for (const e of sorted) {
    if (e.off > at) out += text.slice(at, e.off);
    out += e.add;
    at = Math.max(at, e.off + e.del);
  }
  return out + text.slice(at);
}
