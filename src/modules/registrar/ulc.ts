/** reg_fetch_contacts() and $ulc: a copy of the contacts of an address of record, to look at. A profile belongs to its message. */
import type { ByteStr } from '../../core/memory.ts';
import { coreHash } from '../../kemi/core-hash.ts';
import type { Awaitable } from '../../kemi/db.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import type { PvArgs, PvClass } from '../../kemi/pv-types.ts';
import type { Call, XVal } from '../../kemi/table.ts';
import type { Contact, UserRecord } from '../usrloc/api.ts';
import { loggedAor } from './aor.ts';
import { type C, onMessage, onTable } from './state.ts';

interface Profile {
  readonly aor: ByteStr;
  readonly domain: ByteStr;
  readonly contacts: readonly Readonly<Contact>[];
}

const KEY = Symbol('ulc');

function profilesOf(host: ModuleHost): Map<ByteStr, Profile> {
  let profiles = host.perMessage.get(KEY) as Map<ByteStr, Profile> | undefined;
  if (!profiles) host.perMessage.set(KEY, (profiles = new Map()));
  return profiles;
}

/** Fills a profile with copies. */
export function fillUlc(
  host: ModuleHost,
  name: ByteStr,
  { aor, domain }: UserRecord,
  contacts: readonly Contact[],
): void {
  profilesOf(host).set(name, { aor, domain, contacts: contacts.map(c => ({ ...c })) });
}

/** @returns 1 filled; -1 nobody is registered, no such table, or the URI has no address of record */
export function fetchContacts(call: C, table: ByteStr, uri: ByteStr, name: ByteStr): Awaitable<number> {
  const { state, host, msg } = call;
  return onTable({ state, host, msg }, table, -1, -1, () => {
    profilesOf(host).delete(name);
    const aor = loggedAor(state, msg, uri);
    if (aor === undefined) return -1;
    return onMessage(host, msg, state.usrloc.record(table, aor), record => {
      const now = state.now();
      const valid = record?.contacts.filter(c => state.usable(c, now)) ?? [];
      if (!record || valid.length === 0) return -1;
      fillUlc(host, name, record, valid);
      return 1;
    });
  });
}

export function freeContacts(host: ModuleHost, name: ByteStr): void {
  profilesOf(host).delete(name);
}

const OF_RECORD: Readonly<Record<string, (profile: Profile) => XVal>> = {
  aor: p => p.aor,
  domain: p => p.domain,
  aorhash: p => coreHash(p.aor),
  count: p => p.contacts.length,
};
const OF_CONTACT: Readonly<Record<string, (contact: Readonly<Contact>) => XVal>> = {
  addr: c => c.uri,
  path: c => c.path ?? '',
  received: c => c.received ?? '',
  expires: c => c.expires,
  callid: c => c.callId,
  q: c => c.q,
  cseq: c => c.cseq,
  flags: c => c.flags,
  cflags: c => c.cflags,
  user_agent: c => c.userAgent,
  socket: c => c.socket ?? null,
  modified: c => c.lastModified,
  methods: c => c.methods,
  ruid: c => c.ruid,
  regid: c => c.regId,
  instance: c => c.instance ?? null,
  conid: c => c.connectionId || null,
  server_id: c => c.serverId,
};

const split = (inner: ByteStr): [profile: ByteStr, attribute: ByteStr] => {
  const arrow = inner.indexOf('=>');
  return arrow < 0 ? [inner, ''] : [inner.slice(0, arrow).trim(), inner.slice(arrow + 2).trim()];
};

export const ulcPv: PvClass = {
  name: 'ulc',
  inner: 'required',
  indexed: true,
  anytime: true,
  doc: '$ulc(profile=>attribute), $(ulc(profile=>attribute)[index]): a contact that reg_fetch_contacts() fetched. Attributes: aor domain aorhash count addr path received expires callid q cseq flags cflags user_agent socket modified methods ruid regid instance conid server_id',
  check: inner => {
    const [profile, attribute] = split(inner);
    if (profile && (attribute in OF_RECORD || attribute in OF_CONTACT)) return undefined;
    return `"${inner}" is not of the form profile=>attribute`;
  },
  get: ({ host }: Call<unknown>, { inner, index }: PvArgs): XVal => {
    const [name, attribute] = split(inner);
    const profile = profilesOf(host).get(name);
    if (!profile) return null;
    const contact = profile.contacts[typeof index === 'number' && index > 0 ? index : 0];
    if (!contact) return null;
    return OF_RECORD[attribute]?.(profile) ?? OF_CONTACT[attribute]?.(contact) ?? null;
  },
};
