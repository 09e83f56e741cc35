/** How the modules that a config names become modules that there are: one mapping for both directions. */

/** What Kamailio's module brings, where it is not one of ours by the same name. */
const BRINGS: Readonly<Record<string, readonly string[]>> = {
  // KSR.pvx and the pseudo-variables
  pv: ['pv', 'pvx'],
  kemix: ['kx'],
};
/** Ours, without a module of Kamailio by that name. KSR itself, KSR.hdr and KSR.pv need no module there. */
export const WITHOUT_LOADMODULE: readonly string[] = ['', 'pv', 'hdr'];
const NO_NAMES: readonly string[] = ['', 'pvx', 'hdr', 'kx'];

/** Our modules behind the name of one of Kamailio's; empty when there are none. */
export function broughtBy(name: string, ours: readonly string[]): readonly string[] {
  const brings = Object.hasOwn(BRINGS, name) ? BRINGS[name] : undefined;
  if (brings) return brings.filter(b => ours.includes(b));
  return NO_NAMES.includes(name) || !ours.includes(name) ? [] : [name];
}

/** Kamailio's name of one of our modules, as loadmodule takes it; undefined for what needs none. */
export function loadmoduleName(ours: string): string | undefined {
  for (const [name, brings] of Object.entries(BRINGS)) if (brings.includes(ours)) return name;
  return NO_NAMES.includes(ours) ? undefined : ours;
}

/** Modules of Kamailio's own machinery: what they are for is there without them, or has another form. They load and do nothing. */
export interface Machinery {
  readonly why: string;
  /** their parameters, by type; values are read and not used */
  readonly params: Readonly<Record<string, 'int' | 'str' | 'any'>>;
}

const params = (int: string, str: string, any = ''): Readonly<Record<string, 'int' | 'str' | 'any'>> =>
  Object.fromEntries(
    (
      [
        ['int', int],
        ['str', str],
        ['any', any],
      ] as const
    ).flatMap(([type, names]) =>
      names
        .split(' ')
        .filter(n => n)
        .map(n => [n, type] as const),
    ),
  );

const DB = 'databases are opened by their url: sqlite:// is there without a module';
const CTL = 'kemi-wasm ctl is there without a module';

export const MACHINERY: Readonly<Record<string, Machinery>> = {
  app_lua: { why: 'Lua is there without a module', params: params('reload log_mode', 'load') },
  ctl: {
    why: CTL,
    params: params('mode binrpc_max_body_size binrpc_struct_max_body_size', 'binrpc fifo user group'),
  },
  cfg_rpc: { why: 'settings are not changed while it runs', params: {} },
  mi_fifo: { why: CTL, params: params('fifo_mode', 'fifo_name reply_dir', 'fifo_user fifo_group') },
  mi_datagram: {
    why: CTL,
    params: params('unix_socket_mode socket_timeout', 'socket_name', 'unix_socket_user unix_socket_group'),
  },
  mi_rpc: { why: CTL, params: params('', 'rpc_url') },
  db_sqlite: {
    why: DB,
    params: params('', 'db_set_readonly db_set_journal_mode'),
  },
  debugger: {
    why: 'kemi-wasm check and the log do its work',
    params: params(
      'breakpoint cfgtrace log_assign log_level mod_hash_size mod_level_mode mod_facility_mode reset_msgid cfgpkgcheck',
      'log_facility log_prefix mod_level mod_facility log_level_name',
    ),
  },
};

/** Modules that will not be there, and what to do instead. */
export function insteadOf(name: string): string | undefined {
  const database =
    /^db_?(mysql|postgres|unixodbc|oracle|text|flatstore|berkeley|redis|mongodb|cassandra|cluster|perlvdb)$/.exec(
      name,
    ) ??
    // their names in old configs
    /^(mysql|postgres|unixodbc)$/.exec(name);
  if (database)
    return `${database[1]} databases are not available: load db_sqlite.so and give a url like sqlite:///var/lib/kamailio/kamailio.db, or start with --db FILE`;
  if (/^app_(python3?|jsdt|ruby|sqlang|perl|mono|java)/.test(name))
    return 'only Lua scripts run in this version: load app_lua.so';
  return undefined;
}
