/**
 * The contract between the runtime and whatever carries messages. A transport knows no SIP but where a message ends: it opens sockets, hands messages up, sends
 * bytes out. Transports of datagrams know no connections; for the others a connection has an id from 1 up, and the socket it belongs to is the one it came in
 * by, or that it was opened for. test/unit/transport/contract.ts holds each transport to it.
 */
import type { ClosedConnection, ConnectionRef, SendHow, Socket } from '../kemi/host.ts';
import type { HttpExchange } from '../kemi/http.ts';

export type { SendHow } from '../kemi/host.ts';

/** One address to listen on, as `--listen udp:host:port` gives it. */
export interface ListenAddress {
  readonly proto: Socket['proto'];
  /** IPv4 or IPv6 address without brackets, a host name, or the name of a network interface; 0.0.0.0 and :: mean each address of this machine */
  readonly host: string;
  /** 0..65535; 0 lets the system choose */
  readonly port: number;
  /** what messages call this socket instead of its own address, in Via and the like */
  readonly advertise?: { readonly host: string; readonly port: number };
  /** name="..." of Kamailio's listen */
  readonly name?: string;
}

/** Where a message came from. The receiver may keep it: one object per datagram, or one per connection. */
export interface Source {
  /** address as text, no brackets, IPv6 in its shortest form */
  readonly ip: string;
  readonly port: number;
  readonly family: 4 | 6;
  /** id of the connection; absent for a datagram */
  readonly connection?: number;
  /** the bytes are only the start of a message that is longer than the limit */
  readonly tooLong?: boolean;
}

/**
 * Takes one message. Must not throw; a transport that gets an error anyway counts it and goes on.
 * @param bytes BORROWED: the transport may reuse them as soon as this returns
 * @param socket index of the socket it came in on
 */
export type Receiver = (bytes: Uint8Array, from: Source, socket: number) => void;

/** Takes one HTTP request that came by a connection, and answers it now or later. Must not throw. */
export type HttpReceiver = (exchange: HttpExchange, from: Source, socket: number) => void;

export interface TransportCounters {
  received: number;
  receivedBytes: number;
  /** datagrams given to the network, with success as far as it tells */
  sent: number;
  sentBytes: number;
  /** sends that the network refused, sends on a socket that does not exist, sends above the limit of unsent datagrams */
  sendErrors: number;
  /** errors of a socket while it listens, and receivers that threw */
  receiveErrors: number;
}

export interface Transport {
  /** in the order of their indexes; empty before open() */
  readonly sockets: readonly Socket[];
  readonly counters: Readonly<TransportCounters>;
  /**
   * Opens all of the addresses or none.
   * @returns the sockets; a wildcard address becomes one socket for each address of the machine
   * @throws KemiError KEMI_ERR_LISTEN: in use, not ours, not allowed; the message says what to do
   */
  open(addresses: readonly ListenAddress[]): Promise<readonly Socket[]>;
  /**
   * From now on each message goes to the receiver. Never from inside send().
   * @param closed is told of each connection that is gone, or by which nothing comes in any more: once
   * @param opened is asked of each TLS connection that was opened from here, before anything is sent by it: false closes it
   * @param http takes requests of HTTP on connections of SIP; absent: there are none
   */
  start(
    receiver: Receiver,
    closed?: (connection: ClosedConnection) => void,
    opened?: (connection: ConnectionRef) => boolean | Promise<boolean>,
    http?: HttpReceiver | undefined,
  ): void;
  /**
   * Sends one message. COPIED: `bytes` may be reused as soon as this returns.
   * @param ip address as text, no brackets  @param port 1..65535
   * @param how what to do about connections; datagrams do not look at it
   * @returns false when it can be told at once that nothing leaves: no such socket, closed, address of another family, too many unsent
   */
  send(socket: number, bytes: Uint8Array, ip: string, port: number, how?: SendHow): boolean;
  /** send() by one socket, for who sends by it often; absent: send() is as good. The socket need not be open yet. */
  sender?(socket: number): (bytes: Uint8Array, ip: string, port: number) => boolean;
  /** Takes no more messages; sending goes on, so that routes in flight can answer. */
  stop(): void;
  /** Closes the sockets after what was sent has left. Calling it twice is the same as once. */
  close(): Promise<void>;
}

/** Counters at 0. */
export function newCounters(): TransportCounters {
  return { received: 0, receivedBytes: 0, sent: 0, sentBytes: 0, sendErrors: 0, receiveErrors: 0 };
}
