/**
 * Messages per second: copied in, indexed, and six values read (request URI, From tag, To tag, Call-ID, branch of the top Via, method of CSeq), against the npm packages
 * sip, jssip, sip.js and drachtio-sip on the same 256 messages, in one process, in turn, several rounds. Prints every round and the median ratios.
 * `node test/bench/parse.ts [--rounds N]`; exits 1 below the bars.
 */
import { createRequire } from 'node:module';
import * as L from '../../src/core/gen/layout.gen.ts';
import { openCore } from '../support/core.ts';
import { generate } from '../support/generate.ts';

const BAR_OFFSETS = 15;
const BAR_STRINGS = 8;
/** of each kind */
const MESSAGES = 64;
/**
 * A round is many short turns of all sides, so that a busy neighbour disturbs all of them alike; its figure is the lower quartile of the turns: on a busy machine
 * about half of them are interrupted.
 */
const TURNS = 80;
const TURN_MS = 1.5;
const VALUES = ['request URI', 'From tag', 'To tag', 'Call-ID', 'Via branch', 'CSeq method'];

const flag = process.argv.indexOf('--rounds');
const rounds = flag < 0 ? 7 : Number(process.argv[flag + 1]);
const require = createRequire(import.meta.url);

const core = openCore();
const { x, mem } = core;
const out = core.lua.malloc(24);

/** One message: allocated, copied in, indexed, summarized. The slot is free again at the next call, so that its values can be read until then. */
let live = 0;
function parseOurs(bytes: Uint8Array): void {
  if (live) x.msgFree(live);
  live = x.msgAlloc(bytes.length);
  mem.u8.set(bytes, live + L.MSG_BYTES);
  x.msgIndex(live);
  x.msgSummary(live, out);
}
// Buffer's own method: half the cost of toString('latin1', from, to)
type Latin1 = Buffer & { latin1Slice(from: number, to: number): string };
let latin1 = Buffer.from(mem.memory.buffer) as Latin1;
let pairs = new Uint16Array(mem.memory.buffer);
/** The head as one string, and the values cut out of it: cheaper than six decodings. */
function stringsOurs(): string[] {
  if (pairs.buffer !== mem.memory.buffer) {
    pairs = new Uint16Array(mem.memory.buffer);
    latin1 = Buffer.from(mem.memory.buffer) as Latin1;
  }
  const buf = live + L.MSG_BYTES;
  const head = latin1.latin1Slice(buf, buf + pairs[(live + L.M_BODY) >> 1]!);
  const p = out >> 1;
  return [cut(p), cut(p + 2), cut(p + 4), cut(p + 6), cut(p + 8), cut(p + 10)];
  function cut(at: number): string {
    const from = pairs[at]!;
    return head.substring(from, from + pairs[at + 1]!);
  }
}

interface Side {
  readonly name: string;
  /** parses and reads the six values, as strings or (ours) as offsets */
  run(bytes: Buffer): unknown;
  /** the six as strings; '' or undefined when absent */
  values(bytes: Buffer): (string | undefined)[];
}

// biome-ignore lint/suspicious/noExplicitAny: the packages bring no types
type Any = any;
const sip: Any = require('sip');
const drachtio: Any = require('drachtio-sip');
const jssip: Any = require('jssip/lib/Parser');
const { Parser }: Any = await import(
  new URL('../../node_modules/sip.js/lib/core/messages/parser.js', import.meta.url).href
);
const logger = {
  warn(text: string) {
    throw new Error(text);
  },
};
const uaStub = {};

