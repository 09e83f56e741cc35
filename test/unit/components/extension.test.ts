import { beforeAll, describe, expect, it } from 'vitest';
import type { Component } from '../../../src/components/instance.ts';
import { loadComponent } from '../../../src/components/load.ts';
import type { ComponentOptions } from '../../../src/components/module.ts';
import { defineModule, exportsOf } from '../../../src/kemi/table.ts';
import type { RuntimeOptions } from '../../../src/runtime/options.ts';
import { acmeBytes } from '../../support/acme.ts';
import { wrapText } from '../../support/component.ts';
import { request, testRuntime } from '../../support/runtime.ts';

let acme: Component;
beforeAll(async () => {
  acme = await loadComponent(await acmeBytes(), 'acme.wasm');
});

const ALL = ['edit', 'reply', 'kv', 'timer', 'clock'] as const;

function withAcme(body: string, component: Partial<ComponentOptions> = {}, options: Partial<RuntimeOptions> = {}) {
  const { modparams = [], ...rest } = options;
  const script = `function ksr_request_route()\n${body}\nend`;
  return testRuntime(script, {
    components: [{ name: 'acme', component: acme, file: 'acme.wasm', grants: ALL, ...component }],
    modparams: [{ module: 'htable', name: 'htable', value: 't=>size=4;' }, ...modparams],
    ...rest,
  });
}

/** What an expression gives, as the reason of a reply. */
function given(
  expression: string,
  component: Partial<ComponentOptions> = {},
  options: Partial<RuntimeOptions> = {},
): string {
  const { receive, log } = withAcme(`KSR.sl.sl_send_reply(200, "=" .. tostring(${expression}))`, component, options);
  const [reply] = receive(request());
  const found = /^SIP\/2\.0 200 =(.*)\r\n/.exec(reply?.text ?? '');
  if (!found) throw new Error(`no answer: ${JSON.stringify(log.lines)}`);
  return found[1]!;
}

describe('a component', () => {
  it('has its functions in the KSR tree, with the types of its WIT', () => {
    expect(given('KSR.acme.inc(41)')).toBe('42');
    expect(given('KSR.acme.inc(-5)')).toBe('-4');
    expect(given('KSR.acme.upper("abc")')).toBe('ABC');
    expect(given('KSR.acme.upper("")')).toBe('');
    expect(given('KSR.acme["not"](0)')).toBe('true');
    expect(given('KSR.acme.half(-2)')).toBe('2147483647');
    expect(given('KSR.acme.join("a", "bc", 3)')).toBe('abcbcbc');
    expect(given('KSR.acme.now()')).toBe('1700000000000');
  });

  it('gives results as codes, and logs the error', () => {
    expect(given('KSR.acme.positive(3)')).toBe('3');
    expect(given('KSR.acme.positive(0)')).toBe('-1');
    expect(given('KSR.acme.even(2)')).toBe('1');
    expect(given('KSR.acme.even(3)')).toBe('-1');
    expect(given('KSR.acme.lookup("1")')).toBe('nil');
  });

  it('gets its modparams in order', () => {
    const modparams = [
      { module: 'acme', name: 'entry', value: '123=>carrier-a' },
      { module: 'acme', name: 'entry', value: '45=>b' },
    ];
    expect(given('KSR.acme.lookup("123") .. KSR.acme.lookup("45")', {}, { modparams })).toBe('carrier-ab');
    expect(() => withAcme('', {}, { modparams: [{ module: 'acme', name: 'nothing', value: 1 }] })).toThrow(
      'Cannot set modparam acme.nothing: no such',
    );
  });

  it('reads and changes the message, replies, and keeps values', () => {
    expect(given('KSR.acme.read_header("user-agent")')).toBe('unit-test');
    expect(given('KSR.acme.read_header("X-None")')).toBe('nil');
    expect(given('KSR.acme.add_header("X-A", "1\\r\\nX-B: 2")')).toBe('false');
    expect(given('KSR.acme.remember("k", "v") and KSR.htable.sht_get("t", "k")')).toBe('v');
    expect(given('KSR.acme.count("n") + KSR.acme.count("n")')).toBe('3');
    const { receive } = withAcme('KSR.acme.answer(486, "Busy")');
    expect(receive(request('INVITE'))[0]?.text).toContain('SIP/2.0 486 Busy');
  });
});

