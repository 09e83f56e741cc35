/** The static branch, and destinations set from variables. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { addBranch } from '../../kemi/branches.ts';
import type { Call } from '../../kemi/table.ts';
import { socketOf, staticBranch } from '../pv/api.ts';

export function sbranchAppend(call: Call): number {
  const branch = staticBranch(call);
  return branch.uri && addBranch(call.host, branch.uri, branch) ? 1 : -1;
}

export function sbranchSetRuri(call: Call): number {
  const branch = staticBranch(call);
  const { msg } = call;
  if (!branch.uri) return -1;
  msg.ruri = branch.uri;
  msg.dstUri = branch.dstUri;
  msg.setU16(L.M_FSOCK, branch.socket);
  msg.setU32(L.M_BFLAGS, branch.flags);
  return 1;
}

/** Sets what is given. @returns false, with nothing set, when the socket is not one of ours */
export function destination(
  { host, msg }: Call,
  to: { uri: ByteStr | undefined; dstUri: ByteStr | undefined; socket: ByteStr | undefined },
): boolean {
  const socket = to.socket === undefined ? undefined : socketOf(host, to.socket);
  if (to.socket !== undefined && !socket) return false;
  if (to.uri !== undefined) msg.ruri = to.uri;
  if (to.dstUri !== undefined) msg.dstUri = to.dstUri;
  if (socket) msg.setU16(L.M_FSOCK, socket.index + 1);
  return true;
}
