/** ul.* commands, with Kamailio's names, answers and error texts. */
import type { ByteStr } from '../../core/memory.ts';
import { RpcError } from '../../errors.ts';
import { coreHash } from '../../kemi/core-hash.ts';
import { DbError } from '../../kemi/db.ts';
import type { RpcCommand } from '../../kemi/table.ts';
import { socketOf } from '../pv/api.ts';
import { type Binding, type Contact, CS_DIRTY, CS_NEW, Q_NONE, type UserRecord } from './contact.ts';
import { DB_BACK, DB_NONE, DB_THROUGH } from './db-mode.ts';
import type { Registry } from './registry.ts';

const RPC_CALL_ID = 'rpc@kemi-wasm';
const RPC_USER_AGENT = 'kemi-wasm RPC';

const shown = (value: ByteStr | undefined): ByteStr => value || '[not set]';
const STATES: Readonly<Record<number, string>> = { [CS_NEW]: 'CS_NEW', [CS_DIRTY]: 'CS_DIRTY' };

function expiresOf({ expires }: Contact, now: number): number | string {
  if (expires === 0) return 'permanent';
  return expires <= now ? 'expired' : expires - now;
}

function contactOf(location: Registry, c: Contact): object {
  return {
    Contact: {
      Address: c.uri,
      Expires: expiresOf(c, location.now()),
      Q: c.q === Q_NONE ? -1 : c.q / 1000,
      'Call-ID': c.callId,
      CSeq: c.cseq,
      'User-Agent': shown(c.userAgent),
      Received: shown(c.received),
      Path: shown(c.path),
      State: STATES[c.state] ?? 'CS_SYNC',
      Flags: c.flags,
      CFlags: c.cflags,
      Socket: shown(c.socket),
      Methods: c.methods >>> 0,
      Ruid: c.ruid,
      Instance: shown(c.instance),
      'Reg-Id': c.regId,
      'Server-Id': c.serverId,
      'Tcpconn-Id': c.connectionId || -1,
      Keepalive: location.natFlag && c.cflags & location.natFlag ? 1 : 0,
      'Last-Keepalive': c.lastKeepalive,
      'KA-Roundtrip': c.roundTripUs,
      'Last-Modified': c.lastModified,
    },
  };
}

const text = (value: unknown): ByteStr => String(value ?? '').replace(/^s:/, '');

/** The address of record as it is stored: only ASCII letters have a case, other bytes are parts of characters. */
function aorOf(location: Registry, value: unknown): ByteStr {
  const aor = text(value);
  const at = aor.indexOf('@');
  const own = location.useDomain || at < 0 ? aor : aor.slice(0, at);
  return location.caseSensitive ? own : own.replace(/[A-Z]+/g, letters => letters.toLowerCase());
}

function tableOf(location: Registry, params: readonly unknown[], wants: number, missing: string) {
  if (params.length < wants) throw new RpcError(500, `Not enough parameters ${missing}`);
  const table = location.tables.get(text(params[0]));
  if (!table) throw new RpcError(500, 'Domain table not found');
  return table;
}

/** a value that '0' and '.' leave out */
function optional(value: unknown): ByteStr | undefined {
  const given = text(value);
  return given === '' || given === '0' || given === '.' ? undefined : given;
}

function failed(result: UserRecord | undefined | false): void {
  if (result === false) throw new RpcError(500, 'Cannot store the change');
}

async function add(location: Registry, isSocket: (text: ByteStr) => boolean, params: readonly unknown[]) {
  if (params.length < 9) throw new RpcError(500, 'Not enough parameters or wrong format');
  const table = tableOf(location, params, 9, '');
  const [, , uri, expires, q, path, flags, cflags, methods, received, socket] = params;
  const seconds = Number(expires);
  const share = Number(q);
  const bits = [flags, cflags, methods].map(Number);
  if (![seconds, ...bits].every(n => Number.isInteger(n) && n >= 0) || !(share >= -1 && share <= 1) || !uri)
    throw new RpcError(500, 'Not enough parameters or wrong format');
  const now = location.now();
  const aor = aorOf(location, params[1]);
  const own = optional(socket);
  const binding: Binding = {
    uri: text(uri),
    expires: seconds === 0 ? 0 : now + seconds,
    q: share < 0 ? Q_NONE : Math.round(share * 1000),
    callId: RPC_CALL_ID,
    cseq: 1,
    flags: bits[0]! >>> 0,
    cflags: bits[1]! >>> 0,
    methods: bits[2]! | 0,
    userAgent: RPC_USER_AGENT,
    received: optional(received),
    path: optional(path),
    socket: own !== undefined && isSocket(own) ? own : undefined,
    instance: undefined,
    regId: 0,
    serverId: 0,
    connectionId: 0,
    lastModified: now,
    xavp: undefined,
  };
  const result = await location.exclusive(table.name, aor, async () => {
    const record = await recordOf(location, table.name, aor);
    const contact = record?.contacts.find(c => c.uri === binding.uri);
    return location.change(table.name, aor, record, [
      contact ? { do: 'update', contact, binding } : { do: 'insert', binding, ruid: location.rpcRuid() },
    ]);
  });
  failed(result);
  return {};
}

