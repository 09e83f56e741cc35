/**
 * UDP over Deno's node:dgram, for a Deno that does not show Deno.listenDatagram. Not the transport of Node: Deno makes a buffer as large as the socket's receive buffer for each
 * datagram, so its size is left alone; and of datagrams that are sent together the last leaves first, so they are sent one by one.
 */
import dgram from 'node:dgram';
import { formatAddress } from '../listen-address.ts';
import { listenError } from '../node/bind.ts';
import { type DatagramSocket, DatagramTransport } from '../node/datagrams.ts';
import { Outgoing } from './outgoing.ts';

export class DenoDgramTransport extends DatagramTransport {
  protected override async bind(index: number, ip: string, port: number, family: 4 | 6): Promise<DatagramSocket> {
    const handle = dgram.createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      ipv6Only: family === 6,
      // Addresses are never names here.
      lookup: (host, _options, callback) => callback(null, host, family),
    });
    await new Promise<void>((resolve, reject) => {
      const refused = (error: NodeJS.ErrnoException) => {
        handle.close();
        reject(listenError('udp', ip, port, error));
      };
      handle.once('error', refused);
      handle.bind({ address: ip, port, exclusive: true }, () => {
        handle.off('error', refused);
        resolve();
      });
    });
    const bound = handle.address();
    const address = formatAddress({ proto: 'udp', ip: bound.address, port: bound.port });
    handle.on('error', error => {
      this.counters.receiveErrors++;
      this.log.warn({ socket: address, err: error }, 'Socket error');
    });
    handle.on('message', (bytes, from) => this.received(bytes, from.address, from.port, family, index));
    const outgoing = new Outgoing(
      (bytes, toPort, toIp) =>
        new Promise((resolve, reject) => {
          handle.send(bytes, toPort, toIp, (error, sent) => (error ? reject(error) : resolve(sent)));
        }),
      { sent: bytes => this.sent(bytes), notSent: error => this.notSent(error, address) },
    );
    return {
      ip: bound.address,
      port: bound.port,
      send: outgoing.send,
      close: async () => {
        await outgoing.close();
        await new Promise<void>(resolve => void handle.close(() => resolve()));
      },
    };
  }
}
