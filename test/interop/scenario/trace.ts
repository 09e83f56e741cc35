/**
 * Traces made comparable: what each server makes up (branches, tags, nonces, its name) becomes a symbol, numbered in order of appearance on the leg,
 * so that a CANCEL must still carry the branch of its INVITE. Then leg by leg, datagram by datagram, byte by byte.
 */
import type { Entry, Trace } from './play.ts';
import { CANONICAL_BASE, LEG_NAMES, type LegName, PORTS } from './wire.ts';

export type Legs = Partial<Record<LegName, string[]>>;

/** What one scenario was on one server. */
export interface Outcome {
  readonly group: string;
  readonly name: string;
  /** what an expect() complained about; absent when the scenario went through */
  readonly error?: string;
  /** normalised datagrams; legs that got nothing are left out */
  readonly legs: Legs;
}

/**
 * A byte-identical copy that comes this much later is a retransmission by a timer: how many there are depends on how busy the machine is. One that
 * comes at once, or that the scenario asked for by sending something, stays.
 */
const TIMER_MS = 400;
const AT_ONCE_MS = 100;

export function normalise(trace: Trace, base: number): Legs {
  const legs: Legs = {};
  for (const name of LEG_NAMES) {
    const entries = withoutTimers(trace[name]);
    if (entries.length) legs[name] = symbols(entries.map(e => e.text)).map(text => canonical(text, base));
  }
  return legs;
}

/** the sample's NAT keepalive: how many come is a matter of time */
const PING = /^OPTIONS [\s\S]*\r\nFrom: sip:pinger@/;

function withoutTimers(entries: readonly Entry[]): Entry[] {
  const last = new Map<string, Entry>();
  return entries.filter(entry => {
    const before = last.get(entry.text);
    last.set(entry.text, entry);
    if (entry.taken || before === undefined) return entry.taken || !PING.test(entry.text);
    const gap = entry.atMs - before.atMs;
    return gap < AT_ONCE_MS || (gap < TIMER_MS && entry.sends !== before.sends);
  });
}

/** Everything of one leg. What a leg made itself has a `~` in it. */
function symbols(texts: readonly string[]): string[] {
  const known = new Map<string, number>();
  const symbol = (kind: string, value: string) => {
    const key = `${kind}${value}`;
    if (!known.has(key)) known.set(key, [...known.keys()].filter(k => k.startsWith(kind)).length + 1);
    return `*${known.get(key)}`;
  };
  return texts.map(text => {
    const end = /\r?\n\r?\n/.exec(text)?.index ?? text.length;
    const head = text
      .slice(0, end)
      // each branch of a request has a value of its own here, Kamailio's share one in front of the index
      .replace(/(;branch=z9hG4bK)([^~;,\s]+?)((?:\.\d+)?)(?=[;,\s]|$)/g, (_, name, value, index) =>
        PING.test(text) ? `${name}*` : `${name}${symbol('b', value + index)}${index}`,
      )
      .replace(/(;tag=)([^~;,\s>]+)(?=[;,\s>]|$)/g, (_, t, value) => `${t}${symbol('t', value)}`)
      .replace(/^Call-ID: [^~\r]*\r/gim, 'Call-ID: *\r')
      .replace(/^(Server|User-Agent): (?:kamailio|kemi-wasm)[^\r]*/gim, '$1: *')
      .replace(/nonce="[^"]*"/g, 'nonce="*"')
      // expiry counts down while the scenario runs: the scenarios use whole tens; what lies years ahead came with the database
      .replace(/;expires=(\d+)/g, (_, n) => `;expires=${Number(n) > 10_000 ? '*' : Math.ceil(Number(n) / 10) * 10}`)
      .replace(/^Via: [^\r]*/gim, receivedLast);
    return head + text.slice(end);
  });
}

/** docs/differences.md, "`received` in the top Via of a reply": where both stand differs between 5.6.3 and 6.x. */
function receivedLast(via: string): string {
  const moved = [...via.matchAll(/;(?:received=[0-9.]+|rport=\d+)/g)].map(m => m[0]).sort();
  return moved.reduce((rest, param) => rest.replace(param, ''), via) + moved.join('');
}

