/** What module permissions is configured to, and the tables it has loaded. */
import { type ByteStr, byteStr } from '../../core/memory.ts';
import { KemiError, RpcError } from '../../errors.ts';
import { type Awaitable, after, type Database, DbError, type DbRow, plainName } from '../../kemi/db.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { RegexCache } from '../../kemi/posix-regex.ts';
import type { ModParamValues } from '../../kemi/table.ts';
import { avpKey, type PvState } from '../pv/api.ts';
import { readAddressFile } from './address-file.ts';
import { type AddressRecord, AddressTable, RecordError } from './addresses.ts';
import { readRule, type TrustedColumns, TrustedTable } from './trusted.ts';

/** modparam load_backends */
const LOAD_ADDRESSES = 1;
const LOAD_TRUSTED = 2;

interface AddressColumns {
  readonly group: string;
  readonly address: string;
  readonly mask: string;
  readonly port: string;
  readonly tag: string;
}

export class PermissionsState {
  readonly host: ModuleHost;
  readonly db: Database | undefined;
  /** key of the AVP that takes the tag of a match */
  readonly tagAvp: ByteStr | undefined;
  readonly allTags: boolean;
  /** undefined: rules are read from the database each time */
  trusted: TrustedTable | undefined;
  addresses: AddressTable;
  readonly hasTrusted: boolean;
  readonly cachesTrusted: boolean;
  readonly #hasAddresses: boolean;
  readonly #file: ByteStr | undefined;
  readonly #addressTable: string;
  readonly #addressColumns: AddressColumns;
  readonly #trustedTable: string;
  readonly #trustedColumns: TrustedColumns;
  readonly #maxSubnets: number;
  readonly #reloadDeltaMs: number;
  /** rules that are read for each request have the same expressions each time */
  readonly #regexes = new RegexCache();
  #lastReloadMs: { addresses: number; trusted: number };

