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
  const [server, ...lines] = readFileSync(`${FOLDER}${group}.golden.jsonl`, 'utf8').trimEnd().split('\n');
  return { server: JSON.parse(server!), outcomes: lines.map(line => ({ group, ...JSON.parse(line) })) };
}

/** @throws Error for a group that is not recorded */
export function writeGolden(group: GroupName, golden: Golden): void {
  if (SHARED[group]) throw new Error(`${group} is not recorded: it has the scenarios of ${SHARED[group]}`);
  const lines = golden.outcomes.map(({ name, legs }) => JSON.stringify({ name, legs }));
  writeFileSync(`${FOLDER}${group}.golden.jsonl`, `${[JSON.stringify(golden.server), ...lines].join('\n')}\n`);
}

export function readDifferences(): Difference[] {
  const lines = existsSync(DIFFERENCES) ? readFileSync(DIFFERENCES, 'utf8').split('\n') : [];
  return lines.filter(line => line !== '').map(line => JSON.parse(line));
}

export function writeDifferences(differences: readonly Difference[]): void {
  writeFileSync(DIFFERENCES, differences.map(d => `${JSON.stringify(d)}\n`).join(''));
}
