import { describe, expect, it } from 'vitest';
import * as L from '../../../src/core/gen/layout.gen.ts';
import { type Core, loadCore } from '../../../src/core/load.ts';
import { Bridge, loadedModule } from '../../../src/kemi/bridge.ts';
import type { ModuleHost } from '../../../src/kemi/host.ts';
import { defineModule, exportsOf, type XVal } from '../../../src/kemi/table.ts';
import { recordingLogger } from '../../support/log.ts';
import { wasmModules } from '../../support/wasm.ts';

const kemi = exportsOf<{ seen: unknown[] }>();
const demo = defineModule<{ seen: unknown[] }>({
  name: 'demo',
  modparams: {},
  create: () => ({ seen: [] }),
  functions: [
    kemi('add', { params: ['int', 'int'], returns: 'int', run: (_c, a, b) => a + b }),
    kemi('echo', {
      params: ['str', 'int', 'str'],
      returns: 'xval',
      run: (c, a, n, b) => {
        c.state.seen.push(a, n, b);
        return a + b;
      },
    }),
    kemi('value', {
      params: ['int'],
      returns: 'xval',
      run: (_c, n): XVal => [null, 7, 'text', 2 ** 40, -1, 'x'.repeat(1000), '\0\xff'][n] ?? null,
    }),
    kemi('fail', {
      params: [],
      returns: 'int',
      run: () => {
        throw new Error('no luck');
      },
    }),
    kemi('later', { params: [], returns: 'xval', async: true, run: () => Promise.resolve('done') }),
    kemi('reads_msg', { params: [], returns: 'int', run: c => c.msg.id }),
  ],
});

function setUp() {
  const core: Core = loadCore(wasmModules());
  const log = recordingLogger();
  const state = { seen: [] as unknown[] };
  const bridge = new Bridge(
    core,
    [loadedModule(demo, state, { message: undefined, log } as unknown as ModuleHost)],
    log,
  );
  const id = (name: string) => bridge.entries.find(e => e.path.join('.') === `demo.${name}`)!.id;
  const args = core.x.argsArea();
  return { core, log, state, bridge, id, args };
}

/** Puts argument words in place as the dispatcher does. */
function put(core: Core, args: number, ...values: (number | string)[]): void {
  let at = args;
  for (const value of values) {
    if (typeof value === 'number') {
      core.mem.setU32(at, value);
      at += 4;
    } else {
      const text = core.lua.malloc(value.length + 1);
      core.mem.putStr(text, value);
      core.mem.setU32(at, text);
      core.mem.setU32(at + 4, value.length);
      at += 8;
    }
  }
}

describe('Bridge', () => {
  it('fills a descriptor for each declared function', () => {
    const { core, id } = setUp();
    const at = core.x.descsArea() + id('echo') * L.DESC_SIZE;
    const { mem } = core;
    expect(mem.u32(at + L.DS_TARGET)).toBe(0);
    expect([
      mem.u8[at + L.DS_NPARAMS],
      mem.u8[at + L.DS_RET],
      mem.u8[at + L.DS_WORDS],
      mem.u8[at + L.DS_FLAGS],
    ]).toEqual([3, L.T_XVAL, 5, L.F_HOST]);
    expect([...mem.u8.subarray(at + L.DS_TYPES, at + L.DS_TYPES + 3)]).toEqual([L.T_STR, L.T_INT, L.T_STR]);
    expect(mem.u8[core.x.descsArea() + id('later') * L.DESC_SIZE + L.DS_FLAGS]).toBe(L.F_HOST | L.F_ASYNC);
  });
  it('marshals ints and byte strings both ways', () => {
    const { core, id, args, state, bridge } = setUp();
    put(core, args, -5, 7);
    expect(core.hooks.hostCall(id('add'), 2, args)).toBe(2);
    put(core, args, 'a\0\xfe', -1, 'b');
    expect(bridge.xval(core.hooks.hostCall(id('echo'), 3, args))).toBe('a\0\xfeb');
    expect(state.seen).toEqual(['a\0\xfe', -1, 'b']);
  });
  it('gives a NULL string as an empty one', () => {
    const { core, id, args, state } = setUp();
    for (let i = 0; i < 5; i++) core.mem.setU32(args + 4 * i, 0);
    core.hooks.hostCall(id('echo'), 3, args);
    expect(state.seen).toEqual(['', 0, '']);
  });
  it('returns every kind of xval, of any length', () => {
    const { core, id, args, bridge } = setUp();
    for (const [n, value] of [null, 7, 'text', 2 ** 40, -1, 'x'.repeat(1000), '\0\xff'].entries()) {
      put(core, args, n);
      expect(bridge.xval(core.hooks.hostCall(id('value'), 1, args))).toBe(value);
    }
  });
  it('turns an exception into an error that names the function', () => {
    const { core, id, args } = setUp();
    const ret = core.x.retArea();
    expect(core.hooks.hostCall(id('fail'), 0, args)).toBe(L.HOST_ERROR);
    expect(core.mem.str(core.mem.u32(ret), core.mem.u32(ret + 4))).toBe('KSR.demo.fail: no luck');
    expect(core.hooks.hostCall(id('reads_msg'), 0, args)).toBe(L.HOST_ERROR);
    expect(core.mem.str(core.mem.u32(ret), core.mem.u32(ret + 4))).toBe(
      'KSR.demo.reads_msg: Cannot read the message: none is being routed',
    );
  });
  it('suspends where the caller may wait, and says so where it may not', async () => {
    const { core, id, args, bridge } = setUp();
    expect(core.hooks.hostCall(id('later') | 0x10000, 0, args)).toBe(L.HOST_SUSPEND);
    const pending = bridge.takePending();
    expect(pending).toMatchObject({ returns: 'xval', name: 'KSR.demo.later' });
    expect(await pending!.promise).toBe('done');
    expect(bridge.takePending()).toBeUndefined();
    expect(core.hooks.hostCall(id('later'), 0, args)).toBe(L.HOST_ERROR);
  });
  it('logs calls with wrong arguments in words', () => {
    const { core, id, log } = setUp();
    core.hooks.complain(id('add'), L.ARG_TOO_FEW);
    expect(log.lines.at(-1)).toMatchObject({
      level: 'error',
      message: 'Cannot call KSR.demo.add: not enough parameters, expected (int, int)',
    });
  });
  it('says why a function of Kamailio is not there, and which name is near', () => {
    const { bridge } = setUp();
    expect(bridge.unavailable(['dispatcher', 'ds_select_dst'])).toBe(
      'KSR.dispatcher.ds_select_dst: module dispatcher is not available in this version',
    );
    expect(bridge.unavailable(['demo', 'add'])).toBeUndefined();
    expect(bridge.unavailable(['nosuch', 'thing'])).toBeUndefined();
    expect(bridge.suggest(['demo', 'ad'])).toBe('KSR.demo.add');
  });
  it('lists the functions as app_lua.api_list does', () => {
    expect(setUp().bridge.apiList()[0]).toEqual({ ret: 'int', module: 'demo', name: 'add', params: 'int, int' });
  });
});