describe('a component that fails', () => {
  const FAILURES: readonly (readonly [what: string, call: string, gives: string, log: string])[] = [
    ['traps', 'KSR.acme.trap()', '-255', 'acme.trap failed: it trapped (unreachable); another instance takes over'],
    ['loops for ever', 'KSR.acme.spin()', '-255', 'acme.spin failed: it ran for more than 1000000 steps'],
    ['allocates without end', 'KSR.acme.hog()', '-255', 'with its memory full (1024 KiB)'],
    ['recurses without end', 'KSR.acme.deep(2000000000)', '-255', 'its calls were too deep within each other'],
    ['gives a text that is no UTF-8', 'KSR.acme.bad_text()', 'nil', 'it gave a text that is no UTF-8'],
    ['gives an address outside', 'KSR.acme.outside()', 'nil', 'it gave an address outside of its memory'],
    [
      'calls what it was not granted',
      'KSR.acme.add_header("A", "b")',
      'false',
      'kemi:module/edit append-header, which it was not granted',
    ],
  ];

  for (const [what, call, gives, line] of FAILURES)
    it(`costs the call, not the server, when it ${what}: the next 10,000 messages are answered`, () => {
      const { receive, runtime, log } = withAcme(
        `local r = ${call}\nKSR.sl.sl_send_reply(200, "=" .. tostring(r) .. " " .. KSR.acme.inc(1))`,
        { grants: [], limits: { memoryPages: 16, steps: 1_000_000 } },
      );
      const message = request();
      for (let i = 0; i < 10_000; i++) {
        const [reply] = receive(message);
        if (!reply?.text.startsWith(`SIP/2.0 200 =${gives} 2\r\n`)) throw new Error(`message ${i}: ${reply?.text}`);
      }
      expect(log.lines.find(l => l.message.includes(line))).toMatchObject({
        level: 'error',
        fields: { module: 'acme' },
      });
      const [extension] = runtime.components;
      const { calls, failures, instances, rested } = extension!.counters;
      expect(calls).toBe(20_000);
      expect(failures + rested).toBe(10_000);
      expect(instances).toBeGreaterThanOrEqual(failures);
      expect(runtime.liveMessages).toBe(0);
      expect(runtime.stats.get('acme', 'component_failures')).toBe(failures);
    });

  it('starts anew with its modparams', () => {
    const modparams = [{ module: 'acme', name: 'entry', value: '1=>a' }];
    expect(given('KSR.acme.trap() .. KSR.acme.lookup("1") .. KSR.acme.calls()', {}, { modparams })).toBe('-255a0');
  });

  it('rests when it failed often at a cost, longer each time, and others go on', () => {
    const { receive, advance, runtime } = withAcme(
      'KSR.sl.sl_send_reply(200, "=" .. KSR.acme.spin() .. KSR.acme.inc(1))',
      { limits: { steps: 10_000 } },
    );
    const { counters } = runtime.components[0]!;
    const seen: number[] = [];
    for (const ms of [0, 0, 0, 0, 0, 0, 500, 600, 1000, 1001, 3000, 2000, 100_000]) {
      advance(ms);
      expect(receive(request())[0]?.text).toContain('200 =-2552');
      seen.push(counters.failures);
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 5, 5, 6, 6, 7, 7, 8, 9]);
  });

  it('has as many calls of the host as its steps allow', async () => {
    const loop = await loadComponent(
      await wrapText(
        `(module
          (import "kemi:module/message@0.1.0" "status" (func $status (result i32)))
          (func (export "run") (loop (drop (call $status)) (br 0))))`,
        'world test { include kemi:module/extension@0.1.0; export run: func(); }',
      ),
      'loop.wasm',
    );
    const { receive, log } = testRuntime(
      'function ksr_request_route() KSR.loop.run() KSR.sl.sl_send_reply(200, "OK") end',
      {
        components: [{ name: 'loop', component: loop, limits: { steps: 5000 } }],
      },
    );
    expect(receive(request())[0]?.text).toContain('200 OK');
    expect(log.lines.some(l => l.message.includes('loop.run failed: it ran for more than 5000 steps'))).toBe(true);
  });
});

