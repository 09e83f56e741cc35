/** The sample config and script of Debian's kamailio package, with the few changes that make it run here: engine, paths, port, no TCP. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findKamailio } from './kamailio.ts';

export interface SampleOptions {
  readonly port: number;
  readonly ip?: string;
  /** another script than the sample's */
  readonly script?: string;
  /** 0 errors only .. 3 debug */
  readonly debug?: number;
  readonly children?: number;
  /** WITH_AUTH and the like, defined in front */
  readonly defines?: readonly string[];
}

/** Folder of the sample config and scripts. @throws Error when the package is not there */
export function sampleFolder(): string {
  const files = execFileSync('dpkg', ['-L', 'kamailio'], { encoding: 'utf8' }).split('\n');
  const file = files.find(f => f.endsWith('kemi/kamailio-basic-kemi.cfg'));
  if (!file) throw new Error('package kamailio has no sample config');
  return dirname(file);
}

/** The sample config's text, every change made to it in this list. */
export function sampleConfig({
  port,
  ip = '127.0.0.1',
  script,
  debug = 0,
  children = 1,
  defines = [],
}: SampleOptions): string {
  const folder = sampleFolder();
  const found = findKamailio();
  if ('missing' in found) throw new Error(found.missing);
  const changes: readonly (readonly [RegExp, string])[] = [
    [/^#!define WITH_.*\n/gm, ''],
    [/^#!KAMAILIO/m, ['#!KAMAILIO', '#!define WITH_CFGLUA', ...defines.map(d => `#!define ${d}`)].join('\n')],
    [/^debug=2/m, `debug=${debug}`],
    [/^children=2/m, `children=${children}`],
    [/^#disable_tcp=yes/m, 'disable_tcp=yes'],
    [/^#auto_aliases=no/m, 'auto_aliases=no'],
    [/^port=5060/m, `listen=udp:${ip}:${port}`],
    [/^# mpath=.*/m, `mpath="${found.modules}/"`],
    [
      /\/usr\/local\/etc\/kamailio\/kamailio-basic-kemi-lua\.lua/,
      script ?? join(folder, 'kamailio-basic-kemi-lua.lua'),
    ],
    [/\/usr\/local\/etc\/kamailio\/kamailio-basic-kemi-native/, join(folder, 'kamailio-basic-kemi-native')],
  ];
  let text = readFileSync(join(folder, 'kamailio-basic-kemi.cfg'), 'latin1');
  for (const [pattern, to] of changes) text = text.replace(pattern, () => to);
  return text;
}
