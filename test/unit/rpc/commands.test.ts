import { describe, expect, it } from 'vitest';
import { RpcError, ScriptError } from '../../../src/errors.ts';
import type { ModuleHost } from '../../../src/kemi/host.ts';
import { defineModule } from '../../../src/kemi/table.ts';
import { Rpc, type RpcHost, rpcFailure } from '../../../src/rpc/commands.ts';
import { fakeRpcHost } from './fake-host.ts';

const rpc = (more: Partial<RpcHost> = {}) => new Rpc(fakeRpcHost(more));
const fails = async (call: Promise<unknown>) =>
  rpcFailure(
    await call.then(
      () => undefined,
      error => error,
    ),
  );

describe('core.*', () => {
  it('core.uptime gives the times as ctime() prints them, and the seconds', async () => {
    expect(await rpc().call('core.uptime')).toEqual({
      now: 'Wed Nov  5 04:51:53 2025',
      up_since: 'Tue Nov  4 03:50:51 2025',
      uptime: 25 * 3600 + 62,
    });
  });

  it('core.uptime never runs backwards when the wall clock does', async () => {
    expect(await rpc({ now: () => 0 }).call('core.uptime')).toMatchObject({ uptime: 0 });
  });

  it('core.version and core.info name the version and the script that runs', async () => {
    expect(await rpc().call('core.version')).toBe('kemi-wasm 9.9.9');
    expect(await rpc().call('core.info')).toMatchObject({
      version: 'kemi-wasm 9.9.9',
      script: { name: '/etc/kemi/route.lua', version: 4, loaded: 'Wed Nov  5 04:00:00 2025' },
    });
  });

  it('core.runinfo gives the uptime in days, hours, minutes and seconds', async () => {
    expect(await rpc().call('core.runinfo')).toMatchObject({ uptime_secs: 90062, utime_days: '1d 1h 1m 2s' });
  });

  it('core.echo gives its parameters back as strings', async () => {
    expect(await rpc().call('core.echo', ['a', 1, 'x y'])).toEqual(['a', '1', 'x y']);
    expect(await rpc().call('core.echo')).toEqual([]);
  });

  it('core.sockets_list, core.aliases_list and core.ppdefines_full show the configuration', async () => {
    expect(await rpc().call('core.sockets_list')).toMatchObject([
      { socket: { proto: 'udp', address: '127.0.0.1', port: '5060' } },
    ]);
    expect(await rpc().call('core.aliases_list')).toEqual({
      myself_callbacks: 'no',
      aliases: [
        { proto: '*', address: 'example.com', port: '*' },
        { proto: '*', address: 'example.org', port: '5080' },
      ],
    });
    expect(await rpc().call('core.ppdefines_full')).toEqual([
      { name: 'WITH_X', type: 0, value: 'none' },
      { name: 'NAME', type: 0, value: 'vé' },
    ]);
  });
});

describe('system.*', () => {
  it('system.listMethods is sorted and has the commands of core, stats and app_lua', async () => {
    const methods = (await rpc().call('system.listMethods')) as string[];
    expect(methods).toEqual([...methods].sort());
    expect(methods).toEqual(expect.arrayContaining(['core.uptime', 'stats.get_statistics', 'app_lua.reload']));
  });

  it('each command has a help text', async () => {
    for (const method of rpc().methods) expect(await rpc().call('system.methodHelp', [method])).toMatch(/\.$/);
  });

  it('a method that does not exist is 500 and names the nearest one', async () => {
    expect(await fails(rpc().call('core.uptme'))).toEqual({
      code: 500,
      message: 'Method Not Found: "core.uptme"; did you mean core.uptime?',
    });
    expect(await fails(rpc().call('__proto__'))).toMatchObject({ code: 500 });
  });
});

