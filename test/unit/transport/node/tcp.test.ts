import net from 'node:net';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { byteStr, bytesOf } from '../../../../src/core/memory.ts';
import { TcpTransport } from '../../../../src/transport/node/tcp.ts';
import type { TcpLimits } from '../../../../src/transport/node/tcp-options.ts';
import { tcpLimits } from '../../../../src/transport/node/tcp-options.ts';
import type { Source } from '../../../../src/transport/transport.ts';
import { recordingLogger } from '../../../support/log.ts';
import { transportContract } from '../contract.ts';

const message = (body = '', extra = '') =>
  `OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`;

transportContract('TcpTransport over IPv4', () => ({
  create: () => new TcpTransport(),
  host: '127.0.0.1',
  otherFamily: '::1',
  proto: 'tcp',
  frame: message,
}));

const hasIpv6 = Object.values(os.networkInterfaces()).some(list => list?.some(i => i.address === '::1'));
describe.skipIf(!hasIpv6)('with IPv6', () => {
  transportContract('TcpTransport over IPv6', () => ({
    create: () => new TcpTransport(),
    host: '::1',
    otherFamily: '127.0.0.1',
    proto: 'tcp',
    frame: message,
  }));
});

/** A promise's value, or an error that says what did not happen. */
async function until(what: string, holds: () => boolean, ms = 3000): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(5)) if (holds()) return;
  throw new Error(`${what}: not within ${ms} ms`);
}

