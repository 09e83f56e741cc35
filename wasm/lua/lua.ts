/** Lua 5.4's raw C API as wasmoon's glue.wasm exports it. The file's name is the import module. */
export declare function lua_gettop(L: usize): i32;
