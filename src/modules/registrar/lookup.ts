/** lookup() and its relatives: from an address of record to where its contacts are. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { addBranch, type Branch, branchesOf, branchZero } from '../../kemi/branches.ts';
import { type Awaitable, after } from '../../kemi/db.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { type Contact, inTurn, type UserRecord } from '../usrloc/api.ts';
import { aorText, logWrong, R_GR, R_METHOD, readAor, wrongWith } from './aor.ts';
import { firstHop, withoutOwnHop } from './path.ts';
import { hashText } from './reply.ts';
import { socketNumber } from './socket.ts';
import { type C, onMessage, onTable, type RegistrarState } from './state.ts';
import { pushAttributes, pushRecord } from './xavps.ts';

const FOUND = 1;
const NONE = -1;
const NOT_THIS_METHOD = -2;
const FAILED = -3;

/** What goes to the contacts: the request; all of them become branches and the request stays as it is; a branch that is there. */
type Target = 'request' | 'branches' | Branch;

/** @param uri in place of the request URI  @param target what goes to the contacts */
export function lookup(call: C, table: ByteStr, uri: ByteStr | undefined, target: Target): Awaitable<number> {
  const { state, host, msg } = call;
  // in memory: nothing waits, and nothing fails
  if (state.inMemory && state.usrloc.isOpen(table)) {
    if (uri === undefined && target === 'request' && state.keepsLookups) {
      const known = state.usrloc.lookupKept(table, msg.at, state.lookupWants, state.now());
      if (known) return again(call, known);
    }
    return lookupIn(call, table, uri, target);
  }
  const own: C = { state, host, msg };
  return onTable(own, table, NONE, FAILED, () => lookupIn(own, table, uri, target));
}

/** The core has set where the request goes: the same contact as last time. */
function again({ state, host, msg }: C, contact: Contact): number {
  const socket = socketNumber(state, contact.socket);
  if (socket) msg.setU16(L.M_FSOCK, socket);
  setZero(host, contact, undefined);
  return FOUND;
}

/** @param table one that is open */
function lookupIn(call: C, table: ByteStr, uri: ByteStr | undefined, target: Target): Awaitable<number> {
  const { state, host, msg } = call;
  const read = readAor(msg, uri, state.lookupWants);
  const why = wrongWith(read);
  if (why !== undefined) {
    logWrong(state, uri ?? msg.ruri, why);
    return FAILED;
  }
  const { mem } = msg;
  const aor = aorText(state, read);
  const method = mem.i32(read + R_METHOD);
  const grAt = mem.u32(read + R_GR);
  const gr = grAt === 0 ? undefined : mem.str(grAt, mem.u32(read + R_GR + 4));
  if (gr === '') return lookupTemporary(call, table, aor, method, target);
  const record = state.usrloc.record(table, aor);
  return record instanceof Promise
    ? onMessage(host, msg, record, now => choose(call, now, gr, method, target))
    : choose(call, record, gr, method, target);
}

/** A temp-gruu: ruid and the hash of its address of record (see reply.ts). */
function lookupTemporary(call: C, table: ByteStr, aor: ByteStr, method: number, target: Target): Awaitable<number> {
  const { state, host, msg } = call;
  const { usrloc } = state;
  const dash = aor.lastIndexOf('-');
  const name = usrloc.useDomain ? aor.slice(0, aor.lastIndexOf('@')) : aor;
  if (dash < 0) return FAILED;
  const hash = name.slice(dash + 1);
  return onMessage(host, msg, usrloc.byRuid(table, name.slice(0, dash)), contact => {
    if (!contact || hashText(contact.record.aor) !== hash || !state.usable(contact, state.now())) return NONE;
    const code = refusal(contact, flagsWanted(state), method);
    return code === 0 ? send(call, contact, undefined, target) : code;
  });
}

/** The contacts of a record that the request may go to, best first. @param gr the instance that is meant  @param method bit of the method that they must have, 0 any */
function choose(
  call: C,
  record: UserRecord | undefined,
  gr: ByteStr | undefined,
  method: number,
  target: Target,
): number {
  if (!record) return NONE;
  const { state } = call;
  const now = state.now();
  const flags = flagsWanted(state);
  const all = target === 'branches' || state.settings.appendBranches;
  let best: Contact | undefined;
  let more: Contact[] | undefined;
  let result = NONE;
  for (let i = 0, { size } = record; i < size; i++) {
    const contact = record.at(i)!;
    if (!state.usable(contact, now) || (gr !== undefined && !isInstance(contact, gr))) continue;
    const code = refusal(contact, flags, method);
    if (code !== 0) result = Math.min(result, code);
    else if (best === undefined) best = contact;
    else if (more === undefined) more = [contact];
    else more.push(contact);
    // RFC 5627 3.4: one phone, even if several flows lead to it
    if (gr !== undefined || (best && !all)) break;
  }
  return best ? send(call, best, more, target) : result;
}

