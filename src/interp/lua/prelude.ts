/**
 * Lua source that runs in each new state before the script: what Lua 5.1 had and 5.4 has not, KSR.x, and a standard library that reaches nothing outside.
 * It keeps what it needs in locals, so that a script that redefines a global breaks only itself. One argument: the table of what TypeScript gives.
 */
export const PRELUDE_NAME = '=[kemi-wasm]';

export const PRELUDE = String.raw`
local host = ...
local unwind, write, readfile, WAIT = host.unwind, host.write, host.readfile, host.wait
local G, KSR = _G, KSR
local type, tostring, tonumber, error, select, pairs, next, pcall = type, tostring, tonumber, error, select, pairs, next, pcall
local setmetatable, rawget, rawset, rawload = setmetatable, rawget, rawset, load
local string, table, math, os, coroutine, debug, package = string, table, math, os, coroutine, debug, package
local gsub, gmatch, match, sub = string.gsub, string.gmatch, string.match, string.sub
local concat, tunpack, huge, floor = table.concat, table.unpack, math.huge, math.floor
local getinfo, getupvalue, upvaluejoin = debug.getinfo, debug.getupvalue, debug.upvaluejoin
local loaded, preload = package.loaded, package.preload

-- KSR.x ------------------------------------------------------------------------------------------------------------------------------------------
local x = rawget(KSR, 'x') or {}
KSR.x = x
function x.exit() unwind() end
local set_drop = KSR.set_drop
if set_drop then
  function x.drop() set_drop() unwind() end
else
  x.drop = x.exit
end
function x.probe() end
-- modf(name, ...) calls a command of routing blocks by its name, with texts; what cannot be called is -1
local command, yieldable, cyield = host.command, coroutine.isyieldable, coroutine.yield
local byname
local function outcome(r, why)
  if type(r) == 'userdata' then error(why, 3) end
  return r
end
function x.modf(name, ...)
  if command then
    if type(name) ~= 'string' then return -1 end
    for i = 1, select('#', ...) do
      local t = type((select(i, ...)))
      if t ~= 'string' and t ~= 'number' then return -1 end
    end
    local r = command(name, ...)
    if r ~= WAIT then return r end
    if not yieldable() then error('KSR.x.modf(' .. name .. ') has to wait, and cannot wait here', 2) end
    return outcome(cyield(WAIT))
  end
  -- an engine without commands: functions by their bare names
  if not byname then
    byname = {}
    for k, v in pairs(KSR) do
      if type(v) == 'function' then byname[k] = v end
    end
    for _, m in pairs(KSR) do
      if type(m) == 'table' and m ~= x then
        for k, v in pairs(m) do
          if byname[k] == nil then byname[k] = v end
        end
      end
    end
  end
  local f = byname[name]
  if not f then return -1 end
  for i = 1, select('#', ...) do
    local t = type((select(i, ...)))
    if t ~= 'string' and t ~= 'number' then return -1 end
  end
  local r = f(...)
  if r == true then return 1 end
  return type(r) == 'number' and r or -1
end

-- coroutines: a wait passes through those that the script makes ------------------------------------------------------------------------------------
local resume, yield, create = coroutine.resume, coroutine.yield, coroutine.create
local function pump(co, ok, a, ...)
  if ok and a == WAIT then return pump(co, resume(co, yield(WAIT))) end
  return ok, a, ...
end
-- 5.1 has no close; the handlers it runs would be past the instruction limit in a coroutine that the limit stopped
coroutine.close = nil
function coroutine.resume(co, ...) return pump(co, resume(co, ...)) end
local function unwrap(ok, ...)
  if ok then return ... end
  error((...), 0)
end
function coroutine.wrap(f)
  local co = create(f)
  return function(...) return unwrap(pump(co, resume(co, ...))) end
end

-- what routing blocks call: lua_run(), lua_runstring(), lua_dostring(), lua_dofile(); all in one text, each part behind its length
G['~run'] = function(packed)
  local t, n, p = {}, 0, 1
  while p <= #packed do
    local length, from = match(packed, '^(%d+):()', p)
    p = from + length
    n = n + 1
    t[n] = sub(packed, from, p - 1)
  end
  local f = G[t[1]]
  if type(f) ~= 'function' then error('no such function [' .. t[1] .. '] in lua scripts', 0) end
  f(tunpack(t, 2, n))
end
G['~string'] = function(text)
  local f, why = rawload(text, text, 't')
  if not f then error(why, 0) end
  f()
end
G['~file'] = function(path) dofile(path) end

-- output -------------------------------------------------------------------------------------------------------------------------------------------
function print(...)
  local t = {}
  for i = 1, select('#', ...) do t[i] = tostring((select(i, ...))) end
  write(concat(t, '\t') .. '\n')
end

-- files, processes, the network: not from a script -----------------------------------------------------------------------------------------------------
local function refused(what)
  return function() error(what .. ' is not available to routing scripts', 2) end
end
local function denied(what)
  return function(name) return nil, (type(name) == 'string' and name .. ': ' or '') .. what .. ' is not available to routing scripts', 13 end
end
local out = {}
function out:write(...)
  for i = 1, select('#', ...) do
    local v = select(i, ...)
    if type(v) ~= 'string' and type(v) ~= 'number' then error("bad argument #" .. i .. " to 'write' (string expected, got " .. type(v) .. ')', 2) end
    write(tostring(v))
  end
  return self
end
function out:flush() return self end
function out:setvbuf() return true end
function out:close() return nil, 'cannot close standard file', 13 end
io = {
  stdout = out, stderr = out,
  write = function(...) return out:write(...) end,
  read = function() return nil end,
  type = function(f) if f == out then return 'file' end return nil end,
  open = denied('io.open'), popen = denied('io.popen'), tmpfile = denied('io.tmpfile'),
  lines = refused('io.lines'), input = refused('io.input'), output = refused('io.output'),
  flush = function() return out end, close = function() return out:close() end,
}
loaded.io = io
os.execute, os.remove, os.rename, os.tmpname = denied('os.execute'), denied('os.remove'), denied('os.rename'), denied('os.tmpname')
function os.exit() error('os.exit is not available to routing scripts: use KSR.x.exit()', 2) end
function os.setlocale(l) if l == nil or l == '' or l == 'C' then return 'C' end return nil end

-- source text only: bytecode can crash the machine -----------------------------------------------------------------------------------------------------
string.dump = refused('string.dump')
local function loadtext(chunk, name, _, ...)
  if select('#', ...) > 0 then return rawload(chunk, name, 't', (...)) end
  return rawload(chunk, name, 't')
end
load, loadstring = loadtext, loadtext
local function fileof(path)
  if type(path) ~= 'string' then error('reading scripts from standard input is not available', 3) end
  local text = readfile(path)
  if not text and sub(path, 1, 1) ~= '/' then
    text = readfile(host.dir .. path)
    if text then path = host.dir .. path end
  end
  return text, path
end
local function compile(text, path, ...)
  if sub(text, 1, 1) == '#' then text = gsub(text, '^[^\n]*', '', 1) end
  return loadtext(text, '@' .. path, 't', ...)
end
function loadfile(path, _, ...)
  local text, found = fileof(path)
  if not text then return nil, 'cannot open ' .. path end
  return compile(text, found, ...)
end
function dofile(path)
  local text, found = fileof(path)
  if not text then error('cannot open ' .. path, 2) end
  local f, why = compile(text, found)
  if not f then error(why, 0) end
  return f()
end

-- require --------------------------------------------------------------------------------------------------------------------------------------------
package.path, package.cpath, package.loadlib, package.searchers, package.loaders = host.path, '', nil, nil, nil
local function search(name, path)
  local tried = {}
  name = gsub(name, '%.', '/')
  for template in gmatch(path, '[^;]+') do
    local file = gsub(template, '%?', (gsub(name, '%%', '%%%%')))
    local text = readfile(file)
    if text then return text, file end
    tried[#tried + 1] = "\n\tno file '" .. file .. "'"
  end
  return nil, concat(tried)
end
function package.searchpath(name, path)
  local text, file = search(name, path)
  if text then return file end
  return nil, file
end
function require(name)
  local done = loaded[name]
  if done ~= nil then return done end
  local f, file = preload[name], ':preload:'
  if f == nil then
    local text
    text, file = search(name, tostring(package.path))
    if not text then error("module '" .. tostring(name) .. "' not found:\n\tno field package.preload['" .. tostring(name) .. "']" .. file, 2) end
    local why
    f, why = compile(text, file)
    if not f then error("error loading module '" .. name .. "' from file '" .. file .. "':\n\t" .. why, 2) end
  end
  local value = f(name, file)
  if value ~= nil then loaded[name] = value
  elseif loaded[name] == nil then loaded[name] = true end
  return loaded[name], file
end

-- Lua 5.1 ----------------------------------------------------------------------------------------------------------------------------------------------
unpack = unpack or tunpack
string.gfind = string.gfind or gmatch
function table.getn(t) return #t end
function table.maxn(t)
  local n = 0
  for k in pairs(t) do
    if type(k) == 'number' and k > n then n = k end
  end
  return n
end
function table.foreach(t, f)
  for k, v in pairs(t) do
    local r = f(k, v)
    if r ~= nil then return r end
  end
end
function table.foreachi(t, f)
  for i = 1, #t do
    local r = f(i, t[i])
    if r ~= nil then return r end
  end
end
function table.setn() error("'setn' is obsolete", 2) end
local exp, log = math.exp, math.log
math.mod = math.fmod
function math.pow(a, b) return a ^ b end
function math.log10(a) return log(a, 10) end
function math.cosh(a) return (exp(a) + exp(-a)) / 2 end
function math.sinh(a) return (exp(a) - exp(-a)) / 2 end
function math.tanh(a)
  if a > 20 then return 1.0 elseif a < -20 then return -1.0 end
  local p, m = exp(a), exp(-a)
  return (p - m) / (p + m)
end
function math.ldexp(m, e) return m * 2.0 ^ e end
function math.frexp(n)
  if n == 0 or n ~= n or n == huge or n == -huge then return n, 0 end
  local e = 0
  while n >= 1 or n <= -1 do n, e = n / 2, e + 1 end
  while n < 0.5 and n > -0.5 do n, e = n * 2, e - 1 end
  return n, e
end
local count = collectgarbage
function gcinfo() return floor(count('count')) end

local function ours(f)
  local i = getinfo(f, 'S')
  return i.what == 'C' or i.source == '=[kemi-wasm]'
end
local function target(f, level)
  if type(f) == 'function' then return f end
  local i = getinfo((tonumber(f) or 1) + level, 'f')
  if not i then error('invalid level', 3) end
  return i.func
end
local function envindex(f)
  if ours(f) then return nil end
  for i = 1, 255 do
    local name = getupvalue(f, i)
    if name == nil then return nil end
    if name == '_ENV' then return i end
  end
end
function getfenv(f)
  if f == 0 then return G end
  f = target(f or 1, 2)
  local i = envindex(f)
  if not i then return G end
  local _, env = getupvalue(f, i)
  return env
end
local function setenv(f, env)
  local i = envindex(f)
  if i then upvaluejoin(f, i, function() return env end, 1) end
  return f
end
function setfenv(f, env)
  if f == 0 then error("'setfenv' cannot change the environment of a thread", 2) end
  f = target(f, 2)
  if ours(f) then error("'setfenv' cannot change environment of given object", 2) end
  return setenv(f, env)
end
function package.seeall(m) setmetatable(m, { __index = G }) end
function module(name, ...)
  local m = loaded[name]
  if type(m) ~= 'table' then
    m = G
    for part in gmatch(name, '[^.]+') do
      local inner = rawget(m, part)
      if inner == nil then
        inner = {}
        rawset(m, part, inner)
      elseif type(inner) ~= 'table' then
        error("name conflict for module '" .. name .. "'", 2)
      end
      m = inner
    end
    loaded[name] = m
  end
  if m._NAME == nil then
    m._M, m._NAME, m._PACKAGE = m, name, match(name, '^(.*%.)[^.]*$') or ''
  end
  setenv(target(1, 2), m)
  for i = 1, select('#', ...) do (select(i, ...))(m) end
end

-- debug: looking is allowed, touching is not -------------------------------------------------------------------------------------------------------------
local rawset_mt = debug.setmetatable
debug.getregistry, debug.sethook, debug.setupvalue, debug.upvaluejoin = refused('debug.getregistry'), refused('debug.sethook'), refused('debug.setupvalue'), refused('debug.upvaluejoin')
debug.setlocal, debug.setuservalue, debug.setcstacklimit, debug.debug = refused('debug.setlocal'), refused('debug.setuservalue'), nil, nil
function debug.gethook() return nil end
function debug.getupvalue(f, i)
  if type(f) ~= 'function' then error("bad argument #1 to 'getupvalue' (function expected)", 2) end
  if ours(f) then return nil end
  return getupvalue(f, i)
end
function debug.setmetatable(value, mt)
  if type(value) ~= 'table' then error('debug.setmetatable is available for tables only', 2) end
  if type(mt) == 'table' then rawset(mt, '__gc', nil) end
  return rawset_mt(value, mt)
end
`;
