/** Lua 5.4's raw C API as wasmoon's glue.wasm exports it. The file's name is the import module. */
export declare function lua_gettop(L: usize): i32;
/** Takes `bytes` from the heap that Lua and the core share. @returns address (16-aligned), 0 when the memory limit is reached */
export declare function malloc(bytes: usize): usize;
/** Gives a block of malloc back. */
export declare function free(at: usize): void;
