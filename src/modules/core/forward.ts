/** Stateless forwarding of requests and replies (RFC 3261 16.11). */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { branchZeroOf } from '../../kemi/branches.ts';
import type { ModuleHost, Socket } from '../../kemi/host.ts';
import { writeForward } from '../../kemi/record-route.ts';
import { NoTarget, protocolName, type Target } from '../../kemi/targets.ts';
import { destinationOf, hostTarget, nextHopOf, socketFor, targetOf } from './destination.ts';
import { parseVia } from './uri.ts';
import { prefixFor } from './via.ts';

/**
 * Sends the request on, with a Via of ours on top.
 * @param to URI whose target it goes to, absent its next hop's; the request URI stays what it is
 * @returns 1 sent; -1 not: no target, no socket, too big
 */
export function forwardRequest(host: ModuleHost, msg: SipMsg, to?: ByteStr): number | Promise<number> {
  if (!msg.isRequest) {
    host.log.error({}, 'Cannot forward: the message is not a request');
    return -1;
  }
  const target = to === undefined ? nextHopOf(host, msg) : targetOf(host, to);
  return target instanceof Promise
    ? target.then(found => forwardTo(host, msg, to, found))
    : forwardTo(host, msg, to, target);
}

function forwardTo(host: ModuleHost, msg: SipMsg, to: ByteStr | undefined, target: Target | NoTarget): number {
  const sent = target instanceof NoTarget ? target.why : sendRequest(host, msg, target);
  host.stats.add('core', sent === true ? 'fwd_requests' : 'drop_requests');
  if (sent === true) return 1;
  const uri = to ?? msg.dstUri ?? msg.ruri;
  host.log.error({ uri, why: sent }, `Cannot forward to "${uri}": ${sent}`);
  return -1;
}

/** @returns true, or why it was not sent */
function sendRequest(host: ModuleHost, msg: SipMsg, target: Target): true | string {
  const socket = socketFor(host, msg, target);
  if (!socket) return `no socket for ${target.proto} and IPv${target.family}`;
  const { core } = host;
  const prefix = prefixFor(host, msg, socket);
  if (!prefix) return 'the message has no memory left';
  const line: number = core.x.statelessVia(msg.at, prefix.at, prefix.length);
  const length = writeForward(host, msg, core.x.tmViaLine(), line, socket);
  if (length < 0) return `it cannot be written: ${L.STATUS_NAMES[-length]}`;
  const out = core.x.outArea();
  const bytes = core.mem.u8.subarray(out, out + length);
  const to = destinationOf(host, msg, socket, target, branchZeroOf(host, msg.at)?.otcpid);
  return host.sendFor(msg.at, bytes, to) ? true : 'it cannot be sent';
}

/**
 * Sends a reply on to where its second Via says (RFC 3261 16.7, 18.2.2), without our Via: maddr, else received, else sent-by; rport stands in for the port.
 * Called when the reply route has ended and did not drop.
 * @returns whether it was sent, or will be once a name is resolved
 */
export function forwardReply(host: ModuleHost, msg: SipMsg): boolean {
  const { core } = host;
  const drop = (why: string, statistic = 'drop_replies') => {
    host.stats.add('core', statistic);
    host.log.debug({ why, callId: msg.callId }, `Cannot forward a reply: ${why}`);
    return false;
  };
  const via = secondVia(msg);
  if (via === undefined) return drop('there is no second Via');
  const proto = via && protocolName(via.transportId);
  if (!via || !proto) return drop('the second Via does not parse', 'err_replies');
  const name = via.maddr || via.received || via.host;
  // RFC 4475 3.1.2.19 and hosts that believe it: nobody answers to everybody
  if (name === '255.255.255.255') return drop('the second Via leads to the broadcast address');
  const rport = via.maddr ? 0 : Number(via.rport || 0);
  // 0 when the Via has none: RFC 3263 5 asks for SRV then
  const port = rport > 0 && rport < 65536 ? rport : via.port;
  const length = core.x.msgReplyForward(msg.at);
  if (length < 0) return drop(`it cannot be written: ${L.STATUS_NAMES[-length]}`, 'err_replies');
  const out = core.x.outArea();
  // An address is known at once; a name takes a while, and the message is gone then.
  const target = hostTarget(host, proto, name, port);
  const later = target instanceof Promise;
  const bytes = later ? core.mem.bytes(out, length) : core.mem.u8.subarray(out, out + length);
  const connection = proto === 'udp' ? 0 : connectionIn(msg);
  const socketOf = (found: Target) => socketFor(host, msg, found);
  const send = (found: Target | NoTarget, socket: Socket | undefined) => {
    if (found instanceof NoTarget) return drop(found.why);
    if (!socket) return drop(`no socket for ${proto} and IPv${found.family}`);
    if (!host.sendFor(msg.at, bytes, { socket: socket.index, proto, ip: found.ip, port: found.port, connection }))
      return drop('it cannot be sent', 'err_replies');
    host.stats.add('core', 'fwd_replies');
    return true;
  };
  if (!later) return send(target, target instanceof NoTarget ? undefined : socketOf(target));
  const [four, six] = [4, 6].map(family => socketOf({ proto, ip: '', family: family as 4 | 6, port }));
  void target.then(found => {
    host.stats.add('core', 'fwd_replies', 0);
    if (found instanceof NoTarget) host.stats.add('core', 'drop_replies');
    else {
      const socket = found.family === 4 ? four : six;
      const sent =
        socket && host.send(bytes, { socket: socket.index, proto, ip: found.ip, port: found.port, connection });
      host.stats.add('core', sent ? 'fwd_replies' : 'drop_replies');
    }
  });
  return true;
}

/** The connection that the request of a reply came by, as our own Via on top says (statelessVia). @returns 0 when it says none */
function connectionIn(msg: SipMsg): number {
  const [top] = [...msg.headers()].filter(h => h.id === L.HDR_VIA);
  const via = top && parseVia(msg.core, top.body);
  const id = via && /(?:^|;)\s*i=([0-9a-f]{8})(?=;|\s|$)/.exec(via.params)?.[1];
  return id ? Number.parseInt(id, 16) : 0;
}

/** The Via behind the top one: in the same header field or in the next. @returns undefined when there is none, null when it does not parse */
export function secondVia(msg: SipMsg) {
  const vias = [...msg.headers()].filter(h => h.id === L.HDR_VIA);
  const [top, next] = vias;
  if (!top) return undefined;
  const first = parseVia(msg.core, top.body);
  if (!first) return null;
  const rest = top.body.slice(first.end);
  const text = rest.startsWith(',') ? rest.slice(1).replace(/^[ \t\r\n]+/, '') : next?.body;
  if (text === undefined) return undefined;
  return parseVia(msg.core, text) ?? null;
}