  /** @throws KemiError KEMI_ERR_CONFIG */
  constructor(host: ModuleHost, params: ModParamValues) {
    this.host = host;
    const name = (param: string) => {
      try {
        return plainName(String(params[param] ?? ''));
      } catch {
        throw new KemiError(
          'KEMI_ERR_CONFIG',
          `Cannot set modparam permissions.${param}: "${params[param]}" is no name`,
        );
      }
    };
    this.#addressTable = name('address_table');
    this.#trustedTable = name('trusted_table');
    const tag = name('tag_col');
    this.#addressColumns = {
      group: name('grp_col'),
      address: name('ip_addr_col'),
      mask: name('mask_col'),
      port: name('port_col'),
      tag,
    };
    this.#trustedColumns = {
      source: name('source_col'),
      proto: name('proto_col'),
      from: name('from_col'),
      ruri: name('ruri_col'),
      tag,
      priority: name('priority_col'),
    };
    this.tagAvp = tagAvp(host, params.peer_tag_avp as ByteStr | undefined);
    this.allTags = params.peer_tag_mode === 1;
    this.#maxSubnets = params.max_subnets as number;
    this.#reloadDeltaMs = (params.reload_delta as number) * 1000;
    this.#file = (params.address_file as ByteStr | undefined) || undefined;
    const url = params.db_url as ByteStr | undefined;
    this.db = url ? host.database(url) : undefined;
    const backends = params.load_backends as number;
    this.#hasAddresses = (backends & LOAD_ADDRESSES) !== 0 && (this.#file !== undefined || this.db !== undefined);
    this.hasTrusted = (backends & LOAD_TRUSTED) !== 0 && this.db !== undefined;
    this.cachesTrusted = this.hasTrusted && params.db_mode === 1;
    this.addresses = new AddressTable([], 0);
    this.#lastReloadMs = { addresses: host.monotonic(), trusted: host.monotonic() };
    this.#start();
  }

  /** Reads all addresses anew; nothing changes when that fails. @throws {RpcError} 500, as Kamailio */
  async reloadAddresses(): Promise<void> {
    this.#assertRested('addresses');
    if (!this.#hasAddresses) throw new RpcError(500, 'Reload failed.');
    await this.#reload(() => after(this.#readAddresses(), table => (this.addresses = table)));
  }

  async reloadTrusted(): Promise<void> {
    this.#assertRested('trusted');
    if (!this.cachesTrusted) throw new RpcError(500, 'Reload failed.');
    await this.#reload(() => after(this.readTrusted(), table => (this.trusted = table)));
  }

  /** The rules in the database. @param source only those of this address */
  readTrusted(source?: ByteStr): Awaitable<TrustedTable> {
    const columns = this.#trustedColumns;
    const where = source === undefined ? [] : [{ column: columns.source, value: source }];
    const rows = this.db!.select(this.#trustedTable, Object.values(columns), where, { orderBy: 'id' });
    return after(rows, found => new TrustedTable(found.map(row => readRule(row, columns, this.#regexes))));
  }

  #start(): void {
    if (this.#hasAddresses) this.#load(() => after(this.#readAddresses(), table => (this.addresses = table)));
    if (this.cachesTrusted) this.#load(() => after(this.readTrusted(), table => (this.trusted = table)));
  }

  /** Loads at start: what is wrong with the data stops it, a table that is not there leaves the list empty, which lets nobody in. */
  #load(read: () => Awaitable<unknown>): void {
    const failed = (error: unknown) => {
      if (error instanceof DbError && error.reason === 'missing')
        return this.host.log.warn({}, `Nobody is in the lists of permissions: ${error.message}`);
      throw new KemiError('KEMI_ERR_CONFIG', `Cannot load permissions: ${(error as Error).message}`, { cause: error });
    };
    try {
      const loaded = read();
      if (loaded instanceof Promise)
        loaded.catch(failed).catch(error => this.host.log.fatal({ err: error }, String(error)));
    } catch (error) {
      failed(error);
    }
  }

  async #reload(read: () => Awaitable<unknown>): Promise<void> {
    try {
      await read();
    } catch (error) {
      this.host.log.error({ err: error }, `Cannot reload permissions: ${(error as Error).message}`);
      throw new RpcError(500, 'Reload failed.');
    }
  }

  #assertRested(what: 'addresses' | 'trusted'): void {
    const now = this.host.monotonic();
    if (now < this.#lastReloadMs[what] + this.#reloadDeltaMs) throw new RpcError(500, 'ongoing reload');
    this.#lastReloadMs = { ...this.#lastReloadMs, [what]: now };
  }

  #readAddresses(): Awaitable<AddressTable> {
    if (this.#file !== undefined) {
      const bytes = this.host.readFile?.(this.#file);
      if (!bytes) throw new RecordError(`address_file ${this.#file} cannot be read: it must be in the script's folder`);
      return new AddressTable(readAddressFile(byteStr(bytes)), this.#maxSubnets);
    }
    const c = this.#addressColumns;
    const rows = this.db!.select(this.#addressTable, Object.values(c), [], { orderBy: 'id' });
    const record = (row: DbRow): AddressRecord => ({
      group: Number(row[c.group]),
      address: String(row[c.address] ?? ''),
      mask: Number(row[c.mask] ?? 0),
      port: Number(row[c.port] ?? 0),
      tag: row[c.tag] === null ? undefined : String(row[c.tag]),
    });
    return after(rows, found => new AddressTable(found.map(record), this.#maxSubnets));
  }
}

/** `$avp(name)` */
function tagAvp(host: ModuleHost, spec: ByteStr | undefined): ByteStr | undefined {
  if (!spec) return undefined;
  const name = /^\$avp\(\s*([^()]+?)\s*\)$/.exec(spec)?.[1];
  const pv = host.module<PvState>('pv');
  const key = name !== undefined && pv ? avpKey(pv, name) : undefined;
  if (key === undefined)
    throw new KemiError('KEMI_ERR_CONFIG', `Cannot set modparam permissions.peer_tag_avp to "${spec}": no $avp(name)`);
  return key;
}
