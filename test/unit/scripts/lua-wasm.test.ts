import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { freshGlue, GLUE } from '../../../scripts/glue.ts';
import { callAtOnce, selectAtOnce } from '../../../scripts/lua-wasm.ts';
import { loadCore } from '../../../src/core/load.ts';
import { bytesOf } from '../../../src/core/memory.ts';
import { LuaState } from '../../../src/interp/lua/state.ts';
import { wasmModules } from '../../support/wasm.ts';

const original = new WebAssembly.Module(readFileSync(GLUE));
const { lua: built, core } = wasmModules();

/**
 * Runs a chunk in a state with all of Lua's libraries, and nothing of ours.
 * @param closures the libraries' functions are closures, as those of KSR are; Lua has them as plain functions
 * @returns the text it returns, or its error
 */
function runOn(lua: WebAssembly.Module, chunk: string, closures: boolean): string {
  const { x, ...loaded } = loadCore({ lua, core, now: () => 1_700_000_000_000 });
  const alloc = loaded.addFunction(x.luaAlloc);
  x.luaSetup(alloc, 0, 0, 0);
  const L = x.luaOpen(64 << 20, 0, 0);
  loaded.lua.luaL_openlibs(L);
  const state = new LuaState({ x, ...loaded }, L);
  if (closures) for (const library of LIBRARIES) makeClosures(state, library);
  const fault = state.parse(bytesOf(chunk), '=chunk');
  if (fault !== undefined) return `does not parse: ${fault}`;
  const rc = loaded.lua.lua_pcallk(L, 0, 1, 0, 0, 0);
  return `${rc ? 'failed: ' : ''}${state.text(-1)}`;
}

const LIBRARIES = ['_G', 'string', 'table', 'math', 'coroutine', 'debug', 'utf8', 'os'];

/** Replaces the C functions of a library by closures over them. */
function makeClosures(state: LuaState, library: string): void {
  const { lua, L } = state;
  state.pushGlobals();
  state.getField(-1, library);
  const names: string[] = [];
  lua.lua_pushnil(L);
  while (lua.lua_next(L, -2)) {
    if (lua.lua_tocfunction(L, -1)) names.push(state.text(-2)!);
    state.pop();
  }
  for (const name of names) {
    state.getField(-1, name);
    const index = lua.lua_tocfunction(L, -1);
    state.pop();
    state.pushFunction(index, 0);
    state.setField(-2, name);
  }
  state.pop(2);
}

/** out(...) collects; what was collected is what the chunk returns */
const collecting = (statements: string) => `
  local lines = {}
  local function out(...)
    local t = table.pack(...)
    for i = 1, t.n do t[i] = (math.type(t[i]) or type(t[i])) .. ':' .. tostring(t[i]):gsub('0x%x+', 'address') end
    lines[#lines + 1] = table.concat(t, ' ')
  end
  ${statements}
  return table.concat(lines, '\\n')`;

