/**
 * The one description of what lies where in linear memory; scripts/gen-tables.ts makes wasm/gen/layout.gen.ts and src/core/gen/layout.gen.ts from it.
 * A "pair" is u16 offset from the message's first byte, u16 length. A "span" is u32 address, u32 length.
 */
export type Field = [name: string, offset: number, type: string, doc: string];

/** struct SipMsg: one per live message, followed by the message's bytes and SLACK readable bytes. */
export const MSG: Field[] = [
  ['BUF', 0, 'u32', "address of the message's first byte"],
  ['LEN', 4, 'u32', 'bytes received, 0..65535'],
  ['KIND', 8, 'u8', '0 not indexed, 1 request, 2 reply'],
  ['METHOD', 9, 'u8', 'method id of the start line (request) or of CSeq (reply, once parsed); 0 unknown'],
  ['NHDR', 10, 'u8', 'headers in HDRS'],
  ['FLAGS', 11, 'u8', 'MF_* bits of the index pass'],
  ['ERR', 12, 'u16', 'ST_* status of the first error, positive; 0 none'],
  ['ERROFF', 14, 'u16', 'its offset from the first byte'],
  ['METH', 16, 'pair', 'method'],
  ['URI', 20, 'pair', 'request URI as received'],
  ['VER', 24, 'pair', 'SIP version'],
  ['REASON', 28, 'pair', 'reason phrase'],
  ['STATUS', 32, 'u16', 'status code of a reply'],
  ['BODY', 34, 'u16', 'offset of the first body byte'],
  ['CLEN', 36, 'i32', 'Content-Length, -1 when absent'],
  ['DONE', 40, 'u32', 'D_* bits: which lazy areas are valid'],
  ['START', 44, 'u32', 'offset of the start line (CRLFs before it are skipped)'],
  ['FIRST', 48, 'u8[96]', 'by header id: index + 1 of the first header of that id, 0 none'],
  [
    'RURI',
    144,
    'uri',
    'request URI as received (D_RURI): 0 u16 scheme, 2 u16 port, 4 user, 8 password, 12 host, 16 params, 20 headers, 24 port text (pairs)',
  ],
  [
    'FROM',
    176,
    'addr',
    'From (D_FROM): 0 display, 4 uri, 8 params, 12 tag (pairs), 16 u16 end; with D_FURI 24 user and 28 host of the URI (pairs)',
  ],
  ['TO', 208, 'addr', 'To (D_TO), as FROM, with D_TURI'],
  [
    'VIA',
    240,
    'via',
    'top Via (D_VIA): 0 transport, 4 host, 8 branch, 12 received, 16 rport, 20 maddr, 24 params (pairs), 28 u16 port, 30 u16 end, 32 u16 transport id, 34 u16 has rport',
  ],
  ['CSEQ', 304, 'cseq', 'CSeq (D_CSEQ): 0 u32 number, 4 method (pair), 8 u32 method id'],
  ['HANDLE', 320, 'u32', 'slot index | generation << 16'],
  ['SFLAGS', 324, 'u32', 'transaction/message flags: KSR.setflag(0..31)'],
  ['XFLAGS', 328, 'u32[2]', 'extended flags: KSR.corex.setxflag(0..63)'],
  ['BFLAGS', 336, 'u32', 'branch flags of branch 0: KSR.setbflag'],
  ['MFLAGS', 340, 'u32', 'MFL_* bits: what the script asked of the core'],
  ['NEWURI', 344, 'span', 'request URI set by the script, address 0 when not set'],
  ['DSTURI', 352, 'span', 'destination URI set by the script, address 0 when not set'],
  ['SRCIP', 360, 'span', 'source address as text, no brackets'],
  ['SRCPORT', 368, 'u16', 'source port'],
  ['PROTO', 370, 'u8', 'PROTO_* of the receiving socket'],
  ['AF', 371, 'u8', '4 or 6'],
  ['SOCK', 372, 'u16', 'index of the receiving socket'],
  ['FSOCK', 374, 'u16', 'index + 1 of the socket to send from, 0 automatic'],
  ['EDITS', 376, 'u32', 'address of the edit array, 0 none'],
  ['NEDITS', 380, 'u16', 'edits in use'],
  ['CEDITS', 382, 'u16', 'edits allocated'],
  ['LUMPS', 384, 'u32', 'address of the reply additions (same records as edits), 0 none'],
  ['NLUMPS', 388, 'u16', 'reply additions in use'],
  ['CLUMPS', 390, 'u16', 'reply additions allocated'],
  ['ARENA', 392, 'u32', 'first chunk of the memory that lives as long as the message'],
  ['ARENAAT', 396, 'u32', 'next free byte in the newest chunk'],
  ['ARENAEND', 400, 'u32', 'end of the newest chunk'],
  ['ID', 404, 'u32', 'message id ($mi): counts from 1 in each runtime'],
  ['RECVMS', 408, 'f64', 'when it arrived, wall clock, milliseconds'],
  ['NURI', 416, 'uri', 'parsed NEWURI (D_NURI); offsets count from the NEWURI address'],
  ['REPLYBODY', 448, 'span', 'body of the reply, address 0 none; its Content-Type is one of the reply additions'],
  ['NEWREASON', 464, 'span', 'reason phrase set by change_reply_status'],
  ['NEWSTATUS', 472, 'u16', 'status set by change_reply_status, 0 none'],
  [
    'SOFTERR',
    474,
    'u16',
    'ST_* of the first header that does not parse although the index is whole; 0 none or not checked',
  ],
  ['SOFTOFF', 476, 'u16', 'its offset'],
  ['CLASS', 478, 'u8', 'size class of the slot'],
  ['ARENASIZE', 484, 'u32', 'bytes of the chunks taken from the heap'],
  ['BRANCHES', 480, 'u32', 'reserved for additional branches (kept by the runtime)'],
  ['CONID', 488, 'u32', 'id of the connection it came over, 0 none'],
  ['SCRFLAGS', 492, 'u32', 'script flags of the route that runs: KSR.setsflag(0..31)'],
  ['REFS', 496, 'u16', 'owners besides the first: msgFree frees when there are none'],
  ['ROUTE', 498, 'u8', 'RK_* of the route that runs with it'],
  ['TBRANCH', 499, 'u8', 'index + 1 of the branch that the route is about, 0 none'],
  ['TRANS', 500, 'u32', 'number of its transaction, 0 none'],
  ['ONFAIL', 504, 'u8', 'number of the failure route for the transaction to come, 0 none'],
  ['ONBRANCH', 505, 'u8', 'the same for the branch route'],
  ['ONREPLY', 506, 'u8', 'the same for the reply route'],
  ['ONBRFAIL', 507, 'u8', 'the same for the branch failure route'],
  ['TMFLAGS', 508, 'u32', 'TMF_* bits: what tm knows of this message'],
  ['TLABEL', 512, 'u32', 'label of its transaction: numbers are used again'],
  ['SRCTEXT', 528, 'u8[64]', 'the text that SRCIP points to'],
];
export const MSG_HDRS = 592;
export const HDR_SIZE = 16;
export const MAX_HEADERS = 254;
/** offset of the message's bytes behind the struct in a slot: M_BUF is msg + MSG_BYTES */
export const MSG_BYTES = MSG_HDRS + MAX_HEADERS * HDR_SIZE;
/** one header entry */
export const HDR: Field[] = [
  ['H_NAME', 0, 'pair', 'name without blanks before the colon'],
  ['H_BODY', 4, 'pair', 'value, outer white space trimmed, folding kept'],
  ['H_NEXT', 8, 'u16', 'offset of the next line'],
  ['H_ID', 10, 'u8', 'header id, 0 unknown'],
  ['H_FOLD', 11, 'u8', '1 when the value is folded'],
];
/** one edit or reply addition: 24 bytes */
export const EDIT: Field[] = [
  ['E_OFF', 0, 'u32', 'offset in the message'],
  ['E_DEL', 4, 'u32', 'bytes removed there'],
  ['E_SRC', 8, 'u32', 'address of the bytes put there instead'],
  ['E_LEN', 12, 'u32', 'their number'],
  ['E_KIND', 16, 'u32', 'EK_* kind; for a removal or replacement of a header its header id'],
  ['E_SEQ', 20, 'i32', 'order among edits at one offset: lower comes first'],
];
export const EDIT_SIZE = 24;
/** digest credentials: pairs, quotes not included */
export const CRED: Field[] = [
  ['CRED_SCHEME', 0, 'pair', 'Digest, or another scheme and nothing else'],
  ['CRED_USERNAME', 4, 'pair', 'username'],
  ['CRED_REALM', 8, 'pair', 'realm'],
  ['CRED_NONCE', 12, 'pair', 'nonce'],
  ['CRED_URI', 16, 'pair', 'digest-uri'],
  ['CRED_RESPONSE', 20, 'pair', 'response'],
  ['CRED_ALGORITHM', 24, 'pair', 'algorithm'],
  ['CRED_CNONCE', 28, 'pair', 'cnonce'],
  ['CRED_NC', 32, 'pair', 'nonce count'],
  ['CRED_QOP', 36, 'pair', 'qop'],
  ['CRED_OPAQUE', 40, 'pair', 'opaque'],
];
export const CRED_SIZE = 44;
/** readable bytes behind every message, so that scans may run over */
export const SLACK = 64;

