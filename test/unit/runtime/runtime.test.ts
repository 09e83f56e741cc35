import { describe, expect, it } from 'vitest';
import { defineModule, exportsOf, ScriptError } from '../../../src/index.ts';
import { request, testRuntime } from '../../support/runtime.ts';

const ANSWER = 'function ksr_request_route() KSR.sl.sl_send_reply(200, "OK") end';
const firstLine = (sent: { text: string }[]) => sent.map(s => s.text.split('\r\n')[0]);

describe('Runtime.receive()', () => {
  it('routes a request through the script and sends its reply to the source', () => {
    const t = testRuntime(ANSWER);
    const [reply, ...more] = t.receive(request());
    expect(more).toEqual([]);
    expect(reply).toMatchObject({ ip: '127.0.0.1', port: 5062 });
    expect(reply!.text).toMatch(
      /^SIP\/2\.0 200 OK\r\nVia: SIP\/2\.0\/UDP 127\.0\.0\.1:5062;rport=5062;received=127\.0\.0\.1;branch=z9hG4bKtest1\r\n/,
    );
    expect(reply!.text).toMatch(/\r\nTo: <sip:bob@example\.com>;tag=[0-9a-f]{32}\.[0-9a-f]{8}\r\n/);
    expect(reply!.text).toMatch(/\r\nContent-Length: 0\r\n\r\n$/);
    expect(t.runtime.liveMessages).toBe(0);
  });
  it('sends to the port of the Via without rport, and to 5060 without a port', () => {
    const t = testRuntime(ANSWER);
    const [a] = t.receive(request().replace(';rport', ''), { ip: '127.0.0.1', port: 1234 });
    expect(a!.port).toBe(5062);
    const [b] = t.receive(request().replace(':5062;rport', ''), { ip: '127.0.0.1', port: 1234 });
    expect(b!.port).toBe(5060);
  });
  it('counts keep-alives and empty datagrams, and answers nothing', () => {
    const t = testRuntime(ANSWER);
    for (const bytes of ['', '\r\n', '\r\n\r\n']) expect(t.receive(bytes)).toEqual([]);
    expect(t.runtime.counters.keepalives).toBe(3);
    expect(t.runtime.liveMessages).toBe(0);
  });
  it('answers a broken request where a Via allows it, and drops a broken reply', () => {
    const t = testRuntime(ANSWER);
    expect(firstLine(t.receive(request().replace('CSeq: 7 OPTIONS', 'CSeq: seven')))).toEqual([
      'SIP/2.0 400 Bad Request',
    ]);
    expect(firstLine(t.receive(request().replace('SIP/2.0\r', 'SIP/7.0\r')))).toEqual([
      'SIP/2.0 505 Version Not Supported',
    ]);
    expect(t.receive(request().replace(/Via: [^\r]*\r\n/, ''))).toEqual([]);
    expect(t.receive('SIP/2.0 9 \r\n\r\n')).toEqual([]);
    expect(t.receive('\0\0\0\0')).toEqual([]);
    expect(t.runtime.counters.bad).toBe(5);
    expect(t.runtime.liveMessages).toBe(0);
  });
  it('answers a message above the limit with 513', () => {
    const t = testRuntime(ANSWER, { limits: { messageBytes: 600 } });
    expect(firstLine(t.receive(request('MESSAGE', 'sip:127.0.0.1', [], 'x'.repeat(900))))).toEqual([
      'SIP/2.0 513 Message Too Large',
    ]);
    expect(t.runtime.counters.tooBig).toBe(1);
  });
  it('leaves a request without a script unanswered', () => {
    const t = testRuntime();
    expect(t.receive(request())).toEqual([]);
    expect(t.runtime.liveMessages).toBe(0);
  });
  it('throws after close()', async () => {
    const t = testRuntime(ANSWER);
    await t.runtime.close();
    expect(() => t.receive(request())).toThrow('Cannot use the runtime: it is closed');
  });
});