const SCRIPTS: Record<string, string> = {
  'results of C functions, none to many, wanted none to many': `
    local function lua(...) return ... end
    local t = {}
    for _, f in ipairs { math.abs, string.byte, select, type, table.unpack, math.max, rawequal, next, table.insert, string.gsub, lua } do
      local function try(...)
        local ok, why = pcall(f, ...)
        if not ok then out('error', why) return end
        f(...)
        local a = f(...)
        local b, c, d = f(...)
        local all = { f(...) }
        out(a, b, c, d, #all, (f(...)), f(...))
        out(select('#', f(...)), #{ f(...), f(...) }, (function(...) return f(...) end)(...))
      end
      try() try(1) try('abc', 1, 3) try({ 1, 2, 3, nil, 5 }, 1, 5) try({}, 1) try('#') try('#', 1, 2) try(-1, 'x', 'y') try('hello', 'l', 'L')
    end`,
  'a C function as statement, condition, argument, key, operand and upvalue': `
    local abs, byte = math.abs, string.byte
    local n = 0
    for i = -3, abs(-3) do if abs(i) > 1 then n = n + abs(i) * 10 end end
    local t = { [abs(-2)] = byte('A'), abs(-4), abs(-5) }
    out(n, t[1], t[2], #t, abs(-1) + abs(-2), abs(abs(-7)), -abs(-7), not abs(-1), abs(-1) == 1 and 'yes' or 'no')
    local function up() return abs(-9) end
    out(up(), (up()), pcall(abs), pcall(abs, 'x'))
    print = nil
    local s = ''
    while #s < abs(-5) do s = s .. string.char(65 + #s) end
    out(s, s:byte(2), ('x'):rep(3), s:sub(2, -2), #s:rep(100))`,
  'the stack grows and moves under C calls, in coroutines too': `
    local function deep(n, f) if n == 0 then return f(-1) end local a, b, c = n, f(-n), tostring(n) return a + b + #c + deep(n - 1, f) end
    for _, n in ipairs { 1, 5, 20, 36, 37, 38, 39, 40, 41, 100, 1000, 5000 } do
      out(n, deep(n, math.abs), coroutine.wrap(function() return deep(n, math.abs) end)())
    end
    for n = 1, 120 do
      local args = {}
      for i = 1, n do args[i] = i end
      local co = coroutine.wrap(function() local m = math.max(table.unpack(args)) return m, select('#', table.unpack(args)), select(-1, table.unpack(args)) end)
      out(co())
    end
    local t = {}
    for i = 1, 200 do t[i] = i end
    out(pcall(function() return select('#', table.unpack(t, 1, 1e7)) end))
    out(#table.concat({ string.byte(('x'):rep(200), 1, -1) }), (deep(3000, function(x) collectgarbage('step') return math.abs(x) end)))
    out(deep(50, function(x) collectgarbage() return math.abs(x) end))`,
  'errors, tracebacks and protected calls': `
    local function fail(x) local y = math.abs(x) return y end
    out(pcall(fail, {}), pcall(error, 'a'), pcall(error, 'a', 0), pcall(error), pcall(pcall), pcall(pcall, error, 1))
    out(xpcall(fail, debug.traceback, 'no'))
    out(select(2, xpcall(function() local x = tostring(fail(nil)) end, debug.traceback)))
    out(pcall(string.rep, 'x', 1 << 40), pcall(setmetatable, 1), pcall(next, {}, 'x'), pcall(string.gsub, 'abc', '(', ''))
    for i = 1, 300 do local ok = pcall(math.floor, i % 3 == 0 and {} or i) if not ok then out(i) end end
    local function endless() return pcall(endless) end
    out(pcall(function() local function f() return 1 + f() end return f() end))
    local n = 0
    local function nest() n = n + 1 local ok, why = pcall(nest) if not ok and n then out(why) n = nil end end
    nest()
    out(tostring(setmetatable({}, { __tostring = function() return 'mine' end })), pcall(tostring, setmetatable({}, { __tostring = function() return 1 end })))`,
  'hooks: each call and return is seen, also of the function that sets or takes the hook': `
    local seen = {}
    local function hook(event, line)
      local info = debug.getinfo(2, 'nSl')
      seen[#seen + 1] = event .. ' ' .. tostring(info.name) .. ' ' .. info.what .. ' ' .. tostring(line or info.currentline)
    end
    local function work() local a = math.abs(-1) local b, c = math.modf(2.5) string.byte('x') return math.max(a, b) end
    for _, mask in ipairs { 'c', 'r', 'cr', 'l', 'crl', '' } do
      debug.sethook(hook, mask)
      work()
      local ok = pcall(math.abs)
      local t = { work(), math.abs(-2) }
      debug.sethook()
      seen[#seen + 1] = '-'
    end
    local set = debug.sethook
    local x = set(hook, 'cr')
    local y = math.abs(-1)
    local z = set()
    local w = math.abs(-2)
    local count = 0
    debug.sethook(function() count = count + 1 end, '', 10)
    for i = 1, 1000 do work() end
    debug.sethook()
    out(count > 100, x, y, z, w)
    for _, line in ipairs(seen) do out(line) end`,
  'C functions whose buffers must be closed: results longer than 512 bytes': `
    local function visible(c) return ('%02x'):format(c:byte()) end
    for _, n in ipairs { 1, 100, 500, 512, 513, 600, 1000, 1025, 8192, 30000, 100000 } do
      local s = ('u'):rep(n)
      local t = {}
      for i = 1, n do t[i] = 'u' end
      local a = '"' .. string.gsub(s, '[%c ]', visible) .. '"'
      local b = s:gsub('u', visible)
      local c = table.concat(t, ',')
      local d = ('%s-%s'):format(s, s)
      local function inner(i) if i == 0 then return (s:upper()) end local x = s:reverse() return inner(i - 1) .. #x end
      out(#a, #b, #c, #d, #s:lower(), #string.rep(s, 2, '-'), #('x'):rep(n), (select('#', s:byte(1, math.min(n, 100)))))
      out(#inner(5), #string.pack('s', s), pcall(string.gsub, s, 'u', function(c) error('in the callback') end))
      s:lower() table.concat(t) string.rep(s, 3)
      -- nothing to replace: gsub leaves its buffer to be closed by the machine, and this function's return looks for such things
      local function unchanged()
        local kept = n
        local function closure() return kept end
        local same = string.gsub(s, ' ', visible)
        local list = { string.byte('overwrites what gsub had on the stack', 1, -1) }
        return closure() + #same, same == s, #list
      end
      out(pcall(unchanged))
      collectgarbage()
      out(#coroutine.wrap(function() local y = s:gsub('u', 'vv') return y:upper() end)())
    end`,
  'coroutines yield out of and through C functions': `
    local function gen(n) return coroutine.wrap(function() for i = 1, n do local back = coroutine.yield(i, i * 2) if back then out(back) end end return 'end' end) end
    local g = gen(3)
    out(g()) out(g('one')) out(g('two')) out(g('three')) out(pcall(g))
    local co = coroutine.create(function(...) local ok, a, b = pcall(function(...) local x, y = coroutine.yield(...) error({ x, y }) end, ...) coroutine.yield(ok, #a) return table.unpack(a) end)
    out(coroutine.resume(co, 1, 2, 3)) out(coroutine.resume(co, 'x', 'y')) out(coroutine.resume(co)) out(coroutine.resume(co)) out(coroutine.status(co))
    out(pcall(coroutine.yield), coroutine.isyieldable(), coroutine.running())
    out(pcall(string.gsub, 'abc', '.', coroutine.wrap(function() coroutine.yield(nil, 1) end)))
    local log = {}
    local c2 = coroutine.wrap(function() table.sort({ 3, 1, 2 }, function(a, b) log[#log + 1] = math.abs(a - b) return a < b end) coroutine.yield(table.concat(log, ',')) end)
    out(c2())
    local closed = {}
    local c3 = coroutine.create(function() local v <close> = setmetatable({}, { __close = function(_, e) closed[#closed + 1] = tostring(e) end }) coroutine.yield(1) end)
    coroutine.resume(c3)
    out(coroutine.close(c3), closed[1], coroutine.status(c3))`,
  'C functions that call Lua, that call C: sort, gsub, load, metamethods': `
    local t = {}
    for i = 1, 500 do t[i] = (i * 7919) % 503 end
    table.sort(t, function(a, b) return math.abs(a - 250) < math.abs(b - 250) or (math.abs(a - 250) == math.abs(b - 250) and a < b) end)
    out(table.concat(t, ' ', 1, 30))
    out(('the quick brown fox'):gsub('%w+', function(w) return w:upper():reverse() end))
    out((('x'):rep(1000):gsub('x', function() return tostring(math.abs(-1)) end)))
    local m = setmetatable({}, { __index = rawlen, __newindex = rawset, __call = type, __len = function() return 42 end, __eq = rawequal, __concat = function(a, b) return type(a) .. type(b) end,
      __lt = function() return true end, __le = rawequal, __add = math.max, __unm = type, __close = print })
    m.a = 1
    out(m.a, pcall(function() return m.b end), m(1, 2), #m, m == {}, m .. 'x', 1 .. m, m < m, m <= m, -m, pcall(function() return m + 1 end))
    local parts = { 'return ', '1 + ', '41' }
    local i = 0
    out(load(function() i = i + 1 return parts[i] end)(), load('syntax error here'), load('return ...', 'c', 't', {})(7))
    out(next({}), rawget(m, 'a'), select('#', string.find('abc', 'b()')), string.format('%q %5.2f %s', 'a\\n', 1.5, m ~= nil))
    for k, v in pairs({ 10, 20, x = 1 }) do out(k, v) end
    for w in ('a b c'):gmatch('%a') do out(w) end`,
  'every instruction of the machine': `
    local function f(a, b, ...)
      local i, x, s, n <const>, nothing = 7, 2.5, 'str', 3, nil
      out(a + b, a - b, a * b, a / b, a // b, a % b, a ^ b, -a, ~a, not a, #s, s .. a .. x, a & 6, a | 8, a ~ 5, a << 2, a >> 1, 1 << a, a >> b)
      out(a + 1, a - 1, 1 + a, 1 - a, a * 3, a / 3, a // 3, a % 3, a ^ 2, a & 3, a | 3, a ~ 3, 3 << 1, x + 1, x - 1, 300000 + a, a + 300000)
      out(a == b, a ~= b, a < b, a <= b, a > b, a >= b, a == 3, a == 3.5, a == 'x', a < 5, a <= 5, a > 5, a >= 5, 5 < a, x < 3, x >= 2.5, s == 'str', s < 'x')
      out(a and b, a or b, nothing and b, nothing or b, nothing == nil, not nothing, a == b and 'same' or 'other')
      local t = { 1, 2, 3, [10] = 'ten', k = 'v', [x] = 'float', f = f, ... }
      t.k = t.k .. '!' t[1] = t[2] t[a] = b t[s] = n t[255] = 1 t[256] = 2
      out(t.k, t[1], t[a], t[s], t[10], t[x], #t, t[255], t[256], t.missing)
      local function counter() local c = i return function(d) c = c + (d or 1) i = i + 1 return c end end
      local c = counter()
      out(c(), c(5), i, select('#', ...), (...), ...)
      for k = 1, 3 do for j = 10, 1, -4 do t[#t + 1] = function() return k * j end end end
      for k = 1.0, 2.0, 0.25 do out(k) end
      for k = math.maxinteger - 1, math.maxinteger do out(k) end
      out(t[#t](), pcall(function() for k = 1, 10, 0 do end end))
      do local v <close> = setmetatable({}, { __close = function() out('closed') end }) goto done end
      ::done::
      local k = 0
      while true do k = k + 1 if k > 3 then break end end
      repeat local up = k local g = function() return up end k = k - 1 until g() < 2
      out(k, s:upper(), s.len(s), t.f == f, _G.math == math, _ENV == _G)
      return f2 and a or b, ...
    end
    function f2(...) if select('#', ...) > 0 then return select('#', ...), f2(select(2, ...)) end end
    out(f(5, 2)) out(f(6, 3, 'a', nil, 'b')) out(pcall(f, 'x', 1)) out(pcall(f, 1.5, 2)) out(f2(1, 2, 3, 4))
    out(10 // 0.0, -10 % 3, 10 % -3, -7 // 2, 7 // -2, 5.5 % -2, 1e308 * 10, pcall(function() return 1 // 0 end), pcall(function() return 1 % 0 end))
    out(1 << 63, 1 << 64, -1 >> 1, math.mininteger // -1, 3 | 4.0, pcall(function() return 1 | 1.5 end), '10' + 5, '0x10' * 2, 10 .. '')
    local many = { 'return {' }
    for i = 1, 140000 do many[#many + 1] = '"k' .. i .. '",' end
    many[#many + 1] = '}'
    local big = load(table.concat(many))()
    out(#big, big[1], big[140000])`,
};

