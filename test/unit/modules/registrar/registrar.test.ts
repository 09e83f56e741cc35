/** What the recorded exchanges do not show: all or nothing, paths through ourselves, odd and huge input, what is left behind. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { branchZeroOf } from '../../../../src/kemi/branches.ts';
import { register as build, type Fields, other } from '../../../fixtures/location/cases.ts';
import { locationRuntime } from '../../../support/location.ts';

let cseq = 100;
const register = (contact: string, more: Fields = {}) => build({ contact, cseq: ++cseq, ...more });
const OK = 'SIP/2.0 200 OK';

test('a REGISTER with one bad contact changes nothing', () => {
  const { send, runtime } = locationRuntime();
  send(register('<sip:a@1>'));
  for (const bad of ['<sip:b@1>;q=2', '<sip:b@1>;+sip.instance="<x>";reg-id=0', '<sip:b@1', '<sip:b@1:99999>'])
    for (const contact of [`<sip:new@1>, ${bad}`, `${bad}, <sip:new@1>`]) {
      expect(send(register(contact)).reply, contact).toMatch(/^SIP\/2\.0 400 Bad Request/);
      expect(send(build()).reply).toBe(`${OK}\nContact: <sip:a@1>;expires=3600`);
    }
  expect(runtime.stats.get('registrar', 'rejected_regs')).toBe(8);
  expect(runtime.stats.get('registrar', 'accepted_regs')).toBe(9);
  expect(['max_expires', 'max_contacts', 'default_expire'].map(n => runtime.stats.get('registrar', n))).toEqual([
    0, 0, 3600,
  ]);
});

test('an old CSeq of one contact refuses the others too', () => {
  const { send } = locationRuntime();
  send(build({ contact: '<sip:a@1>', callid: 'x', cseq: 5 }));
  expect(send(build({ contact: '<sip:b@1>, <sip:a@1>', callid: 'x', cseq: 4 })).reply).toBe(
    'SIP/2.0 400 Bad Request\nContact: <sip:a@1>;expires=3600\nP-Registrar-Error: Invalid CSeq number',
  );
});

test('branchZeroOf() tells what lookup() found for the request itself', () => {
  const made = locationRuntime([
    ['registrar', 'use_path', 1],
    ['registrar', 'path_mode', 0],
  ]);
  const { host } = made.runtime;
  const seen: unknown[] = [];
  made.send(register('<sip:a@1>;q=0.5;+sip.instance="<urn:x>"', { h: ['Path: <sip:p;lr>', 'User-Agent: UA'] }));
  // read while the message lives
  host.stats.define('test', 'zero', () => {
    const zero = branchZeroOf(host, host.message!.at);
    if (zero) seen.push({ ...zero });
    return seen.length;
  });
  made.send(other('KSR.registrar.lookup("location"); return KSR.pv.get("$stat(zero)")'));
  expect(seen).toEqual([
    expect.objectContaining({ path: '<sip:p;lr>', q: 500, instance: '<urn:x>', locationUa: 'UA', otcpid: 0 }),
  ]);
});

test('path_check_local: a hop that is ourselves is passed over', () => {
  const { send } = locationRuntime(
    [
      ['registrar', 'use_path', 1],
      ['registrar', 'path_mode', 0],
      ['registrar', 'path_check_local', 1],
      ['registrar', 'received_avp', '$avp(RCV)'],
    ],
    undefined,
    { aliases: ['me.example.com'] },
  );
  const look = () => send(other('return KSR.registrar.lookup("location"), T()')).results[0];
  const save = (path: string, received = '') =>
    send(
      register('<sip:a@1>', {
        h: [`Path: ${path}`],
        do: `${received && `KSR.pv.sets("$avp(RCV)","${received}"); `}return save(0)`,
      }),
    );
  save('<sip:127.0.0.1:21400;lr>, <sip:next:5070;lr>');
  expect(look()).toMatch(/^1 "sip:a@1 sip:next:5070;lr /);
  save('<sip:me.example.com;lr>', 'sip:7.7.7.7:7');
  expect(look()).toMatch(/^1 "sip:a@1 sip:7\.7\.7\.7:7 /);
  save('<sip:next:5070;lr>, <sip:127.0.0.1:21400;lr>');
  expect(look()).toMatch(/^1 "sip:a@1 sip:next:5070;lr /);
});

test('a permanent contact never expires', async () => {
  const { send, rpc, advance } = locationRuntime();
  send(register('<sip:a@1>'));
  await rpc('ul.add', 'location', 'alice', 'sip:p@1', 0, -1, '.', 0, 0, 4294967295);
  advance(86_400_000);
  expect(send(other('return KSR.registrar.lookup("location"), KSR.pv.get("$ru")')).results).toEqual(['1 "sip:p@1"']);
  expect(send(build()).reply).toBe(`${OK}\nContact: <sip:p@1>;expires=4294967295`);
});

test('default_expires_range and expires_range shorten by a random part', () => {
  const { send } = locationRuntime(
    [
      ['registrar', 'default_expires_range', 50],
      ['registrar', 'expires_range', 10],
    ],
    undefined,
    { random: () => 0.5 },
  );
  expect(send(register('<sip:a@1>')).reply).toContain('expires=2700');
  expect(send(register('<sip:a@1>;expires=1000')).reply).toContain('expires=950');
  expect(send(register('<sip:a@1>;expires=1000', { do: 'return save(8)' })).reply).toContain('expires=1000');
});

test('$ulc belongs to the message, and shows the hash of its address of record', () => {
  const { send } = locationRuntime();
  send(register('<sip:a@1>'));
  const fetch = 'KSR.registrar.reg_fetch_contacts("location","sip:alice@x","p")';
  expect(send(other(`${fetch}; return P("$ulc(p=>aorhash) $ulc(p=>count)")`)).results).toEqual(['"1834153949 | 1"']);
  expect(send(other('return P("$ulc(p=>aorhash) $ulc(p=>count)")')).results).toEqual(['"<null> | <null>"']);
});

test('reg_callid_avp narrows registered()', () => {
  const { send } = locationRuntime([['registrar', 'reg_callid_avp', '$avp(cid)']]);
  send(register('<sip:a@1>', { callid: 'one' }));
  const ask = (set: string) => send(other(`${set} return KSR.registrar.registered("location")`)).results;
  expect([ask(''), ask('KSR.pv.sets("$avp(cid)","one");'), ask('KSR.pv.sets("$avp(cid)","two");')]).toEqual([
    ['1'],
    ['1'],
    ['-1'],
  ]);
});

test('sock_mode 1 stores the advertised address; lookup() still finds the socket', () => {
  const { send } = locationRuntime([['registrar', 'sock_mode', 1]], undefined, {
    sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 21400, advertisedIp: '192.0.2.1', advertisedPort: 5099 }],
  });
  send(register('<sip:a@1>'));
  const show =
    'KSR.registrar.reg_fetch_contacts("location","sip:alice@x","p"); KSR.registrar.lookup("location"); return P("$ulc(p=>socket) $fs")';
  expect(send(other(show)).results).toEqual(['"udp:192.0.2.1:5099 | udp:127.0.0.1:21400"']);
});

test('no more contacts than a reply can list', () => {
  const { send, runtime } = locationRuntime();
  let refused = '';
  let count = 0;
  for (let i = 0; i < 60 && !refused; i++) {
    const list = Array.from({ length: 10 }, (_, k) => `<sip:${'x'.repeat(300)}${i}-${k}@1>`).join(',');
    const { reply } = send(register(list));
    if (reply.startsWith(OK)) count += 10;
    else refused = reply.slice(0, 40);
  }
  expect(refused).toContain('503 Service Unavailable');
  expect(count).toBeGreaterThan(60);
  expect(send(build()).reply).toContain(OK);
  expect(send(register(`<sip:${'x'.repeat(300)}0-0@1>`)).reply).toContain(OK);
  expect(send(register('*', { expires: '0', callid: 'other' })).reply).toBe(OK);
  expect(runtime.liveMessages).toBe(0);
});

test('a REGISTER with thousands of contacts is refused at once', () => {
  const { send } = locationRuntime();
  const list = Array.from({ length: 5000 }, (_, i) => `<sip:${i}@1>`).join(',');
  for (const contact of [
    list,
    list
      .replaceAll('>', '>;expires=0')
      .slice(0, 60_000)
      .replace(/,[^,]*$/, ''),
  ]) {
    const began = process.cpuUsage();
    expect(send(register(contact))).toEqual({
      reply: 'SIP/2.0 503 Service Unavailable\nP-Registrar-Error: Too many registered contacts',
      results: ['-2'],
    });
    expect(process.cpuUsage(began).user).toBeLessThan(500_000);
  }
});

test('save() of a reply stores and sends nothing', () => {
  const made = locationRuntime([], undefined, { env: { extra: '\nfunction ksr_reply_route() keep(save(0)) end' } });
  const reply = [
    'SIP/2.0 200 OK',
    'Via: SIP/2.0/UDP 127.0.0.1:21400;branch=z9hG4bKx',
    'Via: SIP/2.0/UDP 127.0.0.1:21401;branch=z9hG4bKy',
    'From: <sip:alice@example.com>;tag=a',
    'To: <sip:alice@example.com>;tag=b',
    'Call-ID: r',
    'CSeq: 1 REGISTER',
    'Contact: <sip:a@1>;expires=90',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
  expect(made.send(reply).results).toEqual(['1']);
  expect(made.send(build()).reply).toBe(`${OK}\nContact: <sip:a@1>;expires=90`);
});

test('a folded header cannot bring a line end into a request line, a destination or a path', () => {
  const { send } = locationRuntime([
    ['registrar', 'use_path', 1],
    ['registrar', 'path_mode', 0],
  ]);
  const BAD = /^SIP\/2\.0 400 Bad Request\nP-Registrar-Error: Contact parse error/;
  for (const contact of [
    '<sip:a\r\n b@1>',
    '<sip:a@1;x=\r\n INVITE>',
    '<sip:a@1>;received="sip:1.1.1.1\r\n X"',
    '<sip:a@1>;+sip.instance="<a\r\n b>"',
    '<sip:a b@1>',
    '<sip:a"b@1>',
    '<sip:a\x00b@1>',
  ])
    expect(send(register(contact)).reply, contact).toMatch(BAD);
  send(register('<sip:a@1>', { h: ['Path: <sip:p1;lr>,\r\n <sip:p2;lr>'] }));
  const show = 'KSR.registrar.reg_fetch_contacts("location","sip:alice@x","p"); return KSR.pv.get("$ulc(p=>path)")';
  expect(send(other(show)).results).toEqual(['"<sip:p1;lr>, <sip:p2;lr>"']);
});

test('no Contact, Expires or Path traps, leaks or stores what cannot be read back', () => {
  const { send, runtime } = locationRuntime([
    ['registrar', 'use_path', 1],
    ['registrar', 'path_mode', 0],
    ['registrar', 'path_use_received', 1],
  ]);
  const word = fc.constantFrom(
    '<',
    '>',
    '"',
    '\\',
    ';',
    ',',
    '=',
    '*',
    '?',
    '%',
    '@',
    ':',
    ' ',
    'sip:',
    'a',
    '1',
    'q',
    'expires',
    'reg-id',
    '+sip.instance',
    'received',
    '\x00',
    '\xff',
    '\t',
  );
  const text = fc.array(word, { maxLength: 24 }).map(words => words.join(''));
  fc.assert(
    fc.property(text, text, text, (contact, expires, path) => {
      const { reply } = send(register(contact, { expires, h: [`Path: ${path}`], user: 'fuzz' }));
      expect(reply === '' || /^SIP\/2\.0 [2-5]\d\d /.test(reply)).toBe(true);
      const list = send(build({ user: 'fuzz' })).reply;
      expect(list.startsWith(OK)).toBe(true);
    }),
    { numRuns: 400 },
  );
  send(register('*', { expires: '0', user: 'fuzz', callid: 'end' }));
  expect(runtime.liveMessages).toBe(0);
  expect(runtime.counters.traps).toBe(0);
  expect(runtime.stats.get('usrloc', 'location_contacts')).toBe(0);
});

test('users of different case are one, but only ASCII letters have a case: other bytes are parts of characters', async () => {
  const one = locationRuntime();
  one.send(register('<sip:a@10.0.0.1>', { to: '<sip:\xc3\x89LAN@example.com>' }));
  const found = (uri: string) => one.send(other('return KSR.registrar.lookup("location")', { uri })).results;
  expect(found('sip:\xc3\x89lan@example.com')).toEqual(['1']);
  expect(found('sip:\xe3\x89lan@example.com')).toEqual(['-1']);
  expect(await one.rpc('ul.lookup', 'location', 'ÉLAN')).toMatchObject({ AoR: 'Élan' });
});
