/** The one call from Lua into the engine's TypeScript (print, require, ...). The file's name is the import module. */

/**
 * @param op ENG_* of the layout table; arguments are on the stack of L
 * @returns number of results pushed, or -1 with an error value pushed
 */
export declare function engineCall(L: usize, op: i32): i32;