const sides: Side[] = [
  {
    name: 'kemi-wasm, offsets',
    run: parseOurs,
    values(bytes) {
      parseOurs(bytes);
      return stringsOurs();
    },
  },
  {
    name: 'kemi-wasm, strings',
    run(bytes) {
      parseOurs(bytes);
      return stringsOurs();
    },
    values(bytes) {
      parseOurs(bytes);
      return stringsOurs();
    },
  },
  external('sip', bytes => {
    const m = sip.parse(bytes);
    const h = m.headers;
    if (m.uri) sip.parseUri(m.uri);
    return [m.uri, h.from.params.tag, h.to.params.tag, h['call-id'], h.via[0].params.branch, h.cseq.method];
  }),
  external('drachtio-sip', bytes => {
    const m = new drachtio.SipMessage(bytes.toString('utf8'));
    if (m.uri) drachtio.parser.parseUri(m.uri);
    return [
      m.uri,
      m.getParsedHeader('from').params.tag,
      m.getParsedHeader('to').params.tag,
      m.get('call-id'),
      m.getParsedHeader('via')[0].params.branch,
      m.getParsedHeader('cseq').method,
    ];
  }),
  external('jssip', bytes => {
    const m = jssip.parseMessage(bytes.toString('utf8'), uaStub);
    return [m.ruri, m.from_tag, m.to_tag, m.call_id, m.via_branch, m.parseHeader('cseq').method];
  }),
  external('sip.js', bytes => {
    const m = Parser.parseMessage(bytes.toString('utf8'), logger);
    return [m.ruri, m.fromTag, m.toTag, m.callId, m.viaBranch, m.parseHeader('cseq').method];
  }),
];

function external(name: string, values: (bytes: Buffer) => (string | undefined)[]): Side {
  return { name, run: values, values };
}

const messages = generate(12345, MESSAGES).map(m => Buffer.from(m, 'latin1'));
const meanBytes = Math.round(messages.reduce((sum, m) => sum + m.length, 0) / messages.length);
console.log(`${messages.length} different messages, ${meanBytes} bytes on average; node ${process.versions.node}`);

// all sides must read the same values
const reference = messages.map(m => sides[0]!.values(m));
for (const side of sides.slice(1)) {
  messages.forEach((m, i) => {
    side.values(m).forEach((value, k) => {
      // jssip and sip.js give the request URI as an object of theirs
      if (String(value ?? '') !== reference[i]![k])
        throw new Error(`${side.name}: ${VALUES[k]} of message ${i} is '${value}', ours is '${reference[i]![k]}'`);
    });
  });
}
console.log('all sides agree on all values');

const sorted = (list: number[]) => [...list].sort((a, b) => a - b);
const median = (list: number[]) => sorted(list)[list.length >> 1]!;
const quartile = (list: number[]) => sorted(list)[list.length >> 2]!;

/** where each side is in the messages */
const positions = sides.map(() => 0);
/** @returns nanoseconds a message */
function measure(i: number, count: number): number {
  const side = sides[i]!;
  let position = positions[i]!;
  const start = performance.now();
  for (let n = 0; n < count; n++) {
    side.run(messages[position]!);
    position = position + 1 === messages.length ? 0 : position + 1;
  }
  const ns = ((performance.now() - start) * 1e6) / count;
  positions[i] = position;
  return ns;
}
const counts = sides.map((_, i) => {
  measure(i, messages.length);
  return Math.max(2, Math.round((TURN_MS * 1e6) / measure(i, messages.length)));
});

const results: number[][] = sides.map(() => []);
for (let round = 0; round < rounds; round++) {
  const turns: number[][] = sides.map(() => []);
  for (let turn = 0; turn < TURNS; turn++) {
    sides.forEach((_, k) => {
      const i = turn % 2 ? sides.length - 1 - k : k;
      turns[i]!.push(measure(i, counts[i]!));
    });
  }
  turns.forEach((list, i) => {
    results[i]!.push(quartile(list));
  });
  console.log(
    `round ${round + 1}: ${sides.map((s, i) => `${s.name} ${Math.round(results[i]![round]!)} ns`).join(', ')}`,
  );
}

const fastest = Math.min(...sides.slice(2).map((_, i) => median(results[i + 2]!)));
for (const [i, side] of sides.entries()) {
  const ns = median(results[i]!);
  console.log(
    `${side.name.padEnd(20)} ${String(Math.round(ns)).padStart(9)} ns ${String(Math.round(1e9 / ns)).padStart(9)} messages/s`,
  );
}
// each round's ratio is taken within the round
const ratio = (ours: number) =>
  median(results[ours]!.map((ns, round) => Math.min(...results.slice(2).map(r => r[round]!)) / ns));
const offsets = ratio(0);
const strings = ratio(1);
console.log(
  `fastest package ${Math.round(fastest)} ns; ours ${offsets.toFixed(1)} times as fast with offsets (bar ${BAR_OFFSETS}), ${strings.toFixed(1)} times with strings (bar ${BAR_STRINGS})`,
);
if (offsets < BAR_OFFSETS || strings < BAR_STRINGS) {
  console.error('below the bar');
  process.exit(1);
}