/** @throws RpcError when the database fails */
async function recordOf(location: Registry, table: ByteStr, aor: ByteStr): Promise<UserRecord | undefined> {
  try {
    return await location.record(table, aor);
  } catch (error) {
    if (!(error instanceof DbError)) throw error;
    throw new RpcError(500, `Cannot read the database: ${error.message}`);
  }
}

/** Removes the contacts of an address of record that `which` picks. */
async function remove(location: Registry, table: ByteStr, aor: ByteStr, which?: (c: Contact) => boolean) {
  await location.exclusive(table, aor, async () => {
    const record = await recordOf(location, table, aor);
    if (!record && which) throw new RpcError(404, 'AOR not found');
    const contacts = (record?.contacts ?? []).filter(c => !which || which(c));
    if (which && contacts.length === 0) throw new RpcError(404, 'Contact not found');
    failed(
      await location.change(
        table,
        aor,
        record,
        contacts.map(contact => ({ do: 'delete', contact })),
      ),
    );
  });
  return {};
}

/** A command that counts rows of a table. */
function counting(name: string, doc: string, what: 'users' | 'contacts' | 'expired', failure: string) {
  return {
    name,
    doc,
    run: async ({ state }, params) => {
      if (state.dbMode === DB_NONE || !state.store)
        throw new RpcError(500, `Command is not supported in db_mode=${state.dbMode}`);
      if (params.length < 1) throw new RpcError(500, 'Not enough parameters (table to lookup)');
      try {
        return (await state.store.counts(text(params[0]), state.now()))[what];
      } catch {
        throw new RpcError(500, failure);
      }
    },
  } satisfies RpcCommand<Registry>;
}

export const usrlocRpc: readonly RpcCommand<Registry>[] = [
  {
    name: 'ul.dump',
    doc: 'Returns all contacts in memory by table and address of record; "brief": the addresses of record only.',
    run: ({ state }, params) => {
      const brief = params[0] === 'brief';
      const { slots } = state.settings;
      return {
        Domains: [...state.tables.values()].map(table => {
          const records = table.bySlot(slots);
          const perSlot = new Map<number, number>();
          for (const { aor } of records) {
            const slot = (coreHash(aor) & (slots - 1)) >>> 0;
            perSlot.set(slot, (perSlot.get(slot) ?? 0) + 1);
          }
          return {
            Domain: {
              Domain: table.name,
              Size: slots,
              AoRs: records.map(({ aor, contacts }) =>
                brief
                  ? { AoR: aor }
                  : {
                      Info: {
                        AoR: aor,
                        HashID: coreHash(aor),
                        Contacts: contacts.map(c => contactOf(state, c)),
                      },
                    },
              ),
              Stats: { Records: records.length, 'Max-Slots': Math.max(0, ...perSlot.values()) },
            },
          };
        }),
      };
    },
  },
  {
    name: 'ul.lookup',
    doc: 'Returns the contacts of one address of record: table, address of record.',
    run: async ({ state }, params) => {
      const table = tableOf(state, params, 2, '(table and AOR to lookup)');
      const aor = aorOf(state, params[1]);
      const record = await recordOf(state, table.name, aor);
      if (!record) throw new RpcError(500, 'AOR not found in location table');
      const now = state.now();
      const valid = record.contacts.filter(c => c.expires === 0 || c.expires > now);
      if (valid.length === 0) throw new RpcError(500, 'AOR has no contacts');
      return { AoR: aor, Contacts: valid.map(c => contactOf(state, c)) };
    },
  },
  {
    name: 'ul.add',
    doc: 'Adds a contact: table, address of record, contact, seconds (0 for ever), q, path, flags, cflags, methods, received, socket; 0 or . for what is not set.',
    run: ({ state, host }, params) => add(state, socket => socketOf(host, socket) !== undefined, params),
  },
  {
    name: 'ul.rm',
    doc: 'Removes an address of record with all its contacts: table, address of record.',
    run: ({ state }, params) => {
      const table = tableOf(state, params, 2, '(table and AOR to lookup)');
      return remove(state, table.name, aorOf(state, params[1]));
    },
  },
  {
    name: 'ul.rm_contact',
    doc: 'Removes one contact: table, address of record, contact.',
    run: ({ state }, params) => {
      const table = tableOf(state, params, 3, '(table, AOR and contact)');
      const uri = text(params[2]);
      return remove(state, table.name, aorOf(state, params[1]), c => c.uri === uri);
    },
  },
  {
    name: 'ul.flush',
    doc: 'Writes to the database what it does not know yet (db_mode 1 and 2).',
    run: async ({ state }) => {
      if (state.dbMode === DB_THROUGH || state.dbMode === DB_BACK) await state.flush();
      return {};
    },
  },
  counting(
    'ul.db_users',
    'Returns how many addresses of record a table has in the database.',
    'users',
    'Failed to query AoR count',
  ),
  counting(
    'ul.db_contacts',
    'Returns how many valid contacts a table has in the database.',
    'contacts',
    'Failed to query contact count',
  ),
  counting(
    'ul.db_expired_contacts',
    'Returns how many expired contacts a table has in the database.',
    'expired',
    'Failed to query contact count',
  ),
];
