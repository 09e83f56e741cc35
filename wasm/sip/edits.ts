/**
 * Edits: pending changes of a message, applied when it is written; the message keeps its bytes. Records of EDIT_SIZE bytes (E_* in the layout table) lie
 * in the message's arena in the order they were made. At one offset, lower E_SEQ (made earlier) comes first, and insertions come before what is kept or
 * removed there.
 */
import {
  E_DEL,
  E_KIND,
  E_LEN,
  E_OFF,
  E_SEQ,
  E_SRC,
  EDIT_SIZE,
  EK_ADD_HDR,
  EK_REMOVE_HDR,
  H_NEXT,
  M_BODY,
  M_CEDITS,
  M_CLUMPS,
  M_EDITS,
  M_FLAGS,
  M_LEN,
  M_LUMPS,
  M_NEDITS,
  M_NHDR,
  M_NLUMPS,
  MF_NOEND,
  MSG_HDRS,
  ST_HDR_NAME,
  ST_NO_MEMORY,
  ST_OVERLAP,
} from '../gen/layout.gen';
import { arenaAlloc } from '../mem/arena';
import { headerAt } from './header-index';

const FIRST_RECORDS: i32 = 8;
const EMPTY_LINE_BYTES: i32 = 2;
/** a script in a loop ends here */
const MAX_RECORDS: i32 = 4096;

/** Room for one more record in the array at `array` (address), `count` and `room` (u16 fields of msg). @returns its address, 0 when memory is full */
function nextRecord(msg: usize, array: usize, count: usize, room: usize): usize {
  const n = <i32>load<u16>(msg + count);
  const have = <i32>load<u16>(msg + room);
  if (n == have) {
    if (n >= MAX_RECORDS) return 0;
    const more = have ? have * 2 : FIRST_RECORDS;
    const at = arenaAlloc(msg, more * EDIT_SIZE);
    if (!at) return 0;
    memory.copy(at, <usize>load<u32>(msg + array), <usize>(n * EDIT_SIZE));
    store<u32>(msg + array, <u32>at);
    store<u16>(msg + room, more);
  }
  store<u16>(msg + count, n + 1);
  return <usize>load<u32>(msg + array) + <usize>(n * EDIT_SIZE);
}

function fill(record: usize, off: i32, del: i32, src: usize, length: i32, kind: i32, seq: i32): void {
  store<u32>(record + E_OFF, off);
  store<u32>(record + E_DEL, del);
  store<u32>(record + E_SRC, <u32>src);
  store<u32>(record + E_LEN, length);
  store<u32>(record + E_KIND, kind);
  store<i32>(record + E_SEQ, seq);
}

/** whether [off, off + del) has a byte in common with what an earlier edit removes */
function overlaps(msg: usize, off: u32, del: u32): bool {
  let record = <usize>load<u32>(msg + M_EDITS);
  for (let n = <i32>load<u16>(msg + M_NEDITS); n > 0; n--, record += EDIT_SIZE) {
    const at = load<u32>(record + E_OFF);
    const gone = load<u32>(record + E_DEL);
    if (gone && off < at + gone && at < off + del) return true;
  }
  return false;
}

/**
 * Adds an edit: at `off`, `del` bytes go away and the `length` bytes at `src` come in. BORROWED: `src` must live as long as the message (arenaAlloc, or the
 * message's own bytes).
 * @param off offset in the message @param kind EK_*
 * @returns its index; -ST_OVERLAP when a byte is removed already or the range is outside the message; -ST_NO_MEMORY
 */
export function editAdd(msg: usize, off: i32, del: i32, src: usize, length: i32, kind: i32): i32 {
  const end = load<u32>(msg + M_LEN);
  if (<u32>off > end || <u32>del > end - <u32>off) return -ST_OVERLAP;
  if (del && overlaps(msg, off, del)) return -ST_OVERLAP;
  const n = <i32>load<u16>(msg + M_NEDITS);
  const record = nextRecord(msg, M_EDITS, M_NEDITS, M_CEDITS);
  if (!record) return -ST_NO_MEMORY;
  fill(record, off, del, src, length, kind, n);
  return n;
}

/** Removes header line `index` with its CRLF. @returns as editAdd; -ST_OVERLAP when it was removed before, -ST_HDR_NAME when there is no such header */
export function editRemoveHeader(msg: usize, index: i32): i32 {
  if (<u32>index >= <u32>load<u8>(msg + M_NHDR)) return -ST_HDR_NAME;
  const h = headerAt(msg, index);
  const off = <i32>load<u16>(h);
  return editAdd(msg, off, <i32>load<u16>(h + H_NEXT) - off, 0, 0, EK_REMOVE_HDR);
}

/** offset of the first header; of the empty line when there is none */
export function headersStart(msg: usize): i32 {
  return load<u8>(msg + M_NHDR) ? <i32>load<u16>(msg + MSG_HDRS) : headersEnd(msg);
}

/** offset of the empty line; the end of the message when it has none */
export function headersEnd(msg: usize): i32 {
  const n = <i32>load<u8>(msg + M_NHDR);
  if (n) return <i32>load<u16>(headerAt(msg, n - 1) + H_NEXT);
  const body = <i32>load<u16>(msg + M_BODY);
  return load<u8>(msg + M_FLAGS) & MF_NOEND ? body : max(body - EMPTY_LINE_BYTES, 0);
}

/** Inserts header text (with its CRLF) before the first header, behind what was inserted there earlier (as Kamailio does). @returns as editAdd */
export function editInsertFirst(msg: usize, src: usize, length: i32): i32 {
  return editAdd(msg, headersStart(msg), 0, src, length, EK_ADD_HDR);
}

/**
 * Adds header text (with its CRLF) to the replies that this request will get. BORROWED as editAdd.
 * @returns its index, or -ST_NO_MEMORY
 */
export function replyAdd(msg: usize, src: usize, length: i32): i32 {
  const n = <i32>load<u16>(msg + M_NLUMPS);
  const record = nextRecord(msg, M_LUMPS, M_NLUMPS, M_CLUMPS);
  if (!record) return -ST_NO_MEMORY;
  fill(record, 0, 0, src, length, EK_ADD_HDR, n);
  return n;
}

/**
 * Takes away those of the bytes [off, off + del) that no earlier edit takes away.
 * @param kind EK_*  @returns 0 or -ST_NO_MEMORY; -ST_OVERLAP when the range is outside the message
 */
export function editRemoveRest(msg: usize, off: i32, del: i32, kind: i32): i32 {
  const end = off + del;
  for (let at = off; at < end; ) {
    let next = end;
    let gone = false;
    let record = <usize>load<u32>(msg + M_EDITS);
    for (let n = <i32>load<u16>(msg + M_NEDITS); n > 0; n--, record += EDIT_SIZE) {
      const from = <i32>load<u32>(record + E_OFF);
      const length = <i32>load<u32>(record + E_DEL);
      if (!length || from >= next || from + length <= at) continue;
      gone = from <= at;
      next = gone ? from + length : from;
      if (gone) break;
    }
    if (!gone) {
      const status = editAdd(msg, at, next - at, 0, 0, kind);
      if (status < 0) return status;
    }
    at = next;
  }
  return 0;
}
