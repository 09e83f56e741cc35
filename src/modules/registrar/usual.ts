/**
 * save() of what most phones send: one contact that comes or stays, read by the core in one go (wasm/modules/registrar.ts). It comes to what save.ts would
 * do with the same request, with a fifth of the steps; all else is left to that one, before anything was changed.
 */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr, Memory } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { type Awaitable, DbError } from '../../kemi/db.ts';
import { type Binding, type Contact, UserRecord, type Usrloc } from '../usrloc/api.ts';
import { accept, answerPlain, isPlain, send } from './reply.ts';
import { type RegistrarState, withMessage } from './state.ts';

export const SAVE_EXACT_EXPIRES = 8;
export const INSERTED = 1;
export const UPDATED = 2;
/** what is stored for a phone that does not say what it is */
export const NO_USER_AGENT = 'n/a';
/** from so many contacts on it is looked whether a reply can list them all: a datagram holds 64 KiB */
export const MANY = 32;

// what registerRead() gives
const R_AOR = 0;
const R_URI = 8;
const R_CALL_ID = 16;
const R_USER_AGENT = 24;
const R_INSTANCE = 32;
const R_SECONDS = 40;
const R_CSEQ = 44;
const R_METHODS = 48;
const R_Q = 52;
const R_REG_ID = 56;

/** @returns as save(); undefined when the request is none of the usual, or asks for what is refused: nothing was done */
export function saveUsual(
  state: RegistrarState,
  msg: SipMsg,
  table: ByteStr,
  flags: number,
): Awaitable<number | undefined> {
  const { usrloc } = state;
  if (!state.usual || (flags | SAVE_EXACT_EXPIRES) !== SAVE_EXACT_EXPIRES || !usrloc.isOpen(table)) return undefined;
  const { mem, core } = msg;
  const read: number = core.x.registerRead(msg.at, state.wants);
  if (read === 0 || mem.i32(read + R_SECONDS) === 0 || mem.u32(read + R_URI + 4) > state.settings.contactMaxSize)
    return undefined;
  const aor = mem.str(mem.u32(read + R_AOR), mem.u32(read + R_AOR + 4));
  if (!usrloc.shared) return store(state, msg, table, aor, read);
  try {
    return usrloc.exclusive(table, aor, () =>
      withMessage(state.host, msg, () => store(state, msg, table, aor, core.x.registerRead(msg.at, state.wants))),
    );
  } catch (error) {
    // another worker is busy with it for too long: save.ts says so
    if (error instanceof DbError) return undefined;
    throw error;
  }
}

/** @param read what registerRead() gave just now */
function store(state: RegistrarState, msg: SipMsg, table: ByteStr, aor: ByteStr, read: number): number | undefined {
  const { settings, usrloc } = state;
  const { mem } = msg;
  const record = usrloc.record(table, aor);
  if (record !== undefined && !(record instanceof UserRecord)) return undefined;
  const uriAt = mem.u32(read + R_URI);
  const uriLength = mem.u32(read + R_URI + 4);
  const before = record?.at(0);
  const uri = textAt(mem, uriAt, uriLength, before?.uri);
  const callId = textAt(mem, mem.u32(read + R_CALL_ID), mem.u32(read + R_CALL_ID + 4), before?.callId);
  const cseq = mem.u32(read + R_CSEQ);
  const instanceLength = mem.u32(read + R_INSTANCE + 4);
  const instance =
    instanceLength === 0 ? undefined : textAt(mem, mem.u32(read + R_INSTANCE), instanceLength, before?.instance);
  const regId = mem.i32(read + R_REG_ID);
  const known = record && findKnown(usrloc, record, uri, callId, undefined, instance, regId);
  if (known ? known.callId === callId && cseq <= known.cseq : settings.maxContacts > 0) return undefined;
  if (record && record.size >= MANY) return undefined;

  const agentLength = mem.u32(read + R_USER_AGENT + 4);
  const asked = mem.i32(read + R_SECONDS);
  const q = mem.i32(read + R_Q);
  const now = state.now();
  let seconds = asked < 0 ? settings.defaultExpiresSec : asked;
  if (seconds < settings.minExpiresSec) seconds = settings.minExpiresSec;
  if (settings.maxExpiresSec > 0 && seconds > settings.maxExpiresSec) seconds = settings.maxExpiresSec;
  const binding: Binding = {
    uri,
    expires: now + seconds,
    q: state.qOverride(msg) ?? (q < 0 ? settings.defaultQ : q),
    callId,
    cseq,
    flags: 0,
    cflags: msg.u32(L.M_BFLAGS),
    methods: mem.i32(read + R_METHODS),
    userAgent: agentLength === 0 ? NO_USER_AGENT : state.shared(mem.str(mem.u32(read + R_USER_AGENT), agentLength)),
    // from here on the core may be called, and `read` is stale
    received: state.receivedAvp(),
    path: undefined,
    socket: state.sockets[msg.socket],
    instance,
    regId,
    serverId: 0,
    connectionId: msg.u32(L.M_CONID),
    lastModified: now,
    xavp: undefined,
  };
  const put = usrloc.put(table, aor, record, known, binding);
  if (!put) return undefined;
  state.accepted++;
  const sent =
    put.size === 1 && seconds > 0 && isPlain(state, put.at(0)!, uri)
      ? answerPlain(state, msg, uriAt, uriLength, seconds)
      : send(state, msg, accept(state, msg, put, undefined, false));
  return sent === 1 ? (known ? UPDATED : INSERTED) : -1;
}

/** The stored contact that one of a REGISTER means: a phone with an instance is known by it, others by modparam matching_mode. */
export function findKnown(
  usrloc: Usrloc,
  record: UserRecord,
  uri: ByteStr,
  callId: ByteStr,
  path: ByteStr | undefined,
  instance: ByteStr | undefined,
  regId: number,
): Contact | undefined {
  if (instance === undefined) return usrloc.find(record, uri, callId, path);
  for (let i = 0, { size } = record; i < size; i++) {
    const contact = record.at(i)!;
    if (contact.instance === instance && contact.regId === regId) return contact;
  }
  return undefined;
}

/** The bytes at an address as a text; `known` when it is the same: most phones come back as they were, and looking is cheaper than making. */
function textAt(mem: Memory, at: number, length: number, known: ByteStr | undefined): ByteStr {
  if (known === undefined || known.length !== length) return mem.str(at, length);
  const { u8 } = mem;
  for (let i = 0; i < length; i++) if (known.charCodeAt(i) !== u8[at + i]) return mem.str(at, length);
  return known;
}
