/**
 * The ABI: the only file that exports to JavaScript. Integers only: offsets, lengths, ids, status codes. Groups by the room they come from.
 */

// ---- fixed areas (mem/)

export { argsArea, currentMsg, descsArea, retArea, scratchArea, setMsg } from './mem/state';

// ---- Lua dispatcher and entry (lua/)

export { luaDispatchApi } from './lua/api';
export { luaAlloc, luaClose, luaOpen, luaRefused, luaSetup, luaUsed } from './lua/block';
export { luaAfterWait, luaDescribe, luaWaitMark } from './lua/call';
export { luaEngine, luaFormat, luaTruncate } from './lua/compat';
export {
  luaExit,
  luaHas,
  luaHook,
  luaReset,
  luaRestore,
  luaResume,
  luaRun,
  luaSetLimit,
  luaTicks,
  luaUnwind,
} from './lua/entry';
export { luaFind } from './lua/find';
export { luaDispatch } from './lua/inplace';
export {
  selfTestEcho,
  selfTestForty,
  selfTestInt,
  selfTestMinusOne,
  selfTestMixed,
  selfTestMsg,
  selfTestOne,
  selfTestPv,
  selfTestPvSet,
  selfTestSixBytes,
  selfTestStr,
  selfTestTag,
  selfTestText,
  selfTestTrap,
  selfTestTwelve,
} from './lua/selftest';

// ---- SIP core (sip/, hash/)

export { md5 } from './hash/md5';
export { sha256 } from './hash/sha256';
export {
  luaCall0Bool,
  luaCall0Int,
  luaCall0Xval,
  luaCallIntBool,
  luaCallIntInt,
  luaCallPvXval,
  luaCallStrBool,
  luaCallStrInt,
  luaCallStrXval,
} from './lua/shapes';
export { arenaAlloc } from './mem/arena';
export { outArea } from './mem/out';
export { msgAlloc, msgByHandle, msgFree, msgLimit, msgLive } from './mem/slots';
export { findParam, nextAddr } from './sip/addr-list';
export { msgCheck } from './sip/check';
export { parseCredentials } from './sip/credentials';
export { parseCseq } from './sip/cseq';
export { editAdd, editInsertFirst, editRemoveHeader, replyAdd } from './sip/edits';
export { msgForward, msgReplyForward, msgWrite } from './sip/forward';
export { msgIndex } from './sip/header-index';
export { parseAddrAt, parseFrom, parseTo } from './sip/name-addr';
export { expires, maxForwards } from './sip/numbers';
export { replyBuild, setServerHeader } from './sip/reply';
export { statusToReply } from './sip/status';
export { msgStrict } from './sip/strict';
export { msgSummary } from './sip/summary';
export { setTagSeed, toTag } from './sip/to-tag';
export { parseNewUri, parseRuri, parseUriAt } from './sip/uri';
export { parseTopVia as parseVia, parseViaAt } from './sip/via';
// ---- KEMI modules of the hot path (modules/)