/** bit and code constants by prefix: name -> value (doc in the comment beside it) */
export const CONSTS: Record<string, number> = {
  // index flags
  MF_FOLD: 1,
  MF_BARELF: 2,
  MF_CTL: 4,
  MF_NOEND: 8,
  MF_DUPCL: 16,
  MF_SHORT: 32,
  MF_TRAIL: 64,
  // lazy areas
  D_RURI: 1,
  D_FROM: 2,
  D_TO: 4,
  D_VIA: 8,
  D_CSEQ: 16,
  D_NURI: 32,
  D_SOFT: 64,
  D_FURI: 128,
  D_TURI: 256,
  // the key of its transaction was made of these bytes (wasm/modules/tm.ts)
  D_TMKEY: 4096,
  // status codes of the parser (returned negative, stored positive)
  ST_OK: 0,
  ST_EMPTY: 1,
  ST_FIRST_LINE: 2,
  ST_VERSION: 3,
  ST_STATUS: 4,
  ST_NO_COLON: 5,
  ST_HDR_NAME: 6,
  ST_MANY_HDRS: 7,
  ST_CONTENT_LENGTH: 8,
  ST_TOO_BIG: 9,
  ST_VIA: 10,
  ST_ADDR: 11,
  ST_CSEQ: 12,
  ST_URI: 13,
  ST_DUP_TAG: 14,
  ST_METHOD: 15,
  ST_MAX_FORWARDS: 16,
  ST_EXPIRES: 17,
  ST_CONTACT: 18,
  ST_MISSING: 19,
  ST_DUP_HEADER: 20,
  ST_CSEQ_METHOD: 21,
  ST_CREDENTIALS: 22,
  ST_ROUTE: 23,
  ST_NO_SLOT: 24,
  ST_NO_MEMORY: 25,
  ST_STALE: 26,
  ST_OVERLAP: 27,
  ST_SCHEME: 28,
  ST_DATE: 29,
  ST_NO_VIA: 30,
  // URI schemes
  SCHEME_OTHER: 0,
  SCHEME_SIP: 1,
  SCHEME_SIPS: 2,
  SCHEME_TEL: 3,
  SCHEME_URN: 4,
  // transports (Kamailio's numbers)
  PROTO_NONE: 0,
  PROTO_UDP: 1,
  PROTO_TCP: 2,
  PROTO_TLS: 3,
  PROTO_SCTP: 4,
  PROTO_WS: 5,
  PROTO_WSS: 6,
  PROTO_OTHER: 7,
  // what the script asked of the core
  MFL_FORCE_RPORT: 1,
  MFL_ADD_LOCAL_RPORT: 2,
  MFL_REPLY_NO_CONNECT: 4,
  MFL_REPLY_CLOSE: 8,
  MFL_FORWARD_NO_CONNECT: 16,
  MFL_FORWARD_CLOSE: 32,
  MFL_FINAL_REPLY: 64,
  MFL_DROP: 128,
  MFL_NO_REPLY: 256,
  MFL_CAN_DROP: 512,
  MFL_DELAYED_REPLY: 1024,
  // route kinds
  RK_NONE: 0,
  RK_REQUEST: 1,
  RK_REPLY: 2,
  RK_FAILURE: 3,
  RK_BRANCH: 4,
  RK_ONREPLY: 5,
  RK_BRANCH_FAILURE: 6,
  RK_ONSEND: 7,
  RK_EVENT: 8,
  RK_LOCAL: 9,
  // what tm knows of a message
  TMF_RETRANSMISSION: 1,
  TMF_SETTINGS: 2,
  TMF_ABSORBED: 4,
  // edit kinds
  EK_TEXT: 0,
  EK_REMOVE_HDR: 1,
  EK_ADD_HDR: 2,
  EK_REPLACE: 3,
  EK_BODY: 4,
  EK_RECORD_ROUTE: 5,
  // xval tags: what a function that returns xval hands back; the payload is in RET
  X_NULL: 0,
  X_INT: 1,
  X_STR: 2,
  X_TSTR: 3,
  X_TRUE: 4,
  X_FALSE: 5,
  X_LONG: 6,
  // parameter and return types in a descriptor
  T_NONE: 0,
  T_INT: 1,
  T_STR: 2,
  T_BOOL: 3,
  T_XVAL: 4,
  // descriptor flags
  F_HOST: 1,
  F_ASYNC: 2,
  F_INTERN_PV: 4,
  F_ANYTIME: 8,
  // PV numbers above this one are short-lived: nobody keeps them
  MAX_KEPT_PVS: 4096,
  // what hostCall returns besides a result
  HOST_SUSPEND: -0x7fffffff,
  HOST_ERROR: -0x7ffffffe,
  /** a quick function of the core leaves the call to its TypeScript function */
  NOT_QUICK: -0x7fffffff,
  // arity errors, told to the host: spec section 2
  ARG_NO_MSG: 0,
  ARG_NONE_GIVEN: 1,
  ARG_TOO_FEW: 2,
  ARG_TOO_MANY: 3,
  ARG_UNEXPECTED: 4,
  // results of running a route
  RUN_DONE: 0,
  RUN_SUSPENDED: 1,
  RUN_EXIT: 100,
  RUN_STRAY_YIELD: 101,
  RUN_MISSING: 102,
  // operations of compiled routing blocks (wasm/cfg/run.ts); the number of the instruction is in the upper 24 bits of their word
  OP_OUT: 0,
  OP_CALL0: 1,
  OP_CALL1: 2,
  OP_CALL2: 3,
  OP_CALL3: 4,
  OP_CALL4: 5,
  OP_HOST: 6,
  OP_JLE: 7,
  OP_JGT: 8,
  OP_JZ: 9,
  OP_JNZ: 10,
  OP_JUMP: 11,
  OP_LAST: 12,
  OP_ENTER: 13,
  OP_LEAVE: 14,
  OP_LEAVE_LAST: 15,
  OP_RETURN: 16,
  OP_EXIT: 17,
  OP_RC: 18,
  OP_INT: 19,
  OP_COMPARE: 20,
  OP_CHOOSE: 21,
  OP_PV_NULL: 22,
  OP_PV_EQUAL: 23,
  OP_PV_MATCH: 24,
  OP_CELL: 25,
  OP_CELL_EQUAL: 26,
  OP_CELL_SET: 27,
  OP_SWITCH: 28,
  // what a variable with a cell holds: a u32 of these, and a number behind it
  CELL_UNSET: 0,
  CELL_INT: 1,
  CELL_OTHER: 2,
  // what is made of a call's result: a code
  CF_BOOL: 1,
  CF_NONE: 2,
  // it is a command: its code is $rc, and 0 ends the run
  CF_COMMAND: 4,
  // its code is the value of the statement
  CF_LAST: 8,
  // it may leave the call to TypeScript: number of the closure in the next word
  CF_QUICK: 16,
  // how a run of routing blocks stops
  CFG_END: 0,
  CFG_LEAVE: 1,
  CFG_OUT: 2,
  CFG_BUDGET: 3,
  CFG_FULL: 4,
  // what the core and TypeScript share of a run
  CS_RC: 0,
  CS_END: 4,
  CS_LAST: 8,
  CS_BUDGET: 12,
  CS_FRAMES: 16,
  CS_DEPTH: 20,
  CS_AT: 24,
  CS_OUTER_RC: 28,
  // how received messages are taken (receiveSetup)
  RX_FORCE_RPORT: 1,
  RX_SL_FILTER: 2,
  RX_ASK_OWNERS: 4,
  // what becomes of one (msgTake); a request and a reply as in M_KIND
  TAKE_NONE: 0,
  TAKE_REQUEST: 1,
  TAKE_REPLY: 2,
  TAKE_OWNER: 3,
  // what is known of a target (uriTarget): its number 1..TG_COUNT, with TG_NEW when it is new there, or why there is none
  TG_COUNT: 1024,
  TG_NEW: 65536,
  TG_NAME: 0,
  TG_BAD_URI: -1,
  TG_NOT_SIP: -2,
  TG_BAD_TRANSPORT: -3,
  // its record (targetArea)
  TG_HOST: 0,
  TG_TRANSPORT: 8,
  TG_PORT: 16,
  TG_PROTO: 18,
  TG_SECURE: 19,
  // counters of what is received (receivedArea)
  RC_REQUESTS: 0,
  RC_REPLIES: 1,
  RC_KEEPALIVES: 2,
  RC_ACKS: 3,
  RC_METHODS: 4,
  // what Lua asks of the engine (engineCall)
  ENG_WRITE: 1,
  ENG_READ_FILE: 2,
  ENG_COMMAND: 3,
};
/** one export descriptor: 32 bytes */
export const DESC: Field[] = [
  ['DS_TARGET', 0, 'u32', 'table index of the AssemblyScript target, 0 for a host function'],
  ['DS_NPARAMS', 4, 'u8', 'declared parameters, 0..6'],
  ['DS_RET', 5, 'u8', 'T_* of the result'],
  ['DS_WORDS', 6, 'u8', 'i32 words of the arguments: 1 for an int, 2 for a str'],
  ['DS_FLAGS', 7, 'u8', 'F_* bits'],
  ['DS_TYPES', 8, 'u8[6]', 'T_INT or T_STR for each parameter'],
  ['DS_SHAPE', 16, 'u32', 'shape of the call, set by the dispatcher at registration'],
];
export const DESC_SIZE = 32;
export const MAX_EXPORTS = 2048;

