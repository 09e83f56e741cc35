/** KSR.rr: routing by Route headers (RFC 3261 16.4 and 16.12), peers that route strictly (RFC 2543) included, and asking for Record-Route. */
import {
  D_NURI,
  E_KIND,
  E_LEN,
  E_SRC,
  EDIT_SIZE,
  EK_ADD_HDR,
  HDR_ROUTE,
  M_BUF,
  M_DONE,
  M_DSTURI,
  M_EDITS,
  M_FIRST,
  M_FROM,
  M_KIND,
  M_NEDITS,
  M_NEWURI,
  M_NURI,
  M_RRFLAGS,
  M_RRPARAMS,
  M_RURI,
  M_TO,
  M_URI,
  RR_ASK,
  RR_NEVER,
  RR_SOCKETS,
  RRF_NEXT_HOP,
  RRF_ROUTED,
  RRO_DOUBLE,
  RRO_FORCE_SOCKET,
  RRO_FROM_TAG,
  RRO_FULL_LR,
  RRO_IGNORE_SIPS,
  RRO_NAMES,
} from '../gen/layout.gen';
import { arenaAlloc } from '../mem/arena';
import { AT, byte, COLON, equalBytes, GREATER, LESS, lower4, QUOTE, SP } from '../mem/bytes';
import { editAdd, headersEnd } from '../sip/edits';
import { ADDR_TAG, parseFrom, parseTo } from '../sip/name-addr';
import { rrKeep } from '../sip/record-route';
import {
  elementLength,
  elementUri,
  lastLength,
  lastRouteHeader,
  lastUri,
  readRoutes,
  removeRoutes,
  routeAt,
} from '../sip/route-set';
import { parseNewUri, parseRuri, parseUriAt, URI_HOST, URI_PARAMS, URI_PORT } from '../sip/uri';
import {
  hasUriParam2,
  nextUriParam,
  uriParamName,
  uriParamNameLength,
  uriParamValue,
  uriParamValueEnd,
} from '../sip/uri-params';
import { isOurs } from './myself';
import { REQUEST } from './value';

const ROUTED: i32 = 1;
const FAILED: i32 = -1;
/** an initial request whose only route was ours */
const PRELOADED: i32 = -3;

const SIP_PORT: i32 = 5060;
// names of parameters of two letters, little-endian
const LR: u32 = 0x726c;
const R2: u32 = 0x3272;
const GR: u32 = 0x7267;
const FTAG: u32 = 0x67617466;

/**
 * For TypeScript: 0 address and 4 length of the URI of ours that says by which socket the request leaves | 8, 12 that of the route in front of it, for when the
 * first one names none, both with address 0 when there is none to ask | 16, 20 the text of rrParams()
 */
const RECORD: usize = memory.data(24, 16);
const SECOND: usize = 0;
const TOP: usize = 8;
const TEXT: usize = 16;

/** parts of the URI of the first route, and of the one that is looked at */
const FIRST: usize = memory.data(32, 16);
const NEXT: usize = memory.data(32, 16);

/** @returns address of the record of 24 bytes */
export function rrArea(): usize {
  return RECORD;
}

// ---- loose_route()

// What a message is to become; nothing is changed before all of it is known.
let front: i32 = 0;
let back: bool = false;
let newUri: usize = 0;
let newUriLength: i32 = 0;
let nextHop: usize = 0;
let nextHopLength: i32 = 0;
/** the request URI goes behind all other routes */
let append: bool = false;
let behindOurs: bool = false;

/** Whether the URI leads to this server. Without a port the default one is meant, whatever the transport. */
function leadsHere(base: usize, area: usize): bool {
  const port = <i32>load<u16>(area + URI_PORT);
  const host = base + <usize>load<u16>(area + URI_HOST);
  return isOurs(host, <i32>load<u16>(area + URI_HOST + 2), port ? port : SIP_PORT, 0) != 0;
}

function hasParam(base: usize, area: usize, name: u32): bool {
  const at = base + <usize>load<u16>(area + URI_PARAMS);
  return hasUriParam2(at, at + <usize>load<u16>(area + URI_PARAMS + 2), name);
}

/** We recorded two routes (parameter r2): the second one goes with the first, and says from where to send. @returns false when it does not parse */
function takeSecond(msg: usize, base: usize, area: usize, bits: i32): bool {
  if (bits / RRO_DOUBLE == RR_NEVER || !hasParam(base, area, R2)) return true;
  const there = routeAt(msg, front);
  if (!there) return true;
  if (there < 0 || parseUriAt(elementUri, elementLength, NEXT)) return false;
  if (!hasParam(elementUri, NEXT, R2) && !leadsHere(elementUri, NEXT)) return true;
  front++;
  store<u32>(RECORD + SECOND, <u32>elementUri);
  store<u32>(RECORD + SECOND + 4, elementLength);
  return true;
}

