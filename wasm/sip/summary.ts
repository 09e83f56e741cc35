/** The values that identify a message, in one call. */
import { H_BODY, HDR_CALL_ID, M_CSEQ, M_FROM, M_KIND, M_TO, M_URI, M_VIA } from '../gen/layout.gen';
import { CSEQ_METHOD, parseCseq } from './cseq';
import { headerById } from './header-index';
import { ADDR_TAG, parseFrom, parseTo } from './name-addr';
import { parseRuri } from './uri';
import { parseTopVia, VIA_BRANCH } from './via';

const REQUEST: i32 = 1;

/**
 * Parses request URI, From, To, top Via and CSeq, and hands out six values as pairs, 24 bytes at `out`: request URI, From tag, To tag, Call-ID, branch of the top
 * Via, method of CSeq. A value that is absent or does not parse is 0.
 * @returns 0 when everything parsed, else the statuses or-ed: some negative number
 */
export function msgSummary(msg: usize, out: usize): i32 {
  const uri = load<u8>(msg + M_KIND) == REQUEST ? parseRuri(msg) : 0;
  const from = parseFrom(msg);
  const to = parseTo(msg);
  const via = parseTopVia(msg);
  const cseq = parseCseq(msg);
  const callId = headerById(msg, HDR_CALL_ID);
  store<u32>(out, load<u32>(msg + M_URI));
  // an area is valid only after its parser returned 0
  store<u32>(out, from ? 0 : load<u32>(msg + M_FROM + ADDR_TAG), 4);
  store<u32>(out, to ? 0 : load<u32>(msg + M_TO + ADDR_TAG), 8);
  store<u32>(out, callId ? load<u32>(callId + H_BODY) : 0, 12);
  store<u32>(out, via ? 0 : load<u32>(msg + M_VIA + VIA_BRANCH), 16);
  store<u32>(out, cseq ? 0 : load<u32>(msg + M_CSEQ + CSEQ_METHOD), 20);
  return uri | from | to | via | cseq;
}
