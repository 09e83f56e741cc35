/** Checks of credentials and users against the table of subscribers. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { type Awaitable, after, DbError, type DbRow } from '../../kemi/db.ts';
import type { Call } from '../../kemi/table.ts';
import { parseUri } from '../../kemi/uri.ts';
import {
  checkResponse,
  ERROR,
  HEX_LENGTH,
  ha1Of,
  INVALID_PASSWORD,
  isOwnIdentity,
  OK,
  type Pending,
  preAuth,
  type Side,
  USER_MISMATCH,
  USER_UNKNOWN,
} from '../auth/api.ts';
import { type MessageVars, varsOf } from '../pv/api.ts';
import { type AuthDbState, rowsOf } from './state.ts';

export type C = Call<AuthDbState>;

/** flags of auth_check() */
const CHECK_IDENTITY = 1;
const SKIP_ANONYMOUS = 2;

/** requests that may come with an anonymous From */
const ANONYMOUS: readonly number[] = [L.METHOD_INVITE, L.METHOD_BYE, L.METHOD_PRACK, L.METHOD_UPDATE, L.METHOD_MESSAGE];

/** flags of is_subscriber() */
const WITH_DOMAIN = 1;
const NOTHING_LOADED = 2;
const NOT_FOUND = -2;

/** @param flags of auth_check()  @param method that the client signed, the request's when absent */
export function authenticate(
  call: C,
  side: Side,
  realm: ByteStr,
  table: ByteStr,
  flags = 0,
  method?: ByteStr,
): Awaitable<number> {
  const { state, host } = call;
  const { db } = state;
  if (!realm || !table || !db) {
    const what = realm ? (table ? 'there is no db_url' : 'the table is empty') : 'the realm is empty';
    host.log.error({ realm, table }, `Cannot authenticate: ${what}`);
    return ERROR;
  }
  const pending = preAuth(call, state.auth, realm, side);
  if (typeof pending === 'number') return pending;
  const vars = varsOf(host);
  const domain = state.useDomain ? (pending.domain ?? pending.realm) : undefined;
  const attempt = (): Awaitable<number> => {
    const passwords = passwordColumns(state, pending, table);
    const columns = new Set([...passwords, ...state.loads.map(l => l.column)]);
    return after(rowsOf(state, db, table, [...columns], pending.user, domain), ([row]) => {
      if (!row) return USER_UNKNOWN;
      const ha1 = ha1From(state, pending, row, passwords);
      const code = ha1 === undefined ? INVALID_PASSWORD : checkResponse(state.auth, pending, ha1, method);
      if (code === OK || state.forceLoad) load(state, vars, row);
      return code === OK ? checkIdentity(state, pending, flags) : code;
    });
  };
  return query(state, () =>
    orElse(attempt, error => {
      // A table of Kamailio's, without our columns: once more without them.
      if (
        !(error instanceof DbError && error.reason === 'missing') ||
        passwordColumns(state, pending, table).length < 2
      )
        throw error;
      state.withoutSha256.add(table);
      return attempt();
    }),
  );
}

/** Runs an attempt that may fail at once or later. */
function orElse(attempt: () => Awaitable<number>, failed: (error: unknown) => Awaitable<number>): Awaitable<number> {
  try {
    const result = attempt();
    return result instanceof Promise ? result.catch(failed) : result;
  } catch (error) {
    return failed(error);
  }
}

function checkIdentity(state: AuthDbState, pending: Pending, flags: number): number {
  if (!(flags & CHECK_IDENTITY)) return OK;
  if (flags & SKIP_ANONYMOUS && ANONYMOUS.includes(pending.msg.methodId)) return OK;
  return isOwnIdentity(pending, state.useDomain) ? OK : USER_MISMATCH;
}

/** Columns that can say what the password is, the better one first. */
function passwordColumns(state: AuthDbState, { algorithm, domain }: Pending, table: ByteStr): string[] {
  if (state.calculateHa1) return [state.passwordColumn];
  const column = domain === undefined ? state.passwordColumn : state.passwordColumn2;
  const sha256 = domain === undefined ? state.sha256Column : state.sha256Column2;
  return algorithm === 'SHA-256' && sha256 && !state.withoutSha256.has(table) ? [sha256, column] : [column];
}

/** @returns undefined when the row has nothing to compare with: an empty password lets nobody in */
function ha1From(state: AuthDbState, pending: Pending, row: DbRow, columns: readonly string[]): ByteStr | undefined {
  const { algorithm, credentials, realm, host } = pending;
  for (const column of columns) {
    const value = row[column];
    if (value === null || value === undefined || value === '') continue;
    if (state.calculateHa1) return ha1Of(host, algorithm, credentials.username, realm, String(value));
    if (String(value).length === HEX_LENGTH[algorithm]) return String(value);
  }
  return undefined;
}

export function isSubscriber(call: C, uri: ByteStr, table: ByteStr, flags: number): Awaitable<number> {
  const { state, host } = call;
  const { db } = state;
  const parts = parseUri(host.core, uri);
  if (!parts || !table || !db) {
    const what = parts ? (table ? 'there is no db_url' : 'the table is empty') : 'the URI does not parse';
    host.log.error({ uri, table }, `Cannot look for a subscriber: ${what}`);
    return ERROR;
  }
  if (!parts.user) return NOT_FOUND;
  const { user } = parts;
  const vars = varsOf(host);
  const loads = flags & NOTHING_LOADED ? [] : state.loads;
  const domain = flags & WITH_DOMAIN ? parts.host : undefined;
  return query(state, () => {
    const columns = new Set([state.userColumn, ...loads.map(l => l.column)]);
    return after(rowsOf(state, db, table, [...columns], user, domain), ([row]) => {
      if (!row) return NOT_FOUND;
      if (loads.length) load(state, vars, row);
      return OK;
    });
  });
}

function load({ loads }: AuthDbState, { avps }: MessageVars, row: DbRow): void {
  for (const { column, avp } of loads) {
    const value = row[column];
    if (value !== null && value !== undefined) avps.set(avp, [value, ...(avps.get(avp) ?? [])]);
  }
}

/** Runs queries; a failure of the database is logged and -1. */
function query(state: AuthDbState, run: () => Awaitable<number>): Awaitable<number> {
  return orElse(run, error => {
    state.host.log.error({ err: error }, `Cannot query subscribers: ${(error as Error).message}`);
    return ERROR;
  });
}
