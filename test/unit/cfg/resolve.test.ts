import { describe, expect, test } from 'vitest';
import { resolveConfig } from '../../../src/cfg/resolve.ts';
import { byteStrOf, bytesOf } from '../../../src/core/memory.ts';
import { type AnyModule, defineModule } from '../../../src/kemi/table.ts';
import { MODULES } from '../../../src/modules/index.ts';
import { type Files, findings, read } from './read.ts';

const demo = defineModule({
  name: 'demo',
  modparams: {
    number: { type: 'int', min: 1, max: 9, doc: 'A number.' },
    text: { type: 'str', doc: 'A text.' },
  },
  create: () => undefined,
  functions: [],
});
const LUA = 'loadmodule "app_lua.so"\nmodparam("app_lua", "load", "route.lua")\ncfgengine "lua"\n';

function resolve(text: string, { files = {} as Files, modules = [...MODULES, demo] as readonly AnyModule[] } = {}) {
  return resolveConfig(read(text, files), {
    modules,
    readScript: path => (Object.hasOwn(files, path) ? bytesOf(byteStrOf(files[path]!)) : undefined),
  });
}
/** Options of a config with an engine; no finding is expected. */
function options(text: string) {
  const { options, ...rest } = resolve(text + LUA);
  expect(findings(rest)).toEqual([]);
  return options;
}
/** Findings of a config with an engine, without the file's name */
const wrong = (text: string, files: Files = {}) =>
  findings(resolve(text + LUA, { files })).map(f => f.replace(/^main\.cfg:/, ''));

describe('modules', () => {
  test('only what is loaded, and what needs no module', () => {
    expect(options('').modules).toEqual(['', 'pv', 'hdr']);
    expect(
      options('loadmodule "sl.so"\nloadmodule "pv"\nloadmodule "kemix.so"\nloadmodule "statistics"\n').modules,
    ).toEqual(['', 'pv', 'hdr', 'sl', 'pvx', 'kx', 'statistics']);
  });

  test('what is machinery there does nothing, with a reason', () => {
    const { modules, notes } = options(
      'loadmodule "ctl.so"\nloadmodule "cfg_rpc.so"\nloadmodule "db_sqlite.so"\nmodparam("ctl", "binrpc", "unix:/x")\n',
    );
    expect(modules).toEqual(['', 'pv', 'hdr']);
    expect(notes).toContain('loadmodule "ctl" does nothing: kemi-wasm ctl is there without a module');
  });

  test('one that is not there names what would miss it', () => {
    const script =
      '-- KSR.dispatcher.no\nif KSR.dispatcher.ds_select_dst(1, 4) then\n KSR.dispatcher.ds_next_dst()\n KSR.dispatcher.ds_select_dst(1, 4)\nend';
    expect(wrong('loadmodule "dispatcher.so"\n', { 'route.lua': script })).toEqual([
      '1:12: error: cannot load module dispatcher: module not available in this version; KSR.dispatcher would be missing in route.lua: ds_select_dst (line 2), ds_next_dst (line 3)',
    ]);
    expect(wrong('loadmodule "dispatcher.so"\n', { 'route.lua': 'x = 1' })).toEqual([
      '1:12: error: cannot load module dispatcher: module not available in this version; the script does not use it: take the line out',
    ]);
    expect(wrong('loadmodule "dispatcher.so"\n')).toEqual([
      '1:12: error: cannot load module dispatcher: module not available in this version',
    ]);
  });

  test.each([
    ['db_mysql.so', 'mysql databases are not available: load db_sqlite.so and give a url like sqlite://'],
    ['app_python3', 'only Lua scripts run in this version: load app_lua.so'],
    ['textop.so', 'did you mean textops'],
    ['hdr', 'module not available in this version'],
    ['kx', 'module not available in this version'],
    ['__proto__', 'module not available in this version'],
    ['constructor', 'module not available in this version'],
  ])('%s says what to do', (name, what) => {
    expect(wrong(`loadmodule "${name}"\n`)[0]).toContain(what);
  });
});

