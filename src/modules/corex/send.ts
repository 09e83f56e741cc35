/** Bytes to a SIP URI, outside of any message. */
import { type ByteStr, bytesOf } from '../../core/memory.ts';
import type { ModuleHost, Socket } from '../../kemi/host.ts';
import { NoTarget, type Target } from '../../kemi/targets.ts';
import { targetOf } from '../core/api.ts';

/**
 * @param from socket to send from; undefined: the first that fits
 * @returns 1 sent; -1 not (logged)
 */
export function sendData(host: ModuleHost, uri: ByteStr, data: ByteStr, from?: Socket): number | Promise<number> {
  const fail = (why: string) => {
    host.log.error({ uri, why }, `Cannot send to "${uri}": ${why}`);
    return -1;
  };
  if (!data) return fail('there is nothing to send');
  const send = (target: Target | NoTarget): number => {
    if (target instanceof NoTarget) return fail(target.why);
    const fits = (s: Socket) => s.proto === target.proto && s.ip.includes(':') === (target.family === 6);
    const socket = from ?? host.sockets.find(fits);
    if (!socket || !fits(socket)) return fail(`no socket for ${target.proto} and IPv${target.family}`);
    const { proto, ip, port } = target;
    return host.send(bytesOf(data), { socket: socket.index, proto, ip, port }) ? 1 : fail('it cannot be sent');
  };
  const target = targetOf(host, uri);
  return target instanceof Promise ? target.then(send) : send(target);
}
