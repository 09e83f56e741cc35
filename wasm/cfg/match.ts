/**
 * Regular expressions as automata: src/interp/cfg/automaton.ts makes their tables. u8[256] class of each byte, then a row for each state: u8 number of the next
 * state by class, and at the end of the row u8 whether a text that ends there matches. State 0 begins; state 1 has matched, whatever follows; state 2 cannot.
 */

/** Number of states' columns stands in front of the table. @returns 1 when [at, at + length) matches */
export function automatonMatches(table: usize, at: usize, length: usize): i32 {
  const width = load<usize>(table);
  const classes = table + 4;
  const rows = classes + 256;
  let state: usize = 0;
  const end = at + length;
  while (at < end) {
    state = load<u8>(rows + state * width + load<u8>(classes + load<u8>(at)));
    if (state - 1 <= 1) return <i32>(state == 1);
    at++;
  }
  return load<u8>(rows + state * width + width - 1);
}
