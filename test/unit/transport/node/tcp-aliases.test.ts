/** Aliases of connections, and the connections as scripts and RPC see them. */
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { bytesOf } from '../../../../src/core/memory.ts';
import { TcpTransport } from '../../../../src/transport/node/tcp.ts';
import { TcpConnections } from '../../../../src/transport/node/tcp-connections.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map(close => close()));
});

const MESSAGE = 'OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n';

async function until(what: string, holds: () => boolean, ms = 3000): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(5)) if (holds()) return;
  throw new Error(`${what}: not within ${ms} ms`);
}

async function listen() {
  const transport = new TcpTransport({ limits: { messageBytes: 1000 } });
  closing.push(() => transport.close());
  const [socket] = await transport.open([{ proto: 'tcp', host: '127.0.0.1', port: 0 }]);
  const ids: number[] = [];
  transport.start((_bytes, from) => void ids.push(from.connection!));
  return {
    transport,
    connections: new TcpConnections(transport),
    port: socket!.port,
    /** A peer that has sent a message. */
    async peer(options: Partial<net.NetConnectOpts> = {}) {
      const before = ids.length;
      const client = net.connect({ port: socket!.port, host: '127.0.0.1', ...options } as net.NetConnectOpts);
      client.on('error', () => {});
      closing.push(() => client.destroy());
      const state = { text: '' };
      client.setEncoding('latin1').on('data', text => {
        state.text += text;
      });
      client.write(MESSAGE);
      await until('the message', () => ids.length > before);
      return { client, state, id: ids.at(-1)!, port: client.localPort! };
    },
  };
}

describe('an alias', () => {
  it('leads to the connection of its peer, until that ends', async () => {
    const { transport, connections, peer } = await listen();
    const one = await peer();
    expect(connections.addAlias(one.id, 7001)).toBe(true);
    expect([connections.find('127.0.0.1', 7001), connections.find('127.0.0.2', 7001)]).toEqual([one.id, 0]);
    expect(transport.send(0, bytesOf(MESSAGE), '127.0.0.1', 7001, { noConnect: true })).toBe(true);
    await until('it', () => one.state.text === MESSAGE);
    one.client.end();
    await until('the end', () => connections.find('127.0.0.1', 7001) === 0);
    expect(transport.send(0, bytesOf(MESSAGE), '127.0.0.1', 7001, { noConnect: true })).toBe(false);
    expect(connections.addAlias(one.id, 7002)).toBe(false);
  });

  it('is one of three at most; the newest connection that asks for a port has it', async () => {
    const { connections, peer } = await listen();
    const one = await peer();
    const two = await peer();
    expect([7001, 7002, 7003, 7004, 7001].map(port => connections.addAlias(one.id, port))).toEqual([
      true,
      true,
      true,
      false,
      true,
    ]);
    expect(connections.addAlias(two.id, 7002)).toBe(true);
    expect([7001, 7002, 7003].map(port => connections.find('127.0.0.1', port))).toEqual([one.id, two.id, one.id]);
    expect(connections.get(one.id)!.aliases).toEqual([7001, 7003]);
    // what it lost makes room
    expect(connections.addAlias(one.id, 7004)).toBe(true);
  });

  it('never takes the port that another connection comes from; who comes from an aliased port has it', async () => {
    const { connections, peer } = await listen();
    const one = await peer();
    const two = await peer();
    expect(connections.addAlias(one.id, two.port)).toBe(false);
    expect(connections.find('127.0.0.1', two.port)).toBe(two.id);
    const free = net.createServer();
    await new Promise<void>(resolve => free.listen(0, '127.0.0.1', resolve));
    const { port } = free.address() as net.AddressInfo;
    await new Promise(resolve => free.close(resolve));
    expect(connections.addAlias(one.id, port)).toBe(true);
    const three = await peer({ localPort: port });
    expect(connections.find('127.0.0.1', port)).toBe(three.id);
    expect(connections.get(one.id)!.aliases).toEqual([]);
  });
});

describe('a connection that is named', () => {
  it('is taken for its own address only, whoever named it', async () => {
    const { transport, peer } = await listen();
    const one = await peer();
    const send = (ip: string) => transport.send(0, bytesOf(MESSAGE), ip, 7009, { connection: one.id, noConnect: true });
    expect([send('127.0.0.2'), send('127.0.0.1')]).toEqual([false, true]);
    await until('it', () => one.state.text === MESSAGE);
  });
});

describe('TcpConnections', () => {
  it('tells what there is', async () => {
    const { connections, peer, port } = await listen();
    const one = await peer();
    const two = await peer();
    expect([connections.count(), connections.count('tcp'), connections.count('tls')]).toEqual([2, 2, 0]);
    expect(connections.list().map(c => c.id)).toEqual([one.id, two.id]);
    expect(connections.get(one.id)).toEqual({
      id: one.id,
      proto: 'tcp',
      state: 'open',
      incoming: true,
      ip: '127.0.0.1',
      port: one.port,
      localIp: '127.0.0.1',
      localPort: port,
      socket: 0,
      lifetimeMs: 120_000,
      leftMs: expect.any(Number),
      queuedBytes: 0,
      aliases: [],
    });
    expect([connections.get(1), connections.security(one.id), connections.security(1)]).toEqual(
      Array(3).fill(undefined),
    );
    expect(connections.options).toMatchObject({ max_connections: 2048, connection_lifetime: 120, no_connect: 0 });
  });

  it('closes one when what waits has left; changes its lifetime and probes', async () => {
    const { connections, peer, transport } = await listen();
    const one = await peer();
    expect(connections.setKeepAlive(one.id, { idleSec: 60, count: 5, intervalSec: 5 })).toBe(true);
    expect(connections.setKeepAlive(one.id, undefined)).toBe(true);
    expect(connections.setLifetime(one.id, 5000)).toBe(true);
    one.client.write('\r\n\r\n');
    await until('the pong', () => one.state.text === '\r\n');
    // what comes and goes keeps to what was set
    expect(connections.get(one.id)).toMatchObject({ lifetimeMs: 5000 });
    transport.send(0, bytesOf(MESSAGE), '127.0.0.1', one.port);
    expect(connections.close(one.id)).toBe(true);
    await until('gone', () => connections.count() === 0);
    expect(one.state.text).toBe(`\r\n${MESSAGE}`);
    expect([
      connections.close(one.id),
      connections.setLifetime(one.id, 1),
      connections.setKeepAlive(one.id, undefined),
    ]).toEqual([false, false, false]);
  });
});
