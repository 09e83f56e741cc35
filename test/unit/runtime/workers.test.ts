/** Several runtimes that serve the same address: what one knows the others know, and each message comes to who has its transaction. */
import { describe, expect, it } from 'vitest';
import { credentials, nonceOf } from '../../support/digest.ts';
import { request } from '../../support/runtime.ts';
import { workerRuntimes } from '../../support/workers.ts';

const PROXY = `
  function ksr_request_route()
    if KSR.is_CANCEL() then
      if KSR.tm.t_check_trans() > 0 then KSR.tm.t_relay() end
      return
    end
    if KSR.is_ACK() then
      if KSR.tm.t_check_trans() > 0 then KSR.tm.t_relay() end
      return
    end
    if KSR.tm.t_check_trans() == 0 then return end
    if KSR.is_REGISTER() then
      if KSR.registrar.save("location", 0) < 0 then KSR.sl.sl_reply_error() end
      return
    end
    if KSR.is_method_in("I") and KSR.pv.get("$rU") == "answer" then
      KSR.tm.t_newtran()
      KSR.tm.t_reply(486, "Busy Here")
      return
    end
    if KSR.registrar.lookup("location") < 0 then KSR.sl.sl_send_reply(404, "Nobody") return end
    KSR.tm.t_relay()
  end
  function ksr_reply_route() return 1 end`;

const CALLER = { ip: '127.0.0.1', port: 5062 };
const ELSEWHERE = { ip: '127.0.0.1', port: 6062 };
const CALLEE = { ip: '127.0.0.1', port: 5070 };

const register = (callId: string, cseq: number, contact: string, expires = 600) =>
  request('REGISTER', 'sip:127.0.0.1', [`Contact: <${contact}>`, `Expires: ${expires}`])
    .replace('CSeq: 7', `CSeq: ${cseq}`)
    .replace('call-1@example.com', callId)
    .replace('branch=z9hG4bKtest1', `branch=z9hG4bK${callId}${cseq}`);

