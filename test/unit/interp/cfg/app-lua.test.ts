/** Lua from routing blocks, and commands of routing blocks from Lua; codes as Kamailio 5.6.3 gives them. */
import { describe, expect, test } from 'vitest';
import { byteStrOf, bytesOf } from '../../../../src/core/memory.ts';
import { ScriptError } from '../../../../src/errors.ts';
import type { RuntimeOptions } from '../../../../src/runtime/options.ts';
import { request, testRuntime } from '../../../support/runtime.ts';
import { nativeRuntime } from './native.ts';

const OPTIONS = request('OPTIONS', 'sip:x@127.0.0.1:5060');
const SCRIPT = `
count = 0
function nothing() count = count + 1 end
function five() return 5 end
function minus() return -3 end
function zero() return 0 end
function no() return false end
function bad() error("oops") end
function ex() KSR.x.exit() end
function dr() KSR.x.drop() end
function args(a, b, c) KSR.info("@@" .. tostring(a) .. "|" .. tostring(b) .. "|" .. tostring(c) .. "@@") end
function set() KSR.pv.sets("$var(l)", "from lua " .. KSR.pv.gete("$rm")) end
function wait() KSR.cfgutils.sleep(1) KSR.info("@@woke " .. KSR.pv.gete("$rm") .. "@@") end
t = {} function t.f() end
`;

function withLua(blocks: string, options: Partial<RuntimeOptions> = {}, files: Record<string, string> = {}) {
  const all: Record<string, string> = { '/lua/a.lua': SCRIPT, ...files };
  return nativeRuntime(`loadmodule "app_lua.so"\nmodparam("app_lua", "load", "/lua/a.lua")\n${blocks}`, {
    readFile: path => (all[path] === undefined ? undefined : bytesOf(byteStrOf(all[path]))),
    ...options,
  });
}

test.each([
  ['nothing', 1],
  ['five', 1],
  ['minus', 1],
  ['zero', 1],
  ['no', 1],
  ['bad', -1],
  ['missing', -1],
  ['t.f', -1],
  ['ex', 1],
  ['dr', 1],
])('lua_run("%s") gives %i, and the block goes on', (name, code) => {
  const { receive, said } = withLua(
    `request_route { lua_run("${name}"); xlog("@@$rc@@"); if (lua_run("${name}")) xlog("@@true@@"); }`,
  );
  receive(OPTIONS);
  expect(said()).toEqual([String(code), ...(code > 0 ? ['true'] : [])]);
});

test('parameters are texts with variables; what is set is seen behind the call', () => {
  const { receive, said } = withLua(`request_route {
    $var(x) = 5;
    lua_run("args");
    lua_run("args", "a $rm");
    lua_run("args", "$var(x)", "2");
    lua_run("args", "1:2", "", "three");
    lua_run("$var(f)", "x");
    lua_run("set"); xlog("@@$var(l)@@");
  }`);
  receive(OPTIONS);
  expect(said()).toEqual(['nil|nil|nil', 'a OPTIONS|nil|nil', '5|2|nil', '1:2||three', 'from lua OPTIONS']);
});

test('lua_runstring() sees the scripts, lua_dostring() and lua_dofile() have a state of their own', () => {
  const { receive, said } = withLua(
    `request_route {
    lua_run("nothing");
    lua_runstring("count = count + 1 KSR.info('@@' .. count .. '@@')");
    lua_dostring("KSR.info('@@' .. tostring(count) .. ' $rm@@')");
    lua_dostring("x = (x or 0) + 1 KSR.info('@@x' .. x .. '@@')");
    lua_dostring("x = (x or 0) + 1 KSR.info('@@x' .. x .. '@@')"); xlog("@@$rc@@");
    lua_dofile("/lua/b.lua"); xlog("@@$rc@@");
    lua_dofile("/lua/nosuch.lua"); xlog("@@$rc@@");
    lua_dostring("syntax error here"); xlog("@@$rc@@");
    lua_runstring("error('x')"); xlog("@@$rc@@");
  }`,
    {},
    { '/lua/b.lua': 'KSR.info("@@file " .. tostring(x) .. KSR.pv.gete("$rU") .. "@@")' },
  );
  receive(OPTIONS);
  expect(said()).toEqual(['2', 'nil OPTIONS', 'x1', 'x2', '1', 'file 2x', '1', '-1', '-1', '-1']);
});

