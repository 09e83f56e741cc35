/**
 * The ABI: the only file that exports to JavaScript. Integers only: offsets, lengths, ids, status codes. Groups by the room they come from.
 */

// ---- fixed areas (mem/)

export { argsArea, currentMsg, descsArea, retArea, scratchArea, setMsg, staticEnd } from './mem/state';

// ---- Lua dispatcher and entry (lua/)

export * from './gen/calls.gen';
export { luaDispatchApi } from './lua/api';
export { luaAlloc, luaClose, luaOpen, luaRefused, luaSetup, luaUsed } from './lua/block';
export { luaAfterWait, luaDescribe, luaWaitMark } from './lua/call';
export { luaEngine, luaFormat, luaSetMetatable, luaTruncate, luaTruncateInPlace } from './lua/compat';
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
  selfTestMethod,
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

// ---- routing blocks (cfg/)

export { fromUriIsMyself, toUriIsMyself, uriIsMyself } from './cfg/fields';
export { automatonMatches } from './cfg/match';
export { cfgRun, cfgStart, cfgState, cfgUnwind } from './cfg/run';

// ---- SIP core (sip/, hash/)

export { md5 } from './hash/md5';
export { sha256 } from './hash/sha256';
export { sipHash } from './hash/siphash';
export { arenaAlloc } from './mem/arena';
export { outArea } from './mem/out';
export { msgAlloc, msgByHandle, msgFree, msgKeep, msgLastId, msgLimit, msgLive } from './mem/slots';
export { textPlace } from './mem/texts';
export { findParam, nextAddr } from './sip/addr-list';
export { msgCheck } from './sip/check';
export { parseCredentials } from './sip/credentials';
export { parseCseq } from './sip/cseq';
export { editAdd, editInsertFirst, editRemoveHeader, editRemoveRest, replyAdd } from './sip/edits';
export { msgForward, msgReplyForward, msgWrite } from './sip/forward';
export { msgIndex } from './sip/header-index';
export { parseAddrAt, parseFrom, parseTo } from './sip/name-addr';
export { expires, maxForwards } from './sip/numbers';
export { rrAsked, rrKeep, rrSockets } from './sip/record-route';
export { replyBuild, replyBuildStateful, setServerHeader } from './sip/reply';
export { statusToReply } from './sip/status';
export { msgStrict } from './sip/strict';
export { msgSummary } from './sip/summary';
export { setTagSeed, tmToTag, toTag } from './sip/to-tag';
export { parseNewUri, parseRuri, parseUriAt } from './sip/uri';
export { parseTopVia as parseVia, parseViaAt } from './sip/via';
// ---- KEMI modules of the hot path (modules/)

