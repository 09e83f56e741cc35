import { beforeAll, describe, expect, it } from 'vitest';
import type { Component } from '../../../src/components/instance.ts';
import { loadComponent } from '../../../src/components/load.ts';
import type { ComponentOptions } from '../../../src/components/module.ts';
import { defineModule } from '../../../src/kemi/table.ts';
import type { RuntimeOptions } from '../../../src/runtime/options.ts';
import { assemble } from '../../support/component.ts';
import { request, testRuntime } from '../../support/runtime.ts';

/** Every function of the host by its name, so that a script can ask. */
const WIT = `
world test {
  include kemi:module/extension@0.1.0;
  export pv: func(name: string) -> option<string>;
  export format: func(text: string) -> option<string>;
  export set-pv: func(name: string, value: string) -> bool;
  export header: func(name: string, index: s32) -> option<string>;
  export header-bytes: func(name: string, index: s32) -> option<list<u8>>;
  export header-count: func(name: string) -> s32;
  export body: func() -> list<u8>;
  export what: func() -> string;
  export source-port: func() -> s32;
  export append: func(name: string, value: string) -> bool;
  export append-to-reply: func(name: string, value: string) -> bool;
  export remove: func(name: string) -> s32;
  export set-body: func(body: list<u8>, content-type: string) -> bool;
  export send: func(code: s32, reason: string) -> bool;
  export kv-set: func(key: string, value: string, ttl: u32) -> bool;
  export kv-get: func(table: string, key: string) -> option<string>;
  export kv-remove: func(key: string) -> bool;
  export kv-add: func(key: string, by: s32) -> s32;
  export monotonic: func() -> s32;
}
`;
const SOURCE = `
@external("kemi:module/message@0.1.0", "pv") declare function h_pv(p: usize, n: usize, ret: usize): void;
@external("kemi:module/message@0.1.0", "format") declare function h_format(p: usize, n: usize, ret: usize): void;
@external("kemi:module/message@0.1.0", "header") declare function h_header(p: usize, n: usize, i: i32, ret: usize): void;
@external("kemi:module/message@0.1.0", "header-bytes") declare function h_bytes(p: usize, n: usize, i: i32, ret: usize): void;
@external("kemi:module/message@0.1.0", "header-count") declare function h_count(p: usize, n: usize): i32;
@external("kemi:module/message@0.1.0", "body") declare function h_body(ret: usize): void;
@external("kemi:module/message@0.1.0", "is-request") declare function h_request(): i32;
@external("kemi:module/message@0.1.0", "method") declare function h_method(ret: usize): void;
@external("kemi:module/message@0.1.0", "source-ip") declare function h_ip(ret: usize): void;
@external("kemi:module/message@0.1.0", "source-port") declare function h_port(): i32;
@external("kemi:module/message@0.1.0", "status") declare function h_status(): i32;
@external("kemi:module/edit@0.1.0", "append-header") declare function h_append(p: usize, n: usize, v: usize, vn: usize): i32;
@external("kemi:module/edit@0.1.0", "append-to-reply") declare function h_toReply(p: usize, n: usize, v: usize, vn: usize): i32;
@external("kemi:module/edit@0.1.0", "remove-header") declare function h_remove(p: usize, n: usize): i32;
@external("kemi:module/edit@0.1.0", "set-pv") declare function h_setPv(p: usize, n: usize, v: usize, vn: usize): i32;
@external("kemi:module/edit@0.1.0", "set-body") declare function h_setBody(p: usize, n: usize, v: usize, vn: usize): i32;
@external("kemi:module/reply@0.1.0", "send") declare function h_send(code: i32, p: usize, n: usize): i32;
@external("kemi:module/kv@0.1.0", "set") declare function h_kvSet(t: usize, tn: usize, k: usize, kn: usize, v: usize, vn: usize, ttl: u32): i32;
@external("kemi:module/kv@0.1.0", "get") declare function h_kvGet(t: usize, tn: usize, k: usize, kn: usize, ret: usize): void;
@external("kemi:module/kv@0.1.0", "remove") declare function h_kvRemove(t: usize, tn: usize, k: usize, kn: usize): i32;
@external("kemi:module/kv@0.1.0", "add") declare function h_kvAdd(t: usize, tn: usize, k: usize, kn: usize, by: i32, ret: usize): void;
@external("kemi:module/clock@0.1.0", "monotonic") declare function h_mono(): u64;
const T: usize = memory.data<u8>([0x74]);
export function pv(p: usize, n: usize): usize { h_pv(p, n, RET); return RET; }
export function cabi_post_pv(r: usize): void { free(); }
export function format(p: usize, n: usize): usize { h_format(p, n, RET); return RET; }
export function set_pv(p: usize, n: usize, v: usize, vn: usize): i32 { return h_setPv(p, n, v, vn); }
export function header(p: usize, n: usize, i: i32): usize { h_header(p, n, i, RET); return RET; }
export function header_bytes(p: usize, n: usize, i: i32): usize { h_bytes(p, n, i, RET); return RET; }
export function header_count(p: usize, n: usize): i32 { return h_count(p, n); }
export function body(): usize { h_body(RET); return RET; }
export function what(): usize {
  h_method(RET);
  if (h_status() != 0 || !h_request()) h_ip(RET);
  return RET;
}
export function source_port(): i32 { return h_port(); }
export function append(p: usize, n: usize, v: usize, vn: usize): i32 { return h_append(p, n, v, vn); }
export function append_to_reply(p: usize, n: usize, v: usize, vn: usize): i32 { return h_toReply(p, n, v, vn); }
export function remove(p: usize, n: usize): i32 { return h_remove(p, n); }
export function set_body(p: usize, n: usize, v: usize, vn: usize): i32 { return h_setBody(p, n, v, vn); }
export function send(code: i32, p: usize, n: usize): i32 { return h_send(code, p, n); }
export function kv_set(k: usize, kn: usize, v: usize, vn: usize, ttl: u32): i32 { return h_kvSet(T, 1, k, kn, v, vn, ttl); }
export function kv_get(t: usize, tn: usize, k: usize, kn: usize): usize { h_kvGet(t, tn, k, kn, RET); return RET; }
export function kv_remove(k: usize, kn: usize): i32 { return h_kvRemove(T, 1, k, kn); }
export function kv_add(k: usize, kn: usize, by: i32): i32 { h_kvAdd(T, 1, k, kn, by, RET); return load<u8>(RET) ? load<i32>(RET, 4) : -99; }
export function monotonic(): i32 { return <i32>h_mono(); }
`;

