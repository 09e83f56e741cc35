/** CSeq (RFC 3261 20.16, 8.1.1.5) into M_CSEQ: 0 u32 number | 4 method (pair) | 8 u32 method id. */
import { D_CSEQ, H_BODY, HDR_CSEQ, M_BUF, M_CSEQ, M_DONE, ST_CSEQ } from '../gen/layout.gen';
import { byte, DIGIT_0, isToken, isWs, pair, skipWs } from '../mem/bytes';
import { headerById } from './header-index';
import { methodId } from './method';
import { fail } from './status';

export const CSEQ_METHOD: usize = 4;
export const CSEQ_METHOD_ID: usize = 8;
/** the number must be less than 2^31 (RFC 3261 8.1.1.5) */
const MAX_NUMBER: u64 = 0x7fffffff;

/** Parses CSeq, once. @returns 0 or -ST_CSEQ (also when there is none) */
export function parseCseq(msg: usize): i32 {
  const done = load<u32>(msg + M_DONE);
  if (done & D_CSEQ) return 0;
  const buf = <usize>load<u32>(msg + M_BUF);
  const h = headerById(msg, HDR_CSEQ);
  if (!h) return fail(ST_CSEQ, buf);
  const at = buf + <usize>load<u16>(h + H_BODY);
  const end = at + <usize>load<u16>(h + H_BODY + 2);
  let p = at;
  let number: u64 = 0;
  while (p < end) {
    const digit = byte(p) - DIGIT_0;
    if (<u32>digit > 9) break;
    number = number * 10 + digit;
    if (number > MAX_NUMBER) return fail(ST_CSEQ, at);
    p++;
  }
  if (p == at || p >= end || !isWs(byte(p))) return fail(ST_CSEQ, p);
  p = skipWs(p, end);
  const length = <i32>(end - p);
  const id = methodId(p, length);
  if (!id && !isToken(p, length)) return fail(ST_CSEQ, p);
  store<u32>(msg + M_CSEQ, <u32>number);
  pair(msg + M_CSEQ + CSEQ_METHOD, <i32>(p - buf), length);
  store<u32>(msg + M_CSEQ + CSEQ_METHOD_ID, id);
  store<u32>(msg + M_DONE, done | D_CSEQ);
  return 0;
}