const reply = (sent: string, status: string, tag = 'callee') => {
  const lines = sent.split('\r\n').filter(line => /^(Via|From|To|Call-ID|CSeq|Record-Route):/i.test(line));
  return [
    `SIP/2.0 ${status}`,
    ...lines.map(line => (/^To:/i.test(line) && !/tag=/.test(line) ? `${line};tag=${tag}` : line)),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
};

const first = (sent: readonly { text: string }[]) => sent.map(s => s.text.split('\r\n')[0]);

describe('transactions of two runtimes', () => {
  const invite = request('INVITE', 'sip:bob@127.0.0.1');

  function called() {
    const pair = workerRuntimes(PROXY);
    const { a, b } = pair;
    expect(first(b.receive(register('reg', 1, 'sip:bob@127.0.0.1:5070')))).toEqual(['SIP/2.0 200 OK']);
    const sent = a.receive(invite, CALLER);
    expect(first(sent)).toEqual([
      'SIP/2.0 100 trying -- your call is important to us',
      expect.stringMatching(/^INVITE sip:bob@127.0.0.1:5070/),
    ]);
    return { ...pair, forwarded: sent[1]!.text };
  }

  it('a reply that the other one gets comes to the transaction', () => {
    const { a, b, handed, forwarded } = called();
    const before = a.sent.length;
    expect(b.receive(reply(forwarded, '180 Ringing'), CALLEE)).toEqual([]);
    expect(b.receive(reply(forwarded, '200 OK'), CALLEE)).toEqual([]);
    expect(first(a.sent.slice(before))).toEqual(['SIP/2.0 180 Ringing', 'SIP/2.0 200 OK']);
    expect(handed).toEqual([
      { from: 1, to: 0 },
      { from: 1, to: 0 },
    ]);
    expect([a.runtime.counters.replies, b.runtime.counters.replies, b.runtime.counters.handedOver]).toEqual([2, 0, 2]);
    expect([a.runtime.liveMessages, b.runtime.liveMessages]).toEqual([0, 0]);
  });

  it('a retransmission from another port is answered, and makes no second call', () => {
    const { a, b } = called();
    const before = a.sent.length;
    expect(b.receive(invite, ELSEWHERE)).toEqual([]);
    expect(first(a.sent.slice(before))).toEqual(['SIP/2.0 100 trying -- your call is important to us']);
    // the REGISTER
    expect(b.runtime.counters.requests).toBe(1);
  });

  it('a CANCEL from another port ends the call', () => {
    const { a, b, forwarded } = called();
    b.receive(reply(forwarded, '180 Ringing'), CALLEE);
    const before = a.sent.length;
    expect(b.receive(invite.replaceAll('INVITE', 'CANCEL'), ELSEWHERE)).toEqual([]);
    expect(first(a.sent.slice(before))).toEqual([
      expect.stringMatching(/^CANCEL sip:bob@127.0.0.1:5070/),
      'SIP/2.0 200 canceling',
    ]);
  });

  it('an ACK to a negative answer from another port ends its retransmission', () => {
    const { a, b } = workerRuntimes(PROXY);
    const busy = a.receive(request('INVITE', 'sip:answer@127.0.0.1'), CALLER).at(-1)!.text;
    const tag = /^To: .*$/m.exec(busy)![0].trim();
    const ack = request('ACK', 'sip:answer@127.0.0.1').replace(/^To: .*$/m, tag);
    expect(b.receive(ack, ELSEWHERE)).toEqual([]);
    const before = a.sent.length;
    a.advance(3000);
    expect(a.sent.length).toBe(before);
  });

  it('a reply of a transaction that is gone is forwarded where it came in', () => {
    const { a, b, forwarded, memories } = called();
    memories[0]!.left(0);
    a.runtime.host.module<{ dispose(): void }>('tm')!.dispose();
    expect(first(b.receive(reply(forwarded, '486 Busy Here'), CALLEE))).toEqual([]);
    expect(first(a.sent.slice(-1))).toEqual(['SIP/2.0 486 Busy Here']);
  });

  it('both begin with the same request at the same moment: one answers', () => {
    const { a, b, memories } = workerRuntimes(PROXY);
    // what the other one claims between our look at the table and our claim
    const map = memories[0]!.map('tm.transactions', 65536);
    a.receive(request('INVITE', 'sip:answer@127.0.0.1'), CALLER);
    const [key] = map.keys();
    map.delete(key!);
    const get = map.get.bind(map);
    const other = memories[1]!.map('tm.transactions', 65536);
    let looks = 0;
    other.get = k => {
      if (++looks === 2) map.set(key!, { value: 0, expiresMs: 0 });
      return get(k);
    };
    expect(b.receive(request('INVITE', 'sip:answer@127.0.0.1'), ELSEWHERE)).toEqual([]);
    expect(b.runtime.counters.requests).toBe(1);
    expect(b.runtime.counters.scriptErrors).toBe(0);
  });

  it('t_continue() of what the other one suspended goes on there; t_reply_callid() of its transactions is refused and logged', () => {
    const { a, b } = workerRuntimes(`
      function ksr_request_route()
        if KSR.is_OPTIONS() then
          KSR.sl.sl_send_reply(200, "R " .. KSR.tmx.t_continue(KSR.pvx.shv_get("i"), KSR.pvx.shv_get("l"), "go")
            .. " " .. KSR.tmx.t_reply_callid("call-1@example.com", "7", 488, "No"))
          return
        end
        KSR.tmx.t_suspend()
        KSR.pvx.shv_seti("i", KSR.pv.get("$T(id_index)"))
        KSR.pvx.shv_seti("l", KSR.pv.get("$T(id_label)"))
      end
      function go() KSR.tm.t_reply(480, "Gone on") end`);
    const ask = request('OPTIONS').replace('call-1', 'call-2').replace('bKtest1', 'bKtest2');
    b.receive(request('INVITE'), CALLER);
    expect(first(a.receive(ask))).toEqual(['SIP/2.0 200 R 1 -1']);
    expect(first(b.sent.slice(-1))).toEqual(['SIP/2.0 480 Gone on']);
    expect(a.log.lines.map(l => l.message)).toContain(
      'Cannot find a transaction: only those of this worker are looked at',
    );
    // it waits no more, wherever that is asked
    expect(first(a.receive(ask))).toEqual(['SIP/2.0 200 R 1 -1']);
    expect(b.log.lines.map(l => l.message)).toContain('Cannot continue: there is no such suspended transaction');
    expect(first(b.receive(ask))).toEqual(['SIP/2.0 200 R -1 -1']);
  });

  it('leaves nothing behind', () => {
    const { a, b, forwarded, memories } = called();
    b.receive(reply(forwarded, '486 Busy Here'), CALLEE);
    a.advance(60_000);
    expect(memories[0]!.map('tm.transactions', 65536).size).toBe(0);
    expect([a.runtime.core.x.tmTable(), a.runtime.core.x.tmBlocks()]).toEqual([0, 0]);
  });
});

describe('registrations of two runtimes', () => {
  const contacts = (text: string) =>
    [...text.matchAll(/^Contact: (.*)$/gm)].flatMap(m => m[1]!.split(', ')).map(c => /<([^>]*)>/.exec(c)![1]);

  it('one sees what the other stored, with the same rules about Call-ID and CSeq', () => {
    const { a, b } = workerRuntimes(PROXY);
    a.receive(register('one', 5, 'sip:bob@127.0.0.1:5070'));
    expect(contacts(b.receive(register('two', 1, 'sip:bob@127.0.0.1:5071'))[0]!.text)).toEqual([
      'sip:bob@127.0.0.1:5070',
      'sip:bob@127.0.0.1:5071',
    ]);
    // an older CSeq of the same Call-ID, wherever it comes
    expect(first(b.receive(register('one', 4, 'sip:bob@127.0.0.1:5070')))).toEqual(['SIP/2.0 400 Bad Request']);
    expect(first(b.receive(register('one', 6, 'sip:bob@127.0.0.1:5070', 0)))).toEqual(['SIP/2.0 200 OK']);
    expect(contacts(a.receive(register('three', 1, 'sip:bob@127.0.0.1:5072'))[0]!.text)).toEqual([
      'sip:bob@127.0.0.1:5071',
      'sip:bob@127.0.0.1:5072',
    ]);
  });

  it('any of them dumps all, and counts all once', async () => {
    const { a, b } = workerRuntimes(PROXY);
    b.receive(register('one', 5, 'sip:bob@127.0.0.1:5070'));
    for (const { runtime } of [a, b]) {
      const dump = JSON.stringify(await runtime.rpc.call('ul.dump'));
      expect(dump).toContain('sip:bob@127.0.0.1:5070');
      expect(await runtime.rpc.call('stats.get_statistics', ['usrloc:location_contacts'])).toEqual([
        'usrloc:location_contacts = 1',
      ]);
      expect(await runtime.rpc.call('stats.get_statistics', ['registrar:accepted_regs'])).toEqual([
        `registrar:accepted_regs = ${runtime === b.runtime ? 1 : 0}`,
      ]);
    }
    b.runtime.stats.publish();
    expect(
      await a.runtime.rpc.call('stats.get_statistics', ['registrar:accepted_regs', 'registrar:max_expires']),
    ).toEqual(['registrar:accepted_regs = 1', 'registrar:max_expires = 0']);
  });

  it('the first one takes expired contacts out, once', async () => {
    const { a, b } = workerRuntimes(PROXY);
    b.receive(register('one', 5, 'sip:bob@127.0.0.1:5070', 100));
    b.receive(register('two', 5, 'sip:bob@127.0.0.1:5071', 1000));
    b.advance(200_000);
    expect(JSON.stringify(await a.runtime.rpc.call('ul.dump'))).toContain('5070');
    a.advance(200_000);
    const dump = JSON.stringify(await b.runtime.rpc.call('ul.dump'));
    expect(dump).not.toContain('5070');
    expect(dump).toContain('5071');
    expect(b.runtime.stats.get('usrloc', 'location_expires')).toBe(1);
  });

  it('the first one pings, and the answer counts wherever it comes', async () => {
    const modparams = Object.entries({
      natping_interval: 1,
      sipping_from: 'sip:ping@127.0.0.1',
      sipping_bflag: 7,
    }).map(([name, value]) => ({ module: 'nathelper', name, value }));
    const { a, b } = workerRuntimes(PROXY, { modparams });
    b.receive(register('one', 5, 'sip:bob@127.0.0.1:5070'));
    const before = [a.sent.length, b.sent.length];
    for (const worker of [b, a]) worker.advance(1500);
    expect(first(b.sent.slice(before[1]))).toEqual([]);
    const pings = a.sent.slice(before[0]);
    expect(first(pings)).toEqual(['OPTIONS sip:bob@127.0.0.1:5070 SIP/2.0']);
    b.advance(20);
    expect(b.receive(reply(pings[0]!.text, '200 OK'), CALLEE)).toEqual([]);
    const { Last, trip } = /"Last-Keepalive":(?<Last>\d+),"KA-Roundtrip":(?<trip>\d+)/.exec(
      JSON.stringify(await a.runtime.rpc.call('ul.dump')),
    )!.groups!;
    expect([Number(Last), Number(trip)]).toEqual([1_700_000_001, 520_000]);
    expect(a.runtime.stats.get('nathelper', 'pings_answered')).toBe(1);
  });

  it('a full memory refuses a registration and says so', () => {
    const { a, b } = workerRuntimes(PROXY, {}, 2, 4);
    let last = '';
    for (let i = 0; i < 4000 && !last.startsWith('SIP/2.0 5'); i++)
      last = a.receive(
        register(`c${i}`, 1, `sip:bob@127.0.0.1:${1024 + i};x=${'y'.repeat(400)}`).replace(
          'bob@example',
          `u${i}@example`,
        ),
      )[0]!.text;
    expect(last).toMatch(/^SIP\/2.0 500 .*Location table failure/s);
    expect(JSON.stringify(a.log.lines)).toContain('--limits shared=MiB makes it larger');
    expect(
      first(b.receive(register('c0', 2, 'sip:u0@127.0.0.1:1024', 0).replace('bob@example', 'u0@example'))),
    ).toEqual(['SIP/2.0 200 OK']);
  });
});

describe('what modules share', () => {
  const answering = (lua: string) =>
    `function ksr_request_route() KSR.sl.sl_send_reply(200, "R " .. tostring((function() ${lua} end)())) end`;
  const result = (sent: readonly { text: string }[]) => /^SIP\/2.0 200 R (.*)\r$/m.exec(sent.at(-1)!.text)?.[1];

  it('htables: one counts on where the other one was, and the first one alone expires', () => {
    const modparams = [{ module: 'htable', name: 'htable', value: 't=>size=4;autoexpire=10;initval=0' }];
    const { a, b } = workerRuntimes(answering('return KSR.htable.sht_inc("t", "n")'), { modparams });
    expect([a, b, a, b].map(w => result(w.receive(request())))).toEqual(['1', '2', '3', '4']);
    b.advance(60_000);
    expect(a.runtime.host.shared!.map('htable t').size).toBe(1);
    a.advance(60_000);
    expect(a.runtime.host.shared!.map('htable t').size).toBe(0);
  });

  it('a lock on an item that the other one has is not given, and the script goes on', () => {
    const modparams = [{ module: 'htable', name: 'htable', value: 't=>size=4' }];
    const script = answering('return KSR.htable.sht_lock("t", "k") .. KSR.htable.sht_unlock("t", "k")');
    const { a, b, memories } = workerRuntimes(script, { modparams });
    expect(result(a.receive(request()))).toBe('11');
    const give = memories[0]!.lock('htable t', 'k', 1)!;
    expect(result(b.receive(request()))).toBe('-11');
    expect(JSON.stringify(b.log.lines)).toContain('another worker has it for too long');
    give();
    expect(result(b.receive(request()))).toBe('11');
  });

  it('$shv, with what the configuration sets once', async () => {
    const modparams = [{ module: 'pv', name: 'shvset', value: 'n=i:5' }];
    const { a, b } = workerRuntimes(answering('return KSR.pvx.shvinc_get("n")'), { modparams });
    expect([a, b, a].map(w => result(w.receive(request())))).toEqual(['6', '7', '8']);
    expect(await b.runtime.rpc.call('pv.shvGet', ['n'])).toEqual({ name: 'n', type: 'int', value: 8 });
  });

  it('pike counts an address whoever gets its requests', async () => {
    const modparams = [{ module: 'pike', name: 'reqs_density_per_unit', value: 8 }];
    const script = answering('return KSR.pike.pike_check_req()');
    const alone = workerRuntimes(script, { modparams }, 1);
    const { a, b } = workerRuntimes(script, { modparams });
    const codes = (...workers: (typeof a)[]) =>
      Array.from({ length: 24 }, (_, i) => result(workers[i % workers.length]!.receive(request())));
    const one = codes(alone.a);
    expect(one).toContain('-2');
    expect(codes(a, b)).toEqual(one);
    const shown = (await b.runtime.rpc.call('pike.list')) as { list: unknown[] };
    expect(shown).toEqual(await alone.a.runtime.rpc.call('pike.list'));
    expect(shown.list).toHaveLength(1);
    a.advance(60_000);
    expect(((await b.runtime.rpc.call('pike.list')) as { list: unknown[] }).list).toEqual([]);
    expect(a.runtime.host.shared!.map('pike').size).toBe(0);
  });

  it('statistics are the sum, set by any of them', () => {
    const modparams = [{ module: 'statistics', name: 'variable', value: 'mine' }];
    const script = answering('KSR.statistics.update_stat("mine", 2) return KSR.pv.get("$stat(mine)")');
    const { a, b } = workerRuntimes(script, { modparams });
    expect([a, b, b].map(w => result(w.receive(request())))).toEqual(['2', '4', '6']);
    b.runtime.stats.set('script', 'mine', 1);
    expect(a.runtime.stats.get('script', 'mine')).toBe(1);
    expect(result(a.receive(request()))).toBe('3');
    b.runtime.stats.publish();
    expect(a.runtime.stats.get('core', 'rcv_requests')).toBe(4);
  });

  it('cfgutils: a route waits for a lock that a route of the other one has', async () => {
    const script = `
      function ksr_request_route()
        KSR.cfgutils.lock("x")
        if KSR.is_REGISTER() then KSR.cfgutils.usleep(5000) end
        KSR.cfgutils.unlock("x")
        KSR.sl.sl_send_reply(200, "OK")
      end`;
    const { a, b } = workerRuntimes(script);
    a.receive(request('REGISTER'));
    expect(first(b.receive(request()))).toEqual([]);
    b.advance(3);
    expect(b.sent).toEqual([]);
    a.advance(5);
    while (a.runtime.liveMessages > 0) await new Promise(resolve => setTimeout(resolve, 1));
    b.advance(2);
    while (b.runtime.liveMessages > 0) await new Promise(resolve => setTimeout(resolve, 1));
    expect([first(a.sent), first(b.sent)]).toEqual([['SIP/2.0 200 OK'], ['SIP/2.0 200 OK']]);
    expect(a.runtime.host.shared!.map('cfgutils.locks').size).toBe(0);
  });

  it('cfgutils: the locks of one that is gone are free', () => {
    const { a, b, memories } = workerRuntimes(answering('return KSR.cfgutils.trylock("x")'));
    // nobody gives it back
    memories[1]!.map('cfgutils.locks').set('x', { value: 1, expiresMs: 0 });
    expect(result(a.receive(request()))).toBe('-1');
    memories[0]!.left(1);
    expect(result(a.receive(request()))).toBe('1');
    expect(result(b.receive(request()))).toBe('-1');
  });

  it('a module that does not share is left out, and refused where it was asked for', () => {
    const mine = { name: 'mine', modparams: {}, create: () => undefined, functions: [] };
    expect(() => workerRuntimes(undefined, { extraModules: [mine] })).toThrow(
      'Cannot start: module mine keeps its state per worker, so it cannot be used with 2 workers; use --workers 1',
    );
    const { a } = workerRuntimes(undefined, { extraModules: [{ ...mine, shares: true }] });
    expect(a.runtime.modules).toContain('mine');
  });
});

it('commands that are not about state that all share say what they are with several workers', () => {
  const { a } = workerRuntimes(PROXY);
  const { rpc } = a.runtime;
  const by: Record<string, string[]> = {};
  for (const method of rpc.methods) {
    const how = rpc.inWorkers(method);
    if (how !== 'one') (by[how] ??= []).push(method);
  }
  expect(by).toEqual({
    sum: ['sl.stats', 'tm.hash_stats', 'tm.stats'],
    list: ['tm.list'],
    find: ['tm.cancel', 'tm.reply', 'tm.reply_callid'],
    all: ['app_lua.reload', 'permissions.addressReload', 'permissions.trustedReload'],
  });
});

describe('nonces of two runtimes', () => {
  const script = `
    function ksr_request_route()
      if KSR.auth.pv_auth_check("example.com", "secret", 0, 0) < 0 then
        KSR.auth.auth_challenge("example.com", QOP)
        return
      end
      KSR.sl.sl_send_reply(200, "OK")
    end`;

  function pair(name: string, qop: number) {
    const modparams = [{ module: 'auth', name, value: 1 }];
    return workerRuntimes(script.replace('QOP', String(qop)), { modparams });
  }
  const withAnswer = (challenge: string, nc: number) =>
    request('OPTIONS', 'sip:127.0.0.1:5060', [
      credentials(
        nonceOf(challenge),
        { method: 'OPTIONS', uri: 'sip:127.0.0.1:5060' },
        { ...(/qop=/.test(challenge) && { qop: 'auth' }), nc: String(nc).padStart(8, '0') },
      ),
    ]);

  it('a nonce of one is good for the other, once', () => {
    const { a, b } = pair('one_time_nonce', 0);
    const challenge = a.receive(request())[0]!.text;
    expect(challenge).toContain('407 ');
    const used = withAnswer(challenge, 1);
    expect(first(b.receive(used))).toEqual(['SIP/2.0 200 OK']);
    for (const worker of [a, b]) expect(first(worker.receive(used))[0]).toContain('407 ');
  });

  it('the count of a nonce only grows, wherever it is used', () => {
    const { a, b } = pair('nonce_count', 1);
    const challenge = b.receive(request())[0]!.text;
    expect(first(a.receive(withAnswer(challenge, 1)))).toEqual(['SIP/2.0 200 OK']);
    expect(first(b.receive(withAnswer(challenge, 1)))[0]).toContain('407 ');
    expect(first(b.receive(withAnswer(challenge, 2)))).toEqual(['SIP/2.0 200 OK']);
    expect(first(a.receive(withAnswer(challenge, 2)))[0]).toContain('407 ');
  });
});