let ask: Component;
beforeAll(async () => {
  ask = await loadComponent(await assemble(SOURCE, WIT), 'ask.wasm');
});

const ALL = ['edit', 'reply', 'kv', 'timer', 'clock'] as const;
function withAsk(body: string, component: Partial<ComponentOptions> = {}, options: Partial<RuntimeOptions> = {}) {
  return testRuntime(`function ksr_request_route() local a, r = KSR.ask\n${body}\nend`, {
    components: [{ name: 'ask', component: ask, grants: ALL, ...component }],
    modparams: [{ module: 'htable', name: 'htable', value: 't=>size=4;autoexpire=100;' }],
    env: { HOME: '/root' },
    ...options,
  });
}
/** What an expression gives, as a header of the reply. */
function given(expression: string, message = request(), component: Partial<ComponentOptions> = {}): string | undefined {
  const { receive } = withAsk(
    `r = tostring(${expression}) KSR.hdr.append_to_reply("X-Is: " .. r .. "\\r\\n") KSR.sl.sl_send_reply(200, "OK")`,
    component,
  );
  const [reply] = receive(message);
  return /\r\nX-Is: (.*)\r\n/.exec(reply?.text ?? '')?.[1];
}

describe('message', () => {
  it('gives headers by name and place, in any case and form', () => {
    const message = request('OPTIONS', 'sip:x@y', [
      'X-A: 1',
      'x-a: 2',
      'v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK0',
      'X-B: \xff',
    ]);
    expect(given('a.header("x-A", 0) .. a.header("X-a", 1) .. a.header("X-A", -1)', message)).toBe('122');
    expect(given('a.header("X-A", 2)', message)).toBe('nil');
    expect(given('a.header_count("X-A") .. a.header_count("Via") .. a.header_count("None")', message)).toBe('220');
    expect(given('#a.header("X-B", 0) .. #a.header_bytes("X-B", 0)', message)).toBe('31');
  });

  it('gives pseudo-variables, texts with them, the body, and where it came from', () => {
    const message = request('INFO', 'sip:bob@example.com', ['Content-Type: text/plain'], 'hello');
    expect(given('a.pv("$rU") .. a.pv("$(hdr(User-Agent){s.len})") .. tostring(a.pv("$du"))', message)).toBe('bob9nil');
    expect(given('a.pv("no variable")', message)).toBe('nil');
    expect(given('a.format("<$rm> $$ $du")', message)).toBe('<INFO> $ <null>');
    expect(given('a.body() .. a.what() .. a.source_port()', message)).toBe('helloINFO5062');
  });

  it('gives no tables without kv, and never the environment', () => {
    const table = 'KSR.htable.sht_sets("t", "k", "v") and a.pv("$sht(t=>k)")';
    expect(given(`tostring(${table})`)).toBe('v');
    expect(given(`tostring(${table})`, request(), { grants: [] })).toBe('nil');
    expect(given('a.format("$(sht(t=>k)) x")', request(), { grants: [] })).toBe('nil');
    expect(given('a.set_pv("$sht(t=>k)", "w")', request(), { grants: ['edit'] })).toBe('false');
    expect(given('a.pv("$env(HOME)")')).toBe('nil');
    const { receive, log } = withAsk('a.pv("$env(HOME)")');
    receive(request());
    expect(log.lines.map(l => l.message)).toContain('ask used $env(HOME), and was not granted the environment');
  });

  it('is empty where there is none', async () => {
    const { runtime } = withAsk('');
    const call = (name: string, ...args: (string | number)[]) => runtime.bridge.call(`ask.${name}`, ...args);
    expect(call('header', 'Via', 0)).toBe(null);
    expect(call('header_count', 'Via')).toBe(0);
    expect(call('body')).toBe('');
    expect(call('what')).toBe('');
    expect(call('append', 'A', 'b')).toBe(false);
    expect(call('remove', 'A')).toBe(0);
    expect(call('set_body', 'a', 'b/c')).toBe(false);
    expect(call('send', 200, 'OK')).toBe(false);
    expect(call('pv', '$ru')).toBe(null);
    expect(call('set_pv', '$var(x)', '1')).toBe(true);
    expect(runtime.components[0]!.counters.failures).toBe(0);
  });
});

