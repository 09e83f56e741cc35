/** UDP, and TCP with what goes over it, behind one set of sockets: those of UDP come first. */
import type { Logger } from '../../core/log.ts';
import { KemiError } from '../../errors.ts';
import type { Connections, SendHow, Socket, TlsControl } from '../../kemi/host.ts';
import type { ListenAddress, Transport } from '../transport.ts';
import { TcpTransport } from './tcp.ts';
import { TcpConnections } from './tcp-connections.ts';
import type { TcpLimits } from './tcp-options.ts';
import { TlsContexts, type TlsSource } from './tls-context.ts';
import { tlsControl } from './tls-peer.ts';
import { type UdpOptions, UdpTransport } from './udp.ts';

/** Makes what carries datagrams. */
export type MakeUdp = (options: UdpOptions) => Transport;

export class NodeTransports {
  readonly udp: Transport;
  readonly tcp: TcpTransport;
  readonly tls: TlsContexts;
  readonly connections: Connections;
  readonly tlsControl: TlsControl;
  sockets: readonly Socket[] = [];
  #firstTcp = 0;

  /** @param options.shared UDP ports are shared with the sockets of other workers */
  constructor(options: {
    readonly log: Logger;
    readonly tcp?: Partial<TcpLimits>;
    readonly tls?: TlsSource;
    readonly udp?: MakeUdp | undefined;
    readonly upgrades?: boolean;
    readonly origins?: readonly string[];
    readonly shared?: boolean;
  }) {
    const { log, tcp = {}, upgrades = false, origins, shared = false } = options;
    this.tls = new TlsContexts({ log, ...options.tls });
    this.udp = options.udp?.({ log }) ?? new UdpTransport({ log, share: shared ? 'first' : undefined });
    this.tcp = new TcpTransport({
      log,
      limits: tcp,
      tls: this.tls,
      firstIndex: () => this.#firstTcp,
      upgrades,
      ...(origins && { origins }),
    });
    this.connections = new TcpConnections(this.tcp);
    this.tlsControl = tlsControl(this.tls);
  }

  /** Opens all of the addresses or none; once. @throws KemiError KEMI_ERR_LISTEN */
  async open(addresses: readonly ListenAddress[]): Promise<readonly Socket[]> {
    const streams = addresses.filter(a => a.proto !== 'udp' && a.proto !== 'sctp');
    const other = addresses.find(a => a.proto !== 'udp' && !streams.includes(a));
    if (other)
      throw new KemiError('KEMI_ERR_LISTEN', `Cannot listen on ${other.proto}: it is not available in this version`);
    // mistakes in certificates are told before anything is open
    if (streams.some(a => a.proto === 'tls' || a.proto === 'wss')) this.tls.load();
    const udp = await this.udp.open(addresses.filter(a => a.proto === 'udp'));
    this.#firstTcp = udp.length;
    const tcp = await this.tcp.open(streams);
    this.sockets = [...udp, ...tcp];
    return this.sockets;
  }

  start(...told: Parameters<Transport['start']>): void {
    this.udp.start(told[0]);
    this.tcp.start(...told);
  }

  /** How a socket that is open sends. */
  sender(socket: number): (bytes: Uint8Array, ip: string, port: number, how?: SendHow) => boolean {
    const { udp, tcp } = this;
    if (socket >= this.#firstTcp) return (bytes, ip, port, how) => tcp.send(socket, bytes, ip, port, how);
    return udp.sender?.(socket) ?? ((bytes, ip, port) => udp.send(socket, bytes, ip, port));
  }

  stop(): void {
    this.udp.stop();
    this.tcp.stop();
  }

  async close(): Promise<void> {
    await Promise.all([this.udp.close(), this.tcp.close()]);
  }
}
