/** What the parsers find in messages: test/golden/index/*.md. Each also runs cut off at every byte, for the invariants of the fuzzer. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as L from '../../src/core/gen/layout.gen.ts';
import type { SipMsg } from '../../src/core/sip-msg.ts';
import { Checker } from '../fuzz/wasm-invariants.ts';
import { openCore, statusName, withMsg } from '../support/core.ts';
import { random } from '../support/generate.ts';
import { fromBlock, readCases, rewrite } from './golden.ts';

const FOLDER = new URL('./index/', import.meta.url);
const URI: [number, string][] = [
  [4, 'user'],
  [8, 'password'],
  [12, 'host'],
  [16, 'params'],
  [20, 'headers'],
  [24, 'port'],
];
const ADDRESS: [number, string][] = [
  [0, 'display'],
  [4, 'uri'],
  [8, 'params'],
  [12, 'tag'],
];
const AREAS: [parser: string, field: number, name: string, parts: [number, string][]][] = [
  ['parseRuri', L.M_RURI, 'ruri', URI],
  ['parseFrom', L.M_FROM, 'from', ADDRESS],
  ['parseTo', L.M_TO, 'to', ADDRESS],
  [
    'parseVia',
    L.M_VIA,
    'via',
    [
      [0, 'transport'],
      [4, 'host'],
      [8, 'branch'],
      [12, 'received'],
      [16, 'rport'],
      [20, 'maddr'],
      [24, 'params'],
    ],
  ],
  ['parseCseq', L.M_CSEQ, 'cseq', [[4, 'method']]],
];

function trace(m: SipMsg, status: number): string {
  const { mem, x } = m.core;
  const lines: string[] = [];
  const pair = (at: number, name: string) => {
    if (mem.u32(at)) lines.push(`${mem.u16(at)} ${mem.u16(at + 2)} ${name}`);
  };
  if (status) lines.push(`${mem.u16(m.at + L.M_ERROFF)} ${statusName(status)}`);
  pair(m.at + L.M_METH, `method ${mem.u8[m.at + L.M_METHOD]}`);
  pair(m.at + L.M_URI, 'uri');
  pair(m.at + L.M_VER, 'version');
  pair(m.at + L.M_REASON, `reason ${m.status}`);
  for (const h of m.headers())
    lines.push(`${h.offset} ${h.end - h.offset} header ${L.HEADER_NAMES[h.id] || '?'} = ${JSON.stringify(h.body)}`);
  lines.push(`${m.bodyOffset} ${m.length - m.bodyOffset} body`);
  for (const [parser, field, name, parts] of AREAS)
    if (x[parser](m.at) === 0) for (const [offset, part] of parts) pair(m.at + field + offset, `${name} ${part}`);
  return `${lines.join('\n')}\n`;
}

for (const build of ['core', 'core.debug'] as const) {
  const core = openCore(build);
  for (const name of readdirSync(FOLDER)) {
    const file = new URL(name, FOLDER);
    test.each(readCases(file))(`${build} ${name}: $title`, ({ title, blocks }) => {
      const text = fromBlock(blocks.get('sip')!);
      const found = withMsg(core, text, trace);
      if (process.env.UPDATE_GOLDEN) rewrite(file, title, 'trace', found);
      else expect(found).toBe(blocks.get('trace'));
      const checker = new Checker(core, random(1));
      for (let n = 0; n <= text.length; n++) checker.check(text.slice(0, n));
    });
  }
}
