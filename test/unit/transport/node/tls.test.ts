import net from 'node:net';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { byteStr, bytesOf } from '../../../../src/core/memory.ts';
import type { ClosedConnection } from '../../../../src/kemi/host.ts';
import { TcpTransport } from '../../../../src/transport/node/tcp.ts';
import type { TcpLimits } from '../../../../src/transport/node/tcp-options.ts';
import { TlsContexts, type TlsSource } from '../../../../src/transport/node/tls-context.ts';
import { securityOf } from '../../../../src/transport/node/tls-peer.ts';
import type { Source } from '../../../../src/transport/transport.ts';
import { recordingLogger } from '../../../support/log.ts';
import { identity, SERVER, tlsFile, tlsText } from '../../../support/tls.ts';
import { transportContract } from '../contract.ts';

const message = (body = '') =>
  `OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const create = () => new TcpTransport({ tls: new TlsContexts({ settings: SERVER }) });

transportContract('TcpTransport with TLS', () => ({
  create,
  host: '127.0.0.1',
  otherFamily: '::1',
  proto: 'tls',
  frame: message,
}));

const hasIpv6 = Object.values(os.networkInterfaces()).some(list => list?.some(i => i.address === '::1'));
describe.skipIf(!hasIpv6)('with IPv6', () => {
  transportContract('TcpTransport with TLS over IPv6', () => ({
    create,
    host: '::1',
    otherFamily: '127.0.0.1',
    proto: 'tls',
    frame: message,
  }));
});

async function until(what: string, holds: () => boolean, ms = 3000): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(5)) if (holds()) return;
  throw new Error(`${what}: not within ${ms} ms`);
}

describe('TcpTransport with TLS', () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    await Promise.all(closing.splice(0).map(close => close()));
  });

  async function listen(limits: Partial<TcpLimits> = {}, source: TlsSource = { settings: SERVER }) {
    const log = recordingLogger();
    const transport = new TcpTransport({ limits, log, tls: new TlsContexts(source) });
    closing.push(() => transport.close());
    const [socket] = await transport.open([{ proto: 'tls', host: '127.0.0.1', port: 0 }]);
    const got: { text: string; from: Source }[] = [];
    const closed: ClosedConnection[] = [];
    transport.start(
      (bytes, from) => got.push({ text: byteStr(bytes.slice()), from }),
      connection => closed.push(connection),
    );
    return { transport, log, got, closed, port: socket!.port };
  }

  function phone(port: number, options: tls.ConnectionOptions = {}) {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    const state = { text: '', closed: false, made: false };
    socket.on('data', data => {
      state.text += data.toString('latin1');
    });
    socket.on('secureConnect', () => {
      state.made = true;
    });
    socket.on('close', () => {
      state.closed = true;
    });
    socket.on('error', () => {});
    closing.push(() => socket.destroy());
    return { socket, state, write: (text: string) => socket.write(text, 'latin1') };
  }

  it('frames as TCP does: two messages in a record, one byte in each', async () => {
    const { got, port } = await listen();
    const two = phone(port);
    two.write(message('a') + message('b'));
    await until('two', () => got.length === 2);
    const slow = phone(port);
    for (const char of message('slow')) {
      slow.write(char);
      await new Promise(resolve => setImmediate(resolve));
    }
    await until('the slow one', () => got.length === 3);
    expect(got.map(g => g.text)).toEqual([message('a'), message('b'), message('slow')]);
  });

  it('answers by the connection, and uses it for requests to its peer; pings get pongs', async () => {
    const { transport, got, port } = await listen();
    const a = phone(port);
    a.write(`${message()}\r\n\r\n`);
    await until('the message', () => got.length === 1);
    const { from } = got[0]!;
    const send = (body: string, how = {}) => transport.send(0, bytesOf(message(body)), from.ip, from.port, how);
    expect([send('answer', { connection: from.connection }), send('request', { noConnect: true })]).toEqual([
      true,
      true,
    ]);
    await until('both', () => a.state.text === `\r\n${message('answer')}${message('request')}`);
    expect(transport.connections).toBe(1);
  });

  it('a connection that is not TLS is not found for TLS, whatever its id', async () => {
    const log = recordingLogger();
    const transport = new TcpTransport({ log, tls: new TlsContexts({ settings: SERVER }) });
    closing.push(() => transport.close());
    const [tcp] = await transport.open([
      { proto: 'tcp', host: '127.0.0.1', port: 0 },
      { proto: 'tls', host: '127.0.0.1', port: 0 },
    ]);
    const got: Source[] = [];
    transport.start((_bytes, from) => got.push(from));
    const plain = net.connect(tcp!.port, '127.0.0.1');
    closing.push(() => plain.destroy());
    plain.write(message());
    await until('the message', () => got.length === 1);
    const { ip, port, connection } = got[0]!;
    const how = { connection: connection!, noConnect: true };
    expect(transport.send(1, bytesOf(message()), ip, port, how)).toBe(false);
    expect(transport.send(0, bytesOf(message()), ip, port, how)).toBe(true);
  });

  it('ends a stalled handshake, and holds it within the limits of connections meanwhile', async () => {
    const { transport, port, closed } = await listen({ connectMs: 200, connections: 2 });
    const stalled = net.connect(port, '127.0.0.1').on('error', () => {});
    closing.push(() => stalled.destroy());
    await until('accepted', () => transport.connections === 1);
    const halfway = net.connect(port, '127.0.0.1', () => halfway.write(Buffer.from('1603010200', 'hex')));
    halfway.on('error', () => {});
    closing.push(() => halfway.destroy());
    await until('accepted', () => transport.connections === 2);
    const third = phone(port);
    await until('refused', () => third.state.closed);
    await until('ended', () => transport.connections === 0);
    expect(transport.statistics).toMatchObject({ local_reject: 1, tls_handshake_failed: 2 });
    const fourth = phone(port);
    await until('made', () => fourth.state.made);
    expect(closed).toEqual([]);
  });

  it('takes no more TLS connections than it may', async () => {
    const { port } = await listen({ tlsConnections: 1 });
    const one = phone(port);
    await until('made', () => one.state.made);
    const two = phone(port);
    await until('refused', () => two.state.closed);
    expect(two.state.made).toBe(false);
  });

  it('lives for its first byte as long as it may, behind that for the lifetime of connections', async () => {
    const { transport, port, closed } = await listen({ tlsIdleMs: 600, lifetimeMs: 150 });
    const quiet = phone(port);
    const spoke = phone(port);
    await until('both', () => quiet.state.made && spoke.state.made);
    spoke.write('\r\n\r\n');
    await until('the pong', () => spoke.state.text === '\r\n');
    await until('the one that spoke', () => spoke.state.closed, 500);
    expect(quiet.state.closed).toBe(false);
    await until('the quiet one', () => quiet.state.closed, 1500);
    expect(closed.map(c => c.reason)).toEqual(['expired', 'expired']);
    expect(transport.connections).toBe(0);
  });

  it('tells how a connection ended, once: closed, reset; nothing of handshakes that failed', async () => {
    const { transport, port, closed, got } = await listen();
    const a = phone(port);
    a.write(message());
    await until('the message', () => got.length === 1);
    a.socket.end();
    await until('closed', () => closed.length === 1);
    const raw = net.connect(port, '127.0.0.1');
    const b = tls.connect({ socket: raw, rejectUnauthorized: false });
    b.on('error', () => {});
    raw.on('error', () => {});
    await until('b', () => transport.connections === 2 && b.encrypted && b.getProtocol() !== null);
    await sleep(50);
    raw.resetAndDestroy();
    await until('reset', () => closed.length === 2);
    phone(port, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' });
    await until('failed', () => transport.statistics.tls_handshake_failed === 1);
    expect(closed).toMatchObject([
      { reason: 'closed', proto: 'tls', ip: '127.0.0.1', port: got[0]!.from.port, id: got[0]!.from.connection },
      { reason: 'reset', proto: 'tls' },
    ]);
  });

  it('resumes no session: what one profile found out is not carried over to another', async () => {
    const { port } = await listen();
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const first = phone(port, { maxVersion });
      let session: Buffer | undefined;
      first.socket.on('session', data => {
        session = data;
      });
      await until('made', () => first.state.made);
      first.write('\r\n\r\n');
      await until('the pong', () => first.state.text === '\r\n');
      session ??= first.socket.getSession();
      const second = phone(port, { maxVersion, ...(session && { session }) });
      await until('made again', () => second.state.made);
      expect(second.socket.isSessionReused()).toBe(false);
    }
  });

  it('refuses renegotiation', async () => {
    const { port } = await listen();
    const a = phone(port, { maxVersion: 'TLSv1.2' });
    await until('made', () => a.state.made);
    const refused = new Promise(resolve => a.socket.once('error', resolve));
    a.socket.renegotiate({}, () => {});
    expect(await refused).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' });
  });

  it('opens a connection with its certificate, and tells the sender when the server is not one to talk to', async () => {
    const trusting = { ...SERVER, caList: tlsFile('ca.pem'), verifyCertificate: true };
    const server = await listen({}, { settings: { ...trusting, requireCertificate: true } });
    const client = await listen({}, { settings: trusting });
    const send = (from: typeof client, how = {}) =>
      from.transport.send(0, bytesOf(message()), '127.0.0.1', server.port, how);
    expect(send(client)).toBe(true);
    await until('the message', () => server.got.length === 1);
    const id = server.got[0]!.from.connection!;
    const seen = securityOf(server.transport.table.get(id)!.tls!);
    expect(seen).toMatchObject({ verified: true, version: 'TLSv1.3', bits: 256, peer: { serial: '10' } });
    // the same connection is used for the way back
    expect(server.transport.send(0, bytesOf(message('back')), '127.0.0.1', server.got[0]!.from.port)).toBe(true);
    await until('the way back', () => client.got.length === 1);
    const other = await listen({}, { settings: { ...trusting, caList: tlsFile('other-ca.pem') } });
    let lost = 0;
    expect(send(other, { lost: () => lost++ })).toBe(true);
    await until('told', () => lost === 1);
    expect(other.log.lines.map(l => l.message)).toContainEqual(
      expect.stringMatching(/^Cannot connect to tls:127\.0\.0\.1:\d+: the peer's certificate is not trusted: /),
    );
    expect(other.transport.connections).toBe(0);
    expect(server.got.length).toBe(1);
  });

  it('tells the sender when the other side speaks no TLS', async () => {
    const { transport } = await listen();
    const plain = net.createServer(socket =>
      socket
        .resume()
        .on('error', () => {})
        .end('no'),
    );
    await new Promise<void>(resolve => plain.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise(resolve => plain.close(resolve)));
    let lost = 0;
    const { port } = plain.address() as net.AddressInfo;
    transport.send(0, bytesOf(message()), '127.0.0.1', port, { lost: () => lost++ });
    await until('told', () => lost === 1);
    expect(transport.statistics.connect_failed).toBe(1);
  });

  it('knows the parts of certificates', async () => {
    const { transport, port, got } = await listen(
      {},
      { settings: { ...SERVER, caList: tlsFile('ca.pem'), verifyClient: 'optional_no_ca' } },
    );
    const client = phone(port, { ...identity('client'), servername: 'sip.example.com' });
    client.write(message());
    await until('the message', () => got.length === 1);
    const seen = securityOf(transport.table.get(got[0]!.from.connection!)!.tls!);
    expect(seen).toEqual({
      version: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      bits: 256,
      verified: true,
      serverName: 'sip.example.com',
      peer: {
        pem: tlsText('client.pem'),
        subject: 'C=FR\nST=Bretagne\nL=Brest\nO=kemi-wasm tests\nOU=Phones\nCN=alice\nemailAddress=alice@example.com',
        issuer: 'O=kemi-wasm tests\nCN=Test CA',
        serial: '12',
        notBeforeMs: Date.UTC(2020, 0),
        notAfterMs: Date.UTC(2120, 0),
        version: 3,
        alternative: 'email:alice@example.com, DNS:alice.example.com, URI:sip:alice@example.com, IP Address:192.0.2.5',
      },
      own: expect.objectContaining({ serial: '10', version: 3 }),
    });
  });

  it('close() lets answers leave, and ends handshakes', async () => {
    const { transport, got, port } = await listen();
    const a = phone(port);
    a.write(message());
    await until('the message', () => got.length === 1);
    const stalled = net.connect(port, '127.0.0.1').on('error', () => {});
    closing.push(() => stalled.destroy());
    await until('accepted', () => transport.connections === 2);
    const { from } = got[0]!;
    transport.send(0, bytesOf(message('last')), from.ip, from.port, { connection: from.connection! });
    await transport.close();
    await until('the end', () => a.state.closed && stalled.closed);
    expect(a.state.text).toBe(message('last'));
    await until('none', () => transport.connections === 0);
  });
});
