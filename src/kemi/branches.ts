/**
 * The additional branches of a message: what append_branch() and $branch(..) make, and what forking and redirecting use. Branch 0 is the message's
 * own request URI and is not among them. Kept per message, beside the core.
 */
import type { ByteStr } from '../core/memory.ts';
import type { SipMsg } from '../core/sip-msg.ts';
import type { ModuleHost } from './host.ts';

/** additional branches of one message (Kamailio: MAX_BRANCHES_DEFAULT 12, the request URI included) */
export const MAX_BRANCHES = 11;
/** q when none was given: such a branch comes after all others */
export const Q_UNSPECIFIED = -1;

export interface Branch {
  uri: ByteStr;
  dstUri: ByteStr | undefined;
  path: ByteStr | undefined;
  /** 0..1000, q times 1000, or Q_UNSPECIFIED */
  q: number;
  /** index + 1 of the socket to send from, 0 automatic */
  socket: number;
  flags: number;
  ruid: ByteStr | undefined;
  instance: ByteStr | undefined;
  locationUa: ByteStr | undefined;
  /** connection that the contact came in by, 0 none */
  otcpid: number;
}

const KEY = Symbol('branches');
const ZERO = Symbol('branch 0');

/** The branches of the message at hand; change the array itself. */
export function branchesOf(host: ModuleHost): Branch[] {
  let list = host.perMessage.get(KEY) as Branch[] | undefined;
  if (!list) host.perMessage.set(KEY, (list = []));
  return list;
}

const NONE: readonly Branch[] = [];

/** Takes the added branches of a message away: they are about to be sent. */
export function takeBranches(host: ModuleHost, at: number): readonly Branch[] {
  const store = host.storeOf(at);
  const list = store?.get(KEY) as Branch[] | undefined;
  if (!list?.length) return NONE;
  store!.delete(KEY);
  return list;
}

/**
 * What is known of branch 0 beside the message's own request URI, destination, socket and branch flags: path, ruid, instance, q, location_ua, otcpid.
 * The other fields are not used. Made when first asked for; those who only read use branchZeroOf().
 */
export function branchZero(host: ModuleHost): Branch {
  let branch = host.perMessage.get(ZERO) as Branch | undefined;
  if (!branch) host.perMessage.set(ZERO, (branch = emptyBranch()));
  return branch;
}

/** What was said of branch 0 of a message; undefined when nothing was. */
export function branchZeroOf(host: ModuleHost, at: number): Branch | undefined {
  return host.storeOf(at)?.get(ZERO) as Branch | undefined;
}

/** Sets that for the message at hand; undefined takes it away. */
export function setBranchZero(host: ModuleHost, contact: Partial<Branch> | undefined): void {
  if (contact) host.perMessage.set(ZERO, { ...emptyBranch(), ...contact });
  else host.perMessage.delete(ZERO);
}

/** @returns the branch, undefined when there are MAX_BRANCHES already */
export function addBranch(host: ModuleHost, uri: ByteStr, more: Partial<Branch> = {}): Branch | undefined {
  const list = branchesOf(host);
  if (list.length >= MAX_BRANCHES) return undefined;
  const branch: Branch = { ...emptyBranch(), ...more, uri };
  list.push(branch);
  return branch;
}

export function emptyBranch(): Branch {
  return {
    uri: '',
    dstUri: undefined,
    path: undefined,
    q: Q_UNSPECIFIED,
    socket: 0,
    flags: 0,
    ruid: undefined,
    instance: undefined,
    locationUa: undefined,
    otcpid: 0,
  };
}

/** q as Contact carries it: 0.7, 1, 0.05. */
export function qText(q: number): ByteStr {
  return q >= 1000 ? '1' : (q / 1000).toFixed(3).replace(/\.?0+$/, '');
}

/** One URI of a Contact list: bare, or in brackets with its q. */
const contactOf = (uri: ByteStr, q: number): ByteStr => (q === Q_UNSPECIFIED ? uri : `<${uri}>;q=${qText(q)}`);

/** The added branches, comma-separated, as $bR shows them. */
export function branchList(branches: readonly Branch[]): ByteStr {
  return branches.map(b => contactOf(b.uri, b.q)).join(', ');
}

/** `Contact: <uri>, <uri>;q=0.5`: request URI and branches, as a 3xx reply carries them; undefined when there are no branches and no request URI was set */
export function contactLine(msg: SipMsg, branches: readonly Branch[]): ByteStr | undefined {
  const all = branches.map(b => `<${b.uri}>${b.q === Q_UNSPECIFIED ? '' : `;q=${qText(b.q)}`}`);
  if (msg.ruri !== msg.originalUri) all.unshift(`<${msg.ruri}>`);
  return all.length ? `Contact: ${all.join(', ')}` : undefined;
}
