/** Functions of tm that scripts call and that need no JavaScript: which routes a transaction will have, which kind of route runs, whether a request is new. */
import {
  M_KIND,
  M_METHOD,
  M_ONBRANCH,
  M_ONBRFAIL,
  M_ONFAIL,
  M_ONREPLY,
  M_ROUTE,
  M_TRANS,
  METHOD_ACK,
  METHOD_CANCEL,
  RK_BRANCH,
  RK_FAILURE,
  RK_ONREPLY,
  RK_REPLY,
  RK_REQUEST,
  SLACK,
} from '../gen/layout.gen';
import { tmCall } from '../host/host';
import { malloc } from '../lua/lua';
import { byte, equalBytes } from '../mem/bytes';
import { MSG } from '../mem/state';
import { hasTransaction } from './tm';
import { REQUEST } from './value';

/** requests that wait in a suspended route with no transaction yet */
let waiting: i32 = 0;

/** @param change 1 when such a request began to wait, -1 when it ended */
export function tmWaiting(change: i32): void {
  waiting += change;
}

/** @returns -2 for ACK and CANCEL, -1 when no such request waits in its route, 1 when one does */
export function tmPrecheck(): i32 {
  const method = <i32>load<u8>(MSG + M_METHOD);
  if (method == METHOD_ACK || method == METHOD_CANCEL) return -2;
  return waiting ? tmCall(CALL_PRECHECK, 0) : -1;
}

/** what tmCall() asks src/modules/tm for */
const CALL_CHECK: i32 = 1;
const CALL_ROUTE: i32 = 2;
const CALL_IS_SET: i32 = 3;
const CALL_PRECHECK: i32 = 4;

/** KSR.tm.t_check_trans(). @returns -1 for a new request; else what src/modules/tm says */
export function tmCheckTrans(): i32 {
  const method = <i32>load<u8>(MSG + M_METHOD);
  if (load<u8>(MSG + M_KIND) != REQUEST || method == METHOD_ACK || method == METHOD_CANCEL || load<u32>(MSG + M_TRANS))
    return tmCall(CALL_CHECK, 0);
  return hasTransaction(MSG, method) ? tmCall(CALL_CHECK, 0) : -1;
}

// names of routes, by number from 1: u32 address, u32 length
const MAX_NAMES: i32 = 255;
const NAMES: usize = memory.data(2048, 16);
let names: i32 = 0;

/** @returns the number of a route's name, made when it is new; 0 for '' and when there are 255 already */
export function tmNameNumber(at: usize, length: i32): i32 {
  if (length <= 0) return 0;
  for (let i = names; i > 0; i--) {
    const name = NAMES + ((<usize>i) << 3);
    if (load<i32>(name + 4) == length && equalBytes(<usize>load<u32>(name), at, length)) return i;
  }
  if (names >= MAX_NAMES) return 0;
  const copy = malloc(<usize>(length + SLACK));
  if (!copy) return 0;
  memory.copy(copy, at, <usize>length);
  names++;
  store<u32>(NAMES + ((<usize>names) << 3), <u32>copy);
  store<i32>(NAMES + ((<usize>names) << 3) + 4, length);
  return names;
}

/** @returns address of u32 address, u32 length of the name with this number. BORROWED for the life of the core */
export function tmName(number: i32): usize {
  return NAMES + ((<usize>number) << 3);
}

/** @param field M_ON* */
function setRoute(field: usize, at: usize, length: i32): i32 {
  const number = tmNameNumber(at, length);
  const kept = load<u8>(MSG + M_KIND) == REQUEST;
  if (kept) store<u8>(MSG + field, <u8>number);
  if (load<u32>(MSG + M_TRANS)) tmCall(CALL_ROUTE, <i32>((<i32>(field - M_ONFAIL)) << 8) | number);
  return 1;
}

/** KSR.tm.t_on_failure(). @returns 1 */
export function tmOnFailure(at: usize, length: i32): i32 {
  return setRoute(M_ONFAIL, at, length);
}

/** KSR.tm.t_on_branch(). @returns 1 */
export function tmOnBranch(at: usize, length: i32): i32 {
  return setRoute(M_ONBRANCH, at, length);
}

/** KSR.tm.t_on_reply(). @returns 1 */
export function tmOnReply(at: usize, length: i32): i32 {
  return setRoute(M_ONREPLY, at, length);
}

/** KSR.tm.t_on_branch_failure(). @returns 1 */
export function tmOnBranchFailure(at: usize, length: i32): i32 {
  return setRoute(M_ONBRFAIL, at, length);
}

/** KSR.tm.t_is_set(): branch_route, failure_route or onreply_route. @returns 1 it is, -1 it is not, or another word */
export function tmIsSet(at: usize, length: i32): i32 {
  // the words differ in their first byte and in their length
  const c = length > 0 ? byte(at) : 0;
  let field: usize = 0;
  if (c == LETTER_F && length == 13) field = M_ONFAIL;
  else if (c == LETTER_B && length == 12) field = M_ONBRANCH;
  else if (c == LETTER_O && length == 13) field = M_ONREPLY;
  else return -1;
  if (load<u32>(MSG + M_TRANS)) return tmCall(CALL_IS_SET, <i32>(field - M_ONFAIL));
  return load<u8>(MSG + field) ? 1 : -1;
}

const LETTER_B: i32 = 98;
const LETTER_F: i32 = 102;
const LETTER_O: i32 = 111;

/** @returns 1 when the route that runs is a branch route, else -1 */
export function tmIsBranchRoute(): i32 {
  return load<u8>(MSG + M_ROUTE) == RK_BRANCH ? 1 : -1;
}

/** @returns 1 when the route that runs is a failure route, else -1 */
export function tmIsFailureRoute(): i32 {
  return load<u8>(MSG + M_ROUTE) == RK_FAILURE ? 1 : -1;
}

/** @returns 1 when the route that runs is a reply route, else -1 */
export function tmIsReplyRoute(): i32 {
  const kind = load<u8>(MSG + M_ROUTE);
  return kind == RK_REPLY || kind == RK_ONREPLY ? 1 : -1;
}

/** @returns 1 when the route that runs is the request route, else -1 */
export function tmIsRequestRoute(): i32 {
  return load<u8>(MSG + M_ROUTE) == RK_REQUEST ? 1 : -1;
}
