/** What module auth_db is configured to, and its queries. */
import type { ByteStr } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import { type Awaitable, type Database, type DbCondition, DbError, type DbRow, plainName } from '../../kemi/db.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import type { ModParamValues } from '../../kemi/table.ts';
import type { AuthState } from '../auth/api.ts';
import { avpKey, type PvState } from '../pv/api.ts';

/** A column that ends up in an AVP. */
export interface LoadedColumn {
  readonly column: string;
  /** key of the AVP, as module pv has it */
  readonly avp: ByteStr;
}

export interface AuthDbState {
  readonly host: ModuleHost;
  readonly auth: AuthState;
  /** undefined without db_url: then no user exists, and each use is an error */
  readonly db: Database | undefined;
  readonly userColumn: string;
  readonly domainColumn: string;
  readonly passwordColumn: string;
  readonly passwordColumn2: string;
  /** H(A1) with SHA-256; '' for none */
  readonly sha256Column: string;
  readonly sha256Column2: string;
  /** tables that have no columns for SHA-256: Kamailio's own have none */
  readonly withoutSha256: Set<ByteStr>;
  readonly calculateHa1: boolean;
  readonly useDomain: boolean;
  readonly loads: readonly LoadedColumn[];
  readonly forceLoad: boolean;
}

/** Layout of table subscriber that this module knows. */
const SUBSCRIBER_VERSION = 7;

/** @throws KemiError KEMI_ERR_CONFIG */
export function createState(host: ModuleHost, params: ModParamValues): AuthDbState {
  const auth = host.module<AuthState>('auth');
  const pv = host.module<PvState>('pv');
  if (!auth || !pv)
    throw new KemiError('KEMI_ERR_CONFIG', `Cannot use module auth_db: module ${auth ? 'pv' : 'auth'} is not loaded`);
  const name = (param: string, mayBeEmpty = false) => {
    const value = (params[param] as ByteStr | undefined) ?? '';
    if (value || !mayBeEmpty) checkName(param, value);
    return value;
  };
  const url = params.db_url as ByteStr | undefined;
  const db = url ? host.database(url) : undefined;
  if (db && params.version_table !== 0) checkVersion(host, db);
  return {
    host,
    auth,
    db,
    userColumn: name('user_column'),
    domainColumn: name('domain_column'),
    passwordColumn: name('password_column'),
    passwordColumn2: name('password_column_2'),
    sha256Column: name('password_column_sha256', true),
    sha256Column2: name('password_column_2_sha256', true),
    withoutSha256: new Set(),
    calculateHa1: params.calculate_ha1 !== 0,
    useDomain: params.use_domain !== 0,
    loads: readLoads(pv, (params.load_credentials as ByteStr | undefined) ?? ''),
    forceLoad: params.force_generate_avps !== 0,
  };
}

function checkName(param: string, value: string): void {
  try {
    plainName(value);
  } catch {
    throw new KemiError('KEMI_ERR_CONFIG', `Cannot set modparam auth_db.${param} to "${value}": no name of a column`);
  }
}

/** `$avp(name)=column;column` */
function readLoads(pv: PvState, text: ByteStr): LoadedColumn[] {
  return text
    .split(';')
    .map(part => part.trim())
    .filter(part => part)
    .map(part => {
      const match = /^(?:\$avp\(\s*([^()]+?)\s*\)\s*=\s*)?(\w+)$/.exec(part);
      const avp = match ? avpKey(pv, match[1] ?? match[2]!) : undefined;
      if (!match || avp === undefined)
        throw new KemiError(
          'KEMI_ERR_CONFIG',
          `Cannot set modparam auth_db.load_credentials: "${part}" is not column or $avp(name)=column`,
        );
      checkName('load_credentials', match[2]!);
      return { column: match[2]!, avp };
    });
}

/** A database that lists another version of the table is not used; one that lists none is Kamailio's business. */
function checkVersion(host: ModuleHost, db: Database): void {
  const judge = (version: number | undefined) => {
    if (version !== undefined && version !== SUBSCRIBER_VERSION)
      throw new KemiError(
        'KEMI_ERR_CONFIG',
        `Cannot use ${db.url}: its table subscriber is of version ${version}, not ${SUBSCRIBER_VERSION}; modparam auth_db.version_table=0 leaves that out`,
      );
  };
  const unlisted = (error: unknown) => {
    if (!(error instanceof DbError) || error.reason !== 'missing') throw error;
  };
  try {
    const version = db.tableVersion('subscriber');
    if (version instanceof Promise)
      version.then(judge, unlisted).catch(error => host.log.fatal({ err: error }, String(error)));
    else judge(version);
  } catch (error) {
    unlisted(error);
  }
}

/** The rows of a user. @param domain undefined: in any domain */
export function rowsOf(
  state: AuthDbState,
  db: Database,
  table: ByteStr,
  columns: readonly string[],
  user: ByteStr,
  domain: ByteStr | undefined,
): Awaitable<DbRow[]> {
  const where: DbCondition[] = [{ column: state.userColumn, value: user }];
  if (domain !== undefined) where.push({ column: state.domainColumn, value: domain });
  return db.select(table, columns, where, { limit: 1 });
}