describe('Runtime scripts', () => {
  it('loses only the message when a route fails, and logs file, line and traceback', () => {
    const t = testRuntime('function ksr_request_route()\n  local x = nil\n  return x.y\nend');
    expect(t.receive(request())).toEqual([]);
    const line = t.log.lines.find(l => l.level === 'error')!;
    expect(line.message).toContain('test.lua:3:');
    expect(line.fields).toMatchObject({ file: 'test.lua', line: 3, route: 'ksr_request_route' });
    expect(line.fields.traceback).toContain('stack traceback');
    expect(t.runtime.counters.scriptErrors).toBe(1);
    expect(t.runtime.liveMessages).toBe(0);
  });
  it('keeps the old script when a new one does not load, and says where it is wrong', () => {
    const t = testRuntime(ANSWER);
    const load = (source: string) => () =>
      t.runtime.load({ name: 'new.lua', source: new TextEncoder().encode(source) });
    expect(load('function ksr_request_route(\n')).toThrow(ScriptError);
    expect(load('x = 1\nerror("no")')).toThrow('new.lua:2');
    expect(load('x = 1')).toThrow('it defines no function ksr_request_route()');
    expect(t.runtime.running).toMatchObject({ name: 'test.lua' });
    expect(firstLine(t.receive(request()))).toEqual(['SIP/2.0 200 OK']);
  });
  it('swaps scripts between two messages and counts the version up', () => {
    const t = testRuntime(ANSWER);
    const before = t.runtime.running!.version;
    t.runtime.reload(new TextEncoder().encode(ANSWER.replace('200, "OK"', '404, "Gone"')));
    expect(t.runtime.running!.version).toBeGreaterThan(before);
    expect(firstLine(t.receive(request()))).toEqual(['SIP/2.0 404 Gone']);
  });
  it('stops an endless loop at the instruction limit, answers 500, and goes on', () => {
    const t = testRuntime(
      'function ksr_request_route() if KSR.is_INVITE() then while true do pcall(function() while true do end end) end end KSR.sl.sl_send_reply(200, "OK") end',
      {
        limits: { instructions: 100_000 },
      },
    );
    expect(firstLine(t.receive(request('INVITE')))).toEqual(['SIP/2.0 500 Server Internal Error']);
    expect(t.runtime.counters.instructionLimits).toBe(1);
    expect(firstLine(t.receive(request()))).toEqual(['SIP/2.0 200 OK']);
  });
  it('names a misspelt function and the nearest one', () => {
    const t = testRuntime('function ksr_request_route() KSR.sl.sl_send_replyy(200, "OK") end');
    t.receive(request());
    expect(t.log.lines.find(l => l.level === 'error')!.message).toContain('did you mean KSR.sl.sl_send_reply');
  });
  it('names a function whose module is not available', () => {
    const t = testRuntime('function ksr_request_route() KSR.dispatcher.ds_select_dst(1, 4) end');
    t.receive(request());
    expect(t.log.lines.find(l => l.level === 'error')!.message).toContain(
      'KSR.dispatcher.ds_select_dst: module dispatcher is not available in this version',
    );
  });
  it('checks a script without running its routes', () => {
    const t = testRuntime();
    const found = t.runtime.check({
      name: 'c.lua',
      source: new TextEncoder().encode('function ksr_request_route()\n  KSR.sl.sl_send_replyy(1, "x")\nend'),
    });
    expect(found).toEqual([
      {
        severity: 'error',
        file: 'c.lua',
        line: 2,
        column: 10,
        message: 'KSR.sl.sl_send_replyy does not exist, did you mean KSR.sl.sl_send_reply',
      },
    ]);
    expect(t.runtime.running).toBeUndefined();
  });
});

const kemi = exportsOf<undefined>();
/** KSR.test.wait(ms, text): gives `text` after so many milliseconds of the runtime's clock. */
const waiting = defineModule<undefined>({
  name: 'test',
  modparams: {},
  create: () => undefined,
  functions: [
    kemi('wait', {
      params: ['int', 'str'],
      returns: 'xval',
      async: true,
      run: ({ host }, ms, text) => new Promise(resolve => host.after(ms, () => resolve(text))),
    }),
  ],
});

describe('suspended routes', () => {
  const SCRIPT =
    'function ksr_request_route() KSR.sl.sl_send_reply(200, KSR.test.wait(50, "late ") .. KSR.kx.get_callid()) end';
  const extraModules = [waiting];
  const settle = () => new Promise(resolve => setTimeout(resolve, 0));
  it('interleave: each goes on with its own message', async () => {
    const t = testRuntime(SCRIPT, { extraModules });
    expect(t.runtime.receive(Buffer.from(request().replace('call-1', 'one')), { ip: '127.0.0.1', port: 1 })).toBe(
      'suspended',
    );
    t.advance(20);
    t.runtime.receive(Buffer.from(request().replace('call-1', 'two')), { ip: '127.0.0.1', port: 2 });
    expect(t.runtime.liveMessages).toBe(2);
    t.advance(35);
    await settle();
    expect(t.sent.map(s => s.text.split('\r\n')[0])).toEqual(['SIP/2.0 200 late one@example.com']);
    t.advance(20);
    await settle();
    expect(t.sent.map(s => s.text.split('\r\n')[0])).toEqual([
      'SIP/2.0 200 late one@example.com',
      'SIP/2.0 200 late two@example.com',
    ]);
    expect(t.runtime.liveMessages).toBe(0);
  });
  it('finish on the old script when a new one is loaded', async () => {
    const t = testRuntime(SCRIPT, { extraModules });
    t.runtime.receive(Buffer.from(request()), { ip: '127.0.0.1', port: 1 });
    t.runtime.reload(new TextEncoder().encode(ANSWER));
    t.advance(60);
    await settle();
    expect(firstLine(t.sent)).toEqual(['SIP/2.0 200 late call-1@example.com']);
  });
  it('are given up after waitMs', async () => {
    const t = testRuntime(SCRIPT, { extraModules, limits: { waitMs: 10 } });
    t.runtime.receive(Buffer.from(request()), { ip: '127.0.0.1', port: 1 });
    t.advance(15);
    await settle();
    expect(t.runtime.counters.abandoned).toBe(1);
    expect(t.runtime.liveMessages).toBe(0);
  });
  it('may finish while the runtime closes', async () => {
    const t = testRuntime(SCRIPT, { extraModules });
    t.runtime.receive(Buffer.from(request()), { ip: '127.0.0.1', port: 1 });
    const closing = t.runtime.close();
    t.advance(60);
    await closing;
    expect(firstLine(t.sent)).toEqual(['SIP/2.0 200 late call-1@example.com']);
  });
});