/** The peer before us routes loosely: our own route is on top when it knows us. @returns as rrLoose() */
function afterLoose(msg: usize, inDialog: bool, bits: i32): i32 {
  if (routeAt(msg, 0) <= 0) return FAILED;
  const top = elementUri;
  const topLength = elementLength;
  if (parseUriAt(top, topLength, FIRST)) return FAILED;
  if (leadsHere(top, FIRST)) {
    front = 1;
    noteParams(top, FIRST);
    if (!takeSecond(msg, top, FIRST, bits)) return FAILED;
    if (bits & RRO_FORCE_SOCKET) {
      store<u32>(RECORD + TOP, <u32>top);
      store<u32>(RECORD + TOP + 4, topLength);
    }
  }
  const there = routeAt(msg, front);
  if (there < 0) return FAILED;
  if (!there) return inDialog ? ROUTED : PRELOADED;
  behindOurs = front > 0;
  if (parseUriAt(elementUri, elementLength, NEXT)) return FAILED;
  if (hasParam(elementUri, NEXT, LR)) {
    nextHop = elementUri;
    nextHopLength = elementLength;
    return ROUTED;
  }
  // RFC 3261 16.6 step 6: a strict router takes its next hop from the request URI
  newUri = elementUri;
  newUriLength = elementLength;
  append = true;
  front++;
  return ROUTED;
}

/** The peer before us routes strictly: what we recorded is in the request URI, and the request URI is the last Route. @returns as rrLoose() */
function afterStrict(msg: usize, base: usize, uri: usize, bits: i32): i32 {
  noteParams(base, uri);
  if (!takeSecond(msg, base, uri, bits)) return FAILED;
  if (routeAt(msg, front) <= 0) return FAILED;
  behindOurs = true;
  if (parseUriAt(elementUri, elementLength, NEXT)) return FAILED;
  if (!hasParam(elementUri, NEXT, LR)) {
    newUri = elementUri;
    newUriLength = elementLength;
    front++;
    return ROUTED;
  }
  nextHop = elementUri;
  nextHopLength = elementLength;
  if (readRoutes(msg, lastRouteHeader(msg), 0) < 0 || parseUriAt(lastUri, lastLength, NEXT)) return FAILED;
  newUri = lastUri;
  newUriLength = lastLength;
  back = true;
  return ROUTED;
}

/** parameters of our route, without their first semicolon */
let ownParams: usize = 0;
let ownParamsLength: i32 = 0;

function noteParams(base: usize, area: usize): void {
  ownParamsLength = <i32>load<u16>(area + URI_PARAMS + 2);
  ownParams = base + <usize>load<u16>(area + URI_PARAMS);
}

/**
 * KSR.rr.loose_route(): routes a request by its Route headers.
 * @param strict 1: a request URI of ours in a dialog says that the peer before us routes strictly  @param bits RRO_* of the modparams
 * @returns 1 routed; -1 no Route, one does not parse, or memory is full; -3 an initial request that named only us. rrArea() has the routes of ours that say by
 * which socket it leaves
 */
export function rrLoose(msg: usize, strict: i32, bits: i32): i32 {
  store<u32>(RECORD + SECOND, 0);
  store<u32>(RECORD + TOP, 0);
  if (load<u8>(msg + M_KIND) != REQUEST || !load<u8>(msg + M_FIRST + HDR_ROUTE)) return FAILED;
  let base = <usize>load<u32>(msg + M_NEWURI);
  let uri = msg + M_NURI;
  if (base) {
    if (parseNewUri(msg)) return FAILED;
  } else {
    if (parseRuri(msg)) return FAILED;
    base = <usize>load<u32>(msg + M_BUF);
    uri = msg + M_RURI;
  }
  const inDialog = !parseTo(msg) && load<u16>(msg + M_TO + ADDR_TAG + 2) != 0;
  front = 0;
  back = false;
  newUri = 0;
  nextHop = 0;
  append = false;
  behindOurs = false;
  ownParamsLength = 0;
  // a GRUU (RFC 5627) is in our domain and names a phone
  const code =
    strict && inDialog && !hasParam(base, uri, GR) && leadsHere(base, uri)
      ? afterStrict(msg, base, uri, bits)
      : afterLoose(msg, inDialog, bits);
  return code == FAILED || !carryOut(msg) ? FAILED : code;
}