test('a function that waits suspends the block', async () => {
  const { runtime, receive, said, advance } = withLua('request_route { lua_run("wait"); xlog("@@behind $rm $rc@@"); }');
  receive(OPTIONS);
  expect(runtime.liveMessages).toBe(1);
  expect(said()).toEqual([]);
  advance(1000);
  await new Promise(resolve => setTimeout(resolve, 10));
  expect(said()).toEqual(['woke OPTIONS', 'behind OPTIONS 1']);
  expect(runtime.liveMessages).toBe(0);
});

test('a wait that takes too long is given up with the route', async () => {
  const { runtime, receive, said, sent, advance } = withLua('request_route { lua_run("wait"); xlog("@@behind@@"); }', {
    limits: { waitMs: 500 },
  });
  receive(OPTIONS);
  advance(500);
  await new Promise(resolve => setTimeout(resolve, 10));
  advance(5000);
  await new Promise(resolve => setTimeout(resolve, 10));
  expect(said()).toEqual([]);
  expect(runtime.liveMessages).toBe(0);
  expect(sent).toEqual([]);
});

test('several scripts run in one state, the last one first', () => {
  const { receive, said } = withLua(
    'modparam("app_lua", "load", "/lua/c.lua")\nrequest_route { lua_run("args", "x"); lua_runstring("KSR.info(\'@@\' .. order .. \'@@\')"); }',
    {},
    { '/lua/c.lua': 'order = "c" .. tostring(count)' },
  );
  receive(OPTIONS);
  expect(said()).toEqual(['x|nil|nil', 'cnil']);
});

test('routes that Lua names are blocks', () => {
  const { receive, said, runtime } = withLua(
    `request_route { lua_run("go"); }
    failure_route[F] { xlog("@@failed@@"); }
    branch_route[B] { xlog("@@branch@@"); }`,
    {},
    {
      '/lua/a.lua':
        'function go() KSR.tm.t_on_failure("F") KSR.tm.t_on_branch("B") KSR.pv.sets("$du", "sip:192.0.2.1") KSR.tm.t_relay() end',
    },
  );
  receive(request('INVITE', 'sip:x@127.0.0.1:5060'));
  expect(said()).toEqual(['branch']);
  expect(runtime.counters.scriptErrors).toBe(0);
});

test('a reload loads the scripts again; a broken one changes nothing', () => {
  const files: Record<string, string> = { '/lua/a.lua': 'function f() KSR.info("@@one@@") end' };
  const { runtime, receive, said } = nativeRuntime(
    'loadmodule "app_lua.so"\nmodparam("app_lua", "load", "/lua/a.lua")\nrequest_route { lua_run("f"); }',
    { readFile: path => (files[path] === undefined ? undefined : bytesOf(byteStrOf(files[path]))) },
  );
  receive(OPTIONS);
  files['/lua/a.lua'] = 'function f() KSR.info("@@two@@") end';
  runtime.reload();
  receive(OPTIONS);
  files['/lua/a.lua'] = 'function f(';
  expect(() => runtime.reload()).toThrow(ScriptError);
  receive(OPTIONS);
  expect(said()).toEqual(['one', 'two', 'two']);
});