/** method ids; a name that is not here has id 0. Compared case-sensitively (RFC 3261 7.1). */
export const METHODS = [
  '',
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'REGISTER',
  'OPTIONS',
  'SUBSCRIBE',
  'NOTIFY',
  'MESSAGE',
  'INFO',
  'PRACK',
  'UPDATE',
  'REFER',
  'PUBLISH',
  'KDMQ',
  'GET',
  'POST',
  'PUT',
  'DELETE',
];

/** header names with their compact form; the id is the position + 1, at most 95 */
export const HEADERS =
  'via:v from:f to:t call-id:i cseq max-forwards contact:m route record-route content-length:l content-type:c expires authorization proxy-authorization www-authenticate proxy-authenticate supported:k require proxy-require allow event:o user-agent server accept accept-language accept-encoding accept-contact:a reject-contact:j request-disposition:d content-encoding:e content-disposition content-language subject:s organization priority date unsupported rack rseq session-expires:x min-se refer-to:r referred-by:b replaces path service-route p-asserted-identity p-preferred-identity privacy remote-party-id diversion history-info identity:y retry-after warning subscription-state sip-if-match sip-etag allow-events:u reason join min-expires timestamp call-info alert-info in-reply-to reply-to authentication-info error-info p-charging-vector p-access-network-info security-client security-verify security-server geolocation mime-version identity-info:n'
    .split(' ')
    .map(pair => pair.split(':') as [name: string, compact?: string]);

/** Texts that the core writes: TEXT_<name> is the address, TEXT_<name>_LEN the length. */
export const TEXTS: Record<string, string> = {
  CRLF: '\r\n',
  SIP_VERSION: 'SIP/2.0',
  RECEIVED: ';received=',
  RPORT: ';rport=',
  TAG: ';tag=',
  CONTENT_LENGTH: 'Content-Length: ',
  HEX: '0123456789abcdef',
  EXPIRES: 'expires',
  DIGEST: 'digest',
  /** parameters of digest credentials, in the order of CRED_* */
  CREDENTIALS: 'username realm nonce uri response algorithm cnonce nc qop opaque',
};