export {
  isAck,
  isBye,
  isCancel,
  isDelete,
  isGet,
  isInfo,
  isInvite,
  isIpv4,
  isIpv6,
  isKdmq,
  isMessage,
  isMethod,
  isMethodIn,
  isMethodOf,
  isNotify,
  isOptions,
  isPost,
  isPrack,
  isProto,
  isPublish,
  isPut,
  isRefer,
  isRegister,
  isSctp,
  isSrcPort,
  isSubscribe,
  isTcp,
  isTcpx,
  isTls,
  isUdp,
  isUpdate,
  isWs,
  isWss,
  isWsx,
} from './modules/core';
export { hasRuriUser, hasUserAgent } from './modules/corex';
export {
  addLocalRport,
  forceRport,
  isBflagSet,
  isDstUriSet,
  isFlagSet,
  isSflagSet,
  resetBflag,
  resetDstUri,
  resetFlag,
  resetSflag,
  setBflag,
  setDrop,
  setFlag,
  setForwardClose,
  setForwardNoConnect,
  setReplyClose,
  setReplyNoConnect,
  setSflag,
} from './modules/flags';
export {
  hdrGet,
  hdrGete,
  hdrGeteIdx,
  hdrGetIdx,
  hdrGetw,
  hdrGetwIdx,
  hdrIsPresent,
  hdrIsPresentQuick,
  hdrRemoveQuick,
  headerIdOf,
} from './modules/hdr';
export {
  kxGetBody,
  kxGetBodylen,
  kxGetCallid,
  kxGetConid,
  kxGetDuri,
  kxGeteBody,
  kxGeteDuri,
  kxGeteFhost,
  kxGeteFuser,
  kxGeteRhost,
  kxGeteRuser,
  kxGeteThost,
  kxGeteTuser,
  kxGeteUa,
  kxGetFhost,
  kxGetFuri,
  kxGetFuser,
  kxGetMethod,
  kxGetMsgbuf,
  kxGetMsglen,
  kxGetMsgtype,
  kxGetNhuri,
  kxGetOuri,
  kxGetProto,
  kxGetProtoid,
  kxGetRhost,
  kxGetRuri,
  kxGetRuser,
  kxGetSrcip,
  kxGetSrcport,
  kxGetStatus,
  kxGetsStatus,
  kxGetThost,
  kxGetTuri,
  kxGetTuser,
  kxGetUa,
  kxGetwBody,
  kxGetwDuri,
  kxGetwFhost,
  kxGetwFuser,
  kxGetwRhost,
  kxGetwRuser,
  kxGetwThost,
  kxGetwTuser,
  kxGetwUa,
} from './modules/kx';
export { getLogLevel, logAt, logCrit, logDbg, logErr, logInfo, logNotice, logWarn, setLogLevel } from './modules/log';
export { lookupRead, lookupTarget } from './modules/lookup';
export { lookupForget, lookupKeep, lookupKept, lookupRenew } from './modules/lookup-cache';
export { isMaxfwdLt, processMaxfwd, setMaxfwdLimit } from './modules/maxfwd';
export { allowedMethods, methodSet } from './modules/methods';
export {
  forgetMyself,
  isMyself,
  isMyselfDuri,
  isMyselfFuri,
  isMyselfNhuri,
  isMyselfRuri,
  isMyselfSrcip,
  isMyselfSuri,
  isMyselfTuri,
} from './modules/myself';
export {
  pvCs,
  pvFn,
  pvFt,
  pvGetById,
  pvGete,
  pvGeti,
  pvGetvn,
  pvGetvs,
  pvGetw,
  pvIsNull,
  pvMi,
  pvMl,
  pvProto,
  pvRb,
  pvRm,
  pvRr,
  pvRs,
  pvSetGetter,
  pvSetHeader,
  pvTn,
  pvTt,
} from './modules/pv';
export { msgDescribe, msgTake, msgTaken, receivedArea, receiveSetup, sourceArea } from './modules/receive';
export { registerAnswer, registerRead } from './modules/registrar';
export { rrArea, rrLoose, rrParams, rrRecord, rrUpstream } from './modules/rr';
export { sanityPasses, sanityQuick } from './modules/sanity';
export { hasTotag, isFirstHop, isReply, isRequest } from './modules/siputils';
export {
  slBindTm,
  slCounters,
  slIsOwnAck,
  slRedirect,
  slReplyAny,
  slReplyError,
  slReplyErrorAny,
  slSendReply,
  slSendReplyMode,
} from './modules/sl';
export { answerTarget, msgTarget, targetArea, uriTarget } from './modules/target';
export {
  statelessVia,
  tmAnswer,
  tmBlocks,
  tmCseqMethod,
  tmDialogKey,
  tmDrop,
  tmFind,
  tmFindCanceled,
  tmFindDialog,
  tmFound,
  tmHop,
  tmInsert,
  tmInsertDialog,
  tmKeep,
  tmKeyOf,
  tmMatchReply,
  tmPut,
  tmRelay,
  tmRemove,
  tmReplyWorker,
  tmRequestKey,
  tmSendElsewhere,
  tmSetup,
  tmTable,
  tmVia,
  tmViaLine,
} from './modules/tm';
export {
  tmCheckTrans,
  tmIsBranchRoute,
  tmIsFailureRoute,
  tmIsReplyRoute,
  tmIsRequestRoute,
  tmIsSet,
  tmName,
  tmNameNumber,
  tmOnBranch,
  tmOnBranchFailure,
  tmOnFailure,
  tmOnReply,
  tmPrecheck,
  tmWaiting,
} from './modules/tm-routes';