function carryOut(msg: usize): bool {
  const before = load<u8>(msg + M_RRFLAGS) & RRF_ROUTED;
  if (!removeRoutes(msg, front, back)) return false;
  // Asked again, the headers are still those that came: what was appended stays, once.
  if (append && !(before && appended(msg)) && !appendRequestUri(msg)) return false;
  if (nextHop && !setSpan(msg, M_DSTURI, nextHop, nextHopLength)) return false;
  if (newUri) {
    if (!setSpan(msg, M_NEWURI, newUri, newUriLength)) return false;
    store<u32>(msg + M_DONE, load<u32>(msg + M_DONE) & ~D_NURI);
  }
  store<u32>(msg + M_RRPARAMS, 0);
  store<u8>(msg + M_RRFLAGS, behindOurs ? RRF_ROUTED | RRF_NEXT_HOP : RRF_ROUTED);
  // with the semicolon in front of them
  return !ownParamsLength || setSpan(msg, M_RRPARAMS, ownParams - 1, ownParamsLength + 1);
}

/** The text is copied: the message may get other bytes. */
function setSpan(msg: usize, field: usize, at: usize, length: i32): bool {
  const copy = arenaAlloc(msg, length);
  if (!copy) return false;
  memory.copy(copy, at, length);
  store<u32>(msg + field, <u32>copy);
  store<u32>(msg + field + 4, length);
  return true;
}

const ROUTE: usize = memory.data<u8>([0x52, 0x6f, 0x75, 0x74, 0x65, 0x3a, 0x20, 0x3c]); // Route: <
const ROUTE_NAME: i32 = 7;

/** whether an edit adds a Route header */
function appended(msg: usize): bool {
  let record = <usize>load<u32>(msg + M_EDITS);
  for (let n = <i32>load<u16>(msg + M_NEDITS); n > 0; n--, record += EDIT_SIZE)
    if (
      load<u32>(record + E_KIND) == EK_ADD_HDR &&
      load<i32>(record + E_LEN) >= ROUTE_NAME &&
      equalBytes(<usize>load<u32>(record + E_SRC), ROUTE, ROUTE_NAME)
    )
      return true;
  return false;
}

function appendRequestUri(msg: usize): bool {
  const length = <i32>load<u16>(msg + M_URI + 2);
  const text = arenaAlloc(msg, length + 11);
  if (!text) return false;
  memory.copy(text, ROUTE, 8);
  memory.copy(text + 8, <usize>load<u32>(msg + M_BUF) + <usize>load<u16>(msg + M_URI), length);
  const end = text + 8 + <usize>length;
  store<u8>(end, GREATER);
  store<u16>(end + 1, 0x0a0d);
  return editAdd(msg, headersEnd(msg), 0, text, length + 11, EK_ADD_HDR) >= 0;
}

// ---- what it found

/**
 * Parameters of our route with their first semicolon: what loose_route() found; before it, those of the first Route.
 * @returns their length, and the record has their address; 0 when there are none
 */
export function rrParams(msg: usize): i32 {
  let length: i32 = 0;
  if (load<u8>(msg + M_RRFLAGS) & RRF_ROUTED) {
    const known = load<u32>(msg + M_RRPARAMS);
    if (known) length = load<i32>(msg + M_RRPARAMS + 4);
    store<u32>(RECORD + TEXT, known);
  } else if (
    load<u8>(msg + M_FIRST + HDR_ROUTE) &&
    routeAt(msg, 0) > 0 &&
    !parseUriAt(elementUri, elementLength, FIRST) &&
    load<u16>(FIRST + URI_PARAMS + 2)
  ) {
    length = <i32>load<u16>(FIRST + URI_PARAMS + 2) + 1;
    store<u32>(RECORD + TEXT, <u32>(elementUri + <usize>load<u16>(FIRST + URI_PARAMS) - 1));
  }
  store<u32>(RECORD + TEXT + 4, length);
  return length;
}

/** Whether a request runs from callee to caller: the tag recorded as ftag is not the one of From. Without ftag it does not. @returns 1 or 0 */
export function rrUpstream(msg: usize): i32 {
  const length = rrParams(msg);
  if (!length) return 0;
  let at = <usize>load<u32>(RECORD + TEXT) + 1;
  const end = at + <usize>length - 1;
  while (at < end) {
    at = nextUriParam(at, end);
    if (uriParamNameLength != 4 || lower4(uriParamName) != FTAG) continue;
    const value = uriParamValue;
    const valueLength = <i32>(uriParamValueEnd - value);
    if (!valueLength) return 0;
    if (parseFrom(msg) || <i32>load<u16>(msg + M_FROM + ADDR_TAG + 2) != valueLength) return 1;
    const tag = <usize>load<u32>(msg + M_BUF) + <usize>load<u16>(msg + M_FROM + ADDR_TAG);
    return equalBytes(tag, value, valueLength) ? 0 : 1;
  }
  return 0;
}

// ---- Record-Route