describe('timers of a component', () => {
  it('call it back, and stop when it is replaced', async () => {
    const { receive, advance, runtime } = withAcme(
      'KSR.sl.sl_send_reply(200, "=" .. KSR.acme.tick(100) .. " " .. KSR.acme.ticks())',
    );
    expect(receive(request())[0]?.text).toContain('200 =1 0');
    advance(1000);
    expect(receive(request())[0]?.text).toContain('200 =2 10');
    await runtime.reloadComponent('acme', acme);
    advance(1000);
    expect(receive(request())[0]?.text).toContain('200 =3 0');
    await runtime.close(0);
    advance(1000);
  });
});

describe('a reload of a component', () => {
  /** A component whose function answers with its number, and waits in between as the script says. */
  const numbered = async (n: number, more = '') =>
    loadComponent(
      await wrapText(
        `(module (func (export "number") (result i32) (i32.const ${n})) (func (export "more") (result i32) (i32.const 0)))`,
        `world test { export number: func() -> s32; ${more} }`,
      ),
      `v${n}.wasm`,
    );

  it('swaps between two messages: ten reloads under 10,000 messages lose none and mix none', async () => {
    const versions = await Promise.all(Array.from({ length: 11 }, (_, n) => numbered(n)));
    const script = `function ksr_request_route()
      local a = KSR.acme.number()
      if KSR.is_method("INFO") then KSR.pause.wait() end
      local b = KSR.acme.number()
      KSR.sl.sl_send_reply(200, "=" .. a .. " " .. b)
    end`;
    const waiting: (() => void)[] = [];
    const pause = defineModule<undefined>({
      name: 'pause',
      modparams: {},
      create: () => undefined,
      functions: [
        exportsOf<undefined>()('wait', {
          params: [],
          returns: 'int',
          async: true,
          run: () => new Promise<number>(resolve => waiting.push(() => resolve(1))),
        }),
      ],
    });
    const { receive, runtime, sent } = testRuntime(script, {
      components: [{ name: 'acme', component: versions[0]! }],
      extraModules: [pause],
    });
    for (let i = 0; i < 10_000; i++) {
      receive(request(i % 10 === 0 ? 'INFO' : 'OPTIONS'));
      if (i % 1000 === 500) await runtime.reloadComponent('acme', versions[Math.floor(i / 1000) + 1]!);
      if (i % 250 === 0) {
        for (const go of waiting.splice(0, 20)) go();
        await new Promise(resolve => setImmediate(resolve));
      }
    }
    for (const go of waiting.splice(0)) go();
    await new Promise(resolve => setImmediate(resolve));
    expect(sent.length).toBe(10_000);
    const answers = sent.map(s => /^SIP\/2\.0 200 =(\d+) (\d+)\r\n/.exec(s.text)!);
    expect(answers.filter(a => a[1] !== a[2])).toEqual([]);
    expect(new Set(answers.map(a => Number(a[1])))).toEqual(new Set(versions.keys()));
    expect(runtime.components[0]!.version).toBe(11);
  });

  it('refuses what scripts could not call any more, and what does not start: nothing changes', async () => {
    const { runtime, receive } = testRuntime(
      'function ksr_request_route() KSR.sl.sl_send_reply(200, "=" .. KSR.acme.number()) end',
      { components: [{ name: 'acme', file: 'acme.wasm', component: await numbered(1), read: () => numbered(2) }] },
    );
    const reload = (component: Component) => runtime.reloadComponent('acme', component);
    await expect(reload(acme)).rejects.toThrow(
      'Cannot load component acme.wasm: it has no number any more: what scripts call cannot change while they run, start the server anew',
    );
    const other = await wrapText(
      '(module (func (export "number") (param i32) (result i32) (i32.const 1)))',
      'world test { export number: func(n: s32) -> s32; }',
    );
    await expect(reload(await loadComponent(other, 'o'))).rejects.toThrow(
      'its number is func(s32) -> s32, and was func() -> s32',
    );
    const broken = await wrapText(
      '(module (func (export "number") (result i32) (i32.const 9)) (func $s unreachable) (start $s))',
      'world test { export number: func() -> s32; }',
    );
    await expect(reload(await loadComponent(broken, 'o'))).rejects.toThrow(
      'it fails at its start: it trapped (unreachable)',
    );
    expect(receive(request())[0]?.text).toContain('=1');
    expect(await runtime.rpc.call('module.reload')).toEqual({ name: 'acme', version: 2 });
    expect(receive(request())[0]?.text).toContain('=2');
    // one more function does no harm
    await reload(await numbered(3, 'export more: func() -> s32;'));
    expect(receive(request())[0]?.text).toContain('=3');
    await expect(runtime.rpc.call('module.reload', ['acm'])).rejects.toThrow(
      'There is no component acm, did you mean acme',
    );
    expect(await runtime.rpc.call('module.list')).toMatchObject([
      { name: 'acme', file: 'acme.wasm', version: 3, grants: 'message log', functions: { number: 'func() -> s32' } },
    ]);
    await expect(runtime.reloadComponent('nobody')).rejects.toThrow('There is no component nobody');
  });
});

