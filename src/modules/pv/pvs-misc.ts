/** Time, the process, constants, and text in text. */
import type { ByteStr } from '../../core/memory.ts';
import { type Clock, clockOf, strftime } from '../../core/strftime.ts';
import { integer } from '../../kemi/pv-parse.ts';
import type { PvClass } from '../../kemi/pv-types.ts';
import type { Call, XVal } from '../../kemi/table.ts';
import type { PvState } from './api.ts';
import { compileSelect } from './selects.ts';

type C = Call<PvState>;

const anytime = (name: string, doc: string, get: (call: C) => XVal): PvClass => ({
  name,
  doc,
  anytime: true,
  get: (call: C) => get(call),
});

const keyed = (
  name: string,
  doc: string,
  keys: readonly string[],
  get: (call: C, key: ByteStr) => XVal,
  more: Partial<PvClass> = {},
): PvClass => ({
  name,
  doc: `${doc}: ${keys.join(', ')}.`,
  inner: 'required',
  innerAs: 'raw',
  anytime: true,
  check: inner => (keys.includes(inner) ? undefined : `$${name}() takes one of ${keys.join(', ')}, not "${inner}"`),
  get: (call: C, { inner }) => get(call, inner),
  ...more,
});

const named = (name: string, doc: string, get: (call: C, key: ByteStr) => XVal): PvClass => ({
  name,
  doc,
  inner: 'required',
  anytime: true,
  get: (call: C, { inner }) => get(call, inner),
});

/** when the message arrived; now, outside of a route */
const arrivedMs = ({ host }: C): number => host.message?.receivedMs ?? host.now();

const TIME_KEYS = ['sec', 'min', 'hour', 'mday', 'mon', 'year', 'wday', 'yday', 'isdst'];
function timeField(t: Clock, key: ByteStr, standardMin: number): number {
  switch (key) {
    case 'wday':
      return t.wday + 1;
    case 'yday':
      return t.yday + 1;
    case 'isdst':
      return t.offsetMin > standardMin ? 1 : 0;
    default:
      return t[key as 'sec' | 'min' | 'hour' | 'mday' | 'mon' | 'year'];
  }
}
/** the zone's offset without daylight saving: the lesser of January's and July's */
function standardOffset(year: number): number {
  return Math.min(...[0, 6].map(month => -new Date(year, month, 1).getTimezoneOffset()));
}

const micro = (ms: number): number => Math.floor((ms % 1000) * 1000);

/** C's atoi of what a define or a variable holds */
const number = (text: ByteStr | undefined): number => integer(/^\s*([+-]?\d{1,10})/.exec(text ?? '')?.[1] ?? '') ?? 0;

const CONSTANTS: Record<string, number> = { IPv4: 2, IPv6: 10, UDP: 1, TCP: 2, TLS: 3, SCTP: 4, WS: 5, WSS: 6 };
const CHARACTERS: [name: string, value: ByteStr, what: string][] = [
  ['Eb', '\\', 'backslash'],
  ['En', '\n', 'line feed'],
  ['Er', '\r', 'carriage return'],
  ['Et', '\t', 'tab'],
  ['Es', ' ', 'space'],
  ['Ec', ',', 'comma'],
  ['Eq', '"', 'double quote'],
  ['Ek', "'", 'single quote'],
  ['Ei', ':', 'colon'],
  ['Ej', ';', 'semicolon'],
  ['Ev', '`', 'back tick'],
];