describe('TcpTransport', () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    await Promise.all(closing.splice(0).map(close => close()));
  });

  /** A transport that listens and keeps what comes; `answer` is sent back by the same connection. */
  async function listen(limits: Partial<TcpLimits> = {}, answer?: string) {
    const log = recordingLogger();
    const transport = new TcpTransport({ limits, log });
    closing.push(() => transport.close());
    const [socket] = await transport.open([{ proto: 'tcp', host: '127.0.0.1', port: 0 }]);
    const got: { text: string; from: Source }[] = [];
    const closed: number[] = [];
    transport.start(
      (bytes, from) => {
        got.push({ text: byteStr(bytes.slice()), from });
        if (answer) transport.send(0, bytesOf(answer), from.ip, from.port, { connection: from.connection! });
      },
      ({ id }) => closed.push(id),
    );
    return { transport, log, got, closed, port: socket!.port };
  }

  /** A peer that only keeps what it is sent. */
  function peer(port: number, options: Partial<net.NetConnectOpts> = {}) {
    const socket = net.connect({ port, host: '127.0.0.1', ...options } as net.NetConnectOpts);
    const state = { text: '', ended: false, closed: false };
    socket.on('data', data => {
      state.text += data.toString('latin1');
    });
    socket.on('end', () => {
      state.ended = true;
    });
    socket.on('close', () => {
      state.closed = true;
    });
    socket.on('error', () => {});
    closing.push(() => socket.destroy());
    return { socket, state, write: (text: string) => socket.write(text, 'latin1') };
  }

  /** A server that is no transport of ours. */
  async function plainServer(onSocket: (socket: net.Socket) => void = () => {}) {
    const sockets: net.Socket[] = [];
    const server = net.createServer(socket => {
      sockets.push(socket);
      socket.on('error', () => {});
      onSocket(socket);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      return new Promise(resolve => server.close(resolve));
    });
    return { sockets, port: (server.address() as net.AddressInfo).port };
  }

  it('says what to do when the address is in use', async () => {
    const { port } = await listen();
    const other = new TcpTransport();
    closing.push(() => other.close());
    await expect(other.open([{ proto: 'tcp', host: '127.0.0.1', port }])).rejects.toThrow(
      `Cannot listen on tcp:127.0.0.1:${port}: the address is in use; stop the other program (ss -ltnp`,
    );
  });

  it('puts a message together that comes byte by byte, and takes apart two that come as one', async () => {
    const { got, port } = await listen();
    const a = peer(port);
    a.socket.setNoDelay(true);
    for (const char of message('hello')) {
      a.write(char);
      await new Promise(resolve => setImmediate(resolve));
    }
    a.write(message('1') + message('2'));
    await until('three messages', () => got.length === 3);
    expect(got.map(g => g.text)).toEqual([message('hello'), message('1'), message('2')]);
    expect(new Set(got.map(g => g.from.connection)).size).toBe(1);
  });

  it('answers by the connection that the message came by, and each has its own', async () => {
    const answer = message('answer');
    const { got, port } = await listen({}, answer);
    const peers = [peer(port), peer(port)];
    for (const { write } of peers) write(message());
    await until('two answers', () => peers.every(p => p.state.text === answer));
    expect(new Set(got.map(g => g.from.connection)).size).toBe(2);
  });

  it('answers a double CRLF with CRLF, unless tcp_crlf_ping is off', async () => {
    const on = peer((await listen()).port);
    on.write('\r\n\r\n');
    await until('pong', () => on.state.text === '\r\n');
    const quiet = await listen({ ping: false }, message('x'));
    const off = peer(quiet.port);
    off.write(`\r\n\r\n${message()}`);
    await until('an answer', () => off.state.text !== '');
    expect(off.state.text).toBe(message('x'));
  });

  it('tells the start of a message that is too long, and closes behind the answer', async () => {
    const { got, port } = await listen({ messageBytes: 300 }, message('513'));
    const a = peer(port);
    const long = message('x'.repeat(100_000));
    a.write(long);
    await until('the end', () => a.state.ended);
    expect(a.state.text).toBe(message('513'));
    expect(got).toEqual([{ text: long.slice(0, long.indexOf('x')), from: expect.objectContaining({ tooLong: true }) }]);
  });

  it('closes a connection whose stream cannot be cut into messages', async () => {
    const { got, port, transport } = await listen();
    const a = peer(port);
    a.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('the end', () => a.state.ended);
    await until('the close', () => transport.connections === 0);
    expect(got).toEqual([]);
  });

  it('closes when a message does not become whole in time, however busily its bytes come', async () => {
    const { port, transport } = await listen({ readMs: 100 });
    const slow = peer(port);
    const drip = setInterval(() => slow.write('x'), 10);
    closing.push(() => clearInterval(drip));
    await until('the close', () => slow.state.closed);
    expect(transport.statistics).toMatchObject({ con_timeout: 1, send_timeout: 0 });
  });

  it('closes a connection by which nothing goes for its lifetime; messages and pings keep it', async () => {
    const { port, transport, closed } = await listen({ lifetimeMs: 200 });
    const idle = peer(port);
    const alive = peer(port);
    const ping = setInterval(() => alive.write('\r\n\r\n'), 30);
    closing.push(() => clearInterval(ping));
    await until('the close', () => idle.state.closed);
    await sleep(250);
    expect([alive.state.closed, transport.connections, closed.length]).toEqual([false, 1, 1]);
  });

  it('takes no more connections than it may, in all and of one address; others come in when one has gone', {
    timeout: 15_000,
  }, async () => {
    for (const limits of [{ connections: 2 }, { perAddress: 2 }]) {
      const { port, transport } = await listen(limits, message('x'));
      const two = [peer(port), peer(port)];
      await until('two', () => transport.connections === 2);
      const third = peer(port);
      await until('the refusal', () => third.state.closed);
      expect(transport.statistics).toMatchObject({ passive_open: 2, local_reject: 1 });
      two[0]!.socket.destroy();
      two[1]!.write(message());
      await until('the answer', () => two[1]!.state.text !== '');
      await until('room', () => transport.connections === 1, 6000);
      const fourth = peer(port);
      fourth.write(message());
      await until('the fourth', () => fourth.state.text !== '');
    }
  });

  it('answers a peer that has closed its side, and lets the connection go soon', { timeout: 10_000 }, async () => {
    const { port, transport, closed, got } = await listen();
    const a = peer(port, { allowHalfOpen: true });
    a.socket.end(message());
    await until('the message', () => got.length === 1);
    await until('told', () => closed.length === 1);
    const { from } = got[0]!;
    expect(transport.send(0, bytesOf(message('late')), from.ip, from.port, { connection: from.connection! })).toBe(
      true,
    );
    await until('something', () => a.state.text === message('late'));
    // not for anything but answers
    expect(transport.send(0, bytesOf(message()), from.ip, from.port, { noConnect: true })).toBe(false);
    await until('the close', () => transport.connections === 0, 5000);
    // with the last answer out there is nothing to wait for
    const b = peer(port, { allowHalfOpen: true });
    b.socket.end(message());
    await until('the message', () => got.length === 2);
    const { connection, ip, port: back } = got[1]!.from;
    transport.send(0, bytesOf('SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'), ip, back, { connection: connection! });
    await until('the end', () => b.state.ended && transport.connections === 0, 500);
  });

  it('survives resets, and tells of each connection that has gone', async () => {
    const { port, transport, closed, got } = await listen();
    const many = Array.from({ length: 20 }, () => peer(port));
    for (const { write } of many) write(message().slice(0, 30));
    await until('all', () => transport.connections === 20);
    for (const { socket } of many) socket.resetAndDestroy();
    await until('all gone', () => transport.connections === 0 && new Set(closed).size === 20);
    expect(got).toEqual([]);
    expect(transport.statistics.con_reset).toBe(20);
  });

  it('opens a connection where there is none, and keeps it for the next message and for what comes back', async () => {
    const { transport, got } = await listen();
    const there = await plainServer(socket => socket.once('data', () => socket.write(message('back'))));
    const send = (body: string) => transport.send(0, bytesOf(message(body)), '127.0.0.1', there.port);
    expect([send('1'), send('2')]).toEqual([true, true]);
    await until('the answer', () => got.length === 1);
    expect(send('3')).toBe(true);
    expect(there.sockets.length).toBe(1);
    expect(got[0]).toMatchObject({ text: message('back'), from: { port: there.port, ip: '127.0.0.1' } });
    expect(transport.statistics).toMatchObject({ connect_success: 1, established: 1 });
  });

  it('takes the connection that a peer has opened for requests to its address', async () => {
    const { transport, port } = await listen();
    const a = peer(port);
    await until('open', () => transport.connections === 1);
    const { localPort } = a.socket;
    expect(transport.send(0, bytesOf(message('request')), '127.0.0.1', localPort!, { noConnect: true })).toBe(true);
    await until('the request', () => a.state.text === message('request'));
  });

  it('tells each sender when the connection cannot be made, once, and not from inside send()', async () => {
    const { transport, log } = await listen();
    const free = await plainServer();
    const { port } = free;
    await Promise.all(closing.splice(-1).map(close => close()));
    const lost: string[] = [];
    for (const name of ['a', 'b'])
      expect(transport.send(0, bytesOf(message()), '127.0.0.1', port, { lost: () => lost.push(name) })).toBe(true);
    expect(lost).toEqual([]);
    await until('told', () => lost.length === 2);
    await sleep(20);
    expect(lost).toEqual(['a', 'b']);
    expect(transport.statistics.connect_failed).toBe(1);
    expect([transport.connections, transport.queuedBytes]).toEqual([0, 0]);
    expect(log.lines.map(l => l.message)).toContain(`Cannot connect to tcp:127.0.0.1:${port}: ECONNREFUSED`);
  });

  it('gives up making a connection after its time', async () => {
    // nobody answers there (RFC 5737); a machine without a route says no at once
    const { transport } = await listen({ connectMs: 50 });
    let lost = 0;
    const sent = transport.send(0, bytesOf(message()), '192.0.2.1', 5060, { lost: () => lost++ });
    expect(sent).toBe(true);
    await until('told', () => lost === 1);
    expect(transport.connections).toBe(0);
  });

  it('opens none when it must not, and none above the limit', async () => {
    const there = await plainServer();
    const { transport } = await listen({ connections: 1 });
    const send = (port: number, how = {}) => transport.send(0, bytesOf(message()), '127.0.0.1', port, how);
    expect(send(there.port, { noConnect: true })).toBe(false);
    expect(send(there.port)).toBe(true);
    expect(send((await plainServer()).port)).toBe(false);
    const never = await listen({ noConnect: true });
    expect(never.transport.send(0, bytesOf(message()), '127.0.0.1', there.port)).toBe(false);
    expect(transport.counters.sendErrors).toBe(2);
    expect((await listen()).transport.send(0, bytesOf(message()), 'localhost', there.port)).toBe(false);
  });

  it('closes behind the message when asked to', async () => {
    const { transport, got, port } = await listen();
    const a = peer(port);
    a.write(message());
    await until('the message', () => got.length === 1);
    const { from } = got[0]!;
    transport.send(0, bytesOf(message('bye')), from.ip, from.port, { connection: from.connection!, close: true });
    await until('the end', () => a.state.closed);
    expect(a.state.text).toBe(message('bye'));
  });

  it('keeps no more than it may for a peer that reads nothing, and closes it when that goes on', {
    timeout: 15_000,
  }, async () => {
    const { transport } = await listen({ queueBytes: 100_000, sendMs: 300 });
    const there = await plainServer(socket => socket.pause());
    const big = bytesOf(message('x'.repeat(50_000)));
    let refused = 0;
    let most = 0;
    // what the kernel takes is not bounded by us: go on until it takes no more
    for (let n = 0; n < 2000 && refused < 20; n++) {
      if (!transport.send(0, big, '127.0.0.1', there.port)) refused++;
      most = Math.max(most, transport.queuedBytes);
      await new Promise(resolve => setImmediate(resolve));
    }
    expect(refused).toBe(20);
    expect(most).toBeLessThanOrEqual(100_000);
    expect(transport.statistics.sendq_full).toBe(20);
    await until('the close', () => transport.connections === 0, 5000);
    expect(transport.statistics.send_timeout).toBe(1);
    expect(transport.queuedBytes).toBe(0);
  });

  it('close() lets answers leave, closes every connection, and tells nobody of what was lost', async () => {
    const { transport, got, port } = await listen();
    const a = peer(port);
    a.write(message());
    await until('the message', () => got.length === 1);
    const { from } = got[0]!;
    let lost = 0;
    transport.send(0, bytesOf(message('last')), from.ip, from.port, { connection: from.connection! });
    transport.send(0, bytesOf(message()), '192.0.2.1', 5060, { lost: () => lost++ });
    await transport.close();
    await until('the end', () => a.state.closed);
    expect(a.state.text).toBe(message('last'));
    await until('none', () => transport.connections === 0);
    expect(lost).toBe(0);
  });
});

describe('tcpLimits()', () => {
  it('reads the parameters of a kamailio.cfg', () => {
    expect(
      tcpLimits({ tcp_connection_lifetime: 60, tcp_connect_timeout: 3, tcp_crlf_ping: 0, tcp_max_connections: 9 }),
    ).toEqual({
      lifetimeMs: 60_000,
      connectMs: 3000,
      ping: false,
      connections: 9,
    });
    expect(
      tcpLimits({ tcp_keepalive: 1, tcp_keepidle: 30, tcp_keepcnt: 3, tcp_keepintvl: 5, tcp_listen_backlog: 7 }),
    ).toEqual({
      keepAlive: true,
      keepIdleSec: 30,
      keepCount: 3,
      keepIntervalSec: 5,
      backlog: 7,
    });
    expect(tcpLimits()).toEqual({});
  });
});
