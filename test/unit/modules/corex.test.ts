import { afterEach, beforeEach, expect, test } from 'vitest';
import * as L from '../../../src/core/gen/layout.gen.ts';
import { byteStr, bytesOf } from '../../../src/core/memory.ts';
import { SipMsg } from '../../../src/core/sip-msg.ts';
import { branchesOf } from '../../../src/kemi/branches.ts';
import corex from '../../../src/modules/corex/index.ts';
import { openCore, place, sip } from '../../support/core.ts';
import { testRuntime } from '../../support/runtime.ts';
import { FakeHost, SOCKETS } from './fake-host.ts';

const wasm = openCore();
const files = new Map<string, Uint8Array>();
let fake: FakeHost;
let at = 0;

beforeEach(() => {
  files.clear();
  fake = new FakeHost(
    [corex],
    {},
    {
      core: wasm,
      readFile: path => files.get(path),
      writeFile: (path, data) => {
        if (!path.startsWith('/granted/')) return false;
        files.set(path, data);
        return true;
      },
    },
  );
  at = place(
    wasm,
    sip(['OPTIONS sip:alice@127.0.0.1:20400;transport=udp SIP/2.0', 'Via: SIP/2.0/UDP 127.0.0.1:20480']),
  );
  wasm.x.msgIndex(at);
  const msg = new SipMsg(wasm, at);
  fake.message = msg;
  const forced = () => SOCKETS[msg.mem.u16(at + L.M_FSOCK) - 1];
  const shown = (ip: string) => (ip.includes(':') ? `[${ip}]` : ip);
  for (const [name, get] of Object.entries({
    fs: () => (forced() ? `${forced()!.proto}:${shown(forced()!.ip)}:${forced()!.port}` : null),
    fsn: () => forced()?.name ?? null,
    Ri: () => SOCKETS[msg.socket]!.ip,
    Rp: () => SOCKETS[msg.socket]!.port,
    pr: () => (msg.proto === L.PROTO_TCP ? 'tcp' : 'udp'),
    si: () => msg.srcIp,
    sp: () => msg.srcPort,
  }))
    fake.values.set(name, get);
});
afterEach(() => wasm.x.msgFree(at));

test('corex answers as the real server did: flags, sockets, source address, branches', async () => {
  expect(await fake.replay('corex.json')).toEqual([]);
});

test('the 64 extended flags do not touch each other', () => {
  for (const flag of [0, 31, 32, 63]) fake.call('corex.setxflag', flag);
  const set = () => Array.from({ length: 64 }, (_, i) => i).filter(i => fake.call('corex.isxflagset', i) === 1);
  expect(set()).toEqual([0, 31, 32, 63]);
  fake.call('corex.resetxflag', 31);
  expect(set()).toEqual([0, 32, 63]);
});

test('append_branch_uri_q() keeps URI and q, and stops when there are too many', () => {
  expect(fake.call('corex.append_branch_uri_q', 'sip:z@y', '0.05')).toBe(1);
  expect(fake.call('corex.append_branch')).toBe(1);
  expect(branchesOf(fake.host).map(b => [b.uri, b.q])).toEqual([
    ['sip:z@y', 50],
    ['sip:alice@127.0.0.1:20400;transport=udp', -1],
  ]);
  const results = Array.from({ length: 20 }, () => fake.call('corex.append_branch_uri', 'sip:a@b'));
  expect([results.filter(r => r === 1).length, results.at(-1)]).toEqual([9, -1]);
});

test('send_data() and sendx() take SIP URIs only', () => {
  const sent = () => fake.sent.splice(0).map(s => `${byteStr(s.data)} to ${s.to.ip}:${s.to.port} from ${s.to.socket}`);
  expect(fake.call('corex.send_data', 'sip:127.0.0.1:20481', 'hello')).toBe(1);
  expect(sent()).toEqual(['hello to 127.0.0.1:20481 from 0']);
  expect(fake.call('corex.sendx', 'sip:127.0.0.1:20481', 'udp:127.0.0.1:20401', 'hello')).toBe(1);
  expect(sent()).toEqual(['hello to 127.0.0.1:20481 from 1']);
  for (const uri of ['udp:127.0.0.1:20481', 'bad', '', '127.0.0.1:20481', 'sip:127.0.0.1:9;transport=tls'])
    expect([uri, fake.call('corex.send_data', uri, 'hello')]).toEqual([uri, -1]);
  for (const socket of ['', 'bad', 'udp:9.9.9.9:1', 'tcp:127.0.0.1:20400'])
    expect([socket, fake.call('corex.sendx', 'sip:127.0.0.1:20481', socket, 'hello')]).toEqual([socket, -1]);
  expect(sent()).toEqual([]);
});

test('file_read() and file_write() reach what the host grants', () => {
  expect(fake.call('corex.file_write', '/granted/a', 'hello\0\xff')).toBe(1);
  expect(files.get('/granted/a')).toEqual(bytesOf('hello\0\xff'));
  expect(fake.call('corex.file_read', '/granted/a')).toBe('hello\0\xff');
  expect(fake.call('corex.file_write', '/etc/passwd', 'x')).toBe(-1);
  expect(fake.call('corex.file_read', '/etc/passwd')).toBe('');
  expect(new FakeHost([corex]).call('corex.file_read', '/granted/a')).toBe('');
});

test('what is not available says so', () => {
  expect(fake.call('corex.forward_uac')).toBe(-1);
  expect(fake.call('corex.via_use_xavp_fields', 1)).toBe(-1);
  expect(fake.call('corex.via_use_xavp_fields', 0)).toBe(1);
  expect(fake.logged).toEqual([
    'Cannot run KSR.corex.forward_uac: it is not available in this version',
    'Cannot run KSR.corex.via_use_xavp_fields: it is not available in this version',
  ]);
});

test('modparam alias_subdomains', () => {
  const modparams = (value: string) => ({ modparams: [{ module: 'corex', name: 'alias_subdomains', value }] });
  const { runtime } = testRuntime(undefined, modparams('udp:example.net:5060'));
  expect(runtime.host.isMyself('sip.example.net', 5060, 1)).toBe(true);
  expect(runtime.host.isMyself('sip.example.com', 5060, 1)).toBe(false);
  expect(() => testRuntime(undefined, modparams('a b'))).toThrow(
    'Cannot set modparam corex.alias_subdomains to "a b": write [proto:]domain[:port]',
  );
});
