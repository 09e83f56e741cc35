/** Compares what two servers sent back, datagram by datagram and byte by byte. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { SERVER } from '../fixtures/requests/build.ts';
import type { Datagram, Exchange } from './exchange.ts';

/**
 * What is random in each datagram, replaced by a star: the To tag that a reply got, the branch of the Via that a forwarded request got.
 * Everything else must be the same.
 */
export function normalised(datagram: Datagram): string {
  const { bytes } = datagram;
  const text = /^sip\//i.test(bytes)
    ? bytes.replace(/;tag=[0-9a-f]{32}\.[0-9a-f]{8}(?=[ \t\r\n])/, ';tag=*')
    : bytes.replace(/^(Via: SIP\/2\.0\/UDP [^;\r]*;branch=z9hG4bK)[0-9a-f]+\.[0-9a-f]{32}\.0/m, '$1*');
  return `to the ${datagram.to}:\n${text}`;
}

/** An exchange where we mean to answer otherwise than Kamailio 5.6.3. */
export interface Difference {
  readonly name: string;
  /** first cell of the row of docs/differences.md that says why */
  readonly row: string;
  /** our datagrams, normalised */
  readonly ours: readonly string[];
}

export interface Verdict {
  readonly name: string;
  readonly kind: 'equal' | 'listed' | 'different';
  /** for a reader: what was sent, what each server sent */
  readonly detail: string;
}

export function compare(
  theirs: readonly Exchange[],
  ours: readonly Exchange[],
  differences: readonly Difference[],
): Verdict[] {
  const listed = new Map(differences.map(d => [d.name, d]));
  return ours.map((our, i) => {
    const their = theirs[i];
    const name = our.name;
    if (their?.name !== name) return { name, kind: 'different', detail: `recorded at this place: ${their?.name}` };
    const expected = their.received.map(normalised);
    const got = our.received.map(normalised);
    if (same(expected, got)) return { name, kind: 'equal', detail: '' };
    const difference = listed.get(name);
    if (difference && same(difference.ours, got)) return { name, kind: 'listed', detail: difference.row };
    const wanted = difference?.ours ?? expected;
    return { name, kind: 'different', detail: describe(our, wanted, got) };
  });
}

export function summary(verdicts: readonly Verdict[]): string {
  const count = (kind: Verdict['kind']) => verdicts.filter(v => v.kind === kind).length;
  return `${verdicts.length} exchanges, ${count('equal')} equal, ${count('listed')} listed differences, ${count('different')} different`;
}

const FILE = new URL('../fixtures/stateless.differences.jsonl', import.meta.url);

export function readDifferences(): Difference[] {
  const lines = existsSync(FILE) ? readFileSync(FILE, 'utf8').split('\n') : [];
  return lines.filter(line => line !== '').map(line => JSON.parse(line));
}

export function writeDifferences(differences: readonly Difference[]): void {
  writeFileSync(FILE, differences.map(d => `${JSON.stringify(d)}\n`).join(''));
}

const same = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((text, i) => text === b[i]);

/** The first place where two texts part, with what is around it. */
function describe(exchange: Exchange, wanted: readonly string[], got: readonly string[]): string {
  const lines = [`sent to ${SERVER}:`, clip(exchange.sent.at(-1) ?? '')];
  const count = Math.max(wanted.length, got.length);
  for (let i = 0; i < count; i++) {
    const [a, b] = [wanted[i], got[i]];
    if (a === b) continue;
    if (a === undefined || b === undefined) {
      lines.push(`datagram ${i + 1}: ${a === undefined ? `not expected: ${clip(b!)}` : `missing: ${clip(a)}`}`);
      continue;
    }
    const from = [...a].findIndex((c, k) => c !== b[k]);
    const at = Math.max(0, (from < 0 ? a.length : from) - 60);
    lines.push(`datagram ${i + 1}, byte ${from}:`, `- ${clip(a.slice(at))}`, `+ ${clip(b.slice(at))}`);
  }
  return lines.join('\n');
}

const clip = (text: string) => JSON.stringify(text.length > 600 ? `${text.slice(0, 600)}...` : text);
