/**
 * What the real Kamailio did in each scenario, recorded: test/fixtures/stateful/GROUP.golden.jsonl, one scenario a line; and
 * differences.jsonl beside it: the scenarios where this server means to differ.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type GroupName, SHARED } from './scenario.ts';
import type { Difference, Outcome } from './trace.ts';

const FOLDER = new URL('../../fixtures/stateful/', import.meta.url).pathname;
const DIFFERENCES = `${FOLDER}differences.jsonl`;

export interface Golden {
  /** `kamailio -v`, first line */
  readonly server: string;
  readonly outcomes: Outcome[];
}

export function readGolden(group: GroupName): Golden {
  const [server, ...lines] = readFileSync(`${FOLDER}${SHARED[group] ?? group}.golden.jsonl`, 'utf8')
    .trimEnd()
    .split('\n');
  return { server: JSON.parse(server!), outcomes: lines.map(line => ({ group, ...JSON.parse(line) })) };
}

/** @throws Error for a group that has the record of another one */
export function writeGolden(group: GroupName, golden: Golden): void {
  if (SHARED[group]) throw new Error(`${group} has the record of ${SHARED[group]}`);
  const lines = golden.outcomes.map(({ name, legs }) => JSON.stringify({ name, legs }));
  writeFileSync(`${FOLDER}${group}.golden.jsonl`, `${[JSON.stringify(golden.server), ...lines].join('\n')}\n`);
}

export function readDifferences(): Difference[] {
  const lines = existsSync(DIFFERENCES) ? readFileSync(DIFFERENCES, 'utf8').split('\n') : [];
  const own: Difference[] = lines.filter(line => line !== '').map(line => JSON.parse(line));
  const shared = Object.entries(SHARED).flatMap(([group, of]) =>
    own.filter(d => d.name.startsWith(`${of}/`)).map(d => ({ ...d, name: `${group}/${d.name.slice(of.length + 1)}` })),
  );
  return [...own, ...shared];
}

export function writeDifferences(differences: readonly Difference[]): void {
  const own = differences.filter(d => !Object.keys(SHARED).some(group => d.name.startsWith(`${group}/`)));
  writeFileSync(DIFFERENCES, own.map(d => `${JSON.stringify(d)}\n`).join(''));
}