describe('edit and reply', () => {
  it('change what is sent', () => {
    const { receive } = withAsk(`
      a.append("X-New", "1")
      a.remove("User-Agent")
      a.set_pv("$rU", "carol")
      a.set_body("new body", "text/x")
      KSR.setdsturi("sip:192.0.2.9:5099")
      KSR.forward()`);
    const [sent] = receive(request('MESSAGE', 'sip:bob@192.0.2.9', ['Content-Type: text/plain', 'X-New: 0'], 'old'));
    expect(sent?.text).toMatch(/^MESSAGE sip:carol@192\.0\.2\.9 SIP/);
    expect(sent?.text).toContain('\r\nX-New: 1\r\n');
    expect(sent?.text).not.toContain('User-Agent');
    expect(sent?.text).toMatch(/\r\nContent-Type: text\/x\r\n/);
    expect(sent?.text).not.toContain('text/plain');
    expect(sent?.text).toMatch(/\r\nContent-Length: 8\r\n[\s\S]*\r\n\r\nnew body$/);
  });

  it('cannot smuggle a line in', () => {
    expect(given('a.append("X", "1\\r\\nY: 2")')).toBe('false');
    expect(given('a.append("X: 1\\r\\nY", "2")')).toBe('false');
    expect(given('a.append("", "2")')).toBe('false');
    expect(given('a.append_to_reply("X Y", "2")')).toBe('false');
    expect(given('a.set_body("x", "text/a\\r\\nZ: 1")')).toBe('false');
    expect(given('a.send(200, "OK\\r\\nX: 1")')).toBe('false');
    expect(given('a.set_pv("$si", "1.2.3.4")')).toBe('false');
  });

  it('answer with headers', () => {
    const { receive } = withAsk('a.append_to_reply("X-R", "r") if a.send(603, "No") then a.send(99, "Never") end');
    const sent = receive(request('INVITE'));
    expect(sent.length).toBe(1);
    expect(sent[0]?.text).toMatch(/^SIP\/2\.0 603 No\r\n[\s\S]*\r\nX-R: r\r\n/);
  });
});