describe('modparam', () => {
  test('goes to every module that matches', () => {
    const { modparams } = options(
      'loadmodule "demo.so"\nloadmodule "pv"\nmodparam("demo", "number", 5)\nmodparam("DEMO|none", "text", "a")\nmodparam("d.*", "text", "b")\nmodparam("pv", "varset", "a=i:1")\n',
    );
    expect(modparams).toEqual([
      { module: 'demo', name: 'number', value: 5 },
      { module: 'demo', name: 'text', value: 'a' },
      { module: 'demo', name: 'text', value: 'b' },
      { module: 'pv', name: 'varset', value: 'a=i:1' },
    ]);
  });

  test.each([
    [
      'modparam("demo", "number", "5")',
      'cannot set modparam demo.number to "5": it takes a number: write it without quotes',
    ],
    ['modparam("demo", "number", "x")', 'cannot set modparam demo.number to "x": it takes a number'],
    ['modparam("demo", "number", 10)', 'cannot set modparam demo.number to 10: it must be a whole number from 1 to 9'],
    ['modparam("demo", "text", 5)', 'cannot set modparam demo.text to 5: it takes a string: write "5" in quotes'],
    [
      'modparam("demo", "numbr", 5)',
      'cannot set modparam demo.numbr: module demo has no such parameter, did you mean number',
    ],
    ['modparam("demo", "toString", 5)', 'cannot set modparam demo.toString: module demo has no such parameter'],
    [
      'modparam("dmo", "number", 5)',
      'cannot set modparam dmo.number: no module dmo: it is not loaded, did you mean demo',
    ],
    [
      'modparam("rr", "x", 5)',
      'cannot set modparam rr.x: no module rr: it is not loaded: write loadmodule "rr.so" above',
    ],
    ['modparam("(", "x", 5)', 'cannot use "(" as names of modules: '],
    ['modparam("sl", "x", 5)\nloadmodule "sl.so"', 'it is loaded only further down: move loadmodule "sl.so" above'],
    ['loadmodule "ctl"\nmodparam("ctl", "binrcp", "x")', 'module ctl has no such parameter, did you mean binrpc'],
    ['loadmodule "ctl"\nmodparam("ctl", "binrpc", 1)', 'cannot set modparam ctl.binrpc to 1: it takes a string'],
  ])('%s', (text, message) => {
    const found = wrong(`loadmodule "demo"\n${text}\n`);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(message);
  });

  test('parameters of a module that is not there are no mistake of their own', () => {
    expect(wrong('loadmodule "dispatcher.so"\nmodparam("dispatcher", "list_file", "x")\n')).toHaveLength(1);
  });
});

describe('the engine', () => {
  test.each([
    ['cfgengine "python"', '1:1: error: cfgengine "python" is not available in this version: only "lua" is'],
    ['cfgengine "lua"', '1:1: error: cfgengine "lua" needs loadmodule "app_lua.so" above it'],
    ['cfgengine "lua"\nloadmodule "app_lua"', '1:1: error: cfgengine "lua" needs loadmodule "app_lua.so" above it'],
    ['loadmodule "app_lua"\ncfgengine "lua"', '2:1: error: there is no script to run'],
  ])('%j', (text, message) => {
    expect(findings(resolve(text))[0]).toContain(`main.cfg:${message}`);
  });

  test.each(['route { exit; }', 'cfgengine "native"\nroute { exit; }', 'cfgengine "default"'])('%j is native', text => {
    const { options, diagnostics } = resolve(text);
    expect(diagnostics).toEqual([]);
    expect([options.engine, options.scripts]).toEqual(['native', ['main.cfg']]);
  });

  test('scripts run in the reverse order of the file', () => {
    const { options } = resolve(
      'loadmodule "app_lua.so"\nmodparam("app_lua","load","a.lua")\nmodparam("app_lua","load","b.lua")\ncfgengine "lua"',
    );
    expect(options.scripts).toEqual(['b.lua', 'a.lua']);
  });

  test('native blocks beside it', () => {
    expect(wrong('request_route { exit; }\nfailure_route[F] { exit; }\n')).toEqual([
      '1:1: error: request_route would run in place of the script: take it out, or use another cfgengine than "lua"',
      "2:1: warning: failure_route[F] is not run: routing is the script's",
    ]);
  });
});

