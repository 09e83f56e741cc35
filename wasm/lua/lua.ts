/** Lua 5.4's raw C API as wasmoon's glue.wasm exports it. The file's name is the import module. */
/** Takes `bytes` from the heap that Lua and the core share. @returns address (16-aligned), 0 when the memory limit is reached */
export declare function malloc(bytes: usize): usize;
/** Gives a block of malloc back. */
export declare function free(at: usize): void;
export declare function realloc(at: usize, size: usize): usize;
export declare function lua_newstate(alloc: i32, ud: usize): usize;
export declare function lua_close(L: usize): void;
export declare function lua_gettop(L: usize): i32;
export declare function lua_settop(L: usize, i: i32): void;
export declare function lua_type(L: usize, i: i32): i32;
export declare function lua_isinteger(L: usize, i: i32): i32;
export declare function lua_tointegerx(L: usize, i: i32, isnum: usize): i64;
export declare function lua_tonumberx(L: usize, i: i32, isnum: usize): f64;
export declare function lua_tolstring(L: usize, i: i32, len: usize): usize;
export declare function lua_touserdata(L: usize, i: i32): usize;
export declare function lua_pushinteger(L: usize, n: i64): void;
export declare function lua_pushnumber(L: usize, n: f64): void;
export declare function lua_pushboolean(L: usize, b: i32): void;
export declare function lua_pushnil(L: usize): void;
export declare function lua_pushlightuserdata(L: usize, p: usize): void;
export declare function lua_pushlstring(L: usize, p: usize, n: usize): usize;
export declare function lua_pushvalue(L: usize, i: i32): void;
export declare function lua_copy(L: usize, from: i32, to: i32): void;
export declare function lua_rawget(L: usize, i: i32): i32;
export declare function lua_rawgeti(L: usize, i: i32, n: i64): i32;
export declare function lua_rawseti(L: usize, i: i32, n: i64): void;
export declare function lua_rawgetp(L: usize, i: i32, p: usize): i32;
export declare function lua_rawset(L: usize, i: i32): void;
export declare function lua_rawsetp(L: usize, i: i32, p: usize): void;
export declare function lua_createtable(L: usize, narr: i32, nrec: i32): void;
export declare function lua_concat(L: usize, n: i32): void;
export declare function luaL_where(L: usize, level: i32): void;
export declare function lua_error(L: usize): i32;
export declare function lua_yieldk(L: usize, n: i32, ctx: i32, k: i32): i32;
export declare function lua_isyieldable(L: usize): i32;
export declare function lua_resume(L: usize, from: usize, n: i32, nres: usize): i32;
export declare function lua_resetthread(L: usize, from: usize): i32;
export declare function lua_sethook(L: usize, f: i32, mask: i32, count: i32): void;
export declare function lua_gethookcount(L: usize): i32;
export declare function luaL_checklstring(L: usize, i: i32, len: usize): usize;
export declare function luaL_optinteger(L: usize, i: i32, d: i64): i64;

/** pseudo-index of the registry; upvalue i of a C function is REG - i */
export const REG: i32 = -1001000;
/** lua_type() */
export const LUA_TNIL: i32 = 0;
export const LUA_TBOOLEAN: i32 = 1;
export const LUA_TLIGHTUSERDATA: i32 = 2;
export const LUA_TNUMBER: i32 = 3;
export const LUA_TSTRING: i32 = 4;
export const LUA_TTABLE: i32 = 5;
export const LUA_TFUNCTION: i32 = 6;
/** lua_resume(): the coroutine yielded */
export const LUA_YIELD: i32 = 1;
/** lua_sethook(): every `count` instructions */
export const LUA_MASKCOUNT: i32 = 8;
