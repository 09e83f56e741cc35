/** Sends the cases of the differential tests to a server over UDP and records what comes back, datagram by datagram. */
import { createSocket, type Socket } from 'node:dgram';
import { type Case, CLIENT, SERVER, SINK } from '../fixtures/requests/build.ts';

/** One datagram that the server sent, as a byte string. */
export interface Datagram {
  readonly to: 'client' | 'sink';
  readonly bytes: string;
}

export interface Exchange {
  readonly name: string;
  readonly sent: readonly string[];
  readonly received: readonly Datagram[];
}

/** How a case reaches a server: delivers one datagram and resolves with everything it caused. */
export type Deliver = (bytes: string, from: 'client' | 'sink') => Promise<Datagram[]>;

export async function record(cases: readonly Case[], deliver: Deliver): Promise<Exchange[]> {
  const out: Exchange[] = [];
  for (const one of cases) {
    const sent: string[] = [];
    const received: Datagram[] = [];
    for (const step of one.send) {
      const bytes = typeof step === 'string' ? step : step(received.filter(d => d.to === 'client').map(d => d.bytes));
      sent.push(bytes);
      try {
        received.push(...(await deliver(bytes, one.from ?? 'client')));
      } catch (error) {
        throw new Error(`${one.name}: ${error instanceof Error ? error.message : error}`);
      }
    }
    out.push({ name: one.name, sent, received });
  }
  return out;
}

/**
 * Two sockets that talk to the server at SERVER. Nothing can be waited for, so behind every datagram goes a request that is always answered:
 * the server handles datagrams in turn, so what came before that answer is all there is.
 */
export async function overUdp(): Promise<{ deliver: Deliver; close(): void }> {
  const [serverIp, serverPort] = SERVER.split(':') as [string, string];
  const inbox: Datagram[] = [];
  let fenceUp: ((id: string) => void) | undefined;
  const open = async (name: 'client' | 'sink', address: string): Promise<Socket> => {
    const [ip, port] = address.split(':') as [string, string];
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(Number(port), ip, resolve);
    });
    socket.on('message', data => {
      const bytes = data.toString('latin1');
      const fence = /^SIP\/2\.0 200 Fence\r\n[\s\S]*\r\nCall-ID: (fence-\d+)\r\n/.exec(bytes);
      if (fence) fenceUp?.(fence[1]!);
      else inbox.push({ to: name, bytes });
    });
    return socket;
  };
  const sockets = { client: await open('client', CLIENT), sink: await open('sink', SINK) };
  let count = 0;
  const deliver: Deliver = async (bytes, from) => {
    inbox.length = 0;
    const id = `fence-${++count}`;
    const address = from === 'client' ? CLIENT : SINK;
    const fence = `OPTIONS sip:fence@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP ${address};branch=z9hG4bK-${id}\r\nFrom: <sip:f@example.com>;tag=f\r\nTo: <sip:f@example.com>\r\nCall-ID: ${id}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`;
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`the server stopped answering after: ${bytes.slice(0, 200)}`)),
        3_000,
      );
      fenceUp = seen => {
        if (seen !== id) return;
        clearTimeout(late);
        resolve();
      };
      sockets[from].send(Buffer.from(bytes, 'latin1'), Number(serverPort), serverIp);
      sockets[from].send(fence, Number(serverPort), serverIp);
    });
    // the other socket's datagrams are in the kernel already: one turn of the loop reads them
    await new Promise(resolve => setTimeout(resolve, 2));
    return [...inbox];
  };
  return {
    deliver,
    close() {
      sockets.client.close();
      sockets.sink.close();
    },
  };
}
