import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { byteStr, bytesOf } from '../../../src/core/memory.ts';
import { StreamFramer } from '../../../src/transport/stream-framer.ts';
import { fromBlock, readCases } from '../../golden/golden.ts';
import { random as seeded } from '../../support/generate.ts';

const LIMIT = 65535;

/** Everything a framer finds, in order: messages as they are, other findings in brackets. */
function framer(limit = LIMIT) {
  const found: string[] = [];
  const f = new StreamFramer(limit, {
    message: bytes => void found.push(byteStr(bytes.slice())),
    ping: () => void found.push('[ping]'),
    tooLong: bytes => void found.push(`[too long] ${byteStr(bytes.slice())}`),
    unframed: why => void found.push(`[unframed] ${why}`),
  });
  return { f, found, push: (text: string) => f.push(bytesOf(text)) };
}

const all = (text: string, limit?: number) => {
  const { push, found } = framer(limit);
  push(text);
  return found;
};

const message = (body = '', header = `Content-Length: ${body.length}`) =>
  `OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n${header}\r\n\r\n${body}`;

describe('StreamFramer', () => {
  it('gives a message that is whole, with its body', () => {
    expect(all(message())).toEqual([message()]);
    expect(all(message('hello'))).toEqual([message('hello')]);
  });

  it('gives messages that come in one piece, one by one', () => {
    const three = [message('one'), message(), message('three')];
    expect(all(three.join(''))).toEqual(three);
  });

  it.each([
    'content-length:5',
    'CONTENT-LENGTH \t: \t5 \t',
    'l: 5',
    'L:5',
    'Content-Length: 0005',
    'Content-Length:\r\n 5',
    'Content-Length: 5\r\n ',
    'X: 1\r\nContent-Length: 5\r\nl: 5',
  ])('reads %j', header => {
    expect(all(message('hello', header) + message())).toEqual([message('hello', header), message()]);
  });

  it.each([
    ['X: 1', 'it has no Content-Length'],
    ['X-Content-Length: 5', 'it has no Content-Length'],
    ['Content-Lengthy: 5', 'it has no Content-Length'],
    ['Subject: l: 5\r\n l: 5', 'it has no Content-Length'],
    ['Content-Length:', 'its Content-Length is no number'],
    ['Content-Length: abc', 'its Content-Length is no number'],
    ['Content-Length: -1', 'its Content-Length is no number'],
    ['Content-Length: 5x', 'its Content-Length is no number'],
    ['Content-Length: 5\r\nContent-Length: 6', 'it has two Content-Lengths that differ'],
  ])('does not guess where a message with %j ends, and takes nothing behind it', (header, why) => {
    expect(all(message('hello', header) + message())).toEqual([`[unframed] ${why}`]);
  });

  it('ends lines at LF, too, as Kamailio does', () => {
    const bare = message('hello').replaceAll('\r\n', '\n');
    expect(all(bare + message())).toEqual([bare, message()]);
  });

  it('tells two line ends between messages as a ping, one is passed over', () => {
    expect(all('\r\n')).toEqual([]);
    expect(all('\r\n\r\n')).toEqual(['[ping]']);
    expect(all(`\r\n${message()}\r\n\r\n\r\n\r\n${message()}`)).toEqual([message(), '[ping]', '[ping]', message()]);
    expect(all('\n\n\r\r')).toEqual([]);
  });

  it('tells a message that is longer than the limit by its Content-Length at once, with its header', () => {
    const long = message('', 'Content-Length: 401');
    expect(all(`${long}xxx`, 400)).toEqual([`[too long] ${long}`]);
    expect(all(message('', 'Content-Length: 99999999999999999999'), 400)[0]).toMatch(/^\[too long\]/);
    const fits = message('x'.repeat(100));
    expect(all(fits, fits.length)).toEqual([fits]);
    expect(all(fits, fits.length - 1)[0]).toMatch(/^\[too long\]/);
  });

  it('tells a header without an end as too long, in one piece or in many', () => {
    const endless = `OPTIONS sip:a@b SIP/2.0\r\nX: ${'y'.repeat(1000)}`;
    expect(all(endless, 400)).toEqual([`[too long] ${endless.slice(0, 400)}`]);
    const { push, found, f } = framer(400);
    for (const char of endless) push(char);
    expect(found).toEqual([`[too long] ${endless.slice(0, 400)}`]);
    expect(f.keptBytes).toBe(0);
  });

  it('says that a message has begun, and keeps nothing when there is none', () => {
    const { f, push } = framer();
    push('\r\n');
    expect([f.partial, f.keptBytes]).toEqual([false, 0]);
    push('OPT');
    expect(f.partial).toBe(true);
    push(message('hello').slice(3));
    expect([f.partial, f.keptBytes]).toEqual([false, 0]);
  });

  it('takes nothing once it is closed, also from inside of a call', () => {
    const found: string[] = [];
    const f = new StreamFramer(LIMIT, {
      message: bytes => {
        found.push(byteStr(bytes.slice()));
        f.close();
      },
      ping: () => {},
      tooLong: () => {},
      unframed: () => {},
    });
    f.push(bytesOf(message('1') + message('2')));
    f.push(bytesOf(message('3')));
    expect(found).toEqual([message('1')]);
  });

  it('finds each golden message, cut in two at every byte', () => {
    expect(GOOD.length).toBeGreaterThan(40);
    for (const text of GOOD) {
      const whole = `${text}\r\n\r\n${message('next')}`;
      const expected = [text, '[ping]', message('next')];
      for (let cut = 1; cut < whole.length; cut++) {
        const { push, found } = framer();
        push(whole.slice(0, cut));
        push(whole.slice(cut));
        if (found.join('|') !== expected.join('|')) expect(found, `cut at ${cut}`).toEqual(expected);
      }
    }
  });

  it('finds them byte by byte, and in 200 random cuts', () => {
    const whole = STREAM.join('');
    const expected = all(whole);
    const bytewise = framer();
    for (const char of whole) bytewise.push(char);
    expect(bytewise.found).toEqual(expected);
    const random = fraction(1);
    for (let round = 0; round < 200; round++) {
      const { push, found, f } = framer();
      for (let at = 0; at < whole.length; ) {
        const next = at + 1 + Math.floor(random() ** 3 * 4_000);
        push(whole.slice(at, next));
        at = next;
      }
      if (found.join('|') !== expected.join('|')) expect(found, `round ${round}`).toEqual(expected);
      expect([f.partial, f.keptBytes]).toEqual([false, 0]);
    }
  });

  it('survives garbage: 20,000 rounds of mutated messages in random cuts; it never keeps more than the limit, and the cut changes nothing', () => {
    const random = fraction(2);
    const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!;
    const limit = 700;
    for (let round = 0; round < 20_000; round++) {
      let text = pick(GOOD) + pick(GOOD);
      for (let n = Math.floor(random() * 6); n >= 0; n--) {
        const at = Math.floor(random() * text.length);
        const insert = pick(['\r\n', '\n', '\r', '\r\n\r\n', 'l: 3\r\n', '\0', 'Content-Length: 9999999\r\n', ' ', '']);
        text = text.slice(0, at) + insert + text.slice(at + Math.floor(random() * 3));
      }
      const expected = all(text, limit);
      const { push, found, f } = framer(limit);
      for (let at = 0; at < text.length; ) {
        const next = at + 1 + Math.floor(random() * 90);
        push(text.slice(at, next));
        expect(f.keptBytes).toBeLessThanOrEqual(limit);
        at = next;
      }
      if (found.join('|') !== expected.join('|')) expect(found, JSON.stringify(text)).toEqual(expected);
    }
  });
});

const GOLDEN = readCases(new URL('../../golden/index/messages.md', import.meta.url)).map(c =>
  fromBlock(c.blocks.get('sip')!),
);
const TORTURE = ['rfc4475', 'rfc5118'].flatMap(rfc => {
  const dir = new URL(`../../torture/${rfc}/`, import.meta.url);
  return readdirSync(dir)
    .filter(file => !/\.(json|tsv|md|ts)$|^README/.test(file))
    .map(file => readFileSync(new URL(file, dir), 'latin1'));
});
/** Those of them that can stand in a stream, and some of our own. */
const GOOD = [
  ...[...GOLDEN, ...TORTURE].filter(text => {
    const found = all(text);
    return found.length === 1 && found[0] === text;
  }),
  message('hello'),
  message(message()),
];
const STREAM = GOOD.flatMap((text, n) => (n % 3 === 0 ? [text, '\r\n\r\n'] : [text]));

/** 0 <= x < 1 */
function fraction(seed: number): () => number {
  const next = seeded(seed);
  return () => next(1 << 20) / (1 << 20);
}
