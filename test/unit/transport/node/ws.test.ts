import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { byteStr, bytesOf } from '../../../../src/core/memory.ts';
import { TcpTransport } from '../../../../src/transport/node/tcp.ts';
import type { TcpLimits } from '../../../../src/transport/node/tcp-options.ts';
import { originAllowed } from '../../../../src/transport/node/ws-hub.ts';
import type { Source } from '../../../../src/transport/transport.ts';
import { recordingLogger } from '../../../support/log.ts';
import { BINARY, CLOSE, frame, handshake, PING, PONG, TEXT, WsPeer } from '../../../support/ws-peer.ts';

const message = (body = '', extra = '') =>
  `OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/WS h.invalid;branch=z9hG4bK1\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`;
const ANSWER = 'SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n';

describe('WebSockets', () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    await Promise.all(closing.splice(0).map(close => close()));
  });

  /** A transport with a listener for WebSockets; `answer` is sent back by the same connection. */
  async function listen(limits: Partial<TcpLimits> = {}, answer?: string, origins?: readonly string[]) {
    const log = recordingLogger();
    const transport = new TcpTransport({ limits, log, ...(origins && { origins }) });
    closing.push(() => transport.close());
    const [socket] = await transport.open([{ proto: 'ws', host: '127.0.0.1', port: 0 }]);
    const got: { text: string; from: Source }[] = [];
    const closed: number[] = [];
    transport.start(
      (bytes, from) => {
        got.push({ text: byteStr(bytes.slice()), from });
        if (answer) transport.send(0, bytesOf(answer), from.ip, from.port, { connection: from.connection! });
      },
      ({ id }) => closed.push(id),
    );
    const peer = () => {
      const made = new WsPeer(socket!.port);
      closing.push(() => made.socket.destroy());
      return made;
    };
    const { webSockets } = transport;
    return { transport, log, got, closed, peer, counters: webSockets.counters, webSockets };
  }

  describe('handshake', () => {
    it('takes one on any path, with sip among the offered sub-protocols', async () => {
      const { peer, counters, webSockets } = await listen();
      const a = peer();
      a.write(
        handshake(
          { 'Sec-WebSocket-Protocol': 'mqtt, SIP', Connection: 'keep-alive, upgrade' },
          'GET /any?x=1 HTTP/1.1',
        ),
      );
      await a.until('101', () => a.text.endsWith('\r\n\r\n'));
      expect(a.status).toBe('HTTP/1.1 101 Switching Protocols');
      expect(a.text).toContain('\r\nSec-WebSocket-Protocol: sip\r\n');
      expect(a.text).toContain('\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n');
      expect(a.text).not.toContain('Sec-WebSocket-Extensions');
      expect(counters).toMatchObject({ successful_handshakes: 1, failed_handshakes: 0, max_concurrent_connections: 1 });
      expect(webSockets.size).toBe(1);
    });

    it.each([
      ['no sub-protocol', { 'Sec-WebSocket-Protocol': undefined }, 400],
      ['another sub-protocol', { 'Sec-WebSocket-Protocol': 'mqtt' }, 400],
      ['no key', { 'Sec-WebSocket-Key': undefined }, 400],
      ['a key that is none', { 'Sec-WebSocket-Key': 'abc' }, 400],
      ['no version', { 'Sec-WebSocket-Version': undefined }, 400],
      ['an old version', { 'Sec-WebSocket-Version': '8' }, 426],
      ['no Upgrade', { Upgrade: undefined }, 400],
      ['another Upgrade', { Upgrade: 'h2c' }, 400],
      ['no Connection', { Connection: undefined }, 400],
      ['a foreign page', { Origin: 'https://evil.example' }, 403],
      ['a page without origin', { Origin: 'null' }, 403],
    ])('answers %s and closes', async (_what, changes, code) => {
      const { peer, counters } = await listen();
      const a = peer();
      a.write(handshake(changes));
      await a.until('the end', () => a.closed);
      expect(a.status).toMatch(`HTTP/1.1 ${code} `);
      if (code === 426) expect(a.text).toContain('Sec-WebSocket-Version: 13\r\n');
      if (code === 400) expect(a.text).toContain('Sec-WebSocket-Protocol: sip\r\n');
      expect(counters).toMatchObject({ successful_handshakes: 0, failed_handshakes: 1 });
    });

    it.each([
      ['POST', handshake({ 'Content-Length': '0' }, 'POST / HTTP/1.1'), 400],
      ['HTTP/1.0', handshake({}, 'GET / HTTP/1.0'), 400],
      ['a body', handshake({ 'Content-Length': '5' }), 413],
      ['SIP', 'OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n', 400],
      ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
      ['a header without end', `GET / HTTP/1.1\r\nA: ${'x'.repeat(9000)}`, 431],
    ])('refuses %s', async (_what, text, code) => {
      const { peer, got } = await listen();
      const a = peer();
      a.write(text);
      await a.until('the end', () => a.closed);
      expect(a.status).toMatch(`HTTP/1.1 ${code} `);
      expect(got).toEqual([]);
    });

    it('says 503 while WebSockets are disabled', async () => {
      const { peer, webSockets } = await listen();
      webSockets.enabled = false;
      const a = peer();
      a.write(handshake());
      await a.until('the end', () => a.closed);
      expect(a.status).toMatch('HTTP/1.1 503 ');
    });

    it.each([
      ['nothing', ''],
      ['half a handshake', handshake().slice(0, 40)],
    ])('closes a peer that sends %s and then nothing', async (_what, text) => {
      const { peer, transport } = await listen({ readMs: 60 });
      const a = peer();
      a.write(text);
      await a.until('the end', () => a.closed);
      expect(transport.statistics.con_timeout).toBe(1);
    });

    it('closes a peer that sends the handshake too slowly', async () => {
      const { peer, transport } = await listen({ readMs: 80 });
      const a = peer();
      for (const char of handshake()) {
        if (a.closed) break;
        a.write(char);
        await sleep(5);
      }
      await a.until('the end', () => a.closed);
      expect(a.text).toBe('');
      expect(transport.statistics.con_timeout).toBe(1);
    });

    it('takes it byte by byte, and with frames right behind it', async () => {
      const { peer, got } = await listen();
      const a = peer();
      a.socket.setNoDelay(true);
      const all = Buffer.concat([Buffer.from(handshake()), frame(message('1')), frame(message('2'))]);
      for (const byte of all) {
        a.write(Buffer.from([byte]));
        await new Promise(resolve => setImmediate(resolve));
      }
      const b = peer();
      b.write(Buffer.concat([Buffer.from(handshake()), frame(message('3')), frame(message('4'))]));
      await a.until('four messages', () => got.length === 4);
      expect(got.map(g => g.text)).toEqual(['1', '2', '3', '4'].map(n => message(n)));
    });

    it('counts the connections of all and of one address', async () => {
      const { peer, transport } = await listen({ perAddress: 2 });
      await peer().open();
      const b = await peer().open();
      const c = peer();
      await c.until('no third one', () => c.closed);
      expect(transport.statistics.local_reject).toBe(1);
      b.socket.destroy();
      await b.until('one less', () => transport.connections === 1);
      await peer().open();
    });
  });

  describe('frames', () => {
    it('carries messages as text and binary, in fragments, both ways', async () => {
      const { peer, got, transport, counters } = await listen({}, ANSWER);
      const a = await peer().open();
      a.write(frame(message('text')));
      a.write(frame(message('binary'), { opcode: BINARY }));
      a.write(frame(message('parts').slice(0, 20), { fin: false }));
      a.write(frame('hey', { opcode: PING }));
      a.write(frame(message('parts').slice(20), { opcode: 0 }));
      await a.until('three answers', () => a.frames.length === 4);
      expect(got.map(g => g.text)).toEqual(['text', 'binary', 'parts'].map(t => message(t)));
      expect(got[0]!.from).toEqual({
        ip: '127.0.0.1',
        port: a.socket.localPort,
        family: 4,
        connection: expect.any(Number),
      });
      expect(a.frames.map(f => f.opcode).sort()).toEqual([TEXT, TEXT, TEXT, PONG].sort());
      expect(a.frames.find(f => f.opcode === PONG)!.text).toBe('hey');
      expect(counters.received_frames).toBe(4);
      expect(transport.counters).toMatchObject({ received: 3, sent: 3, sendErrors: 0 });
    });

    it('sends what is no UTF-8 in a binary frame', async () => {
      const { peer } = await listen({}, 'SIP/2.0 200 \xff\r\n\r\n');
      const a = await peer().open();
      a.write(frame(message()));
      await a.until('an answer', () => a.frames.length === 1);
      expect(a.frames[0]).toEqual({ opcode: BINARY, text: 'SIP/2.0 200 \xff\r\n\r\n' });
    });

    it('answers line ends with a line end', async () => {
      const { peer, got } = await listen();
      const a = await peer().open();
      a.write(frame('\r\n\r\n'));
      a.write(frame('\r\n', { opcode: BINARY }));
      await a.until('two answers', () => a.frames.length === 2);
      expect(a.frames.map(f => f.text)).toEqual(['\r\n', '\r\n']);
      expect(got).toEqual([]);
    });

    it.each([
      ['an empty frame', frame(''), 1003],
      ['an empty binary frame', frame('', { opcode: BINARY }), 1003],
      ['no SIP', frame('hello'), 1003],
      ['a line that is no SIP', frame('hello\r\n\r\n'), 1003],
      [
        'binary rubbish',
        frame(
          Uint8Array.from({ length: 200 }, (_, i) => i),
          { opcode: BINARY },
        ),
        1003,
      ],
      ['text that is no UTF-8', frame('OPTIONS sip:\xff SIP/2.0\r\n\r\n'), 1007],
      ['a frame that is not masked', frame(message(), { masked: false }), 1002],
      ['reserved bits', frame(message(), { rsv: 4 }), 1002],
      ['an opcode that is none', frame(message(), { opcode: 3 }), 1002],
      ['a fragment that continues nothing', frame(message(), { opcode: 0 }), 1002],
      ['a ping in fragments', frame('x', { opcode: PING, fin: false }), 1002],
      ['a ping that is too long', frame('x'.repeat(126), { opcode: PING }), 1002],
      ['a message above the limit', frame(message('x'.repeat(2000))), 1009],
      ['a length above the limit', frame('x', { length: 0x7fffffff }), 1009],
      ['a close code that is none', frame('\x03\xec', { opcode: CLOSE }), 1002],
    ])('closes for %s, and counts it', async (_what, bytes, code) => {
      const { peer, got, counters, transport } = await listen({ messageBytes: 1000 });
      const a = await peer().open();
      a.write(bytes);
      await a.until('a close frame', () => a.closeCode !== undefined);
      expect(a.closeCode).toBe(code);
      expect(counters.bad_frames).toBe(1);
      expect(got).toEqual([]);
      a.socket.end();
      await a.until('gone', () => transport.connections === 0);
      expect(counters.local_closed_connections).toBe(1);
    });

    it('closes for fragments that together are above the limit', async () => {
      const { peer, counters } = await listen({ messageBytes: 1000 });
      const a = await peer().open();
      a.write(frame(message().slice(0, 10), { fin: false }));
      for (let i = 0; i < 5; i++) a.write(frame('x'.repeat(300), { opcode: 0, fin: false }));
      await a.until('a close frame', () => a.closeCode !== undefined);
      expect(a.closeCode).toBe(1009);
      expect(counters.bad_frames).toBe(1);
    });

    it('closes a message that does not become whole in time, pings in between or not', async () => {
      const { peer, transport } = await listen({ readMs: 100 });
      const a = await peer().open();
      a.write(frame(message().slice(0, 10), { fin: false }));
      const b = await peer().open();
      b.write(frame(message()).subarray(0, 10));
      while (!a.closed && performance.now()) {
        a.write(frame('', { opcode: PING }));
        await sleep(20);
      }
      await b.until('gone', () => b.closed);
      expect(transport.statistics.con_timeout).toBe(2);
    });

    it('answers a close frame, and tells that the connection is gone', async () => {
      const { peer, closed, counters, transport } = await listen();
      const a = await peer().open();
      a.write(frame('\x03\xe8bye', { opcode: CLOSE }));
      await a.until('the end', () => a.closed);
      expect(a.closeCode).toBe(1000);
      await a.until('gone', () => transport.connections === 0);
      expect(closed.length).toBe(1);
      expect(counters).toMatchObject({
        remote_closed_connections: 1,
        failed_connections: 0,
        local_closed_connections: 0,
      });
    });

    it('counts a peer that vanishes', async () => {
      const { peer, counters, transport, webSockets } = await listen();
      const a = await peer().open();
      a.socket.resetAndDestroy();
      await a.until('gone', () => transport.connections === 0);
      expect(counters.failed_connections).toBe(1);
      expect(webSockets.size).toBe(0);
    });
  });

  describe('sending', () => {
    it('goes by the id of the connection, or by the address of the peer; opens none', async () => {
      const { peer, transport, webSockets } = await listen();
      const a = await peer().open();
      const [link] = [...webSockets.all()];
      const { localPort } = a.socket;
      expect(transport.send(0, bytesOf(ANSWER), '127.0.0.1', 1, { connection: link!.id })).toBe(true);
      expect(transport.send(0, bytesOf(ANSWER), '127.0.0.1', localPort!)).toBe(true);
      expect(transport.send(0, bytesOf(ANSWER), '127.0.0.1', 1)).toBe(false);
      expect(transport.send(0, bytesOf(ANSWER), '127.0.0.2', localPort!, { connection: link!.id })).toBe(false);
      await a.until('two', () => a.frames.length === 2);
      expect(transport.statistics.connect_failed).toBe(0);
    });

    it('sends nothing before the handshake, and nothing behind a close', async () => {
      const { peer, transport, webSockets } = await listen();
      const a = peer();
      await a.until('connected', () => transport.connections === 1);
      const port = a.socket.localPort!;
      expect(transport.send(0, bytesOf(ANSWER), '127.0.0.1', port)).toBe(false);
      await a.open();
      const [link] = [...webSockets.all()];
      expect(link!.close(4000, 'bye')).toBe(true);
      expect(link!.close(4000, 'bye')).toBe(false);
      expect(transport.send(0, bytesOf(ANSWER), '127.0.0.1', port, { connection: link!.id })).toBe(false);
      await a.until('the close frame', () => a.closeCode === 4000);
    });

    it('has an end: a peer that reads nothing is refused more, then closed', async () => {
      const { peer, transport } = await listen({ queueBytes: 100_000, sendMs: 200 });
      const a = await peer().open();
      a.socket.pause();
      const port = a.socket.localPort!;
      const big = bytesOf(`SIP/2.0 200 OK\r\n\r\n${'x'.repeat(50_000)}`);
      // the kernel takes some megabytes first
      for (let full = 0; full < 3; full = transport.queuedBytes > 0 ? full + 1 : 0) {
        while (transport.send(0, big, '127.0.0.1', port)) {}
        await sleep(20);
      }
      expect(transport.queuedBytes).toBeLessThan(200_000);
      await a.until('closed', () => transport.connections === 0, 4000);
      expect(transport.statistics.send_timeout).toBe(1);
    });

    it('answers no pings of a peer that reads no answers', async () => {
      const { peer, transport, webSockets } = await listen();
      const a = await peer().open();
      a.socket.pause();
      const pings = Buffer.concat(Array.from({ length: 2000 }, () => frame('x'.repeat(125), { opcode: PING })));
      for (let i = 0; i < 40; i++) {
        a.write(pings);
        await sleep(1);
      }
      await a.until('all read', () => webSockets.counters.received_frames === 80_000, 10_000);
      expect(process.memoryUsage().arrayBuffers).toBeLessThan(200 << 20);
      expect(transport.connections).toBe(1);
    });
  });

  it('closes a WebSocket that is idle for the lifetime of connections', async () => {
    const { peer, transport } = await listen({ lifetimeMs: 100 });
    const a = await peer().open();
    await a.until('closed', () => a.closed);
    expect(transport.statistics.con_timeout).toBe(1);
  });

  it('close() sends a close frame that says that the server goes', async () => {
    const { peer, transport } = await listen();
    const a = await peer().open();
    await transport.close();
    await a.until('the end', () => a.closed);
    expect(a.closeCode).toBe(1001);
  });
});

describe('originAllowed()', () => {
  it.each([
    [undefined, 'h', undefined, true],
    ['http://h', 'h:8080', undefined, true],
    ['https://H:1', 'h', undefined, true],
    ['http://localhost:8000', '192.0.2.1', undefined, true],
    ['http://127.0.0.1', 'h', undefined, true],
    ['http://[::1]:1', 'h', undefined, true],
    ['http://evil.example', 'h', undefined, false],
    ['http://h.evil.example', 'h', undefined, false],
    ['http://127.0.0.1.evil.example', 'h', undefined, false],
    ['null', 'h', undefined, false],
    ['file://', 'h', undefined, false],
    ['http://h', undefined, undefined, false],
    ['https://phone.example', 'h', ['https://phone.example'], true],
    ['https://PHONE.example', 'h', ['https://phone.example'], true],
    ['http://phone.example', 'h', ['https://phone.example'], false],
    ['http://localhost', 'h', ['https://phone.example'], false],
    ['null', 'h', ['*'], true],
    [undefined, 'h', ['https://phone.example'], true],
  ] as const)('%s on %s with %j: %s', (origin, host, allowed, expected) => {
    expect(originAllowed(origin, host, allowed)).toBe(expected);
  });
});
