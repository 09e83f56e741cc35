/**
 * Takes datagrams from where dgram takes them: its event costs more than what it carries. As with direct-send.ts, this is done only after one datagram was
 * seen to go the way that is expected; on a Node where that looks different, events go on.
 */
import type dgram from 'node:dgram';
import { handleOf } from './direct-send.ts';

/** Takes one datagram. BORROWED: nobody else uses the bytes, but they are Node's. Must not throw. */
type Take = (bytes: Uint8Array, ip: string, port: number) => void;

/** What Node's handle says of where a datagram came from. */
interface From {
  readonly address: string;
  readonly port: number;
}

/** @param socket bound; nobody else listens to its messages */
export function receiveBy(socket: dgram.Socket, take: Take): void {
  /** what the event of the datagram that is looked at brought */
  let seen: unknown;
  socket.on('message', (bytes, from) => {
    seen = bytes;
    take(bytes, from.address, from.port);
  });
  const handle = handleOf(socket);
  const onmessage = handle?.onmessage;
  if (!handle || typeof onmessage !== 'function' || !Object.hasOwn(handle, 'onmessage')) return;
  const direct = function direct(this: unknown, count: number, own: unknown, bytes: Uint8Array, from: From): unknown {
    // an error, and whatever else is not a datagram
    if (!(count >= 0) || bytes === undefined) return onmessage.call(this, count, own, bytes, from);
    take(bytes, from.address, from.port);
    return undefined;
  };
  handle.onmessage = function watched(this: unknown, ...args: unknown[]): unknown {
    seen = undefined;
    const result = onmessage.apply(this, args);
    if (seen !== undefined && handle.onmessage === watched)
      handle.onmessage = seen === args[2] && isDatagram(args, handle) ? (direct as typeof watched) : onmessage;
    seen = undefined;
    return result;
  };
}

/** Whether the call has the form that direct() above expects. */
function isDatagram(args: readonly unknown[], handle: object): boolean {
  const [count, own, bytes, from] = args;
  return (
    args.length === 4 &&
    own === handle &&
    bytes instanceof Uint8Array &&
    count === bytes.length &&
    typeof from === 'object' &&
    from !== null &&
    'address' in from &&
    typeof from.address === 'string' &&
    'port' in from &&
    typeof from.port === 'number'
  );
}
