/** TLS for programs that speak none, as SIPp from Debian: what goes in on one side comes out on the other, with TLS on one of them. */
import net from 'node:net';
import tls from 'node:tls';
import { identity } from '../support/tls.ts';

export interface Tunnel {
  /** the start of what the TLS side sent and was sent */
  readonly seen: { in: string; out: string };
  close(): Promise<void>;
}

const MOST_SEEN = 100_000;

/**
 * @param port where it listens  @param to where it connects to
 * @param side 'client': TCP comes in and TLS goes out; 'server': TLS comes in and TCP goes out
 */
export async function tunnel(side: 'client' | 'server', port: number, to: number): Promise<Tunnel> {
  const open = new Set<net.Socket>();
  const seen = { in: '', out: '' };
  const join = (near: net.Socket): void => {
    const far =
      side === 'client'
        ? tls.connect({ port: to, host: '127.0.0.1', rejectUnauthorized: false })
        : net.connect(to, '127.0.0.1');
    const [secure, plain] = side === 'client' ? [far, near] : [near, far];
    for (const [from, into, key] of [
      [secure, plain, 'in'],
      [plain, secure, 'out'],
    ] as const) {
      open.add(from);
      from.setNoDelay(true);
      from.on('data', data => {
        if (seen[key].length < MOST_SEEN) seen[key] += data.toString('latin1');
        into.write(data);
      });
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        into.destroy();
      });
    }
  };
  const server = side === 'client' ? net.createServer(join) : tls.createServer(identity('server'), join);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    seen,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
