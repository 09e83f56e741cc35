import { beforeEach, describe, expect, it } from 'vitest';
import { WebSocketConnections } from '../../../../src/transport/edge/connections.ts';
import type { ServerSocket } from '../../../../src/transport/edge/platform.ts';
import type { Source } from '../../../../src/transport/transport.ts';

class FakeSocket implements ServerSocket {
  readonly sent: (string | Uint8Array)[] = [];
  readonly closed: { code?: number; reason?: string }[] = [];
  broken = false;

  send(data: string | Uint8Array): void {
    if (this.broken) throw new TypeError('the socket is closed');
    this.sent.push(data);
  }

  close(code?: number, reason?: string): void {
    if (this.broken) throw new TypeError('the socket is closed');
    this.closed.push({ ...(code !== undefined && { code }), ...(reason && { reason }) });
  }
}

const bytes = (text: string) => Uint8Array.from(text, c => c.charCodeAt(0));

describe('WebSocketConnections', () => {
  let transport: WebSocketConnections;
  let came: { bytes: Uint8Array; from: Source; socket: number }[];
  let gone: number[];
  beforeEach(() => {
    transport = new WebSocketConnections(
      { connections: 3, perAddress: 2, messageBytes: 100 },
      undefined,
      () => 0.999999999,
    );
    transport.listen([
      { proto: 'ws', host: '127.0.0.1', port: 443, advertise: { host: 'sip.example.com', port: 443 } },
      { proto: 'ws', host: '::1', port: 443 },
    ]);
    came = [];
    gone = [];
    transport.start(
      (data, from, socket) => came.push({ bytes: data.slice(), from, socket }),
      closed => gone.push(closed.id),
    );
  });

  it('has a socket for each address family, with the name that the world knows', () => {
    expect(transport.sockets).toEqual([
      { index: 0, proto: 'ws', ip: '127.0.0.1', port: 443, advertisedIp: 'sip.example.com', advertisedPort: 443 },
      { index: 1, proto: 'ws', ip: '::1', port: 443 },
    ]);
    expect(() => transport.listen([{ proto: 'udp', host: '127.0.0.1', port: 5060 }])).toThrow(
      /only SIP over WebSocket/,
    );
  });

  it('a frame is a message; peers are told apart by ports of their own', () => {
    const a = transport.accept(new FakeSocket(), { ip: '198.51.100.7' });
    const b = transport.accept(new FakeSocket(), { ip: '198.51.100.7' });
    const c = transport.accept(new FakeSocket(), { ip: '2001:db8::7' });
    expect(a.port).not.toBe(b.port);
    expect(new Set([a.id, b.id, c.id]).size).toBe(3);
    for (const { id, port } of [a, b, c]) {
      expect(id > 0 && id <= 0x7fffffff).toBe(true);
      expect(port >= 1024 && port <= 65535).toBe(true);
    }
    transport.frame(a, 'h\u00e9');
    transport.frame(c, bytes('\xff\0').buffer);
    expect(came).toEqual([
      { bytes: bytes('h\xc3\xa9'), from: { ip: '198.51.100.7', port: a.port, family: 4, connection: a.id }, socket: 0 },
      { bytes: bytes('\xff\0'), from: { ip: '2001:db8::7', port: c.port, family: 6, connection: c.id }, socket: 1 },
    ]);
  });

  it('sends by id where it leads to the address, else to address and port', () => {
    const sockets = [new FakeSocket(), new FakeSocket()];
    const [a, b] = sockets.map(s => transport.accept(s, { ip: '198.51.100.7' }));
    expect(transport.send(0, bytes('1'), '198.51.100.7', 5060, { connection: a!.id })).toBe(true);
    expect(transport.send(0, bytes('2'), '198.51.100.7', b!.port)).toBe(true);
    expect(transport.send(0, bytes('3'), '203.0.113.1', 5060, { connection: a!.id })).toBe(false);
    expect(transport.send(0, bytes('4'), '198.51.100.7', 9)).toBe(false);
    expect(sockets.map(s => s.sent)).toEqual([['1'], ['2']]);
    expect(transport.counters).toMatchObject({ sent: 2, sentBytes: 2, sendErrors: 2 });
  });

  it('text to who sends text, bytes to who sends bytes, and bytes that are no UTF-8 always as they are', () => {
    const socket = new FakeSocket();
    const a = transport.accept(socket, { ip: '198.51.100.7' });
    const send = (text: string) => transport.send(0, bytes(text), a.ip, a.port);
    send('\xef\xbb\xbfh\xc3\xa9');
    send('\xe9');
    transport.frame(a, bytes('x').buffer);
    send('hi');
    expect(socket.sent).toEqual(['\ufeffh\u00e9', bytes('\xe9'), bytes('hi')]);
  });

  it('answers a ping, gives everything else to the receiver', () => {
    const socket = new FakeSocket();
    const a = transport.accept(socket, { ip: '198.51.100.7' });
    transport.frame(a, '\r\n\r\n');
    transport.frame(a, '\r\n');
    expect([socket.sent, came.length]).toEqual([['\r\n'], 1]);
  });

  it('a message over the limit comes cut off and marked; its connection goes', () => {
    const socket = new FakeSocket();
    const a = transport.accept(socket, { ip: '198.51.100.7' });
    transport.frame(a, 'x'.repeat(101));
    expect(came).toMatchObject([{ bytes: { length: 100 }, from: { tooLong: true, connection: a.id } }]);
    expect(socket.closed).toEqual([{ code: 1009, reason: 'message too long' }]);
    expect([gone, transport.connections]).toEqual([[a.id], 0]);
  });

  it('limits: all at once, and from one address; a place is free again', () => {
    const a = transport.accept(new FakeSocket(), { ip: '198.51.100.7' });
    transport.accept(new FakeSocket(), { ip: '198.51.100.7' });
    expect(transport.refusal('198.51.100.7')).toMatch(/from this address/);
    expect(transport.refusal('198.51.100.8')).toBeUndefined();
    transport.accept(new FakeSocket(), { ip: '198.51.100.8' });
    expect(transport.refusal('198.51.100.9')).toMatch(/as many connections as the limit/);
    transport.drop(a);
    transport.drop(a);
    expect(transport.refusal('198.51.100.7')).toBeUndefined();
    expect(gone).toEqual([a.id]);
  });

  it('a socket that is closed takes nothing, and says so by false', () => {
    const socket = new FakeSocket();
    const a = transport.accept(socket, { ip: '198.51.100.7' });
    socket.broken = true;
    expect(transport.send(0, bytes('x'), a.ip, a.port)).toBe(false);
    transport.drop(a, 1000);
    expect(transport.connections).toBe(0);
  });

  it('closes behind what it sent where it is told to', () => {
    const socket = new FakeSocket();
    const a = transport.accept(socket, { ip: '198.51.100.7' });
    transport.send(0, bytes('bye'), a.ip, a.port, { close: true });
    expect([socket.sent, socket.closed, gone]).toEqual([['bye'], [{ code: 1000 }], [a.id]]);
  });

  it('a connection of an earlier life keeps its id and port; new ones do not take them', () => {
    const old = transport.accept(new FakeSocket(), { ip: '198.51.100.7', id: 0x3fffffff, port: 65535 });
    const next = transport.accept(new FakeSocket(), { ip: '198.51.100.7' });
    expect([old.id, old.port]).toEqual([0x3fffffff, 65535]);
    expect(next.id).not.toBe(old.id);
    expect(next.port).not.toBe(old.port);
  });

  it('close() closes all and takes no more', async () => {
    const socket = new FakeSocket();
    const a = transport.accept(socket, { ip: '198.51.100.7' });
    await transport.close();
    transport.frame(a, 'x');
    expect([socket.closed, came, gone]).toEqual([[{ code: 1000 }], [], []]);
    expect(transport.send(0, bytes('x'), a.ip, a.port)).toBe(false);
    expect(transport.refusal('198.51.100.7')).toBe('it is closing');
    expect(() => transport.listen([])).toThrow(/closed/);
  });
});