export const misc: readonly PvClass[] = [
  anytime('Ts', 'Seconds since 1970 when the message arrived.', call => Math.floor(arrivedMs(call) / 1000)),
  anytime('TS', 'Seconds since 1970 now.', ({ host }) => Math.floor(host.now() / 1000)),
  anytime('Tb', 'Seconds since 1970 when the runtime started.', ({ state }) => Math.floor(state.startedMs / 1000)),
  anytime('Tf', 'When the message arrived, as text: Tue Nov 24 03:57:32 2026.', call =>
    strftime('%c', clockOf(arrivedMs(call))),
  ),
  anytime('TF', 'Now, as $Tf writes it.', ({ host }) => strftime('%c', clockOf(host.now()))),
  keyed(
    'TV',
    'Seconds (s) and microseconds (u) when the message arrived, now (sn, un), both now as text (Sn)',
    ['s', 'u', 'sn', 'un', 'Sn'],
    (call, key) => {
      const ms = key.endsWith('n') ? call.host.now() : arrivedMs(call);
      if (key[0] === 's') return Math.floor(ms / 1000);
      if (key[0] === 'u') return micro(ms);
      return `${Math.floor(ms / 1000)}.${String(micro(ms)).padStart(6, '0')}`;
    },
  ),
  keyed('time', 'Part of the local time now', TIME_KEYS, ({ host }, key) => {
    const t = clockOf(host.now());
    return timeField(t, key, standardOffset(t.year));
  }),
  keyed('utime', 'Part of the time now in UTC', TIME_KEYS, ({ host }, key) =>
    timeField(clockOf(host.now(), true), key, 0),
  ),
  {
    ...named('timef', 'The local time now by a format of strftime().', ({ host }, f) =>
      strftime(f, clockOf(host.now())),
    ),
    innerAs: 'raw',
  },
  {
    ...named('utimef', 'The time now in UTC by a format of strftime().', ({ host }, f) =>
      strftime(f, clockOf(host.now(), true)),
    ),
    innerAs: 'raw',
  },

  anytime('pp', 'Process id in Kamailio; 1 here, where one runtime does all the work.', () => 1),
  anytime('sid', "Kamailio's server_id; 0.", () => 0),
  anytime('sruid', 'A text that is unique in this runtime and, by its start time, among runs.', ({ state }) => {
    state.uniqueCount++;
    return `${state.uniquePrefix}-${state.uniqueCount.toString(16)}`;
  }),
  keyed('version', 'Version of the software', ['num', 'full', 'hash'], ({ host }, key) => {
    if (key === 'num') return host.version;
    return key === 'full' ? `kemi-wasm ${host.version} (wasm)` : 'unknown';
  }),
  named(
    'def',
    'A name set with -A NAME=VALUE or #!define; null when not set.',
    ({ host }, name) => host.defines.get(name) ?? null,
  ),
  named('defn', 'As $def, as a number; 0 when not set or no number.', ({ host }, name) =>
    number(host.defines.get(name)),
  ),
  named(
    'env',
    'An environment variable that the host grants; null when not set.',
    ({ host }, name) => host.env.get(name) ?? null,
  ),
  named('envn', 'As $env, as a number.', ({ host }, name) => number(host.env.get(name))),

  {
    ...named(
      'sel',
      'A part of the message by its older name, as $sel(from.uri.host), $sel(via[1].params["node"]), or a setting that the config made, $sel(cfg_get.group.name).',
      (call, select) => call.state.selects.of(select)?.(call) ?? null,
    ),
    check: select => (compileSelect(select) ? undefined : `there is no select ${select}`),
  },

  named(
    'stat',
    'Value of a statistic by its bare name; null when there is none.',
    ({ host }, name) => host.stats.find(name)?.value ?? null,
  ),

  anytime('null', 'Null.', () => null),
  {
    ...anytime(
      'rc',
      'Return code of the last function in native routing blocks; 0 in KEMI scripts.',
      ({ host }) => host.returnCode ?? 0,
    ),
    aliases: ['retcode', '?'],
  },
  named('_s', 'The text with its variables replaced.', (_call, text) => text),
  keyed('K', 'A constant of Kamailio', Object.keys(CONSTANTS), (_call, key) => CONSTANTS[key] ?? null),
  ...CHARACTERS.map(([name, value, what]) => anytime(name, `The character ${what}.`, () => value)),
];
