/** The direct way past dgram's send(): found where Node is as expected, left alone where it is not, and no byte is lost that has to wait. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import os from 'node:os';
import { expect, test } from 'vitest';
import { DirectSend, FAILED, WAITS, watchSend } from '../../../../src/transport/node/direct-send.ts';

class SendWrap {
  oncomplete: (status: number, bytes: number) => void = () => {};
  buffer = new ArrayBuffer(0);
}
const bytes = (text: string) => new TextEncoder().encode(text);

const hasIpv6 = Object.values(os.networkInterfaces()).some(list => list?.some(i => i.address === '::1'));

test.each([['udp4', '127.0.0.1'], ...(hasIpv6 ? [['udp6', '::1'] as const] : [])] as const)(
  '%s: the first datagram that leaves at once shows the way, and the others take it',
  async (type, ip) => {
    const [a, b] = [dgram.createSocket(type), dgram.createSocket(type)];
    for (const socket of [a, b]) await new Promise<void>(resolve => socket.bind(0, ip, resolve));
    const got: string[] = [];
    b.on('message', message => got.push(message.toString()));
    const ends: unknown[] = [];
    let direct: DirectSend | undefined;
    watchSend(
      a,
      (...end) => ends.push(end),
      d => {
        direct = d;
      },
    );
    const { port } = b.address();
    await new Promise<void>(resolve => a.send(Buffer.from('first'), port, ip, () => resolve()));
    expect(direct).toBeInstanceOf(DirectSend);
    const long = 'x'.repeat(5000);
    for (const text of ['two', '', 'three', long, 'owt']) expect(direct!.send(bytes(text), port, ip)).toBe(text.length);
    expect(direct!.send(new Uint8Array(65536), port, ip)).toBe(FAILED);
    expect(direct!.send(new Uint8Array(65537), port, ip)).toBe(FAILED);
    const tooLong = [expect.objectContaining({ code: 'EMSGSIZE' }), 0];
    expect(ends).toEqual([tooLong, tooLong]);
    a.send(Buffer.from('dgram'), port, ip);
    while (got.length < 7) await once(b, 'message');
    expect(got).toEqual(['first', 'two', '', 'three', long, 'owt', 'dgram']);
    a.close();
    b.close();
    expect(direct!.send(bytes('late'), port, ip)).toBe(FAILED);
    expect(ends).toHaveLength(3);
  },
);

test('bytes that have to wait stay as they are, and their end is told', () => {
  const calls: { request: SendWrap; text: () => string }[] = [];
  let result = 0;
  const send = (request: SendWrap, list: readonly Uint8Array[]) => {
    const [view] = list;
    calls.push({ request, text: () => Buffer.from(view!).toString() });
    return result;
  };
  const ends: unknown[] = [];
  const direct = new DirectSend({}, send, SendWrap, (error, sent) => ends.push([error?.message, sent]));
  expect(direct.send(bytes('one'), 5060, '127.0.0.1')).toBe(WAITS);
  expect(direct.send(bytes('two'), 5060, '127.0.0.1')).toBe(WAITS);
  result = 4;
  expect(direct.send(bytes('six'), 5060, '127.0.0.1')).toBe(3);
  expect(direct.send(bytes('ten'), 5060, '127.0.0.1')).toBe(3);
  expect(calls.map(c => c.text())).toEqual(['one', 'two', 'ten', 'ten']);
  expect(new Set(calls.map(c => c.request)).size).toBe(3);
  calls[0]!.request.oncomplete(0, 3);
  calls[1]!.request.oncomplete(-101, 0);
  expect(ends).toEqual([
    [undefined, 3],
    ['send ENETUNREACH', 0],
  ]);
});

test.each([
  [
    'another number of arguments',
    (h: { send: (...args: unknown[]) => unknown }) => h.send(new SendWrap(), [bytes('x')], 1, 5060, '127.0.0.1'),
  ],
  [
    'another class of requests',
    (h: { send: (...args: unknown[]) => unknown }) => h.send({}, [bytes('x')], 1, 5060, '127.0.0.1', true),
  ],
])('a Node with %s is left alone', (_what, call) => {
  const handle = Object.create({ send: () => 2 });
  const socket = dgram.createSocket('udp4');
  const symbol = Object.getOwnPropertySymbols(socket).find(s => s.description === 'state symbol')!;
  const state = Reflect.get(socket, symbol);
  const real = state.handle;
  state.handle = handle;
  const found: unknown[] = [];
  watchSend(
    socket,
    () => {},
    d => found.push(d),
  );
  expect(call(handle)).toBe(2);
  expect(found).toEqual([]);
  expect(Object.hasOwn(handle, 'send')).toBe(false);
  state.handle = real;
  socket.close();
});

test('a datagram that failed is not taken for the way', () => {
  let result = -101;
  const handle = Object.create({ send: () => result });
  const socket = dgram.createSocket('udp4');
  const symbol = Object.getOwnPropertySymbols(socket).find(s => s.description === 'state symbol')!;
  const state = Reflect.get(socket, symbol);
  const real = state.handle;
  state.handle = handle;
  const found: unknown[] = [];
  watchSend(
    socket,
    () => {},
    d => found.push(d),
  );
  const call = () => handle.send(new SendWrap(), [bytes('x')], 1, 5060, '127.0.0.1', true);
  call();
  expect(found).toHaveLength(0);
  result = 2;
  call();
  call();
  expect(found).toHaveLength(1);
  state.handle = real;
  socket.close();
});
