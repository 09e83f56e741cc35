/** registered(): whether anybody is there, and unregister(): that nobody is. */
import type { ByteStr } from '../../core/memory.ts';
import type { Awaitable } from '../../kemi/db.ts';
import { type Contact, DB_ONLY } from '../usrloc/api.ts';
import { loggedAor } from './aor.ts';
import { type C, onMessage, onTable, type RegistrarState } from './state.ts';
import { pushAttributes, pushRecord } from './xavps.ts';

const MATCH_CALLID = 1;
const MATCH_RECEIVED = 2;
const MATCH_CONTACT = 4;
const ACTION_ATTRIBUTES = 1;
const ACTION_NO_RECORD = 2;

function matches(state: RegistrarState, contact: Contact, flags: number): boolean {
  const wants = (bit: number, name: ByteStr, value: ByteStr | undefined): boolean => {
    const wanted = flags & bit ? state.config(name) : undefined;
    return typeof wanted !== 'string' || wanted === '' || wanted === value;
  };
  return (
    wants(MATCH_CALLID, 'match_callid', contact.callId) &&
    wants(MATCH_RECEIVED, 'match_received', contact.received) &&
    wants(MATCH_CONTACT, 'match_contact', contact.uri)
  );
}

/** @param uri '' for the request URI, of a reply the To URI */
export function registered(call: C, table: ByteStr, uri: ByteStr, flags: number, action: number): Awaitable<number> {
  const { state, host, msg } = call;
  return onTable({ state, host, msg }, table, -1, -1, () => {
    const aor = loggedAor(state, msg, uri || (msg.isReply ? (msg.to?.uri ?? '') : undefined));
    if (aor === undefined) return -1;
    return onMessage(host, msg, state.usrloc.record(table, aor), record => {
      const now = state.now();
      const callId = state.callidAvp();
      const contact = record?.contacts.find(
        c => state.usable(c, now) && (callId === undefined || c.callId === callId) && matches(state, c, flags),
      );
      if (!contact) return -1;
      if (action & ACTION_ATTRIBUTES) pushAttributes(state, [contact]);
      if (!(action & ACTION_NO_RECORD)) pushRecord(state, contact);
      return 1;
    });
  });
}

const DONE = 1;
const BAD_URI = -1;
const NOT_DONE = -2;
const NOT_FOUND = -3;

/** @param ruid of one contact; undefined for all */
export function unregister(call: C, table: ByteStr, uri: ByteStr, ruid: ByteStr | undefined): Awaitable<number> {
  const { state, host, msg } = call;
  const { usrloc } = state;
  const own: C = { state, host, msg };
  return onTable(own, table, BAD_URI, NOT_DONE, () => {
    if (uri === '' && ruid && usrloc.dbMode === DB_ONLY)
      return onMessage(host, msg, usrloc.byRuid(table, ruid), contact =>
        contact ? removeFrom(own, table, contact.record.aor, ruid) : NOT_FOUND,
      );
    const aor = loggedAor(state, msg, uri);
    return aor === undefined ? BAD_URI : removeFrom(own, table, aor, ruid);
  });
}

function removeFrom(
  { state, host, msg }: C,
  table: ByteStr,
  aor: ByteStr,
  ruid: ByteStr | undefined,
): Awaitable<number> {
  const { usrloc } = state;
  return usrloc.exclusive(table, aor, () =>
    onMessage(host, msg, usrloc.record(table, aor), record => {
      const contacts = (record?.contacts ?? []).filter(c => ruid === undefined || c.ruid === ruid);
      if (contacts.length === 0) return ruid === undefined ? DONE : NOT_FOUND;
      const changes = contacts.map(contact => ({ do: 'delete' as const, contact }));
      return onMessage(host, msg, usrloc.change(table, aor, record, changes), done =>
        done === false ? NOT_DONE : DONE,
      );
    }),
  );
}
