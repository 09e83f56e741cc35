import { afterEach, beforeEach, expect, test } from 'vitest';
import * as L from '../../../src/core/gen/layout.gen.ts';
import { byteStr } from '../../../src/core/memory.ts';
import { SipMsg } from '../../../src/core/sip-msg.ts';
import type { Resolver } from '../../../src/kemi/host.ts';
import { forwardReply } from '../../../src/modules/core/forward.ts';
import core from '../../../src/modules/core/index.ts';
import { SelfAddresses } from '../../../src/runtime/self.ts';
import { openCore, place, sip } from '../../support/core.ts';
import { FakeHost, SOCKETS } from './fake-host.ts';

const wasm = openCore();
const self = new SelfAddresses(SOCKETS, ['example.com']);
let fake: FakeHost;
const placed: number[] = [];

/** Makes a message the current one, as if it came over `socket`. */
function receive(lines: string[], socket = 0): SipMsg {
  const at = place(wasm, sip(lines));
  placed.push(at);
  wasm.x.msgIndex(at);
  const msg = new SipMsg(wasm, at);
  const ip = msg.store('127.0.0.1');
  msg.setU32(L.M_SRCIP, ip);
  msg.setU32(L.M_SRCIP + 4, 9);
  msg.setU16(L.M_SRCPORT, 20480);
  msg.setU16(L.M_SOCK, socket);
  wasm.mem.u8[at + L.M_PROTO] = L.PROTO_UDP;
  wasm.mem.u8[at + L.M_AF] = 4;
  fake.message = msg;
  return msg;
}

const REQUEST = [
  'OPTIONS sip:alice@127.0.0.1:20400;transport=udp SIP/2.0',
  'Via: SIP/2.0/UDP 127.0.0.1:20480;branch=z9hG4bKabc',
  'From: <sip:bob@example.net>;tag=f1',
  'To: <sip:alice@example.com>',
  'Call-ID: c1',
  'CSeq: 1 OPTIONS',
  'Content-Length: 0',
];

function open(resolver?: Resolver): void {
  fake = new FakeHost(
    [core],
    {},
    {
      core: wasm,
      isMyself: (host, port, proto) => self.has(host, port, proto),
      md5: text =>
        [...text]
          .reduce((h, c) => (h * 31 + c.charCodeAt(0)) >>> 0, 7)
          .toString(16)
          .padStart(32, '0'),
      ...(resolver && { resolver }),
    },
  );
}

beforeEach(() => open());
afterEach(() => {
  for (const at of placed.splice(0)) wasm.x.msgFree(at);
});

const sent = (n = fake.sent.length - 1) => {
  const { data, to } = fake.sent[n]!;
  return { to: `${to.proto}:${to.ip}:${to.port} from ${to.socket}`, lines: byteStr(data).split('\r\n') };
};

test('is_myself, seturi, setuser, sethost, setdsturi and to_* answer as the real server did', async () => {
  receive(REQUEST);
  expect(await fake.replay('core.json')).toEqual([]);
});

test('to_WSS is true for transport=wss', () => {
  receive(REQUEST);
  fake.call('seturi', 'sip:a@h;transport=wss');
  expect([fake.call('to_WSS'), fake.call('to_WSX')]).toEqual([true, true]);
});

test('forward() puts one Via on top and changes nothing else', () => {
  receive(REQUEST);
  fake.call('seturi', 'sip:x@127.0.0.1:20482');
  expect(fake.call('forward')).toBe(1);
  expect(sent().to).toBe('udp:127.0.0.1:20482 from 0');
  expect(sent().lines).toEqual([
    'OPTIONS sip:x@127.0.0.1:20482 SIP/2.0',
    expect.stringMatching(/^Via: SIP\/2\.0\/UDP 127\.0\.0\.1:20400;branch=z9hG4bK[0-9a-f]{4}\.[0-9a-f]{32}\.0$/),
    ...REQUEST.slice(1),
    '',
    '',
  ]);
  expect(fake.host.stats.get('core', 'fwd_requests')).toBe(1);
});

test('forward() prefers the destination URI, forward_uri() its argument', () => {
  receive(REQUEST);
  fake.call('setdsturi', 'sip:127.0.0.1:7');
  expect(fake.call('forward')).toBe(1);
  expect(sent().to).toBe('udp:127.0.0.1:7 from 0');
  expect(fake.call('forward_uri', 'sip:127.0.0.1:8')).toBe(1);
  expect(sent().to).toBe('udp:127.0.0.1:8 from 0');
  expect(sent().lines[0]).toBe(REQUEST[0]);
  expect(fake.call('forward_uri', '')).toBe(1);
  expect(sent().to).toBe('udp:127.0.0.1:7 from 0');
});

