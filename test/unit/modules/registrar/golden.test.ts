/** registrar and usrloc against what the real Kamailio answered: each reply byte by byte, each return code, but for what docs/differences.md lists. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { CLIENT, GROUPS, SERVER } from '../../../fixtures/location/cases.ts';
import {
  type Exchange,
  fence,
  fenceResults,
  normalised,
  readDifferences,
  readGolden,
} from '../../../fixtures/location/golden.ts';
import { testRuntime } from '../../../support/runtime.ts';

const script = readFileSync(new URL('../../../fixtures/location/location.lua', import.meta.url), 'utf8');
const golden = readGolden();
const differences = readDifferences();
const key = ({ group, step }: { group: string; step: number }) => `${group} ${step}`;
const theirs = new Map(golden.exchanges.map(e => [key(e), e]));
const listed = new Map(differences.map(d => [key(d), d]));

const fakes = GROUPS.map(group => ({
  group,
  fake: testRuntime(script, {
    sockets: [{ proto: 'udp', ...SERVER }],
    serverHeader: 'kamailio (5.6.3 (x86_64/linux))',
    modparams: [['usrloc', 'preload', 'location'] as const, ...group.params].map(([module, name, value]) => ({
      module,
      name,
      value,
    })),
  }),
}));

const ours = fakes.flatMap(({ group, fake }) =>
  group.steps.flatMap((what, step): (Exchange & { sent: string })[] => {
    if (typeof what === 'number') {
      fake.advance(what);
      return [];
    }
    const replies = fake.receive(what, CLIENT).map(s => s.text);
    const results = fenceResults(fake.receive(fence(step), CLIENT)[0]!.text) ?? [];
    return [{ group: group.name, step, sent: what, ...normalised({ replies, results }) }];
  }),
);

afterAll(async () => {
  // UPDATE_DIFFERENCES=1 keeps the rows of what is listed and writes what differs now, for a look at it
  if (process.env.UPDATE_DIFFERENCES === '1') {
    const rows = ours
      .filter(
        o =>
          JSON.stringify([o.replies, o.results]) !==
          JSON.stringify([theirs.get(key(o))?.replies, theirs.get(key(o))?.results]),
      )
      .map(({ sent: _sent, ...o }) => ({ ...o, row: listed.get(key(o))?.row ?? '?' }));
    writeFileSync(
      new URL('../../../fixtures/location/location.differences.jsonl', import.meta.url),
      rows.map(r => `${JSON.stringify(r)}\n`).join(''),
    );
  }
  for (const { fake } of fakes) await fake.runtime.close(0);
});

test.for(ours.map(o => [key(o), o] as const))('%s', ([, { sent, group, step, ...outcome }]) => {
  const id = key({ group, step });
  const { replies, results } = listed.get(id) ?? theirs.get(id)!;
  expect(outcome, sent).toEqual({ replies, results });
});

test('every recorded exchange was made', () => {
  expect(ours.map(key)).toEqual(golden.exchanges.map(key));
});

test('each listed difference is one, and has its row', () => {
  const rows = readFileSync(new URL('../../../../docs/differences.md', import.meta.url), 'utf8');
  for (const d of differences) {
    expect(rows, key(d)).toContain(`| ${d.row} |`);
    expect({ replies: d.replies, results: d.results }, key(d)).not.toEqual({
      replies: theirs.get(key(d))?.replies,
      results: theirs.get(key(d))?.results,
    });
  }
});
