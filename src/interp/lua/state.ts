/** One Lua state as TypeScript sees it: the raw C API with byte strings. Nothing here is protected: callers keep to calls that cannot raise, or catch. */
import type { Core, RawExports } from '../../core/load.ts';
import type { ByteStr } from '../../core/memory.ts';

export const REGISTRY = -1001000;
export const TYPE_NIL = 0;
export const TYPE_NUMBER = 3;
export const TYPE_STRING = 4;
export const TYPE_TABLE = 5;
export const TYPE_FUNCTION = 6;

export class LuaState {
  readonly core: Core;
  readonly lua: RawExports;
  /** main thread */
  readonly L: number;

  constructor(core: Core, L: number) {
    this.core = core;
    this.lua = core.lua;
    this.L = L;
  }

  pop(n = 1, L = this.L): void {
    this.lua.lua_settop(L, -n - 1);
  }

  push(text: ByteStr, L = this.L): void {
    const at = this.lua.malloc(text.length + 1);
    if (!at) throw new Error('not enough memory');
    try {
      this.core.mem.putStr(at, text);
      this.lua.lua_pushlstring(L, at, text.length);
    } finally {
      // Lua may raise: out of memory.
      this.lua.free(at);
    }
  }

  /** Pushes a C function of the shared table with integer upvalues. */
  pushFunction(index: number, ...upvalues: number[]): void {
    for (const value of upvalues) this.lua.lua_pushinteger(this.L, BigInt(value));
    this.lua.lua_pushcclosure(this.L, index, upvalues.length);
  }

  /** The string or number at a stack index; undefined for other types. A number becomes a string in place. */
  text(i: number, L = this.L): ByteStr | undefined {
    const type = this.lua.lua_type(L, i);
    if (type !== TYPE_STRING && type !== TYPE_NUMBER) return undefined;
    const sp = this.lua.stackSave();
    const length = this.lua.stackAlloc(16);
    const at = this.lua.lua_tolstring(L, i, length);
    const text = this.core.mem.str(at, this.core.mem.u32(length));
    this.lua.stackRestore(sp);
    return text;
  }

  /** t[key] = the value on top; t at a stack index, counted with the value on the stack. Pops the value. */
  setField(table: number, key: ByteStr): void {
    this.push(key);
    this.lua.lua_rotate(this.L, -2, 1);
    this.lua.lua_rawset(this.L, table < 0 ? table - 1 : table);
  }

  /** Pushes t[key]. @returns its type */
  getField(table: number, key: ByteStr): number {
    this.push(key);
    return this.lua.lua_rawget(this.L, table < 0 ? table - 1 : table);
  }

  /** Pushes the table of globals. */
  pushGlobals(): void {
    this.lua.lua_rawgeti(this.L, REGISTRY, 2n);
  }

  /** Pops the top into the registry. @returns its index there */
  ref(): number {
    return this.lua.luaL_ref(this.L, REGISTRY);
  }

  /** Parses source text, never bytecode, and pushes the function onto L. @returns an error text, or undefined */
  parse(source: Uint8Array, chunkName: ByteStr, L = this.L): ByteStr | undefined {
    const at = this.lua.malloc(source.length + chunkName.length + 4);
    if (!at) return 'not enough memory';
    const name = at + source.length + 2;
    this.core.mem.u8.set(source, at);
    this.core.mem.putStr(at + source.length, 't\0');
    this.core.mem.putStr(name, `${chunkName}\0`);
    const failed = this.lua.luaL_loadbufferx(L, at, source.length, name, at + source.length);
    this.lua.free(at);
    if (!failed) return undefined;
    const why = this.text(-1, L) ?? 'unknown';
    this.pop(1, L);
    return why;
  }

  /** Where thread `co` stands, as Lua prints it; '' when there is no memory for it. */
  traceback(co: number): ByteStr {
    const { lua, L } = this;
    const sp = lua.stackSave();
    const top = lua.lua_gettop(L);
    try {
      lua.luaL_traceback(L, co, 0, 0);
      return this.text(-1) ?? '';
    } catch {
      lua.stackRestore(sp);
      return '';
    } finally {
      lua.lua_settop(L, top);
    }
  }
}