test('the branch is the same for a retransmission, the ACK and the CANCEL, and another for another transaction', () => {
  const branch = (lines: string[]) => {
    receive(lines);
    fake.call('forward_uri', 'sip:127.0.0.1:9');
    return /branch=([^;]+)/.exec(sent().lines[1]!)![1]!;
  };
  const cancel = REQUEST.map(l => l.replace('OPTIONS', 'CANCEL'));
  const other = REQUEST.map(l => l.replace('z9hG4bKabc', 'z9hG4bKabd'));
  expect(branch(REQUEST)).toBe(branch(REQUEST));
  expect(branch(cancel).split('.')[1]).toBe(branch(REQUEST).split('.')[1]);
  expect(branch(other)).not.toBe(branch(REQUEST));
  // RFC 2543 peers: no magic cookie, so the transaction is told by its other fields
  const old = (cseq: string) => REQUEST.map(l => l.replace('z9hG4bKabc', '1').replace('CSeq: 1', `CSeq: ${cseq}`));
  expect(branch(old('1'))).toBe(branch(old('1')));
  expect(branch(old('1'))).not.toBe(branch(old('2')));
});

test.each([
  ['sip:bad host', 'the URI does not parse'],
  ['tel:1', 'it is not a SIP URI'],
  ['sip:h;transport=carrier-pigeon', 'the transport "carrier-pigeon" is not known'],
  ['sip:name.example', 'cannot resolve "name.example": no resolver is set'],
  ['sips:x@127.0.0.1', 'no socket for tls and IPv4'],
  ['sip:[::1];transport=tcp', 'no socket for tcp and IPv6'],
])('forward_uri(%s) returns -1: %s', (uri, why) => {
  receive(REQUEST);
  expect(fake.call('forward_uri', uri)).toBe(-1);
  expect(fake.logged).toEqual([`Cannot forward to "${uri}": ${why}`]);
  expect(fake.host.stats.get('core', 'drop_requests')).toBe(1);
});

test.each([
  ['transport=', 'udp'],
  ['transport', 'udp'],
  ['transport=udp;transport=tcp', 'tcp'],
  ['TRANSPORT=TCP;transport=udp', 'udp'],
])(
  'forward_uri(sip:127.0.0.1:9;%s) goes over %s: an empty transport is none, the last of several counts',
  (params, proto) => {
    receive(REQUEST);
    fake.call('forward_uri', `sip:127.0.0.1:9;${params}`);
    expect(sent().to).toMatch(new RegExp(`^${proto}:127`));
  },
);

test('forward_uri() goes to maddr, not to the host', () => {
  receive(REQUEST);
  fake.call('forward_uri', 'sip:a@127.0.0.1:9;maddr=127.0.0.8');
  expect(sent().to).toMatch(/^udp:127\.0\.0\.8:9 /);
});

test('the socket is the forced one when it fits, else the receiving one, else the first that fits', () => {
  const msg = receive(REQUEST, 1);
  fake.call('forward_uri', 'sip:127.0.0.1:9');
  expect(sent().to).toContain('from 1');
  expect(sent().lines[1]).toContain('Via: SIP/2.0/UDP 192.0.2.9:5099;');
  fake.call('forward_uri', 'sip:[::1]:9');
  expect(sent().to).toBe('udp:::1:9 from 2');
  expect(sent().lines[1]).toContain('Via: SIP/2.0/UDP [::1]:20402;');
  fake.call('forward_uri', 'sip:127.0.0.1:9;transport=TCP');
  expect(sent().to).toBe('tcp:127.0.0.1:9 from 3');
  msg.setU16(L.M_FSOCK, 1);
  fake.call('forward_uri', 'sip:127.0.0.1');
  expect(sent().to).toBe('udp:127.0.0.1:5060 from 0');
});

test('set_advertised_address and set_advertised_port go into the Via, and only when they can', () => {
  receive(REQUEST);
  expect(fake.call('set_advertised_address', '9.8.7.6')).toBe(1);
  fake.call('forward_uri', 'sip:127.0.0.1:9');
  expect(sent().lines[1]).toContain('Via: SIP/2.0/UDP 9.8.7.6:20400;');
  expect(fake.call('set_advertised_port', 777)).toBe(1);
  expect(fake.call('set_advertised_address', 'foo bar')).toBe(-1);
  expect(fake.call('set_advertised_port', 70000)).toBe(-1);
  fake.call('forward_uri', 'sip:127.0.0.1:9');
  expect(sent().lines[1]).toContain('Via: SIP/2.0/UDP 9.8.7.6:777;');
});

test('add_local_rport asks for rport in our Via', () => {
  const msg = receive(REQUEST);
  msg.setU32(L.M_MFLAGS, L.MFL_ADD_LOCAL_RPORT);
  fake.call('forward_uri', 'sip:127.0.0.1:9');
  expect(sent().lines[1]).toMatch(/\.0;rport$/);
});