describe('stats.*', () => {
  it('stats.get_statistics takes names, groups and all; each group in its own alphabetical order', async () => {
    expect(await rpc().call('stats.get_statistics', ['all'])).toEqual([
      'core:bad_URIs_rcvd = 1',
      'core:rcv_requests = 3',
      'sl:1xx_replies = 0',
      'sl:sent_replies = 2',
    ]);
    expect(await rpc().call('stats.get_statistics', ['sl:', 'rcv_requests'])).toEqual([
      'sl:1xx_replies = 0',
      'sl:sent_replies = 2',
      'core:rcv_requests = 3',
    ]);
    expect(await rpc().call('stats.get_statistics', ['core:rcv_requests'])).toEqual(['core:rcv_requests = 3']);
  });

  it('a statistic or group that does not exist selects nothing', async () => {
    expect(await rpc().call('stats.get_statistics', ['nosuch', 'nosuch:'])).toEqual([]);
  });

  it('without a parameter it is an error 400', async () => {
    expect(await fails(rpc().call('stats.get_statistics'))).toEqual({
      code: 400,
      message: 'Please provide which stats to retrieve',
    });
    expect(await fails(rpc().call('stats.reset_statistics'))).toEqual({
      code: 400,
      message: 'Please provide stats name',
    });
  });

  it('stats.fetch gives strings, stats.fetchn numbers', async () => {
    expect(await rpc().call('stats.fetch', ['rcv_requests'])).toEqual({ 'core.rcv_requests': '3' });
    expect(await rpc().call('stats.fetchn', ['rcv_requests'])).toEqual({ 'core.rcv_requests': 3 });
  });

  it('stats.reset_statistics sets to 0 what it selects and nothing else', async () => {
    const r = rpc();
    expect(await r.call('stats.reset_statistics', ['sl:'])).toEqual({});
    expect(await r.call('stats.fetchn', ['all'])).toMatchObject({ 'sl.sent_replies': 0, 'core.rcv_requests': 3 });
    expect(await r.call('stats.clear_statistics', ['rcv_requests'])).toEqual(['core:rcv_requests = 3']);
    expect(await r.call('stats.fetchn', ['rcv_requests'])).toEqual({ 'core.rcv_requests': 0 });
  });
});

describe('app_lua.*', () => {
  it('app_lua.list shows index and path', async () => {
    expect(await rpc().call('app_lua.list')).toBe('0: [/etc/kemi/route.lua]');
    expect(await rpc({ script: undefined }).call('app_lua.list')).toBe('');
  });

  it('app_lua.reload reports the version that runs now', async () => {
    for (const params of [undefined, [], [0], ['0'], ['x']])
      expect(await rpc().call('app_lua.reload', params)).toEqual({ name: '/etc/kemi/route.lua', version: 5 });
  });

  it('app_lua.reload of an index that does not exist is 500 Reload Failed, and reloads nothing', async () => {
    let reloads = 0;
    const r = rpc({ reload: async () => ({ name: '', version: ++reloads, loadedMs: 0 }) });
    expect(await fails(r.call('app_lua.reload', [7]))).toEqual({ code: 500, message: 'Reload Failed' });
    expect(reloads).toBe(0);
  });

  it('app_lua.reload of a broken script is 500 with the diagnostics', async () => {
    const diagnostic = { severity: 'error', file: 's.lua', line: 3, column: 0, message: "'end' expected" } as const;
    const r = rpc({ reload: () => Promise.reject(new ScriptError([diagnostic])) });
    expect(await fails(r.call('app_lua.reload'))).toEqual({
      code: 500,
      message: "Reload Failed: s.lua:3: 'end' expected",
      data: { diagnostics: [diagnostic] },
    });
  });

  it('app_lua.api_list counts the functions and writes none where there is no parameter', async () => {
    expect(await rpc().call('app_lua.api_list')).toEqual({
      msize: 2,
      methods: [
        { func: { ret: 'none', module: '', name: 'set_drop', params: 'none' } },
        { func: { ret: 'int', module: 'sl', name: 'sl_send_reply', params: 'int, str' } },
      ],
    });
  });
});

describe('commands of modules', () => {
  const definition = defineModule<{ got: unknown[] }>({
    name: 'box',
    modparams: {},
    create: () => ({ got: [] }),
    functions: [],
    rpc: [
      {
        name: 'box.put',
        doc: 'Keeps the parameters.',
        run: ({ state }, params) => {
          state.got = params;
          return { 'k\xc3\xa9': params };
        },
      },
      {
        name: 'box.fail',
        doc: 'Fails.',
        run: () => {
          throw new RpcError(404, 'Key not found in htable.');
        },
      },
    ],
  });
  const withBox = () => {
    const state = { got: [] as unknown[] };
    return { state, r: rpc({ modules: [{ definition, state, host: {} as ModuleHost }] }) };
  };

  it('get their parameters as byte strings; their results come out as Unicode', async () => {
    const { state, r } = withBox();
    expect(await r.call('box.put', ['é', 1, null])).toEqual({ ké: ['é', 1, null] });
    expect(state.got).toEqual(['\xc3\xa9', 1, null]);
  });

  it('take named parameters in their order', async () => {
    const { state, r } = withBox();
    await r.call('box.put', { a: 'x', b: 2 });
    expect(state.got).toEqual(['x', 2]);
  });

  it('fail with their own code', async () => {
    expect(await fails(withBox().r.call('box.fail'))).toEqual({ code: 404, message: 'Key not found in htable.' });
  });

  it('core.modules lists them, the last loaded first', async () => {
    const modules = ['', 'pv', 'sl'].map(name => ({
      definition: { ...definition, name, rpc: [] },
      state: {},
      host: {} as ModuleHost,
    }));
    expect(await rpc({ modules }).call('core.modules')).toEqual(['sl', 'pv']);
  });
});
