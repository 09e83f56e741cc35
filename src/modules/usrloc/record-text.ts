/** A record as a text, for memory that several runtimes share: JSON, whose strings are byte strings here. */
import type { ByteStr } from '../../core/memory.ts';
import { XavpList, type XavpValue } from '../pv/api.ts';
import { Contact, UserRecord } from './contact.ts';

type Attributes = readonly (readonly [name: ByteStr, value: number | ByteStr | Attributes])[];
type Row = readonly [
  ruid: ByteStr,
  uri: ByteStr,
  expires: number,
  q: number,
  callId: ByteStr,
  cseq: number,
  flags: number,
  cflags: number,
  methods: number,
  userAgent: ByteStr,
  received: ByteStr | null,
  path: ByteStr | null,
  socket: ByteStr | null,
  instance: ByteStr | null,
  regId: number,
  serverId: number,
  connectionId: number,
  lastModified: number,
  lastKeepalive: number,
  roundTripUs: number,
  state: number,
  xavp: Attributes | 0,
];

export function textOf(record: UserRecord): ByteStr {
  const rows: Row[] = record.contacts.map(c => [
    c.ruid,
    c.uri,
    c.expires,
    c.q,
    c.callId,
    c.cseq,
    c.flags,
    c.cflags,
    c.methods,
    c.userAgent,
    c.received ?? null,
    c.path ?? null,
    c.socket ?? null,
    c.instance ?? null,
    c.regId,
    c.serverId,
    c.connectionId,
    c.lastModified,
    c.lastKeepalive,
    c.roundTripUs,
    c.state,
    c.xavp ? attributesOf(c.xavp) : 0,
  ]);
  return JSON.stringify(rows);
}

/** A record of the caller's own: what it changes in it nobody sees. */
export function recordOf(domain: ByteStr, aor: ByteStr, text: ByteStr): UserRecord {
  const record = new UserRecord(domain, aor);
  const rows = JSON.parse(text) as Row[];
  for (const row of rows) {
    const contact = new Contact(record, row[0], {
      uri: row[1],
      expires: row[2],
      q: row[3],
      callId: row[4],
      cseq: row[5],
      flags: row[6],
      cflags: row[7],
      methods: row[8],
      userAgent: row[9],
      received: row[10] ?? undefined,
      path: row[11] ?? undefined,
      socket: row[12] ?? undefined,
      instance: row[13] ?? undefined,
      regId: row[14],
      serverId: row[15],
      connectionId: row[16],
      lastModified: row[17],
      xavp: row[21] === 0 ? undefined : listOf(row[21]),
    });
    contact.lastKeepalive = row[18];
    contact.roundTripUs = row[19];
    contact.state = row[20];
    record.insert(record.size, contact);
  }
  return record;
}

function attributesOf(list: XavpList): Attributes {
  return list.items.map(({ name, value }) => [name, value instanceof XavpList ? attributesOf(value) : value]);
}

function listOf(attributes: Attributes): XavpList {
  const list = new XavpList();
  for (const [name, value] of attributes) {
    const own: XavpValue = typeof value === 'object' ? listOf(value) : value;
    list.append(name, own);
  }
  return list;
}
