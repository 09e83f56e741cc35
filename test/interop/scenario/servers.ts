/** The configurations that the scenarios run on, and both servers started with the same one. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findKamailio, startKamailioWith } from '../kamailio.ts';
import { startServer } from '../server.ts';
import { createDatabase } from './database.ts';
import { FR_INV_TIMER_MS, FR_TIMER_MS, type GroupName } from './scenario.ts';

const FIXTURES = new URL('../../fixtures/stateful/', import.meta.url).pathname;

interface Group {
  /** made of the sample configuration that comes with Kamailio, by these edits; else of a file of our own */
  readonly stock: boolean;
  /** the sample's routing blocks in place of its Lua script */
  readonly native?: true;
  /** the package's /etc/kamailio/kamailio.cfg in place of the sample */
  readonly etc?: true;
  /** #!define lines */
  readonly define: readonly string[];
  /** script instead of the sample's */
  readonly script?: string;
  /** lines behind the modparams of the sample */
  readonly append?: readonly string[];
  readonly database?: boolean;
}

export const GROUPS: Record<GroupName, Group> = {
  basic: { stock: true, define: [] },
  auth: { stock: true, define: ['WITH_AUTH', 'WITH_IPAUTH', 'WITH_ANTIFLOOD'], database: true },
  digest: {
    stock: true,
    define: ['WITH_AUTH'],
    database: true,
    append: ['modparam("auth", "algorithm", "SHA-256")', 'modparam("auth", "nonce_expire", 2)'],
  },
  location: { stock: true, define: ['WITH_USRLOCDB'], database: true },
  nat: { stock: true, define: ['WITH_NAT'] },
  flood: { stock: true, define: ['WITH_ANTIFLOOD'] },
  routes: { stock: false, define: [] },
  native: { stock: true, define: [], native: true },
  'native-auth': {
    stock: true,
    define: ['WITH_AUTH', 'WITH_IPAUTH', 'WITH_ANTIFLOOD'],
    database: true,
    native: true,
  },
  'native-etc': { stock: true, define: [], native: true, etc: true },
  'native-flood': { stock: true, define: ['WITH_ANTIFLOOD'], native: true },
};

export const GROUP_NAMES = Object.keys(GROUPS) as GroupName[];

export interface RunningPair {
  /** Everything it wrote so far. */
  log(): string;
  stop(): Promise<void>;
}

/**
 * Starts one of both with the configuration of a group; resolves when it answers.
 * @param marks names of the scenarios: the database holds users and contacts for each  @param more options for `kemi-wasm run`
 */
export async function startGroup(
  which: 'kamailio' | 'ours',
  name: GroupName,
  port: number,
  marks: readonly string[],
  more: readonly string[] = [],
): Promise<RunningPair> {
  const dir = mkdtempSync(join(tmpdir(), `scenario-${name}-`));
  const file = join(dir, 'kamailio.cfg');
  writeFileSync(file, configuration(name, port, dir));
  if (GROUPS[name].database) createDatabase(join(dir, 'kamailio.db'), marks, port);
  const clean = () => rmSync(dir, { recursive: true, force: true });
  try {
    const server =
      which === 'kamailio'
        ? await startKamailioWith(file, port, dir)
        : await startServer([...oursArguments(file), ...more], port, START_MS);
    return {
      log: server.log,
      async stop() {
        await server.stop();
        clean();
      },
    };
  } catch (error) {
    clean();
    throw error;
  }
}

/** the machine is busy with the other server and the scenarios */
const START_MS = 20_000;

/** What follows `kemi-wasm run`. */
function oursArguments(file: string): string[] {
  return ['-f', file, '--no-ctl', '--log-level', process.env.LOG_LEVEL ?? 'error'];
}

/** The text of a group's kamailio.cfg. */
export function configuration(name: GroupName, port: number, dir: string): string {
  const group = GROUPS[name];
  if (group.etc) return etc(port);
  return group.stock ? stock(group, port, dir) : ownConfiguration(port);
}

/**
 * The text of test/fixtures/stateful/routes.cfg.
 * @param more lines in front of its cfgengine
 */
export function ownConfiguration(port: number, more: readonly string[] = []): string {
  const found = findKamailio();
  const modules = 'modules' in found ? found.modules : '/usr/lib/kamailio/modules';
  return readFileSync(join(FIXTURES, 'routes.cfg'), 'utf8')
    .replace(/^cfgengine/m, engine => [...more, engine].join('\n'))
    .replaceAll('@PORT@', String(port))
    .replaceAll('@MODULES@', `${modules}/`)
    .replaceAll('@DIR@', FIXTURES);
}

