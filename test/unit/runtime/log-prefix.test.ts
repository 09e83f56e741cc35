import { expect, it } from 'vitest';
import { bytesOf } from '../../../src/core/memory.ts';
import { testRuntime } from '../../support/runtime.ts';

const OPTIONS = bytesOf(
  'OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n',
);
const SCRIPT = `KSR.info("load\\n")
function ksr_request_route()
  KSR.info("one\\n")
  KSR.pv.sets("$ru", "sip:x@y")
  KSR.xlog.xerr("two\\n")
end`;

async function logged(logPrefix: { text: string; each?: boolean }): Promise<string[]> {
  const t = testRuntime(SCRIPT, { logPrefix });
  t.runtime.receive(OPTIONS, { ip: '127.0.0.1', port: 5070 });
  t.runtime.receive(OPTIONS, { ip: '127.0.0.1', port: 5070 });
  await t.runtime.close();
  return t.log.lines.map(l => l.message).filter(m => /load|one|two/.test(m));
}

it('is evaluated once for a message', async () => {
  expect(await logged({ text: 'ü {$rm $ru}: ' })).toEqual([
    expect.stringMatching(/^[^{]*load/),
    'ü {OPTIONS sip:a@127.0.0.1}: one',
    'ü {OPTIONS sip:a@127.0.0.1}: <script>: two',
    'ü {OPTIONS sip:a@127.0.0.1}: one',
    'ü {OPTIONS sip:a@127.0.0.1}: <script>: two',
  ]);
});

it('or for each line', async () => {
  expect((await logged({ text: '$ru: ', each: true })).slice(1, 3)).toEqual([
    'sip:a@127.0.0.1: one',
    'sip:x@y: <script>: two',
  ]);
});

it('one that does not evaluate leaves the lines as they are', async () => {
  expect((await logged({ text: '$nosuch( ' })).slice(-1)[0]).toMatch(/two$/);
});