describe('build/lua.wasm', () => {
  it('has the imports and exports of the build that npm brings, in their order', () => {
    expect(WebAssembly.Module.imports(built)).toEqual(WebAssembly.Module.imports(original));
    expect(WebAssembly.Module.exports(built)).toEqual(WebAssembly.Module.exports(original));
  });

  it('has functions of the same arity, a table of the same size and the same data', () => {
    const [a, b] = [freshGlue(original), freshGlue(built)];
    for (const name of Object.keys(a))
      if (typeof a[name] === 'function') expect([name, b[name]!.length]).toEqual([name, a[name].length]);
    const table = (e: object) =>
      (e as { __indirect_function_table: WebAssembly.Table }).__indirect_function_table.length;
    expect(table(b)).toBe(table(a));
    expect(Buffer.from(b.memory.buffer).equals(Buffer.from(a.memory.buffer))).toBe(true);
  });

  describe.each(Object.keys(SCRIPTS))('runs as the original: %s', name => {
    it.each([
      ['plain functions', false],
      ['closures', true],
    ])('the libraries are %s', (_, closures) => {
      const chunk = collecting(SCRIPTS[name]!);
      const wanted = runOn(original, chunk, closures);
      expect(wanted).not.toMatch(/^(failed|does not parse)/);
      expect(wanted.length).toBeGreaterThan(100);
      expect(runOn(built, chunk, closures)).toBe(wanted);
    });
  });
});

describe('the steps of its build', () => {
  it('select an instruction by the labels that the table in memory leads to', () => {
    const wat = `(br_table $a $b $c $other
      (i32.sub (i32.load (i32.add (i32.shl (i32.and (local.tee $1 (i32.load (local.get $1) ) ) (i32.const 127) ) (i32.const 2) ) (i32.const 800) ) ) (i32.const 2) ) )`;
    const table = (at: number) => [3, 2, 9, 4][(at - 800) / 4] ?? 0;
    expect(selectAtOnce(wat, table)).toMatch(/^\(br_table \$b \$a \$other \$c \$other \(i32\.and [\s\S]*127\) *\)\)$/);
  });

  it('fail where another build of Lua does not have what they look for', () => {
    expect(() => selectAtOnce('(module)', () => 0)).toThrow(
      'Cannot build lua.wasm: the selection of an instruction was found 0 times',
    );
    expect(() => callAtOnce('(module)')).toThrow(
      'Cannot build lua.wasm: the return from a C function was found 0 times',
    );
  });
});