const START: usize = memory.data<u8>([
  0x52, 0x65, 0x63, 0x6f, 0x72, 0x64, 0x2d, 0x52, 0x6f, 0x75, 0x74, 0x65, 0x3a, 0x20, 0x3c, 0x73, 0x69, 0x70, 0x73,
]); // Record-Route: <sips
const START_BYTES: i32 = 18;
const LR_TEXT: usize = memory.data<u8>([0x3b, 0x6c, 0x72, 0x3d, 0x6f, 0x6e]); // ;lr=on
const FTAG_TEXT: usize = memory.data<u8>([0x3b, 0x66, 0x74, 0x61, 0x67, 0x3d]); // ;ftag=
const SIPS_WORD: u32 = 0x73706973;
const LONGEST_SCHEME: u32 = 5;
const DELETE: i32 = 0x7f;

/** whether the request URI is a sips URI, by its first bytes */
function isSips(msg: usize): bool {
  const set = <usize>load<u32>(msg + M_NEWURI);
  const at = set ? set : <usize>load<u32>(msg + M_BUF) + <usize>load<u16>(msg + M_URI);
  const length = set ? load<u32>(msg + M_NEWURI + 4) : <u32>load<u16>(msg + M_URI + 2);
  return length > LONGEST_SCHEME && lower4(at) == SIPS_WORD && byte(at + 4) == COLON;
}

/** whether the text can stand in a URI in angle brackets without ending it */
function isUriText(at: usize, length: i32): bool {
  for (const end = at + <usize>length; at < end; at++) {
    const c = byte(at);
    if (c < SP || c == DELETE || c == LESS || c == GREATER || c == QUOTE) return false;
  }
  return true;
}

/**
 * KSR.rr.record_route() and its like: asks for Record-Route with the tag of whoever began the dialog as ftag.
 * @param bits RRO_* of the modparams  @param kind RR_SOCKETS, RR_ADDRESS, RR_LINES
 * @param user text in front of @, length 0 for none  @param first,second for RR_ADDRESS and RR_LINES what stands behind it  @param params parameters that the
 * script gives, with their first semicolon; only for RR_SOCKETS
 * @returns 1; -1 a reply, asked for before, or memory is full
 */
export function rrRecord(
  msg: usize,
  bits: i32,
  kind: i32,
  user: usize,
  userLength: i32,
  first: usize,
  firstLength: i32,
  second: usize,
  secondLength: i32,
  params: usize,
  paramsLength: i32,
): i32 {
  if (load<u8>(msg + M_KIND) != REQUEST) return FAILED;
  let tag: usize = 0;
  let tagLength: i32 = 0;
  if (bits & RRO_FROM_TAG) {
    const upstream = rrUpstream(msg);
    const area = msg + (upstream ? M_TO : M_FROM) + ADDR_TAG;
    if (!(upstream ? parseTo(msg) : parseFrom(msg))) {
      tag = <usize>load<u32>(msg + M_BUF) + <usize>load<u16>(area);
      tagLength = <i32>load<u16>(area + 2);
      if (!isUriText(tag, tagLength)) tagLength = 0;
    }
  }
  const startLength = START_BYTES + (!(bits & RRO_IGNORE_SIPS) && isSips(msg) ? 1 : 0);
  const before = startLength + 1 + (userLength ? userLength + 1 : 0);
  const lrLength = bits & RRO_FULL_LR ? 6 : 3;
  const ftagLength = tagLength ? tagLength + 6 : 0;
  const sockets = kind == RR_SOCKETS;
  const what = RR_ASK | (kind << 8) | ((bits / RRO_DOUBLE) << 16) | (bits & RRO_NAMES ? 1 << 24 : 0);
  let to = rrKeep(
    msg,
    what,
    before + firstLength,
    secondLength ? before + secondLength : 0,
    (sockets ? lrLength : 0) + ftagLength + paramsLength,
    sockets ? 0 : lrLength,
  );
  if (!to) return FAILED;
  to = lineStart(to, startLength, user, userLength, first, firstLength);
  if (secondLength) to = lineStart(to, startLength, user, userLength, second, secondLength);
  if (sockets) to = copy(to, LR_TEXT, lrLength);
  if (ftagLength) {
    to = copy(to, FTAG_TEXT, 6);
    to = copy(to, tag, tagLength);
  }
  to = copy(to, params, paramsLength);
  if (!sockets) copy(to, LR_TEXT, lrLength);
  return 1;
}

function lineStart(to: usize, startLength: i32, user: usize, userLength: i32, address: usize, length: i32): usize {
  to = copy(to, START, startLength);
  store<u8>(to++, COLON);
  if (userLength) {
    to = copy(to, user, userLength);
    store<u8>(to++, AT);
  }
  return copy(to, address, length);
}

function copy(to: usize, from: usize, length: i32): usize {
  memory.copy(to, from, length);
  return to + <usize>length;
}
