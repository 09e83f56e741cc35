import { createSocket } from 'node:dgram';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeResolver } from '../../../../src/transport/node/resolver.ts';

const PORT = 20490;
const socket = { current: createSocket('udp4') };

/** Labels of a name as DNS writes them. */
const labels = (name: string) =>
  Buffer.concat([...name.split('.').map(l => Buffer.from([l.length, ...Buffer.from(l)])), Buffer.from([0])]);
const u16 = (...values: number[]) => Buffer.from(values.flatMap(v => [v >> 8, v & 255]));

/** A DNS server that knows one SRV record and one NAPTR record, and no other name. */
beforeEach(async () => {
  socket.current = createSocket('udp4');
  socket.current.on('message', (query, from) => {
    const end = query.indexOf(0, 12) + 5;
    const question = query.subarray(12, end);
    const type = query.readUInt16BE(end - 4);
    const data =
      type === 33
        ? Buffer.concat([u16(10, 5, 5070), labels('a.example.org')])
        : Buffer.concat([u16(1, 2), Buffer.from('\x01s\x07SIP+D2U\0', 'latin1'), labels('_sip._udp.example.org')]);
    const known = question.includes('example') && (type === 33 || type === 35);
    const answer = known ? Buffer.concat([u16(0xc00c, type, 1, 0, 60, data.length), data]) : Buffer.alloc(0);
    const header = Buffer.concat([query.subarray(0, 2), u16(known ? 0x8180 : 0x8183, 1, known ? 1 : 0, 0, 0)]);
    socket.current.send(Buffer.concat([header, question, answer]), from.port, from.address);
  });
  await new Promise<void>(resolve => socket.current.bind(PORT, '127.0.0.1', resolve));
});
afterEach(() => socket.current.close());

const resolver = nodeResolver({ servers: [`127.0.0.1:${PORT}`], timeoutMs: 500, tries: 1 });

test('nodeResolver() reads SRV and NAPTR records', async () => {
  expect(await resolver.srv('_sip._udp.example.org')).toEqual([
    { priority: 10, weight: 5, port: 5070, target: 'a.example.org' },
  ]);
  expect(await resolver.naptr('example.org')).toEqual([
    { order: 1, preference: 2, flags: 's', services: 'SIP+D2U', regexp: '', replacement: '_sip._udp.example.org' },
  ]);
});

test('nodeResolver() answers a name that does not exist with nothing', async () => {
  expect(await resolver.srv('_sip._udp.nowhere.test')).toEqual([]);
  expect(await resolver.naptr('nowhere.test')).toEqual([]);
  expect(await resolver.ptr('192.0.2.1')).toEqual([]);
});

test('nodeResolver() reads the hosts file', async () => {
  expect(await resolver.addresses('localhost')).toContainEqual({ ip: '127.0.0.1', family: 4 });
});

test('nodeResolver() fails when no server answers', async () => {
  const silent = nodeResolver({ servers: ['127.0.0.1:20491'], timeoutMs: 100, tries: 1 });
  await expect(silent.srv('_sip._udp.example.org')).rejects.toThrow();
});
