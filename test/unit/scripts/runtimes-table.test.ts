import { expect, test } from 'vitest';
import { tableGaps, withTable } from '../../../scripts/docs/runtimes-table.ts';
import type { CaseResult, Report } from '../../runtime/contract/suite.ts';

const PAGE =
  'Before\n<!-- runtimes: made by npm run runtimes -->\n| | Old |\n|---|---|\n| names | yes |\n<!-- /runtimes -->\nBehind\n';
const cases = (...outcomes: CaseResult['outcome'][]) =>
  outcomes.map((outcome, i) => ({ name: `${i}`, outcome, ms: 1 }));
const report: Report = {
  runtime: 'New 1.0',
  suites: [
    { name: 'a', ability: 'SQLite', cases: cases('passed', 'skipped') },
    { name: 'b', ability: 'command line', cases: cases('passed', 'failed') },
    { name: 'c', ability: 'command line', cases: cases('passed') },
    { name: 'd', ability: 'worker threads', cases: cases('skipped') },
  ],
};
const ABILITIES = ['names', 'SQLite', 'command line', 'worker threads'];

test('withTable() writes what the suites found, and keeps what a runtime said that did not run', () => {
  const page = withTable(PAGE, ABILITIES, ['Old', 'New'], new Map([['New', report]]));
  expect(page.split('\n')).toEqual([
    'Before',
    '<!-- runtimes: made by npm run runtimes -->',
    '|  | Old | New |',
    '| --- | --- | --- |',
    '| names | yes | – |',
    '| SQLite | – | yes |',
    '| command line | – | no: 1 of 3 fail |',
    '| worker threads | – | – |',
    '<!-- /runtimes -->',
    'Behind',
    '',
  ]);
  expect(withTable(page, ABILITIES, ['Old', 'New'], new Map())).toBe(page);
});

test('tableGaps() names rows and columns that are missing or too many', () => {
  expect(tableGaps(PAGE, ['names'], ['Old'])).toEqual([]);
  expect(tableGaps(PAGE, ['SQLite'], ['Old', 'New'])).toEqual([
    'README.md: table of runtimes: row "SQLite" is missing: run npm run runtimes and commit it',
    'README.md: table of runtimes: row "names" is none any more: run npm run runtimes and commit it',
    'README.md: table of runtimes: column "New" is missing: run npm run runtimes and commit it',
  ]);
  expect(() => tableGaps('no markers', [], [])).toThrow('has no "<!-- runtimes');
});
