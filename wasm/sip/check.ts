/** What a message must have before a route sees it (RFC 3261 8.1.1, 8.2.6.2, 18). Everything else about its validity is strict.ts. */
import {
  H_ID,
  HDR_CALL_ID,
  HDR_CSEQ,
  HDR_FROM,
  HDR_MAX_FORWARDS,
  HDR_TO,
  M_BUF,
  M_FIRST,
  M_NHDR,
  ST_DUP_HEADER,
  ST_MISSING,
} from '../gen/layout.gen';
import { byte } from '../mem/bytes';
import { parseCseq } from './cseq';
import { headerAt, reject } from './header-index';
import { parseFrom, parseTo } from './name-addr';
import { fail } from './status';
import { parseTopVia } from './via';

/**
 * Checks an indexed message: top Via, From, To, Call-ID and CSeq are there and parse; of From, To, Call-ID, CSeq and Max-Forwards there is one each
 * (RFC 3261 7.3.1). These are the messages that Kamailio drops before its script.
 * @returns 0; or -ST_NO_VIA, -ST_VIA, -ST_MISSING, -ST_DUP_HEADER, -ST_ADDR, -ST_DUP_TAG, -ST_CSEQ, with status and offset in M_ERR and M_ERROFF
 */
export function msgCheck(msg: usize): i32 {
  const status = check(msg);
  return status ? reject(msg, <usize>load<u32>(msg + M_BUF), status) : 0;
}

function check(msg: usize): i32 {
  const buf = <usize>load<u32>(msg + M_BUF);
  let status = parseTopVia(msg);
  if (status) return status;
  const first = msg + M_FIRST;
  if (!byte(first + HDR_FROM) || !byte(first + HDR_TO) || !byte(first + HDR_CALL_ID) || !byte(first + HDR_CSEQ))
    return fail(ST_MISSING, buf);
  for (let i = 0, n = byte(msg + M_NHDR); i < n; i++) {
    const h = headerAt(msg, i);
    const id = byte(h + H_ID);
    // From, To, Call-ID, CSeq and Max-Forwards have ids in a row (scripts/tables/layout.ts)
    if (<u32>(id - HDR_FROM) <= <u32>(HDR_MAX_FORWARDS - HDR_FROM) && byte(first + id) != i + 1)
      return fail(ST_DUP_HEADER, buf + <usize>load<u16>(h));
  }
  status = parseTo(msg);
  if (!status) status = parseFrom(msg);
  if (!status) status = parseCseq(msg);
  return status;
}