describe('core parameters', () => {
  test.each([
    [3, 'debug'],
    [2, 'info'],
    [1, 'info'],
    [0, 'warn'],
    [-1, 'error'],
    [-2, 'fatal'],
    [-5, 'fatal'],
    [-6, 'silent'],
  ])('debug=%i is %s', (debug, level) => {
    expect(options(`debug=${debug}\n`).logLevel).toBe(level);
  });

  test('what is applied', () => {
    expect(
      options(
        '#!define N "v"\ndebug=1\nserver_header="Server: me"\nuser_agent_header="User-Agent: you"\nforce_rport=yes\nmsg_recv_max_size=1000\nkemi.request_route_callback="r"\nkemi.reply_route_callback="none"\nalias=a.com b.com\nalias=a.com\n',
      ),
    ).toMatchObject({
      serverHeader: 'me',
      userAgent: 'you',
      forceRport: true,
      messageBytes: 1000,
      callbacks: { request: 'r', reply: 'none' },
      aliases: ['a.com', 'b.com'],
      defines: { N: '"v"', MOD_app_lua: '', KAMAILIO_6: '' },
    });
    expect(options('log_prefix="a"\nlog_prefix="{$rm}: "\nlog_prefix_mode=1\n').logPrefix).toEqual({
      text: '{$rm}: ',
      each: true,
    });
    expect(options('server_signature=no\nserver_header="Server: me"\n').serverHeader).toBe('');
    expect(options('').serverHeader).toBeUndefined();
  });

  test('addresses', () => {
    const listen = (text: string) => options(text).listen;
    expect(listen('disable_tcp=yes\n')).toEqual([{ proto: 'udp', host: '0.0.0.0', port: 5060 }]);
    expect(listen('port=5070\nport=5080\n').map(l => l.port)).toEqual([5080, 5080]);
    expect(listen('listen=udp:127.0.0.1\nlisten=127.0.0.1:6000\nport=5070\nlisten=udp:127.0.0.1:6000\n')).toEqual([
      { proto: 'udp', host: '127.0.0.1', port: 5070 },
      { proto: 'udp', host: '127.0.0.1', port: 6000 },
      { proto: 'tcp', host: '127.0.0.1', port: 6000 },
    ]);
    expect(
      listen(
        'disable_tcp=yes\nlisten=lo advertise 1.1.1.1 name "a"\nadvertised_address=2.2.2.2\nadvertised_port=7\nlisten=eth0:1\n',
      ),
    ).toEqual([
      { proto: 'udp', host: 'lo', port: 5060, advertise: { host: '1.1.1.1', port: 5060 }, name: 'a' },
      { proto: 'udp', host: 'eth0', port: 1, advertise: { host: '2.2.2.2', port: 7 } },
    ]);
  });

  test.each([
    [
      'listen=tcp:127.0.0.1:5060\nlisten=udp:127.0.0.1\ndisable_tcp=yes',
      '1:8: warning: tcp:127.0.0.1 is not listened on: disable_tcp=yes turns',
    ],
    ['tcp_connect_timeout=-1', '1:1: error: tcp_connect_timeout must be 0 or more, not -1'],
    [
      'tcp_accept_no_cl=yes',
      '1:1: warning: tcp_accept_no_cl: where a message without Content-Length ends is not guessed',
    ],
    [
      'listen=tls:127.0.0.1:5061',
      '1:8: error: tls:127.0.0.1 is not listened on: TLS needs enable_tls=yes and loadmodule "tls.so"',
    ],
    [
      'listen=tcp:127.0.0.1\ndisable_tcp=yes',
      '1:8: error: tcp:127.0.0.1 is not listened on: disable_tcp=yes turns TCP off',
    ],
    [
      'listen=ws:127.0.0.1:5061',
      '1:8: error: cannot listen on ws:127.0.0.1: as in Kamailio a WebSocket begins on a listener of tcp',
    ],
    ['port=70000', '1:1: error: port 70000 is no port: they go from 0 to 65535'],
    ['msg_recv_max_size=10', '1:1: error: msg_recv_max_size must be from 64 to 65535 here, not 10'],
    ['kemi.request_route_callback=""', '1:1: error: kemi.request_route_callback may not be empty'],
    [
      'kemi.event_route_callback="x"',
      '1:1: warning: kemi.event_route_callback: this callback is not called in this version',
    ],
    ['server_header="foo"', '1:1: warning: server_header is ignored: write "Server: TEXT"'],
    ['enable_tls=yes', '1:1: warning: enable_tls: without loadmodule "tls.so" there is no TLS'],
    ['tls_port_no=0', '1:1: error: tls_port_no 0 is no port'],
    ['sip_warning=1', '1:1: warning: sip_warning: replies carry no Warning header, it is ignored'],
  ])('%s', (text, message) => {
    expect(wrong(`${text}\n`)[0]).toContain(message);
  });

  test('TLS is served where it is on: by its own port, or the one behind that of the others, as Kamailio does', () => {
    const on = 'enable_tls=yes\nloadmodule "tls.so"\n';
    const listen = (text: string) => resolve(text + LUA).options.listen.map(l => `${l.proto}:${l.host}:${l.port}`);
    expect(listen(on)).toEqual(['udp:0.0.0.0:5060', 'tcp:0.0.0.0:5060', 'tls:0.0.0.0:5061']);
    expect(listen(`${on}port=5080\nlisten=127.0.0.1\n`)).toEqual([
      'udp:127.0.0.1:5080',
      'tcp:127.0.0.1:5080',
      'tls:127.0.0.1:5061',
    ]);
    expect(listen(`${on}listen=127.0.0.1:5070\n`).at(-1)).toBe('tls:127.0.0.1:5071');
    expect(listen(`${on}listen=tls:127.0.0.1:5070\n`)).toEqual(['tls:127.0.0.1:5070']);
    expect(listen(`${on}tls_port_no=5099\nlisten=tls:127.0.0.1\n`)).toEqual(['tls:127.0.0.1:5099']);
    expect(listen('disable_tls=no\nloadmodule "tls.so"\nlisten=tls:127.0.0.1\n')).toEqual(['tls:127.0.0.1:5061']);
    expect(listen('loadmodule "tls.so"\nlisten=127.0.0.1\n')).toEqual(['udp:127.0.0.1:5060', 'tcp:127.0.0.1:5060']);
    expect(listen(`${on}disable_tcp=yes\nlisten=127.0.0.1\n`)).toEqual(['udp:127.0.0.1:5060']);
  });

  test('TCP is served beside UDP, unless it is switched off or an address names its protocol', () => {
    const listen = (text: string) => resolve(text + LUA).options.listen.map(l => `${l.proto}:${l.host}:${l.port}`);
    expect(listen('')).toEqual(['udp:0.0.0.0:5060', 'tcp:0.0.0.0:5060']);
    expect(listen('disable_tcp=yes\n')).toEqual(['udp:0.0.0.0:5060']);
    expect(listen('listen=127.0.0.1\n')).toEqual(['udp:127.0.0.1:5060', 'tcp:127.0.0.1:5060']);
    expect(listen('listen=udp:127.0.0.1\nlisten=tcp:127.0.0.1:6000\n')).toEqual([
      'udp:127.0.0.1:5060',
      'tcp:127.0.0.1:6000',
    ]);
    expect(listen('disable_tcp=yes\nlisten=tcp:127.0.0.1:6000\nlisten=127.0.0.1\n')).toEqual(['udp:127.0.0.1:5060']);
  });
});