test('forward() resolves a name: SRV without a port, then addresses', async () => {
  const asked: string[] = [];
  open({
    srv: async name => {
      asked.push(name);
      return [
        { priority: 20, weight: 0, port: 5, target: 'backup' },
        { priority: 10, weight: 1, port: 6, target: 'main' },
      ];
    },
    addresses: async name => {
      asked.push(name);
      return name === 'main' ? [{ ip: '192.0.2.1', family: 4 }] : [];
    },
    naptr: async () => [],
    ptr: async () => [],
  });
  receive(REQUEST);
  expect(await fake.call('forward_uri', 'sip:example.org')).toBe(1);
  expect(asked).toEqual(['_sip._udp.example.org', 'main']);
  expect(sent().to).toBe('udp:192.0.2.1:6 from 0');
  expect(await fake.call('forward_uri', 'sip:nowhere:5070')).toBe(-1);
  expect(fake.logged).toEqual(['Cannot forward to "sip:nowhere:5070": "nowhere" has no address']);
});

test('get_debug tells the log level as Kamailio counts', () => {
  expect(fake.call('get_debug')).toBe(-5);
});

const ME = 'Via: SIP/2.0/UDP 127.0.0.1:20400;branch=z9hG4bKa.b.0';
const reply = (...vias: string[]) =>
  receive(['SIP/2.0 200 OK', ...vias, 'From: <sip:a@b>;tag=1', 'To: <sip:a@b>;tag=2', 'Call-ID: x', 'CSeq: 1 OPTIONS']);

// what the real server did, but for maddr, which it ignores (RFC 3261 18.2.2)
test.each([
  ['the next header', [ME, 'Via: SIP/2.0/UDP 127.0.0.1:20483;branch=z'], '127.0.0.1:20483'],
  ['the same header', [`${ME}, SIP/2.0/UDP 127.0.0.1:20483;branch=z`], '127.0.0.1:20483'],
  ['compact form', ['v: SIP/2.0/UDP 127.0.0.1:20400;branch=a,SIP/2.0/UDP 127.0.0.1:20483'], '127.0.0.1:20483'],
  ['rport', [ME, 'Via: SIP/2.0/UDP 127.0.0.1:9;branch=z;rport=20483'], '127.0.0.1:20483'],
  ['rport and received', [ME, 'Via: SIP/2.0/UDP 10.1.1.1:9;rport=20483;received=127.0.0.1'], '127.0.0.1:20483'],
  ['received', [ME, 'Via: SIP/2.0/UDP 10.1.1.1:20483;branch=z;received=127.0.0.1'], '127.0.0.1:20483'],
  ['empty rport', [ME, 'Via: SIP/2.0/UDP 127.0.0.1:20483;branch=z;rport'], '127.0.0.1:20483'],
  ['no port', [ME, 'Via: SIP/2.0/UDP 127.0.0.1;branch=z'], '127.0.0.1:5060'],
  ['maddr', [ME, 'Via: SIP/2.0/UDP 10.1.1.1:20483;maddr=127.0.0.1;received=10.9.9.9;rport=1'], '127.0.0.1:20483'],
  ['IPv6', [ME, 'Via: SIP/2.0/UDP [::1]:20483;branch=z'], '::1:20483'],
])('forwardReply() follows the second Via: %s', (_what, vias, to) => {
  expect(forwardReply(fake.host, reply(...vias))).toBe(true);
  expect(sent().to).toContain(`udp:${to} from`);
  expect(sent().lines.join('\n')).not.toContain('20400');
  expect(sent().lines[1]).toMatch(/^(Via|v): SIP\/2\.0\/UDP /);
  expect(fake.host.stats.get('core', 'fwd_replies')).toBe(1);
});

test.each([
  ['there is one Via only', [ME]],
  ['there is none', []],
  ['it leads to the broadcast address', [ME, 'Via: SIP/2.0/UDP 255.255.255.255:20483;branch=z']],
  ['it does not parse', [ME, 'Via: SIP/2.0/UDP ;branch=z']],
  ['its transport has no socket', [ME, 'Via: SIP/2.0/TLS 127.0.0.1:20483;branch=z']],
  ['it has a name and there is no resolver', [ME, 'Via: SIP/2.0/UDP name.example:20483;branch=z']],
])('forwardReply() drops a reply when %s', (_why, vias) => {
  expect(forwardReply(fake.host, reply(...vias))).toBe(false);
  expect(fake.sent).toEqual([]);
  const count = (name: string) => fake.host.stats.get('core', name)!;
  expect(count('drop_replies') + count('err_replies')).toBe(1);
});

test('forwardReply() resolves a name after the message is gone', async () => {
  open({
    srv: async () => [],
    addresses: async () => [{ ip: '192.0.2.7', family: 4 }],
    naptr: async () => [],
    ptr: async () => [],
  });
  expect(forwardReply(fake.host, reply(ME, 'Via: SIP/2.0/UDP name.example;branch=z'))).toBe(true);
  for (const at of placed.splice(0)) wasm.x.msgFree(at);
  await new Promise(resolve => setTimeout(resolve));
  expect(sent().to).toBe('udp:192.0.2.7:5060 from 0');
  expect(sent().lines[0]).toBe('SIP/2.0 200 OK');
});
