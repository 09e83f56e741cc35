/** lookup() and its relatives: from an address of record to where its contacts are. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { addBranch, type Branch, branchesOf, branchZero } from '../../kemi/branches.ts';
import { type Awaitable, after } from '../../kemi/db.ts';
import { type Contact, inTurn } from '../usrloc/api.ts';
import { type Aor, loggedAorOf } from './aor.ts';
import { methodBit } from './methods.ts';
import { firstHop, withoutOwnHop } from './path.ts';
import { hashText } from './reply.ts';
import { socketNumber } from './socket.ts';
import { type C, onMessage, onTable, type RegistrarState } from './state.ts';
import { pushAttributes, pushRecord } from './xavps.ts';

const FOUND = 1;
const NONE = -1;
const NOT_THIS_METHOD = -2;
const FAILED = -3;

/** The contacts of an address of record that a request may go to, best first; a code when there are none. */
function reachable(call: C, table: ByteStr, { aor, gr }: Aor): Awaitable<Contact[] | number> {
  const { state, msg } = call;
  const { usrloc } = state;
  const now = state.now();
  if (gr === '') {
    // a temp-gruu: ruid and the hash of its address of record (see reply.ts)
    const dash = aor.lastIndexOf('-');
    const name = usrloc.useDomain ? aor.slice(0, aor.lastIndexOf('@')) : aor;
    if (dash < 0) return FAILED;
    const hash = name.slice(dash + 1);
    return onMessage(call.host, msg, usrloc.byRuid(table, name.slice(0, dash)), contact =>
      contact && hashText(contact.record.aor) === hash && state.usable(contact, now)
        ? filtered(state, msg, [contact])
        : NONE,
    );
  }
  return onMessage(call.host, msg, usrloc.record(table, aor), record => {
    if (!record) return NONE;
    const valid = record.contacts.filter(c => state.usable(c, now) && (gr === undefined || isInstance(c, gr)));
    // RFC 5627 3.4: one phone, even if several flows lead to it
    if (gr !== undefined) valid.splice(1);
    return valid.length > 0 ? filtered(state, msg, valid) : NONE;
  });
}

/** whether a pub-gruu means this contact */
const isInstance = ({ instance }: Contact, gr: ByteStr): boolean => instance === gr || instance === `<${gr}>`;

function filtered(state: RegistrarState, msg: SipMsg, contacts: Contact[]): Contact[] | number {
  const { methodFiltering, flagFilter } = state.settings;
  let left = contacts;
  if (flagFilter) {
    const flags = state.config('rlf_bflags');
    if (typeof flags === 'number' && flags !== 0) left = left.filter(c => (c.cflags & flags) !== 0);
    if (left.length === 0) return NONE;
  }
  if (methodFiltering && msg.to?.tag === '') {
    const bit = methodBit(msg.method);
    left = left.filter(c => (c.methods & bit) !== 0);
    if (left.length === 0) return NOT_THIS_METHOD;
  }
  return left;
}

/** Where a request to this contact goes first: the path, else where the REGISTER came from, else its URI. */
function wayTo(state: RegistrarState, contact: Contact): { path: ByteStr | undefined; dstUri: ByteStr | undefined } {
  const { path } = contact;
  const rest = path !== undefined && state.settings.pathCheckLocal ? withoutOwnHop(state.host, path) : path;
  return { path: rest, dstUri: (rest && firstHop(rest)) ?? contact.received };
}

function asBranch(state: RegistrarState, contact: Contact): Partial<Branch> {
  return {
    ...wayTo(state, contact),
    q: contact.q,
    socket: socketNumber(state, contact.socket),
    flags: contact.cflags,
    ruid: contact.ruid,
    instance: contact.instance,
    locationUa: contact.userAgent,
    otcpid: contact.connectionId,
  };
}

/** The request itself goes to this contact. */
function setTarget(call: C, contact: Contact): void {
  const { state, host, msg } = call;
  const { path, dstUri } = wayTo(state, contact);
  msg.ruri = contact.uri;
  msg.dstUri = dstUri;
  msg.setU32(L.M_BFLAGS, (msg.u32(L.M_BFLAGS) | contact.cflags) >>> 0);
  const socket = socketNumber(state, contact.socket);
  if (socket) msg.setU16(L.M_FSOCK, socket);
  const zero = branchZero(host);
  zero.path = path;
  zero.q = contact.q;
  zero.ruid = contact.ruid;
  zero.instance = contact.instance;
  zero.locationUa = contact.userAgent;
  zero.otcpid = contact.connectionId;
  pushRecord(state, contact);
}

/** More branches; @returns whether all found room */
function addBranches(call: C, contacts: readonly Contact[]): void {
  for (const contact of contacts)
    if (!addBranch(call.host, contact.uri, asBranch(call.state, contact))) {
      call.host.log.error({ aor: contact.record.aor }, 'Cannot add a branch for each contact: there are too many');
      return;
    }
}

/** @param uri in place of the request URI  @param toBranches leaves the request as it is */
export function lookup(call: C, table: ByteStr, uri: ByteStr | undefined, toBranches: boolean): Awaitable<number> {
  const { state, host, msg } = call;
  const own: C = { state, host, msg };
  return onTable(own, table, NONE, FAILED, () => {
    const aor = loggedAorOf(state, uri ?? msg.ruri);
    if (!aor) return FAILED;
    return onMessage(host, msg, reachable(own, table, aor), contacts => {
      if (typeof contacts === 'number') return contacts;
      const [best, ...more] = contacts;
      if (toBranches) addBranches(own, contacts);
      else {
        setTarget(own, best!);
        if (state.settings.appendBranches) addBranches(own, more);
      }
      pushAttributes(state, toBranches || state.settings.appendBranches ? contacts : [best!]);
      return FOUND;
    });
  });
}

/** lookup() on the request URI, and on each branch of which only the URI is known. */
export function lookupBranches(call: C, table: ByteStr): Awaitable<number> {
  const { state, host, msg } = call;
  const own: C = { state, host, msg };
  const before = [...branchesOf(host)];
  let result = NONE;
  return onTable(own, table, NONE, FAILED, () =>
    onMessage(host, msg, lookup(own, table, undefined, false), first => {
      result = first;
      const plain = before.filter(b => !b.dstUri && !b.path && !b.socket && !b.flags && !b.ruid && !b.instance);
      return after(
        inTurn(plain, branch =>
          onMessage(host, msg, lookupBranch(own, table, branch), found => {
            result = Math.max(result, found);
          }),
        ),
        () => result,
      );
    }),
  );
}

/** The branch goes to the best contact of its URI; the others become branches. */
function lookupBranch(call: C, table: ByteStr, branch: Branch): Awaitable<number> {
  const aor = loggedAorOf(call.state, branch.uri);
  if (!aor) return FAILED;
  return onMessage(call.host, call.msg, reachable(call, table, aor), contacts => {
    if (typeof contacts === 'number') return contacts;
    const [best, ...more] = contacts;
    Object.assign(branch, asBranch(call.state, best!), { uri: best!.uri });
    if (call.state.settings.appendBranches) addBranches(call, more);
    pushAttributes(call.state, call.state.settings.appendBranches ? contacts : [best!]);
    return FOUND;
  });
}