describe('kv and clock', () => {
  it('work on the tables of htable', () => {
    expect(given('tostring(a.kv_set("k", "v", 0)) .. a.kv_get("t", "k") .. tostring(a.kv_get("u", "k"))')).toBe(
      'truevnil',
    );
    expect(given('tostring(a.kv_remove("k")) .. tostring(a.kv_set("k", "", 0)) .. tostring(a.kv_remove("k"))')).toBe(
      'falsetruetrue',
    );
    expect(given('a.kv_add("n", 5) .. a.kv_add("n", -7) .. a.kv_get("t", "n")')).toBe('5-2-2');
    expect(given('tostring(a.kv_set("k", "text", 0)) .. a.kv_add("k", 1)')).toBe('true-99');
    const { receive, advance } = withAsk(
      'if a.kv_get("t", "k") then KSR.sl.sl_send_reply(200, "There") else a.kv_set("k", "v", 5) end',
    );
    expect(receive(request())).toEqual([]);
    advance(4000);
    expect(receive(request())[0]?.text).toContain('200 There');
    advance(2000);
    expect(receive(request())).toEqual([]);
    expect(given('a.monotonic() ~= 0')).toBe('true');
  });

  it('say that there are no tables without htable', () => {
    const { log, receive } = withAsk(
      'a.kv_get("t", "k") KSR.sl.sl_send_reply(200, "OK")',
      {},
      { modules: ['sl', 'pv'], modparams: [] },
    );
    expect(log.lines.map(l => l.message)).toContain('ask uses kv, and module htable is not loaded: it has no tables');
    expect(receive(request())[0]?.text).toContain('200 OK');
  });
});

describe('a call that leads back into the component', () => {
  it('is not made, and the outer one goes on', () => {
    const inner: unknown[] = [];
    const again = defineModule<undefined>({
      name: 'again',
      modparams: {},
      create: () => undefined,
      functions: [],
      pvs: [
        {
          name: 'again',
          anytime: true,
          doc: 'calls the component that reads it',
          get: () => {
            inner.push(made.runtime.bridge.call('ask.source_port'));
            return 'outer';
          },
        },
      ],
    });
    const made = withAsk('KSR.sl.sl_send_reply(200, "=" .. a.pv("$again"))', {}, { extraModules: [again] });
    expect(made.receive(request())[0]?.text).toContain('200 =outer');
    expect(inner).toEqual([-255]);
    expect(made.log.lines.map(l => l.message)).toContain(
      'Cannot call ask.source_port: ask is in the middle of another call',
    );
    expect(made.runtime.components[0]!.counters.instances).toBe(1);
  });
});