/** whether a pub-gruu means this contact */
const isInstance = ({ instance }: Contact, gr: ByteStr): boolean => instance === gr || instance === `<${gr}>`;

/** branch flags of which a contact must have one, 0 any */
function flagsWanted(state: RegistrarState): number {
  const flags = state.settings.flagFilter ? state.config('rlf_bflags') : 0;
  return typeof flags === 'number' ? flags : 0;
}

/** Why the request does not go to a contact that is there; 0 it may. */
function refusal(contact: Contact, flags: number, method: number): number {
  if (flags !== 0 && (contact.cflags & flags) === 0) return NONE;
  return method !== 0 && (contact.methods & method) === 0 ? NOT_THIS_METHOD : 0;
}

function send(call: C, best: Contact, more: readonly Contact[] | undefined, target: Target): number {
  const { state } = call;
  if (target === 'branches') addBranches(call, more ? [best, ...more] : [best]);
  else {
    if (target !== 'request') Object.assign(target, asBranch(state, best), { uri: best.uri });
    else if (!setTarget(call, best)) return FAILED;
    if (more) addBranches(call, more);
  }
  if (state.usrloc.xavpContact) pushAttributes(state, more ? [best, ...more] : [best]);
  return FOUND;
}

/** The path that a request to this contact takes. */
function pathTo({ settings, host }: RegistrarState, { path }: Contact): ByteStr | undefined {
  return path !== undefined && settings.pathCheckLocal ? withoutOwnHop(host, path) : path;
}

/** Where a request to this contact goes first: the path, else where the REGISTER came from; undefined: its URI. */
function hopTo(path: ByteStr | undefined, { received }: Contact): ByteStr | undefined {
  return (path && firstHop(path)) ?? received;
}

function asBranch(state: RegistrarState, contact: Contact): Partial<Branch> {
  const path = pathTo(state, contact);
  return {
    path,
    dstUri: hopTo(path, contact),
    q: contact.q,
    socket: socketNumber(state, contact.socket),
    flags: contact.cflags,
    ruid: contact.ruid,
    instance: contact.instance,
    locationUa: contact.userAgent,
    otcpid: contact.connectionId,
  };
}

/** The request itself goes to this contact. @returns false (logged) when the memory of the message is full */
function setTarget({ state, host, msg }: C, contact: Contact): boolean {
  const { core } = host;
  const { uri } = contact;
  const direct = contact.path === undefined;
  const path = direct ? undefined : pathTo(state, contact);
  const dstUri = direct ? contact.received : hopTo(path, contact);
  const at: number = core.x.lookupTarget(
    msg.at,
    uri.length,
    dstUri === undefined ? -1 : dstUri.length,
    contact.cflags,
    socketNumber(state, contact.socket),
  );
  if (at === 0) {
    host.log.error({ aor: contact.record.aor }, 'Cannot look up a contact: the memory of the message is full');
    return false;
  }
  core.mem.putStr(at, uri);
  if (dstUri) core.mem.putStr(at + uri.length, dstUri);
  setZero(host, contact, path);
  if (state.settings.xavpRcd) pushRecord(state, contact);
  if (direct && state.keepsLookups) state.usrloc.keepLookup(contact.record, contact, dstUri);
  return true;
}

/** What is known of the contact beside its URIs. */
function setZero(host: ModuleHost, contact: Contact, path: ByteStr | undefined): void {
  const zero = branchZero(host);
  zero.path = path;
  zero.q = contact.q;
  zero.ruid = contact.ruid;
  zero.instance = contact.instance;
  zero.locationUa = contact.userAgent;
  zero.otcpid = contact.connectionId;
}

/** More branches, while there is room for them. */
function addBranches(call: C, contacts: readonly Contact[]): void {
  for (const contact of contacts)
    if (!addBranch(call.host, contact.uri, asBranch(call.state, contact))) {
      call.host.log.error({ aor: contact.record.aor }, 'Cannot add a branch for each contact: there are too many');
      return;
    }
}

/** lookup() on the request URI, and on each branch of which only the URI is known. */
export function lookupBranches(call: C, table: ByteStr): Awaitable<number> {
  const { state, host, msg } = call;
  const own: C = { state, host, msg };
  const before = [...branchesOf(host)];
  let result = NONE;
  return onTable(own, table, NONE, FAILED, () =>
    onMessage(host, msg, lookup(own, table, undefined, 'request'), first => {
      result = first;
      const plain = before.filter(b => !b.dstUri && !b.path && !b.socket && !b.flags && !b.ruid && !b.instance);
      return after(
        inTurn(plain, branch =>
          onMessage(host, msg, lookupIn(own, table, branch.uri, branch), found => {
            result = Math.max(result, found);
          }),
        ),
        () => result,
      );
    }),
  );
}
