/** The verdict on every message of RFC 4475 and RFC 5118, found by listing the folders. Valid messages without edits are written byte for byte. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as L from '../../src/core/gen/layout.gen.ts';
import { openCore, statusName, withMsg } from '../support/core.ts';

interface Expected {
  readonly verdict: 'accept' | 'reject';
  readonly by?: string;
  readonly status?: string;
  readonly offset?: number;
  readonly reply?: number;
  readonly written?: number;
  readonly reason: string;
}

const NOT_MESSAGES = new Set(['expected.json', 'README']);

for (const build of ['core', 'core.debug'] as const) {
  const core = openCore(build);
  for (const set of ['rfc4475', 'rfc5118']) {
    const folder = new URL(`./${set}/`, import.meta.url);
    const expected = JSON.parse(readFileSync(new URL('expected.json', folder), 'utf8')) as Record<string, Expected>;
    const files = readdirSync(folder).filter(f => !NOT_MESSAGES.has(f));

    describe(`${build} ${set}`, () => {
      test('every file has a verdict', () => {
        expect(Object.keys(expected).sort()).toEqual(files.sort());
      });

      test.each(files)('%s', file => {
        const bytes = readFileSync(new URL(file, folder));
        const want = expected[file]!;
        withMsg(core, bytes, (m, index) => {
          const check = index || core.x.msgCheck(m.at);
          const strict = check || core.x.msgStrict(m.at);
          if (want.verdict === 'accept') {
            expect(statusName(strict)).toBe('ST_OK');
            const length = core.x.msgWrite(m.at);
            expect(length).toBe(want.written ?? bytes.length);
            expect(Buffer.from(core.mem.bytes(core.x.outArea(), length)).equals(bytes.subarray(0, length))).toBe(true);
            return;
          }
          const by = index ? 'msgIndex' : check ? 'msgCheck' : 'msgStrict';
          const hard = by !== 'msgStrict';
          expect({
            by,
            status: statusName(strict),
            offset: core.mem.u16(m.at + (hard ? L.M_ERROFF : L.M_SOFTOFF)),
            reply: m.isReply ? 0 : core.x.statusToReply(strict),
          }).toEqual({ by: want.by, status: want.status, offset: want.offset, reply: want.reply });
          expect(statusName(core.mem.u16(m.at + (hard ? L.M_ERR : L.M_SOFTERR)))).toBe(want.status);
        });
        expect(core.x.msgLive()).toBe(0);
      });
    });
  }
}