/** Folder of the samples in the installed package. */
function samples(): string {
  const files = execFileSync('dpkg', ['-L', 'kamailio'], { encoding: 'utf8' }).split('\n');
  const cfg = files.find(file => file.endsWith('kemi/kamailio-basic-kemi.cfg'));
  if (!cfg) throw new Error('the kamailio package has no kamailio-basic-kemi.cfg');
  return dirname(cfg);
}

/** The default configuration of the package, with every edit that it needs here. */
function etc(port: number): string {
  const edits: [RegExp, string][] = [
    [/^log_stderror=no/m, 'log_stderror=yes'],
    [/^debug=DBGLEVEL/m, 'debug=0'],
    [/^children=8/m, 'children=1'],
    [/^# disable_tcp=yes/m, 'disable_tcp=yes'],
    [/^# auto_aliases=no/m, 'auto_aliases=no'],
    [/^# listen=udp:10\.0\.0\.10:5060/m, `listen=udp:127.0.0.1:${port}`],
    [/"fr_timer", 30000/, `"fr_timer", ${FR_TIMER_MS}`],
    [/"fr_inv_timer", 120000/, `"fr_inv_timer", ${FR_INV_TIMER_MS}`],
  ];
  let text = readFileSync('/etc/kamailio/kamailio.cfg', 'utf8');
  for (const [what, by] of edits) {
    if (!what.test(text)) throw new Error(`/etc/kamailio/kamailio.cfg has no ${what}`);
    text = text.replace(what, () => by);
  }
  return text;
}

/** The sample with every edit that it needs here. Timers are shorter, so that a timeout can be waited for. */
function stock(group: Group, port: number, dir: string): string {
  const folder = samples();
  const found = findKamailio();
  if ('missing' in found) throw new Error(found.missing);
  const define = [
    group.native ? 'WITH_CFGNATIVE' : 'WITH_CFGLUA',
    ...group.define,
    ...(group.database ? [`DBURL "sqlite:///${dir}/kamailio.db"`] : []),
  ];
  const edits: [RegExp, string][] = [
    [/^#!define WITH_.*\n/gm, ''],
    [/^#!KAMAILIO/m, `#!KAMAILIO\n${define.map(d => `#!define ${d}`).join('\n')}`],
    [/^debug=2/m, `debug=${process.env.DEBUG_KAMAILIO ?? 0}`],
    [/^log_stderror=no/m, 'log_stderror=yes'],
    [/^children=2/m, 'children=1'],
    [/^#disable_tcp=yes/m, 'disable_tcp=yes'],
    [/^#auto_aliases=no/m, 'auto_aliases=no'],
    [/^port=5060/m, `listen=udp:127.0.0.1:${port}`],
    [/^# mpath=.*/m, `mpath="${found.modules}/"`],
    [
      /\/usr\/local\/etc\/kamailio\/kamailio-basic-kemi-lua\.lua/,
      group.script ?? `${folder}/kamailio-basic-kemi-lua.lua`,
    ],
    [/\/usr\/local\/etc\/kamailio\/kamailio-basic-kemi-native/, `${folder}/kamailio-basic-kemi-native`],
    [/"fr_timer", 30000/, `"fr_timer", ${FR_TIMER_MS}`],
    [/"fr_inv_timer", 120000/, `"fr_inv_timer", ${FR_INV_TIMER_MS}`],
    // RTP is another story: the script skips it when the module is not loaded
    [/^loadmodule "rtpproxy\.so"\n/m, ''],
    [/^modparam\("rtpproxy".*\n/m, ''],
    // so that pings can be waited for
    [/"natping_interval", 30/, '"natping_interval", 1'],
    ...(group.database
      ? ([[/^loadmodule "jsonrpcs\.so"/m, 'loadmodule "db_sqlite.so"\nloadmodule "jsonrpcs.so"']] as [RegExp, string][])
      : []),
  ];
  let text = readFileSync(`${folder}/kamailio-basic-kemi.cfg`, 'utf8');
  for (const [what, by] of edits) {
    if (!what.test(text)) throw new Error(`the sample configuration has no ${what}`);
    what.lastIndex = 0;
    text = text.replace(what, () => by);
  }
  return group.append ? text.replace(/^cfgengine "lua"/m, engine => [...group.append!, engine].join('\n')) : text;
}
