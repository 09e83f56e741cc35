/** The output area: where messages and replies are written before they are sent. */
import { ST_NO_MEMORY, ST_TOO_BIG } from '../gen/layout.gen';
import { malloc } from '../lua/lua';

export const OUT_BYTES: i32 = 1 << 17;
/** bytes that put() may write behind the end */
const OUT_SLACK: i32 = 64;

let out: usize = 0;

/** @returns address of the output area, 131072 bytes, BORROWED until the next msgWrite, msgForward, msgReplyForward or replyBuild; 0 when the heap is full */
export function outArea(): usize {
  if (!out) out = malloc(OUT_BYTES + OUT_SLACK);
  return out;
}

/** @returns 0 when `bytes` fit into the output area, else -ST_TOO_BIG or -ST_NO_MEMORY */
export function outRoom(bytes: u64): i32 {
  if (bytes > <u64>OUT_BYTES) return -ST_TOO_BIG;
  return outArea() ? 0 : -ST_NO_MEMORY;
}
