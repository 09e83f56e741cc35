/** Datagrams past dgram's event: taken there where Node is as expected, by the event where it is not, and none twice or not at all. */
import dgram from 'node:dgram';
import { EventEmitter } from 'node:events';
import os from 'node:os';
import { expect, test } from 'vitest';
import { receiveBy } from '../../../../src/transport/node/direct-receive.ts';

const hasIpv6 = Object.values(os.networkInterfaces()).some(list => list?.some(i => i.address === '::1'));

test.each([['udp4', '127.0.0.1'], ...(hasIpv6 ? [['udp6', '::1'] as const] : [])] as const)(
  '%s: all datagrams come in, with their bytes and where they came from, only the first of them by the event',
  async (type, ip) => {
    const [to, from] = [dgram.createSocket(type), dgram.createSocket(type)];
    for (const socket of [to, from]) await new Promise<void>(resolve => socket.bind(0, ip, resolve));
    const got: string[] = [];
    const wanted = ['one', '', 'two', 'x'.repeat(5000), 'end'];
    const all = new Promise<void>(resolve => {
      receiveBy(to, (bytes, address, port) => {
        got.push(Buffer.from(bytes).toString());
        expect([address, port]).toEqual([ip, from.address().port]);
        if (got.length === wanted.length) resolve();
      });
    });
    let events = 0;
    to.on('message', () => events++);
    for (const text of wanted)
      await new Promise<void>(resolve => from.send(text, to.address().port, ip, () => resolve()));
    await all;
    expect([got, events]).toEqual([wanted, 1]);
    to.close();
    from.close();
  },
);

/** A socket as dgram's, around a handle. */
function socketOf(onmessage: ((this: unknown, ...args: unknown[]) => unknown) | undefined) {
  const socket = new EventEmitter();
  const handle: Record<string, unknown> = onmessage ? { onmessage } : {};
  Object.defineProperty(socket, Symbol('state symbol'), { value: { handle } });
  const got: unknown[] = [];
  receiveBy(socket as dgram.Socket, (bytes, ip, port) => got.push([bytes, ip, port]));
  const call = (...args: unknown[]) => (handle.onmessage as (...args: unknown[]) => unknown).apply(handle, args);
  return { socket, handle, got, call };
}
const bytes = new Uint8Array([1, 2, 3]);
const from = { address: '192.0.2.1', family: 'IPv4', port: 5060 };

test('an error before and behind it goes to dgram', () => {
  const calls: unknown[] = [];
  const { call, got, handle, socket } = socketOf((count, _own, data, source) => {
    calls.push(count);
    if ((count as number) >= 0) socket.emit('message', data, source);
  });
  call(-111, handle, undefined, undefined);
  call(3, handle, bytes, from);
  call(-111, handle, undefined, undefined);
  call(3, handle, bytes, from);
  expect(calls).toEqual([-111, 3, -111]);
  expect(got).toEqual([
    [bytes, '192.0.2.1', 5060],
    [bytes, '192.0.2.1', 5060],
  ]);
});

test.each([
  ['another number of arguments', (handle: object) => [3, handle, bytes, from, 0]],
  ['another handle', () => [3, {}, bytes, from]],
  ['bytes that are only a part', (handle: object) => [2, handle, bytes, from]],
  ['an address that is no text', (handle: object) => [3, handle, bytes, { address: 1, port: 5060 }]],
  ['no port', (handle: object) => [3, handle, bytes, { address: '192.0.2.1' }]],
])('events go on where Node calls its handle with %s', (_what, args) => {
  const onmessage = (...given: unknown[]) => socket.emit('message', given[2], given[3]);
  const { call, got, handle, socket } = socketOf(onmessage);
  for (let i = 0; i < 3; i++) call(...args(handle));
  expect(got).toHaveLength(3);
  expect(handle.onmessage).toBe(onmessage);
});

test('events go on where they bring other bytes, and where there is no handle to be found', () => {
  const onmessage = (...given: unknown[]) => socket.emit('message', new Uint8Array(given[2] as Uint8Array), given[3]);
  const { call, got, handle, socket } = socketOf(onmessage);
  call(3, handle, bytes, from);
  call(3, handle, bytes, from);
  expect([got.length, handle.onmessage]).toEqual([2, onmessage]);
  for (const bare of [socketOf(undefined).socket, new EventEmitter()]) {
    let taken = 0;
    if (bare.listenerCount('message') === 0) receiveBy(bare as dgram.Socket, () => taken++);
    bare.emit('message', bytes, from);
    expect(taken + bare.listenerCount('message')).toBeGreaterThan(0);
  }
});
