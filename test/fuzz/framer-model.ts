/**
 * What a stream means, said a second time and another way: with regular expressions over the whole of it. The framer must find the same in any cut. And streams to try it
 * on.
 */
import { byteStr, bytesOf } from '../../src/core/memory.ts';
import { StreamFramer } from '../../src/transport/stream-framer.ts';
import { generate } from '../support/generate.ts';

/** Findings in their order: messages as they are, others in brackets. */
export function model(stream: string, limit: number): string[] {
  const found: string[] = [];
  let rest = stream;
  let lineEnds = 0;
  for (;;) {
    // between messages only CRLF counts; a stray CR or LF is passed over
    const gap = /^[\r\n]+/.exec(rest)?.[0] ?? '';
    rest = rest.slice(gap.length);
    for (const _end of gap.matchAll(/\r\n/g)) if (++lineEnds % 2 === 0) found.push('[ping]');
    if (rest === '') return found;
    lineEnds = 0;
    const end = /\n\r?\n/.exec(rest);
    const head = end ? rest.slice(0, end.index + end[0].length) : undefined;
    if (head === undefined || head.length > limit) {
      if (rest.length >= limit) found.push(`[too long] ${rest.slice(0, limit)}`);
      return found;
    }
    const body = lengthOf(head);
    if (typeof body === 'string') return [...found, `[unframed] ${body}`];
    if (head.length + body > limit) return [...found, `[too long] ${head}`];
    if (rest.length < head.length + body) return found;
    found.push(rest.slice(0, head.length + body));
    rest = rest.slice(head.length + body);
  }
}

/** What Content-Length says, or what is wrong with it. A line that begins with a blank has no name; a value may go on there. */
function lengthOf(head: string): number | string {
  const values: number[] = [];
  const field =
    /\n(?:content-length|l)[ \t]*:((?:[ \t]|\r?\n(?=[ \t]))*(\d+)(?:[ \t]|\r?\n(?=[ \t]))*(?=\r?\n(?![ \t])|\r(?!\n)))?/gi;
  for (const match of head.matchAll(field)) {
    if (match[2] === undefined) return 'its Content-Length is no number';
    values.push(Math.min(Number(match[2]), Number.MAX_SAFE_INTEGER));
    if (values.at(-1) !== values[0]) return 'it has two Content-Lengths that differ';
  }
  return values[0] ?? 'it has no Content-Length';
}

/** What the framer finds of a stream in pieces. @throws Error when it keeps more than it may, or keeps something that is over */
export function framed(pieces: readonly string[], limit: number): string[] {
  const found: string[] = [];
  const framer = new StreamFramer(limit, {
    message: bytes => void found.push(byteStr(bytes.slice())),
    ping: () => void found.push('[ping]'),
    tooLong: bytes => void found.push(`[too long] ${byteStr(bytes.slice())}`),
    unframed: why => void found.push(`[unframed] ${why}`),
  });
  for (const piece of pieces) {
    framer.push(bytesOf(piece));
    if (framer.keptBytes > limit) throw new Error(`it keeps ${framer.keptBytes} bytes, its limit is ${limit}`);
    if (!framer.partial && framer.keptBytes > 0) throw new Error('it keeps bytes of no message');
  }
  return found;
}

/** Cuts a stream where it is told. @param next size of the next piece, from 1 */
export function cut(stream: string, next: () => number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < stream.length; ) {
    const size = Math.max(1, next());
    pieces.push(stream.slice(at, at + size));
    at += size;
  }
  return pieces;
}

/** Things that are put into streams, on purpose or to break them. */
export const INSERTS = [
  ...['\r\n', '\n', '\r', '\r\n\r\n', '\n\n', '\r\r\n', ' ', '\t', '\0', '\xff', ':', ','],
  ...['l: 3\r\n', 'L:3\r\n', 'Content-Length: 9999999\r\n', 'content-length : 0\r\n', 'Content-Length: 4294967297\r\n'],
  ...[
    'Content-Length:\r\n 5\r\n',
    'Content-Length: five\r\n',
    'Content-Length: -1\r\n',
    'Content-Length: 00000000000000000003\r\n',
  ],
  ...[
    'Content-Length: 3 3\r\n',
    'X: a\r\n l: 3\r\n',
    'Content-Lengths: 3\r\n',
    'Content-Length\r\n',
    'GET / HTTP/1.1\r\n\r\n',
  ],
];

/** Streams of messages, each changed in some places. @param random 0..n-1 */
export function streams(seed: number, random: (n: number) => number): () => { stream: string; limit: number } {
  const messages = generate(seed, 40);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  return () => {
    let stream = '';
    for (let n = random(4); n >= 0; n--)
      stream += pick(messages) + pick(['', '', '', '\r\n\r\n', '\r\n', '\n\r\n\r\n']);
    for (let n = random(7); n > 0; n--) {
      const at = random(stream.length);
      stream = stream.slice(0, at) + pick(INSERTS) + stream.slice(at + random(3));
    }
    return { stream, limit: pick([65535, 65535, 2000, 700, 200]) };
  };
}
