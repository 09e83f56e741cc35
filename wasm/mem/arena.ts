/**
 * The arena of a message: memory that lives as long as the message (text of edits, new URIs, values that TypeScript hands in). The first bytes are in
 * the slot itself; when they are used up, chunks from Lua's heap follow. A chunk begins with the address of the chunk before it.
 */
import { M_ARENA, M_ARENAAT, M_ARENAEND, M_ARENASIZE, SLACK } from '../gen/layout.gen';
import { free, malloc } from '../lua/lua';

const CHUNK_BYTES: i32 = 4096;
const CHUNK_HEAD: i32 = 16;
const ALIGN: i32 = 8;
/** A script in a loop ends here, not at the end of the memory. */
const MAX_ARENA_BYTES: i32 = 1 << 20;

/**
 * Takes memory that lives until msgFree(msg), 8-aligned, with SLACK readable bytes behind it.
 * @param n bytes, 0..1048576
 * @returns address, or 0 when the message's share (1 MiB) or the heap is used up
 */
export function arenaAlloc(msg: usize, n: i32): usize {
  if (<u32>n > <u32>MAX_ARENA_BYTES) return 0;
  const need = (n + ALIGN - 1) & -ALIGN;
  const at = <usize>load<u32>(msg + M_ARENAAT);
  if (at && at + need <= <usize>load<u32>(msg + M_ARENAEND)) {
    store<u32>(msg + M_ARENAAT, <u32>(at + need));
    return at;
  }
  const size = max(CHUNK_BYTES, need + CHUNK_HEAD + SLACK);
  const total = <i32>load<u32>(msg + M_ARENASIZE) + size;
  if (total > MAX_ARENA_BYTES) return 0;
  const chunk = malloc(size);
  if (!chunk) return 0;
  store<u32>(msg + M_ARENASIZE, total);
  store<u32>(chunk, load<u32>(msg + M_ARENA));
  store<u32>(msg + M_ARENA, <u32>chunk);
  store<u32>(msg + M_ARENAAT, <u32>(chunk + CHUNK_HEAD + need));
  store<u32>(msg + M_ARENAEND, <u32>(chunk + size - SLACK));
  return chunk + CHUNK_HEAD;
}

/** Gives the chunks back to the heap. */
export function arenaFree(msg: usize): void {
  let chunk = <usize>load<u32>(msg + M_ARENA);
  while (chunk) {
    const before = <usize>load<u32>(chunk);
    free(chunk);
    chunk = before;
  }
  store<u32>(msg + M_ARENA, 0);
}
