/**
 * UDP over Deno.listenDatagram: a third of what node:dgram costs in Deno. Deno shows it only where it is asked for (`--unstable-net`, or "unstable": ["net"] in a
 * deno.json, as in this package's own); without it servers take dgram.ts.
 */
import { KemiError } from '../../errors.ts';
import { formatAddress } from '../listen-address.ts';
import { listenError } from '../node/bind.ts';
import { type DatagramSocket, DatagramTransport } from '../node/datagrams.ts';
import { type DenoDatagramConn, type DenoNetAddr, listenDatagram } from './deno-api.ts';
import { Outgoing } from './outgoing.ts';

const BUFFER_BYTES = 65536;

export class DenoUdpTransport extends DatagramTransport {
  protected override async bind(index: number, ip: string, port: number, family: 4 | 6): Promise<DatagramSocket> {
    const listen = listenDatagram();
    if (!listen)
      throw new KemiError(
        'KEMI_ERR_LISTEN',
        `Cannot listen on udp:${ip}: this transport needs Deno and --unstable-net`,
      );
    let conn: DenoDatagramConn;
    try {
      conn = listen({ transport: 'udp', hostname: ip, port });
    } catch (cause) {
      throw listenError('udp', ip, port, withCode(cause));
    }
    const { hostname, port: bound } = conn.addr;
    const address = formatAddress({ proto: 'udp', ip: hostname, port: bound });
    const receiving = this.#receive(conn, family, index, address);
    const outgoing = new Outgoing(
      (bytes, to, toIp) => conn.send(bytes, { transport: 'udp', hostname: toIp, port: to }),
      {
        sent: bytes => this.sent(bytes),
        notSent: error => this.notSent(error, address),
      },
    );
    return {
      ip: hostname,
      port: bound,
      send: outgoing.send,
      close: async () => {
        await outgoing.close();
        conn.close();
        await receiving;
      },
    };
  }

  /** Ends when the socket is closed. */
  async #receive(conn: DenoDatagramConn, family: 4 | 6, index: number, socket: string): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES);
    let failures = 0;
    for (;;) {
      let bytes: Uint8Array;
      let from: DenoNetAddr;
      try {
        [bytes, from] = await conn.receive(buffer);
        failures = 0;
      } catch (error) {
        if (error instanceof Error && /BadResource|Interrupted/.test(error.name)) return;
        this.counters.receiveErrors++;
        this.log.warn({ socket, err: error }, 'Socket error');
        // An error that stays must not keep the process busy.
        if (++failures > 10) await new Promise(resolve => setTimeout(resolve, 100));
        continue;
      }
      this.received(bytes, from.hostname, from.port, family, index);
    }
  }
}

/** Deno's errors have names of their own, and the system's code only in their text. */
function withCode(error: unknown): NodeJS.ErrnoException {
  const { name, message } = error as Error;
  const code = /os error (\d+)/.exec(message)?.[1];
  const names: Readonly<Record<string, string>> = {
    AddrInUse: 'EADDRINUSE',
    AddrNotAvailable: 'EADDRNOTAVAIL',
    PermissionDenied: 'EACCES',
  };
  const numbers: Readonly<Record<string, string>> = { 22: 'EINVAL', 97: 'EAFNOSUPPORT', 13: 'EACCES' };
  return Object.assign(new Error(message, { cause: error }), { code: names[name] ?? numbers[code ?? ''] ?? name });
}
