import { beforeAll, describe, expect, it } from 'vitest';
import type { Component } from '../../../src/components/instance.ts';
import { loadComponent } from '../../../src/components/load.ts';
import type { ComponentOptions } from '../../../src/components/module.ts';
import type { RuntimeOptions } from '../../../src/runtime/options.ts';
import { acmeBytes } from '../../support/acme.ts';
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