test('findings come in the order of the files', () => {
  const { diagnostics } = resolve(`loadmodule "none1"\ninclude_file "a.cfg"\ndebug="x"\nloadmodule "none2"\n${LUA}`, {
    files: { 'a.cfg': 'debug="y"\nloadmodule "none3"\n' },
  });
  expect(diagnostics.map(d => `${d.file}:${d.line}`)).toEqual([
    'main.cfg:1',
    'main.cfg:3',
    'main.cfg:4',
    'a.cfg:1',
    'a.cfg:2',
  ]);
});

test('a script beside a config that names none', () => {
  const beside = (text: string) => resolveConfig(read(text), { modules: MODULES, script: 'given.lua' });
  for (const text of ['loadmodule "sl.so"\n', 'loadmodule "app_lua.so"\ncfgengine "lua"\n']) {
    const { options, diagnostics } = beside(text);
    expect(diagnostics).toEqual([]);
    expect(options.scripts).toEqual(['given.lua']);
  }
  expect(findings(beside(LUA))).toEqual([
    'main.cfg:2:21: error: the config says which script runs: given.lua cannot be given beside it',
  ]);
  expect(findings(beside('route { exit; }'))[0]).toBe(
    'main.cfg:1:1: error: the config routes with its own blocks: given.lua cannot be given beside it',
  );
});
