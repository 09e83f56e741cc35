import { describe, expect, it } from 'vitest';
import hdr from '../../../src/modules/hdr/index.ts';
import sanity from '../../../src/modules/sanity/index.ts';
import siputils from '../../../src/modules/siputils/index.ts';
import textops from '../../../src/modules/textops/index.ts';
import textopsx from '../../../src/modules/textopsx/index.ts';
import { MessageBench, readGolden } from './message-golden.ts';

const MODULES = [hdr, textops, textopsx, siputils, sanity];
const ROUNDS = 400;
const CALLS_EACH = 12;
/** a call that takes longer than this is not linear in the message */
const MAX_CALL_MS = 1500;

/** small generator with a seed, so that a failure comes again */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const STRINGS = [
  ...[
    '',
    'X-Foo',
    'From',
    'f',
    'Contact',
    'm',
    'Content-Type',
    'foo[2].p',
    'foo[*]',
    'Supported',
    'Authorization.realm',
    'text/plain',
    'application/sdp',
  ],
  ...[
    '.*',
    '^.+$',
    '[^a]+',
    '(a|b)*',
    '(',
    'l',
    '/l/LL/g',
    '/(.)(.)/\\2\\1/',
    '/a/$ru/',
    '$var(x)',
    'a',
    'f',
    'X-New: 1\r\n',
    '\x00\xff',
    '61 62',
    '*',
  ],
  ...['sip:a@b;x=1?h=2', '"', '<', ',;=', '\r\n\r\n', 'i'],
];

function mutate(text: string, below: (n: number) => number): string {
  let out = text;
  for (let n = below(6); n >= 0; n--) {
    const at = below(out.length + 1);
    const kind = below(5);
    if (kind === 0) out = out.slice(0, at) + String.fromCharCode(below(256)) + out.slice(at + 1);
    else if (kind === 1) out = out.slice(0, at) + out.slice(at + below(40));
    else if (kind === 2)
      out = out.slice(0, at) + ['"', '<', '>', ';', ',', '\r\n', ' ', '\\', '--bnd1', ':'][below(10)]! + out.slice(at);
    else if (kind === 3) out = out.slice(0, at) + out.slice(at, at + below(60)).repeat(1 + below(4)) + out.slice(at);
    else out = out.slice(0, Math.max(at, 20));
  }
  return out;
}

describe('text modules', () => {
  it('never throw on broken messages, whatever they are called with', () => {
    const bench = new MessageBench(MODULES);
    const functions = MODULES.flatMap(m =>
      m.functions.filter(f => f.run).map(f => ({ path: `${m.name}.${f.name}`, params: f.params })),
    );
    const texts = ['textops', 'textopsx', 'siputils', 'sanity'].flatMap(name => [
      ...readGolden(name).messages.values(),
    ]);
    const below = generator(20261124);
    for (let round = 0; round < ROUNDS; round++) {
      const message = mutate(texts[below(texts.length)]!, below);
      bench.open(message);
      // A message that the core refuses reaches no route.
      if (bench.core.x.msgIndex(bench.msg.at) < 0 || bench.core.x.msgCheck(bench.msg.at) < 0) continue;
      for (let i = 0; i < CALLS_EACH; i++) {
        const fn = functions[below(functions.length)]!;
        const args = fn.params.map(type => (type === 'int' ? below(5) - 2 : STRINGS[below(STRINGS.length)]!));
        const result = bench.call(fn.path, ...args);
        if (result !== null) expect(['number', 'string', 'boolean']).toContain(typeof result);
      }
      expect(bench.core.x.msgWrite(bench.msg.at)).toBeGreaterThan(0);
    }
    bench.close();
    expect(bench.core.x.msgLive()).toBe(0);
  });

  it.each([
    ['blanks', ' '.repeat(60000)],
    ['quotes', '"'.repeat(60001)],
    ['backslashes in quotes', `"${'\\"'.repeat(30000)}`],
    ['open brackets', '<'.repeat(60000)],
    ['commas', ','.repeat(60000)],
    ['equals signs', `<sip:a@b;ksu=${'='.repeat(50000)}x>`],
    ['tags', ';tag='.repeat(10000)],
    ['folds', '\r\n '.repeat(20000)],
  ])('take time in proportion to a header of %s', (_name, value) => {
    const bench = new MessageBench(MODULES);
    const head =
      'INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 1.2.3.4;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n';
    const args = ['X', 'X', 'text/plain', '1'];
    for (const name of ['X', 'Contact', 'Content-Type', 'Authorization', 'Privacy']) {
      for (const m of MODULES) {
        for (const fn of m.functions) {
          if (!fn.run) continue;
          bench.open(`${head}${name}: a${value}b\r\nContent-Length: 2\r\n\r\nab`);
          const start = performance.now();
          bench.call(
            `${m.name}.${fn.name}`,
            ...fn.params.map((type, i) => (type === 'int' ? 1 : args[i % args.length]!)),
          );
          expect(performance.now() - start, `${m.name}.${fn.name} on ${name}`).toBeLessThan(MAX_CALL_MS);
        }
      }
    }
    bench.close();
  });

  it('take time in proportion to a body', () => {
    const bench = new MessageBench(MODULES);
    for (const body of [
      ' '.repeat(60000),
      '\r\n'.repeat(30000),
      `${'--b\r\n'.repeat(12000)}`,
      `--b\r\n${'a'.repeat(59000)}`,
      'c= '.repeat(20000),
    ]) {
      const head = `INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 1.2.3.4;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Type: multipart/mixed;boundary=b\r\nContent-Length: ${body.length}\r\n\r\n`;
      for (const fn of textops.functions) {
        bench.open(head + body);
        const start = performance.now();
        bench.call(
          `textops.${fn.name}`,
          ...fn.params.map((type, i) => (type === 'int' ? 1 : ['[a-c]+', 'z', 'f'][i % 3]!)),
        );
        expect(performance.now() - start, fn.name).toBeLessThan(MAX_CALL_MS);
      }
    }
    bench.close();
  });
});
