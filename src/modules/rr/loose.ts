/** Routing by Route headers (RFC 3261 16.4 and 16.12), peers that route strictly (RFC 2543) included. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg, Uri } from '../../core/sip-msg.ts';
import type { Address } from '../../kemi/addresses.ts';
import { parseUri } from '../../kemi/uri.ts';
import { BadRoute, RouteSet } from './route-set.ts';
import { type C, isOurs, param, routed, setRouted, socketOf } from './state.ts';

const ROUTED = 1;
const FAILED = -1;
/** an initial request whose only route was ours */
const PRELOADED = -3;

/** What a message is to become; nothing is changed before all of it is known. */
interface Plan {
  /** routes to take off the front */
  front: number;
  /** take the last one off, too */
  back: boolean;
  ruri?: ByteStr;
  dst?: ByteStr;
  /** URI for a Route header behind all others */
  append?: ByteStr;
  /** index + 1 of the socket to send from */
  socket: number;
  params: ByteStr;
  nextHop: boolean;
  code: number;
}

/**
 * @param strict whether a request URI of ours in a dialog says that the peer before us routes strictly
 * @returns 1 routed; -1 no Route, or one does not parse; -3 an initial request that named only us
 */
export function looseRoute(call: C, strict: boolean): number {
  const { msg, host } = call;
  if (!msg.isRequest) return FAILED;
  const routes = new RouteSet(msg);
  if (routes.empty) return FAILED;
  try {
    const plan = planOf(call, routes, strict);
    return carryOut(call, routes, plan);
  } catch (error) {
    if (!(error instanceof BadRoute)) throw error;
    host.log.debug({ callId: msg.callId }, 'Cannot route by Route: a header does not parse');
    return FAILED;
  }
}

function planOf(call: C, routes: RouteSet, strict: boolean): Plan {
  const { msg, host } = call;
  const ruri = msg.ruriParts;
  if (!ruri) throw new BadRoute();
  const inDialog = msg.toTag !== '';
  const plan: Plan = { front: 0, back: false, socket: 0, params: '', nextHop: false, code: ROUTED };
  // a GRUU (RFC 5627) is in our domain and names a phone
  const gruu = param(ruri.params, 'gr') !== undefined;
  if (strict && inDialog && !gruu && isOurs(host, ruri)) return afterStrict(call, routes, ruri, plan);
  return afterLoose(call, routes, inDialog, plan);
}

/** The peer before us routes loosely: our own route is on top when it knows us. */
function afterLoose(call: C, routes: RouteSet, inDialog: boolean, plan: Plan): Plan {
  const { msg, host, state } = call;
  const top = uriOf(call, routes.at(0)!);
  if (isOurs(host, top)) {
    plan.front = 1;
    plan.params = paramText(top);
    takeSecond(call, routes, top, plan);
    if (!plan.socket && state.forceSocket) plan.socket = socketNumber(call, top);
  }
  const next = routes.at(plan.front);
  if (!next) {
    plan.code = inDialog ? ROUTED : PRELOADED;
    return plan;
  }
  plan.nextHop = plan.front > 0;
  const uri = uriOf(call, next);
  if (param(uri.params, 'lr') !== undefined) plan.dst = next.uri;
  else {
    // RFC 3261 16.6 step 6: a strict router takes its next hop from the request URI
    plan.ruri = next.uri;
    plan.append = msg.originalUri;
    plan.front++;
  }
  return plan;
}

/** The peer before us routes strictly: what we recorded is in the request URI, and the request URI is the last Route. */
function afterStrict(call: C, routes: RouteSet, ruri: Uri, plan: Plan): Plan {
  plan.params = paramText(ruri);
  takeSecond(call, routes, ruri, plan);
  const next = routes.at(plan.front);
  if (!next) throw new BadRoute();
  const uri = uriOf(call, next);
  plan.nextHop = true;
  if (param(uri.params, 'lr') === undefined) {
    plan.ruri = next.uri;
    plan.front++;
    return plan;
  }
  const last = routes.last();
  uriOf(call, last);
  plan.dst = next.uri;
  plan.ruri = last.uri;
  plan.back = true;
  return plan;
}

/** We recorded two routes (parameter r2): the second one goes with the first, and says from where to send. */
function takeSecond(call: C, routes: RouteSet, first: Uri, plan: Plan): void {
  const { host, state } = call;
  if (state.double === 'never' || param(first.params, 'r2') === undefined) return;
  const second = routes.at(plan.front);
  if (!second) return;
  const uri = uriOf(call, second);
  if (param(uri.params, 'r2') === undefined && !isOurs(host, uri)) return;
  plan.front++;
  plan.socket = socketNumber(call, uri);
}

function carryOut(call: C, routes: RouteSet, plan: Plan): number {
  const { msg, host } = call;
  const before = routed(host);
  if (!routes.remove(plan.front, plan.back)) return FAILED;
  // Asked again, the headers are still those that came: what was appended stays, once.
  if (plan.append !== undefined && !(before && appended(msg)))
    if (!msg.appendHeader(`Route: <${plan.append}>\r\n`)) return FAILED;
  if (plan.dst !== undefined) msg.dstUri = plan.dst;
  if (plan.ruri !== undefined) msg.ruri = plan.ruri;
  if (plan.socket) msg.setU16(L.M_FSOCK, plan.socket);
  setRouted(host, { params: plan.params, nextHop: plan.nextHop });
  return plan.code;
}

/** whether an edit adds a Route header */
function appended(msg: SipMsg): boolean {
  const { mem } = msg;
  for (let n = mem.u16(msg.at + L.M_NEDITS), at = mem.u32(msg.at + L.M_EDITS); n > 0; n--, at += L.EDIT_SIZE)
    if (mem.u32(at + L.E_KIND) === L.EK_ADD_HDR && mem.str(mem.u32(at + L.E_SRC), 7) === 'Route: ') return true;
  return false;
}

function uriOf(call: C, route: Address): Uri {
  const uri = parseUri(call.host.core, route.uri);
  if (!uri) throw new BadRoute();
  return uri;
}

const paramText = (uri: Uri): ByteStr => (uri.params ? `;${uri.params}` : '');

const socketNumber = (call: C, uri: Uri): number => {
  const socket = socketOf(call.host, call.state, uri);
  return socket ? socket.index + 1 : 0;
};

/** Parameters of our route: what loose_route() found; before it, those of the first Route. undefined: there is none */
export function routeParams(call: C): ByteStr | undefined {
  const known = routed(call.host);
  if (known) return known.params || undefined;
  const top = topRoute(call.msg);
  const uri = top && parseUri(call.host.core, top);
  return uri && (paramText(uri) || undefined);
}

/** URI of the first Route; undefined when there is none, or it does not parse */
function topRoute(msg: SipMsg): ByteStr | undefined {
  try {
    return new RouteSet(msg).at(0)?.uri;
  } catch (error) {
    if (error instanceof BadRoute) return undefined;
    throw error;
  }
}

/** Whether the request runs from callee to caller: the tag recorded as ftag is not the one of From. Without ftag it does not. */
export function isUpstream(call: C): boolean {
  const ftag = param(routeParams(call), 'ftag');
  return Boolean(ftag) && ftag !== call.msg.fromTag;
}