test('without app_lua the commands name it; a script that is not there is an error', () => {
  const source = (text: string) => ({ name: 'k.cfg', source: bytesOf(byteStrOf(text)) });
  const { runtime } = testRuntime(undefined, { engine: 'native' });
  expect(runtime.check(source('request_route { lua_run("f"); }')).map(d => d.message)).toEqual([
    'unknown command lua_run: module app_lua is not loaded',
  ]);
  expect(
    runtime
      .check(source('loadmodule "app_lua.so"\nmodparam("app_lua", "load", "/x.lua")\nrequest_route { exit; }'))
      .map(d => `${d.file}: ${d.message}`),
  ).toEqual(['/x.lua: cannot read it: no such file, or it is not granted']);
});

describe('KSR.x.modf()', () => {
  const calls = (body: string) => {
    const { receive, log, sent, advance } = testRuntime(
      `local function r(...) KSR.info("@@" .. tostring(KSR.x.modf(...)) .. "@@") end\nfunction ksr_request_route() ${body} end`,
    );
    receive(OPTIONS);
    const said = () => log.lines.flatMap(l => [...`${l.message}`.matchAll(/@@(.*?)@@/g)].map(m => m[1]));
    return { said, log, sent, advance };
  };

  test('calls commands by their native names, with texts in which variables are replaced', () => {
    const { said } = calls(`KSR.pv.sets("$var(m)", "10")
      r("is_method", "INVITE") r("is_method", "OPTIONS") r("mf_process_maxfwd_header", "$var(m)") r("has_totag")
      r("mf_process_maxfwd_header", "10") r("mf_process_maxfwd_header", 10) r("not_there")
      r("search", "OPTIONS") r("append_hf", "X-A: $rm\\r\\n") r("append_hf", "X-B: 1\\r\\n", "Call-ID")`);
    expect(said()).toEqual(['-1', '1', '1', '-1', '1', '1', '-1', '1', '1', '1']);
  });

  test('what cannot be called is -1, and the log says why', () => {
    const { said, log } = calls(
      'r("nosuch") r("is_method") r("is_method", "a", "b") r("mf_process_maxfwd_header", "abc") r("is_method", true) r("is_method", nil) r({}) r("is_INVITE") r("route", "R") r("setflag", 1)',
    );
    expect(said()).toEqual(Array(10).fill('-1'));
    expect(log.lines.map(l => l.message).filter(m => !`${m}`.includes('@@'))).toEqual([
      'Cannot run KSR.x.modf(nosuch): unknown command nosuch: is its module loaded?',
      'Cannot run KSR.x.modf(is_method): is_method takes 1 parameter, not 0',
      'Cannot run KSR.x.modf(is_method): is_method takes 1 parameter, not 2',
      'Cannot run KSR.x.modf(mf_process_maxfwd_header): mf_process_maxfwd_header: this parameter is a number, not "abc"',
      expect.stringContaining('Cannot run KSR.x.modf(is_INVITE): unknown command is_INVITE'),
      expect.stringContaining('Cannot run KSR.x.modf(route): unknown command route'),
      'Cannot run KSR.x.modf(setflag): setflag is a word of the language, no command',
    ]);
  });

  test('a command that waits suspends the route, in a coroutine of the script, too', async () => {
    const { said, advance } = calls(
      'r("sleep", "1") local co = coroutine.wrap(function() r("sleep", "1") end) co() KSR.info("@@end@@")',
    );
    expect(said()).toEqual([]);
    advance(1000);
    await new Promise(resolve => setTimeout(resolve, 10));
    expect(said()).toEqual(['1']);
    advance(1000);
    await new Promise(resolve => setTimeout(resolve, 10));
    expect(said()).toEqual(['1', '1', 'end']);
  });

  test('names and texts that are made up do not fill the memory', () => {
    const { said } = calls(
      'for i = 1, 2000 do KSR.x.modf("is_method", "M" .. i) end r("is_method", "OPTIONS") for i = 1, 300 do KSR.x.modf("append_hf", "X-" .. i .. ": 1\\r\\n") end r("is_method", "OPTIONS")',
    );
    expect(said()).toEqual(['1', '1']);
  });
});
