/** UDP and TCP behind one set of sockets: those of UDP come first. */
import type { Logger } from '../../core/log.ts';
import { KemiError } from '../../errors.ts';
import type { SendHow, Socket } from '../../kemi/host.ts';
import type { ListenAddress, Receiver } from '../transport.ts';
import { TcpTransport } from './tcp.ts';
import type { TcpLimits } from './tcp-options.ts';
import { UdpTransport } from './udp.ts';

export class NodeTransports {
  readonly udp: UdpTransport;
  readonly tcp: TcpTransport;
  sockets: readonly Socket[] = [];
  #firstTcp = 0;

  /** @param options.shared UDP ports are shared with the sockets of other workers */
  constructor(options: { readonly log: Logger; readonly tcp?: Partial<TcpLimits>; readonly shared?: boolean }) {
    const { log, tcp = {}, shared = false } = options;
    this.udp = new UdpTransport({ log, share: shared ? 'first' : undefined });
    this.tcp = new TcpTransport({ log, limits: tcp, firstIndex: () => this.#firstTcp });
  }

  /** Opens all of the addresses or none; once. @throws KemiError KEMI_ERR_LISTEN */
  async open(addresses: readonly ListenAddress[]): Promise<readonly Socket[]> {
    const other = addresses.find(a => a.proto !== 'udp' && a.proto !== 'tcp');
    if (other)
      throw new KemiError('KEMI_ERR_LISTEN', `Cannot listen on ${other.proto}: it is not available in this version`);
    const udp = await this.udp.open(addresses.filter(a => a.proto === 'udp'));
    this.#firstTcp = udp.length;
    const tcp = await this.tcp.open(addresses.filter(a => a.proto === 'tcp'));
    this.sockets = [...udp, ...tcp];
    return this.sockets;
  }

  start(receiver: Receiver, closed: (connection: number) => void): void {
    this.udp.start(receiver);
    this.tcp.start(receiver, closed);
  }

  send(socket: number, bytes: Uint8Array, ip: string, port: number, how?: SendHow): boolean {
    return socket < this.#firstTcp
      ? this.udp.send(socket, bytes, ip, port)
      : this.tcp.send(socket, bytes, ip, port, how);
  }

  stop(): void {
    this.udp.stop();
    this.tcp.stop();
  }

  async close(): Promise<void> {
    await Promise.all([this.udp.close(), this.tcp.close()]);
  }
}
