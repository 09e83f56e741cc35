/** The client and the peer of the routing tests over real sockets: UDP on IPv4 and IPv6, TCP. */
import { createSocket, type Socket as Udp } from 'node:dgram';
import { connect, createServer, type Server, type Socket as Tcp } from 'node:net';
import { CLIENT_PORT, PEER_PORT, type RoutingCase, SOCKETS } from '../fixtures/routing/world.ts';

type Inbox = { who: string; text: string }[];

export interface Peers {
  /** Delivers one message and gives what the server sent because of it, as `peer: ...` and `client: ...`. */
  deliver(one: RoutingCase): Promise<string[]>;
  close(): Promise<void>;
}

/** Nothing can be waited for, so a request that is always answered follows on the same way: the one worker of a socket takes its datagrams in turn. */
export async function openPeers(): Promise<Peers> {
  const inbox: Inbox = [];
  let seen: ((id: string) => void) | undefined;
  const take = (who: string, text: string) => {
    const fence = /^SIP\/2\.0 200 Fence\r\n[\s\S]*\r\nCall-ID: (fence-\d+)\r\n/.exec(text);
    if (fence) seen?.(fence[1]!);
    else inbox.push({ who, text });
  };
  const udp = async (who: string, type: 'udp4' | 'udp6', ip: string, port: number): Promise<Udp> => {
    const socket = createSocket(type);
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, ip, resolve);
    });
    socket.on('message', data => take(who, data.toString('latin1')));
    return socket;
  };
  const client4 = await udp('client', 'udp4', '127.0.0.1', CLIENT_PORT);
  const client6 = await udp('client', 'udp6', '::1', CLIENT_PORT);
  const peer4 = await udp('peer', 'udp4', '127.0.0.1', PEER_PORT);
  const peer6 = await udp('peer', 'udp6', '::1', PEER_PORT);
  const streams = new Set<Tcp>();
  const server: Server = createServer(socket => {
    streams.add(socket);
    socket.on('data', data => take('peer', data.toString('latin1')));
    socket.on('error', () => {});
  });
  await new Promise<void>(resolve => server.listen(PEER_PORT, '127.0.0.1', resolve));
  let stream: Tcp | undefined;
  const overTcp = async (port: number): Promise<Tcp> => {
    if (!stream) {
      stream = connect({ port, host: '127.0.0.1', localPort: CLIENT_PORT });
      stream.on('data', data => take('client', data.toString('latin1')));
      stream.on('error', () => {});
      await new Promise<void>(resolve => stream!.once('connect', () => resolve()));
    }
    return stream;
  };
  let count = 0;
  return {
    async deliver(one) {
      inbox.length = 0;
      const id = `fence-${++count}`;
      const socket = SOCKETS.find(s => s.id === (one.socket ?? 'udp'))!;
      const host = socket.ip.includes(':') ? `[${socket.ip}]` : socket.ip;
      const fence = `OPTIONS sip:fence@${ALIAS_HOST} SIP/2.0\r\nVia: SIP/2.0/${socket.proto.toUpperCase()} ${host}:${CLIENT_PORT};branch=z9hG4bK-${id};rport\r\nFrom: <sip:f@example.com>;tag=f\r\nTo: <sip:f@example.com>\r\nCall-ID: ${id}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`;
      const tcp = socket.proto === 'tcp' ? await overTcp(socket.port) : undefined;
      const send = (text: string) => {
        if (tcp) tcp.write(text, 'latin1');
        else (socket.ip.includes(':') ? client6 : client4).send(Buffer.from(text, 'latin1'), socket.port, socket.ip);
      };
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`no answer behind ${one.name}`)), 3_000);
        seen = got => {
          if (got !== id) return;
          clearTimeout(late);
          resolve();
        };
        send(one.message);
        send(fence);
      });
      // what went to another socket is in the kernel already; a new TCP connection takes longer
      await new Promise(resolve => setTimeout(resolve, one.message.includes('transport=tcp') ? 60 : 4));
      return inbox.map(({ who, text }) => `${who}: ${text}`);
    },
    async close() {
      for (const socket of [client4, client6, peer4, peer6]) socket.close();
      stream?.resetAndDestroy();
      for (const socket of streams) socket.destroy();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

const ALIAS_HOST = '127.0.0.1';
