/** KSR.setflag and its kin, and what a script asks of the core (force_rport, set_drop ...). Flags are 0..31; any other number changes nothing and gives 0. */
import {
  M_BFLAGS,
  M_DSTURI,
  M_MFLAGS,
  M_SCRFLAGS,
  M_SFLAGS,
  MFL_ADD_LOCAL_RPORT,
  MFL_CAN_DROP,
  MFL_DROP,
  MFL_FORCE_RPORT,
  MFL_FORWARD_CLOSE,
  MFL_FORWARD_NO_CONNECT,
  MFL_REPLY_CLOSE,
  MFL_REPLY_NO_CONNECT,
} from '../gen/layout.gen';
import { MSG } from '../mem/state';

const FLAGS: u32 = 32;

function set(field: usize, flag: i32): i32 {
  if (<u32>flag >= FLAGS) return 0;
  const bits = load<u32>(MSG + field);
  const bit = (<u32>1) << flag;
  if (!(bits & bit)) store<u32>(MSG + field, bits | bit); // usually the flag is set already or asked for once
  return 1;
}

function reset(field: usize, flag: i32): i32 {
  if (<u32>flag >= FLAGS) return 0;
  store<u32>(MSG + field, load<u32>(MSG + field) & ~(1 << flag));
  return 1;
}

function isSet(field: usize, flag: i32): i32 {
  return <u32>flag < FLAGS ? <i32>((load<u32>(MSG + field) >> flag) & 1) : 0;
}

/** @returns 1, 0 when the flag is not 0..31 */
export function setFlag(flag: i32): i32 {
  return set(M_SFLAGS, flag);
}

/** @returns 1, 0 when the flag is not 0..31 */
export function resetFlag(flag: i32): i32 {
  return reset(M_SFLAGS, flag);
}

/** @returns 1 when the flag is set */
export function isFlagSet(flag: i32): i32 {
  return isSet(M_SFLAGS, flag);
}

/** Script flag: 0 when a route begins. @returns 1, 0 when the flag is not 0..31 */
export function setSflag(flag: i32): i32 {
  return set(M_SCRFLAGS, flag);
}

/** @returns 1, 0 when the flag is not 0..31 */
export function resetSflag(flag: i32): i32 {
  return reset(M_SCRFLAGS, flag);
}

/** @returns 1 when the flag is set */
export function isSflagSet(flag: i32): i32 {
  return isSet(M_SCRFLAGS, flag);
}

/** Branch flag of the first branch. @returns 1, 0 when the flag is not 0..31 */
export function setBflag(flag: i32): i32 {
  return set(M_BFLAGS, flag);
}

/** @returns 1, 0 when the flag is not 0..31 */
export function resetBflag(flag: i32): i32 {
  return reset(M_BFLAGS, flag);
}

/** @returns 1 when the flag is set */
export function isBflagSet(flag: i32): i32 {
  return isSet(M_BFLAGS, flag);
}

function ask(bits: i32): i32 {
  store<u32>(MSG + M_MFLAGS, load<u32>(MSG + M_MFLAGS) | bits);
  return 1;
}

/** Replies go to the source port, rport in the Via or not (RFC 3581 4). @returns 1 */
export function forceRport(): i32 {
  return ask(MFL_FORCE_RPORT);
}

/** The Via of the forwarded request asks for rport. @returns 1 */
export function addLocalRport(): i32 {
  return ask(MFL_ADD_LOCAL_RPORT);
}

/** Replies only over the connection that exists. @returns 1 */
export function setReplyNoConnect(): i32 {
  return ask(MFL_REPLY_NO_CONNECT);
}

/** Closes the connection behind the reply. @returns 1 */
export function setReplyClose(): i32 {
  return ask(MFL_REPLY_CLOSE);
}

/** Forwards only over a connection that exists. @returns 1 */
export function setForwardNoConnect(): i32 {
  return ask(MFL_FORWARD_NO_CONNECT);
}

/** Closes the connection behind the forwarded message. @returns 1 */
export function setForwardClose(): i32 {
  return ask(MFL_FORWARD_CLOSE);
}

/** @returns 1 when a destination URI is set */
export function isDstUriSet(): i32 {
  return <i32>(load<u32>(MSG + M_DSTURI) != 0);
}

/** Takes the destination URI away. @returns 1 */
export function resetDstUri(): i32 {
  store<u64>(MSG + M_DSTURI, 0);
  return 1;
}

/** The message shall go no further. In the main request route, which has nothing to drop, it does nothing: as in Kamailio. */
export function setDrop(): i32 {
  if (load<u32>(MSG + M_MFLAGS) & MFL_CAN_DROP) ask(MFL_DROP);
  return 0;
}
