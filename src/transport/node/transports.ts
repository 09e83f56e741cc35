/** UDP, and TCP with what goes over it, behind one set of sockets: those of UDP come first. */
import type { Logger } from '../../core/log.ts';
import { KemiError } from '../../errors.ts';
import type { SendHow, Socket } from '../../kemi/host.ts';
import type { HttpReceiver, ListenAddress, Receiver } from '../transport.ts';
import { TcpTransport } from './tcp.ts';
import type { TcpLimits } from './tcp-options.ts';
import { UdpTransport } from './udp.ts';

export class NodeTransports {
  readonly udp: UdpTransport;
  readonly tcp: TcpTransport;
  sockets: readonly Socket[] = [];
  #firstTcp = 0;

  constructor(options: {
    readonly log: Logger;
    readonly tcp?: Partial<TcpLimits>;
    readonly upgrades?: boolean;
    readonly origins?: readonly string[];
  }) {
    const { log, tcp = {}, upgrades = false, origins } = options;
    this.udp = new UdpTransport({ log });
    this.tcp = new TcpTransport({
      log,
      limits: tcp,
      firstIndex: () => this.#firstTcp,
      upgrades,
      ...(origins && { origins }),
    });
  }

  /** Opens all of the addresses or none; once. @throws KemiError KEMI_ERR_LISTEN */
  async open(addresses: readonly ListenAddress[]): Promise<readonly Socket[]> {
    const other = addresses.find(a => !['udp', 'tcp', 'ws'].includes(a.proto));
    if (other)
      throw new KemiError('KEMI_ERR_LISTEN', `Cannot listen on ${other.proto}: it is not available in this version`);
    const udp = await this.udp.open(addresses.filter(a => a.proto === 'udp'));
    this.#firstTcp = udp.length;
    const tcp = await this.tcp.open(addresses.filter(a => a.proto !== 'udp'));
    this.sockets = [...udp, ...tcp];
    return this.sockets;
  }

  start(receiver: Receiver, closed: (connection: number) => void, http: HttpReceiver | undefined): void {
    this.udp.start(receiver);
    this.tcp.start(receiver, closed, http);
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
