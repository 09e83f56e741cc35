/** Routing by Route headers: the core does it (wasm/modules/rr.ts); here is what needs the sockets. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { parseUri } from '../../kemi/uri.ts';
import { type C, socketOf } from './state.ts';

/** in the record of rrArea(): the URI that says by which socket the request leaves, the one that says it when that names none, a text */
const SECOND = 0;
const TOP = 8;
const TEXT = 16;

/**
 * @param strict whether a request URI of ours in a dialog says that the peer before us routes strictly
 * @returns 1 routed; -1 no Route, or one does not parse; -3 an initial request that named only us
 */
export function looseRoute(call: C, strict: boolean): number {
  const { msg, host, state } = call;
  const { x } = host.core;
  const code: number = x.rrLoose(msg.at, strict ? 1 : 0, state.bits);
  if (code === -1) return code;
  const socket = socketNamed(call, SECOND) || socketNamed(call, TOP);
  if (socket) msg.setU16(L.M_FSOCK, socket);
  return code;
}

/** index + 1 of the socket that a URI of the record names, 0 when it names none */
function socketNamed(call: C, field: number): number {
  const { host, state } = call;
  const text = textIn(call, field);
  const uri = text && parseUri(host.core, text);
  const socket = uri && socketOf(host, state, uri);
  return socket ? socket.index + 1 : 0;
}

function textIn({ host, state }: C, field: number): ByteStr | undefined {
  const { mem } = host.core;
  const at = mem.u32(state.area + field);
  return at ? mem.str(at, mem.u32(state.area + field + 4)) : undefined;
}

/** Parameters of our route: what loose_route() found; before it, those of the first Route. undefined: there is none */
export const routeParams = (call: C): ByteStr | undefined =>
  call.host.core.x.rrParams(call.msg.at) ? textIn(call, TEXT) : undefined;

/** Whether the request runs from callee to caller: the tag recorded as ftag is not the one of From. Without ftag it does not. */
export const isUpstream = ({ host, msg }: C): boolean => host.core.x.rrUpstream(msg.at) === 1;
