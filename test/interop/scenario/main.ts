/**
 * Runs the scenarios by hand: `node test/interop/scenario/main.ts [--with kamailio|ours|both] [--group NAME]... [--only REGEXP] [--base PORT]
 * [--workers N] [--record] [--show] [--log]`. Prints what differs from the recorded Kamailio (`--with both`: from the one that runs beside it).
 * --record writes test/fixtures/stateful/GROUP.golden.jsonl from a Kamailio that ran here; --list ROW makes what this server does otherwise a listed
 * difference, with the first cell of its row in docs/differences.md; --show prints traces; --log what the servers wrote.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { readDifferences, readGolden, writeDifferences, writeGolden } from './golden.ts';
import { type GroupName, play, type Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { GROUP_NAMES, startGroup } from './servers.ts';
import { compare, type Outcome, stale, summary } from './trace.ts';
import { CANONICAL_BASE, PORTS } from './wire.ts';

const { values } = parseArgs({
  options: {
    with: { type: 'string', default: 'ours' },
    group: { type: 'string', multiple: true },
    only: { type: 'string' },
    base: { type: 'string', default: String(CANONICAL_BASE) },
    width: { type: 'string', default: '40' },
    patience: { type: 'string', default: '1' },
    workers: { type: 'string', default: '1' },
    record: { type: 'boolean', default: false },
    list: { type: 'string' },
    show: { type: 'boolean', default: false },
    log: { type: 'boolean', default: false },
  },
});

const base = Number(values.base);
const workers = Number(values.workers);
const only = values.only === undefined ? undefined : new RegExp(values.only);

async function run(
  which: 'kamailio' | 'ours',
  group: GroupName,
  list: readonly Scenario[],
  port: number,
): Promise<Outcome[]> {
  const started = performance.now();
  const server = await startGroup(
    which,
    group,
    port,
    list.map(s => s.name),
    which === 'ours' && workers > 1 ? ['--workers', String(workers)] : [],
  );
  try {
    const outcomes = await play(list, {
      base: port,
      width: Number(values.width),
      patience: Number(values.patience),
      workers: which === 'ours' ? workers : 1,
    });
    console.log(
      `${which}, ${group}: ${list.length} scenarios in ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
    return outcomes;
  } finally {
    await server.stop();
    if (values.log) console.log(server.log());
  }
}

function show(outcome: Outcome): void {
  console.log(`\n=== ${outcome.group}/${outcome.name}${outcome.error ? `\nERROR ${outcome.error}` : ''}`);
  for (const [leg, texts] of Object.entries(outcome.legs)) {
    for (const text of texts) console.log(`--- ${leg}\n${text.trimEnd()}`);
  }
}

for (const group of GROUP_NAMES.filter(name => !values.group || values.group.includes(name))) {
  const list = SCENARIOS.filter(s => s.group === group && (!only || only.test(s.name)));
  if (list.length === 0) continue;
  const [theirs, ours] = await Promise.all([
    values.with === 'ours' ? undefined : run('kamailio', group, list, base),
    values.with === 'kamailio' ? undefined : run('ours', group, list, values.with === 'both' ? base + PORTS : base),
  ]);
  for (const outcome of [...(theirs ?? []), ...(ours ?? [])]) {
    if (values.show) show(outcome);
  }
  for (const { name, error } of theirs ?? []) {
    if (!error) continue;
    console.log(`FAILS on Kamailio: ${group}/${name}: ${error}`);
    process.exitCode = 1;
  }
  if (values.record && theirs) {
    if (only) throw new Error('--record takes whole groups');
    const server = execFileSync('kamailio', ['-v'], { encoding: 'utf8' }).split('\n')[0]!.trim();
    writeGolden(group, { server, outcomes: theirs });
    continue;
  }
  const wanted = theirs && ours ? theirs : readGolden(group).outcomes;
  const verdicts = compare(wanted, ours ?? theirs ?? [], theirs && !ours ? [] : readDifferences());
  if (values.list !== undefined && ours) {
    const row = values.list;
    const listed = new Map(readDifferences().map(d => [d.name, d]));
    for (const [i, { kind, name }] of verdicts.entries()) {
      const { legs, error } = ours[i]!;
      if (kind === 'different') listed.set(name, { name, row, legs, ...(error !== undefined && { error }) });
    }
    writeDifferences([...listed.values()]);
    continue;
  }
  for (const { kind, name, detail } of verdicts)
    if (kind === 'different') console.log(`\nDIFFERENT ${name}\n${detail}`);
  if (ours) for (const line of stale(verdicts, readDifferences())) console.log(line);
  console.log(`${group}: ${summary(verdicts)}`);
  if (verdicts.some(v => v.kind === 'different')) process.exitCode = 1;
}
