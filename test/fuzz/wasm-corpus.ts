/** Messages for fuzzing: the conformance set, generated ones, crafted ones, and mutations of them. Deterministic. */
import { readdirSync, readFileSync } from 'node:fs';
import { byteStr } from '../../src/core/memory.ts';
import { generate, random } from '../support/generate.ts';

const SPECIAL = '\0\t\n\r "%*,;:<=>?@[\\]/\x7f\xff';
const PIECES = [
  '\r\n',
  '\r\n ',
  '\r\n\r\n',
  ';rport',
  ';branch=z9hG4bK',
  ';received=',
  ';tag=',
  ';lr',
  '<sip:',
  'sip:',
  '[2001:db8::1]',
  '%00',
  '4294967296',
  '-1',
  'SIP/2.0/UDP ',
  'Via: SIP/2.0/UDP a;branch=z9hG4bKx\r\n',
  'To: <sip:a@b>;tag=\r\n',
  'Content-Length: 99999999999\r\n',
  'Content-Length: 2147483647\r\n',
  'Contact: *\r\n',
  'Authorization: Digest username="a", realm="',
  'l: 0\r\n',
];

/** what a 64 KiB datagram can be filled with */
function crafted(): string[] {
  const head = 'OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\n';
  const big = (text: string, bytes: number) => text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes);
  return [
    `${head}${big('X: y\r\n', 60000)}`,
    `${head}X: ${big('a', 60000)}\r\n\r\n`,
    `${head}X: ${big('\r\n ', 60000)}\r\n\r\n`,
    `${head}Contact: ${big('<sip:a@b>,', 60000)}\r\n\r\n`,
    `${head}To: ${big('"\\', 60000)}\r\n\r\n`,
    `${head}From: ${big(';', 60000)}\r\n\r\n`,
    big('\0', 65535),
    big('\r\n', 65535),
  ];
}

/** The seeds: every message that a mutation starts from. */
export function seeds(): string[] {
  const out = generate(99, 24);
  for (const set of ['rfc4475', 'rfc5118']) {
    const folder = new URL(`../torture/${set}/`, import.meta.url);
    for (const file of readdirSync(folder))
      if (file !== 'expected.json' && file !== 'README') out.push(byteStr(readFileSync(new URL(file, folder))));
  }
  return [...out, ...crafted()];
}

/** An endless source of messages. */
export function mutator(seed: number): () => string {
  const r = random(seed);
  const all = seeds();
  const pick = <T>(list: readonly T[]): T => list[r(list.length)]!;
  const mutate = (text: string): string => {
    const at = r(text.length + 1);
    const special = SPECIAL[r(SPECIAL.length)]!;
    switch (r(8)) {
      case 0:
        return text.slice(0, at) + special + text.slice(at + 1);
      case 1:
        return text.slice(0, at) + special + text.slice(at);
      case 2:
        return text.slice(0, at) + text.slice(at + 1 + r(20));
      case 3:
        return text.slice(0, at);
      case 4:
        return text.slice(0, at) + pick(PIECES) + text.slice(at);
      case 5: {
        // a line again, or somewhere else
        const lines = text.split('\r\n');
        const from = r(lines.length);
        const line = lines[from]!;
        if (r(2)) lines.splice(from, 1);
        lines.splice(r(lines.length + 1), 0, line);
        return lines.join('\r\n');
      }
      case 6: {
        const other = pick(all);
        return text.slice(0, at) + other.slice(r(other.length));
      }
      default:
        return text.slice(0, at) + text.slice(at, at + 1 + r(40)).repeat(2) + text.slice(at + 40);
    }
  };
  return () => {
    let text = pick(all);
    for (let n = r(7); n > 0; n--) text = mutate(text);
    return text.slice(0, 65535);
  };
}