describe('names of components', () => {
  it('must be names, and new ones', () => {
    expect(() => withAcme('', { name: 'my-acme' })).toThrow(
      'Cannot load component acme.wasm: "my-acme" is no name for a module, it has letters, digits and _: give one, for example --module acme=acme.wasm',
    );
    expect(() => withAcme('', { name: 'htable' })).toThrow(
      'Cannot load component acme.wasm: KSR.htable is there already: give it another name, for example --module my_htable=acme.wasm',
    );
    expect(() => withAcme('', { name: 'setflag' })).toThrow('KSR.setflag is there already');
    expect(() => withAcme('', { name: 'x' })).toThrow('KSR.x is there already');
  });

  it('have grants and limits by modparams, too', () => {
    const set = (name: string, value: string | number) => ({ modparams: [{ module: 'acme', name, value }] });
    const add = 'KSR.acme.add_header("A", "b")';
    expect(given(add, { grants: [] }, set('component_grants', 'edit, kv'))).toBe('true');
    expect(() => withAcme('', {}, set('component_grants', 'edti'))).toThrow(
      'Cannot grant edti to acme: the grants are message, edit, reply, log, kv, timer, clock, did you mean edit',
    );
    expect(given('KSR.acme.hog()', {}, set('component_memory', 1))).toBe('-255');
    expect(() => withAcme('', {}, set('component_memory', 0))).toThrow(
      'Cannot limit acme to memoryPages=0: it must be a whole number from 1 to 65536',
    );
    expect(() => withAcme('', {}, set('component_steps', 'many'))).toThrow('Cannot limit acme to steps=NaN');
    expect(given('KSR.acme.spin()', {}, set('component_steps', 5000))).toBe('-255');
  });
});

describe('bytes', () => {
  it('that are no UTF-8 become U+FFFD in a string, and stay as they are in a list', () => {
    const hex = (e: string) => `(${e}):gsub(".", function(c) return string.format("%02x", c:byte()) end)`;
    expect(given(hex('KSR.acme.upper("a\\xff\\xc3\\xa9\\xc3")'))).toMatch(/^41efbfbdc3a9efbfbd/);
    expect(given(hex('KSR.acme.bytes("a\\xff\\0\\xc3")'))).toMatch(/^61ff00c3/);
    expect(given(hex('KSR.acme.upper("\\xef\\xbb\\xbfa")'))).toMatch(/^efbbbf41/);
  });
});