/** The ports of this run as those of the recorded ones. */
function canonical(text: string, base: number): string {
  if (base === CANONICAL_BASE) return text;
  return text.replace(/(?<![0-9])\d{4,5}(?![0-9])/g, number => {
    const offset = Number(number) - base;
    return offset >= 0 && offset < PORTS ? String(CANONICAL_BASE + offset) : number;
  });
}

export interface Verdict {
  readonly name: string;
  readonly kind: 'equal' | 'listed' | 'different';
  readonly detail: string;
}

/** A scenario where we mean to behave otherwise than Kamailio 5.6.3. */
export interface Difference {
  readonly name: string;
  /** first cell of the row of docs/differences.md that says why */
  readonly row: string;
  /** what this server sends, normalised */
  readonly legs: Legs;
  readonly error?: string;
}

export function compare(
  theirs: readonly Outcome[],
  ours: readonly Outcome[],
  differences: readonly Difference[],
): Verdict[] {
  const recorded = new Map(theirs.map(o => [`${o.group}/${o.name}`, o]));
  const listed = new Map(differences.map(d => [d.name, d]));
  return ours.map(our => {
    const name = `${our.group}/${our.name}`;
    const their = recorded.get(name);
    if (!their) return { name, kind: 'different', detail: 'not recorded' };
    if (same(their, our)) return { name, kind: 'equal', detail: '' };
    const difference = listed.get(name);
    if (difference && same(difference, our)) return { name, kind: 'listed', detail: difference.row };
    return { name, kind: 'different', detail: describe(difference ?? their, our) };
  });
}

/** Listed differences that are none any more. */
export function stale(verdicts: readonly Verdict[], differences: readonly Difference[]): string[] {
  const equal = new Set(verdicts.filter(v => v.kind === 'equal').map(v => v.name));
  return differences.filter(d => equal.has(d.name)).map(d => `${d.name}: listed, but equal`);
}

export function summary(verdicts: readonly Verdict[]): string {
  const count = (kind: Verdict['kind']) => verdicts.filter(v => v.kind === kind).length;
  return `${verdicts.length} scenarios, ${count('equal')} equal, ${count('listed')} listed differences, ${count('different')} different`;
}

type Comparable = Pick<Outcome, 'legs' | 'error'>;

/** The text of an expect() that failed holds times; that it failed is what counts. */
const same = (a: Comparable, b: Comparable) =>
  (a.error === undefined) === (b.error === undefined) &&
  JSON.stringify(ordered(a.legs)) === JSON.stringify(ordered(b.legs));

const ordered = (legs: Legs) => LEG_NAMES.map(name => legs[name] ?? []);

function describe(wanted: Comparable, got: Comparable): string {
  const lines: string[] = [];
  if (wanted.error) lines.push(`the scenario failed there: ${wanted.error}`);
  if (got.error) lines.push(`the scenario fails: ${got.error}`);
  for (const leg of LEG_NAMES) {
    const a = wanted.legs[leg] ?? [];
    const b = got.legs[leg] ?? [];
    for (let i = 0; i < Math.max(a.length, b.length); i++) {
      const [want, have] = [a[i], b[i]];
      if (want === have) continue;
      const where = `${leg}, datagram ${i + 1}`;
      if (want === undefined) lines.push(`${where}: not expected:\n${indent(have!)}`);
      else if (have === undefined) lines.push(`${where}: missing:\n${indent(want)}`);
      else lines.push(`${where}, byte ${firstDifference(want, have)}:\n${lineDiff(want, have)}`);
    }
  }
  return lines.join('\n');
}

function firstDifference(a: string, b: string): number {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return i;
}

/** Lines that only one of both has, with the start line for orientation. */
function lineDiff(want: string, have: string): string {
  const a = want.split('\r\n');
  const b = have.split('\r\n');
  const gone = a.filter(line => !b.includes(line)).map(line => `  - ${line}`);
  const come = b.filter(line => !a.includes(line)).map(line => `  + ${line}`);
  if (gone.length + come.length === 0) return `  other order:\n${indent(want)}\n  against\n${indent(have)}`;
  return [`  ${b[0]}`, ...gone, ...come].join('\n');
}

const indent = (text: string) =>
  text
    .split('\r\n')
    .map(line => `    ${line}`)
    .join('\n')
    .trimEnd();
