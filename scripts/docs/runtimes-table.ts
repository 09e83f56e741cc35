/** The README's table of runtimes: what each of them can do, as its contract suites found it. */
import type { Report } from '../../test/runtime/contract/suite.ts';

const BEGIN = '<!-- runtimes: made by npm run runtimes -->';
const END = '<!-- /runtimes -->';
/** nothing was asked */
const NONE = '–';

type Row = readonly string[];

/**
 * @param abilities the rows  @param columns names of the runtimes
 * @param reports what came back, by name of the runtime; a runtime that did not run keeps what the page says of it
 * @returns the page with a new table between its markers
 * @throws Error the page has no markers
 */
export function withTable(
  page: string,
  abilities: readonly string[],
  columns: readonly string[],
  reports: ReadonlyMap<string, Report>,
): string {
  const old = readTable(page);
  const before = (ability: string, column: string) =>
    old.find(row => row[0] === ability)?.[old[0]!.indexOf(column)] ?? NONE;
  const rows: Row[] = [
    ['', ...columns],
    ['---', ...columns.map(() => '---')],
    ...abilities.map(ability => [
      ability,
      ...columns.map(column => {
        const report = reports.get(column);
        return report ? cell(report, ability) : before(ability, column);
      }),
    ]),
  ];
  const table = rows.map(row => `| ${row.join(' | ')} |`).join('\n');
  const [start, end] = markers(page);
  return `${page.slice(0, start)}\n${table}\n${page.slice(end)}`;
}

/** @returns one line for each row or column that the page's table lacks or has too much */
export function tableGaps(page: string, abilities: readonly string[], columns: readonly string[]): string[] {
  const [head = [], , ...rows] = readTable(page);
  const differ = (what: string, has: readonly string[], wants: readonly string[]) => [
    ...wants.filter(w => !has.includes(w)).map(w => `${what} "${w}" is missing`),
    ...has.filter(h => !wants.includes(h)).map(h => `${what} "${h}" is none any more`),
  ];
  const gaps = [
    ...differ(
      'row',
      rows.map(r => r[0]!),
      abilities,
    ),
    ...differ('column', head.slice(1), columns),
  ];
  return gaps.map(gap => `README.md: table of runtimes: ${gap}: run npm run runtimes and commit it`);
}

function cell(report: Report, ability: string): string {
  const cases = report.suites.filter(s => s.ability === ability).flatMap(s => s.cases);
  const failed = cases.filter(c => c.outcome === 'failed').length;
  if (failed > 0) return `no: ${failed} of ${cases.length} fail`;
  return cases.some(c => c.outcome === 'passed') ? 'yes' : NONE;
}

function readTable(page: string): Row[] {
  const [start, end] = markers(page);
  const lines = page.slice(start, end).split('\n');
  return lines
    .filter(line => line.startsWith('|'))
    .map(line =>
      line
        .slice(1, -1)
        .split('|')
        .map(text => text.trim()),
    );
}

/** where the text between the markers begins and ends */
function markers(page: string): [number, number] {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`README.md has no "${BEGIN}" and "${END}" behind it`);
  return [begin + BEGIN.length, end];
}
