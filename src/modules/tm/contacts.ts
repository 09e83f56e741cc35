/** t_load_contacts() and its kin: serial forking by q (and by +sip.instance), with the contacts kept in an XAVP. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { type Branch, branchesOf, branchZeroOf, emptyBranch, setBranchZero } from '../../kemi/branches.ts';
import type { Call } from '../../kemi/table.ts';
import { varsOf, type Xavp, XavpList } from '../pv/api.ts';
import type { Tm } from './state.ts';

type C = Call<Tm>;

/** One contact as the XAVP keeps it: its fields in a list of its own. */
function pack(list: XavpList, name: ByteStr, contact: Branch, last: boolean): void {
  const fields = new XavpList();
  const put = (key: ByteStr, value: number | ByteStr | undefined) => {
    if (value !== undefined) fields.append(key, value);
  };
  put('uri', contact.uri);
  put('dst_uri', contact.dstUri);
  put('path', contact.path);
  put('sock', contact.socket || undefined);
  put('instance', contact.instance);
  put('flags', contact.flags || undefined);
  put('q', contact.q);
  put('q_flag', last ? 1 : 0);
  put('ruid', contact.ruid);
  put('ua', contact.locationUa);
  list.append(name, fields);
}

function unpack(item: Xavp): { contact: Branch; last: boolean } | undefined {
  const { value } = item;
  if (!(value instanceof XavpList)) return undefined;
  const text = (key: ByteStr) => {
    const found = value.find(key)?.value;
    return typeof found === 'string' ? found : undefined;
  };
  const number = (key: ByteStr) => {
    const found = value.find(key)?.value;
    return typeof found === 'number' ? found : 0;
  };
  const uri = text('uri');
  if (uri === undefined) return undefined;
  const contact: Branch = {
    ...emptyBranch(),
    uri,
    dstUri: text('dst_uri'),
    path: text('path'),
    q: number('q'),
    socket: number('sock'),
    flags: number('flags'),
    ruid: text('ruid'),
    instance: text('instance'),
    locationUa: text('ua'),
  };
  return { contact, last: number('q_flag') === 1 };
}

/**
 * Moves the destination set into the XAVP, in the order in which it is to be tried.
 * @param mode 0 by q, equals in parallel; 1 one after the other, drawn by q
 * @returns 1, also when there is only one contact and nothing is to be done; -1 contacts_avp is not set
 */
export function loadContacts(call: C, mode: number): number {
  const { state: tm, host, msg } = call;
  const name = tm.params.contacts_avp;
  if (!name) {
    host.log.error({}, 'Cannot load contacts: modparam contacts_avp is not set');
    return -1;
  }
  const added = branchesOf(host);
  if (!added.length) return 1;
  const main: Branch = {
    ...emptyBranch(),
    ...branchZeroOf(host, msg.at),
    uri: msg.ruri,
    dstUri: msg.dstUri,
    socket: msg.mem.u16(msg.at + L.M_FSOCK),
    flags: msg.u32(L.M_BFLAGS),
  };
  const contacts = [main, ...added.splice(0)];
  const list = varsOf(host).xavps;
  list.remove(name, '*');
  const sorted = mode === 1 ? drawn(contacts, () => host.random()) : [...contacts].sort((a, b) => b.q - a.q);
  sorted.forEach((contact, i) => {
    const next = sorted[i + 1];
    pack(list, name, contact, mode === 1 || !next || next.q !== contact.q);
  });
  msg.revertUri();
  msg.dstUri = undefined;
  setBranchZero(host, undefined);
  return 1;
}

/** The order is drawn: q is the weight; contacts without one come last. */
function drawn(contacts: readonly Branch[], random: () => number): Branch[] {
  const rest = contacts.filter(c => c.q > 0);
  const order: Branch[] = [];
  while (rest.length) {
    let draw = random() * rest.reduce((sum, c) => sum + c.q, 0);
    const at = rest.findIndex(c => (draw -= c.q) < 0);
    order.push(...rest.splice(at < 0 ? 0 : at, 1));
  }
  return [...order, ...contacts.filter(c => c.q <= 0)];
}

/** Makes a contact the request's URI. */
function setMain(call: C, contact: Branch): void {
  const { msg, host } = call;
  msg.ruri = contact.uri;
  msg.dstUri = contact.dstUri;
  msg.setU16(L.M_FSOCK, contact.socket);
  msg.setU32(L.M_BFLAGS, contact.flags);
  setBranchZero(host, contact);
}

/** Takes the contacts that are tried next out of the XAVP. @returns 1; -2 there are none; -1 contacts_avp is not set */
export function nextContacts(call: C): number {
  const { state: tm, host } = call;
  const name = tm.params.contacts_avp;
  const flows = tm.params.contact_flows_avp;
  if (!name) {
    host.log.error({}, 'Cannot take contacts: modparam contacts_avp is not set');
    return -1;
  }
  const list = varsOf(host).xavps;
  const taken: Branch[] = [];
  const instances = new Set<ByteStr>();
  if (flows) list.remove(flows, '*');
  for (;;) {
    const item = list.find(name);
    const found = item && unpack(item);
    if (!found) break;
    list.remove(name);
    const { instance } = found.contact;
    if (instance && flows && instances.has(instance)) pack(list, flows, found.contact, true);
    else taken.push(found.contact);
    if (instance) instances.add(instance);
    if (found.last) break;
  }
  if (!taken.length) return -2;
  setMain(call, taken[0]!);
  branchesOf(host).push(...taken.slice(1));
  return 1;
}

/** The next flow of the instance whose branch failed. @returns 1; -2 there is none; -1 contact_flows_avp is not set */
export function nextContactFlow(call: C): number {
  const { state: tm, host } = call;
  const name = tm.params.contact_flows_avp;
  const failing = tm.here?.rare?.failing;
  if (!name) {
    host.log.error({}, 'Cannot take a flow: modparam contact_flows_avp is not set');
    return -1;
  }
  const instance = failing?.contact?.instance;
  if (!instance) return -2;
  const list = varsOf(host).xavps;
  const all = list.all(name);
  for (let i = 0; i < all.length; i++) {
    const found = unpack(all[i]!);
    if (found?.contact.instance !== instance) continue;
    list.remove(name, i);
    setMain(call, found.contact);
    return 1;
  }
  return -2;
}
