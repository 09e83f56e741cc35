/** Broken Route, Record-Route, Contact and SDP: rr and nathelper answer, nothing traps, and what is sent on is a message. The same inputs each time. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bytesOf } from '../../../src/core/memory.ts';
import { createRuntime } from '../../../src/index.ts';
import { GROUPS } from '../../fixtures/routing/index.ts';
import { SCRIPT } from '../../fixtures/routing/ours.ts';
import { ALIAS, CLIENT_PORT, SOCKETS } from '../../fixtures/routing/world.ts';
import { mutate, Random } from '../../fuzz/mutate.ts';
import { openCore } from '../../support/core.ts';
import { recordingLogger } from '../../support/log.ts';
import { wasmModules } from '../../support/wasm.ts';

const ROUNDS = 6000;
const MAX_MS = 1000;

test('mutated messages through rr and nathelper', () => {
  const corpus = Object.values(GROUPS).flatMap(profiles => profiles.flatMap(p => p.cases.map(c => c.message)));
  const random = new Random(3261);
  const judge = openCore();
  const log = recordingLogger();
  let sent = 0;
  let input = '';
  const runtime = createRuntime({
    wasm: wasmModules(),
    log,
    sockets: SOCKETS.map(({ id: _, ...socket }) => socket),
    aliases: [ALIAS],
    secret: new Uint8Array(16).fill(7),
    limits: { instructions: 1_000_000 },
    modparams: [{ module: 'nathelper', name: 'received_avp', value: '$avp(rcv)' }],
    send: (_socket, data) => {
      // answers to what is no request are another test's business
      if (data[0] === 0x53 && data[3] === 0x2f) return true;
      sent++;
      const at = judge.x.msgAlloc(data.length);
      judge.mem.u8.set(data, judge.mem.u32(at));
      const status: number = judge.x.msgIndex(at) || judge.x.msgCheck(at);
      judge.x.msgFree(at);
      expect(
        status,
        `sent because of ${JSON.stringify(input)}:\n${Buffer.from(data).toString('latin1')}`,
      ).toBeGreaterThanOrEqual(0);
      return true;
    },
  });
  runtime.load({ name: SCRIPT, source: readFileSync(SCRIPT) });
  for (let i = 0; i < ROUNDS; i++) {
    input = mutate(random.pick(corpus), corpus, random);
    const started = performance.now();
    runtime.receive(bytesOf(input), { ip: '127.0.0.1', port: CLIENT_PORT }, random.below(SOCKETS.length));
    const ms = performance.now() - started;
    expect(ms, JSON.stringify(input)).toBeLessThan(MAX_MS);
    expect(runtime.liveMessages, JSON.stringify(input)).toBe(0);
  }
  expect(sent).toBeGreaterThan(ROUNDS / 4);
  expect(runtime.counters.traps).toBe(0);
  expect(log.lines.filter(l => l.level === 'fatal' || /trap|Cannot finish/.test(l.message))).toEqual([]);
});
