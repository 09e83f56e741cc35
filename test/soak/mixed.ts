/**
 * A mixed load of calls, cancels, failures, messages and registrations: `npm run soak:mixed [-- --messages N]`. Half a million SIP messages bring the process
 * to its size: its code is compiled and its heaps have grown by then. Two million more follow; 40 s later its transactions, message slots and memory are back
 * where they were 40 s after the first part. Exit status 1 when not.
 */
import { parseArgs } from 'node:util';
import { callCtl } from '../../src/transport/node/ctl.ts';
import { CallLoad, type Kind, sleep } from './calls.ts';
import { StatefulServer } from './stateful.ts';

const PORT = 21775;
const REST_MS = 40_000;
const MARGIN = 0.05;
/** Calls between two looks at the numbers. The last ones of a batch are the silent ones: nothing else runs then. */
const BATCH = 10_000;
/** Messages in front of those that count. */
const FIRST = 500_000;
/** 1 % of the calls are never answered: each holds a transaction until the timer ends it */
const KINDS =
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaccccccccccccccccccccrrrrrrrrrrrrrrrnnnnnnnnnnmmmmmmmmmmggggs'.split(
    '',
  ) as Kind[];

const { values } = parseArgs({
  options: { messages: { type: 'string', default: '2000000' }, rest: { type: 'string', default: String(REST_MS) } },
});
const total = Number(values.messages);
const restMs = Number(values.rest);

interface Level {
  readonly transactions: number;
  readonly slots: number;
  readonly residentKb: number;
}

const server = new StatefulServer({ which: 'ours', port: PORT });
await server.start();

async function level(): Promise<Level> {
  const tm = (await callCtl(server.ctl, 'tm.stats', [])) as { current: number; waiting: number };
  const stats = (await callCtl(server.ctl, 'stats.fetchn', ['kemi:live_messages'])) as Record<string, number>;
  return {
    transactions: tm.current + tm.waiting,
    slots: Number(Object.values(stats)[0]),
    residentKb: server.residentKb(),
  };
}

const shown = (l: Level) => `${l.transactions} transactions, ${l.slots} message slots, ${l.residentKb} KiB resident`;

const load = new CallLoad({ port: PORT, kind: n => KINDS[(n * 37) % KINDS.length]!, window: 200 });
await load.open();
let failed = false;
try {
  console.log(`at the start: ${shown(await level())}`);
  const until = async (messages: number) => {
    while (load.tally.messages < messages) await load.run(BATCH);
  };
  await until(FIRST);
  console.log(`after ${FIRST} messages: ${shown(await level())}`);
  await sleep(restMs);
  const before = await level();
  const started = performance.now();
  console.log(`${restMs / 1000} s later: ${shown(before)}`);
  for (let tenth = 1; tenth <= 10; tenth++) {
    await until(FIRST + (total / 10) * tenth);
    const { messages, done, lost } = load.tally;
    console.log(`${messages} messages, ${done} calls ended well, ${lost} lost: ${shown(await level())}`);
  }
  const { messages, done, lost, wrong } = load.tally;
  const seconds = (performance.now() - started) / 1000;
  await sleep(restMs);
  const after = await level();
  const change = (after.residentKb - before.residentKb) / before.residentKb;
  console.log(
    `${messages - FIRST} messages in ${seconds.toFixed(0)} s, ${Math.round((messages - FIRST) / seconds)} a second; ${done} calls ended well`,
  );
  console.log(
    `${restMs / 1000} s later: ${shown(after)}; memory ${(100 * change).toFixed(1)} %, limit ${100 * MARGIN} %`,
  );
  const fail = (what: string) => {
    failed = true;
    console.log(`FAILED: ${what}`);
  };
  if (after.transactions !== 0) fail(`${after.transactions} transactions are left`);
  if (after.slots !== 0) fail(`${after.slots} message slots are in use`);
  if (!(change <= MARGIN)) fail('memory grew');
  if (lost > 0) fail(`${lost} calls were lost`);
  if (wrong.size) fail(`ended otherwise: ${[...wrong].map(([what, n]) => `${n} x ${what}`).join(', ')}`);
} finally {
  load.close();
  await server.close();
}
process.exitCode = failed ? 1 : 0;
