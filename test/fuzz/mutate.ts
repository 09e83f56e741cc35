/** Seeded mutations of datagrams: the same seed and corpus give the same inputs on every machine. */

/** A small, fast, seeded generator (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** a whole number 0 <= x < n */
  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

const TOKENS = [
  '\r\n',
  '\r\n ',
  '\r\n\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '=',
  '"',
  '\\"',
  '\\',
  '<',
  '>',
  '@',
  '%',
  '%4',
  '%00',
  '[',
  ']',
  '*',
  '?',
  ';tag=',
  ';branch=z9hG4bK',
  ';rport',
  ';received=',
  ';lr',
  'sip:',
  'sips:',
  'tel:',
  'SIP/2.0',
  'SIP/2.0/UDP ',
  '2147483648',
  '4294967296',
  '-1',
  '99999999999999999999',
  'Via: SIP/2.0/UDP a;branch=z9hG4bKq\r\n',
  'v:',
  'To: <sip:x@y>\r\n',
  'Content-Length: 3\r\n',
  'l: 99999\r\n',
  'Max-Forwards: 0\r\n',
  'Route: <sip:a;lr>,\r\n',
  'Authorization: Digest username="\r\n',
  'Contact: *\r\n',
  '\xff\xfe',
  '(',
];

/** One to four random changes of a datagram, mostly one: more of them seldom leave a message that is routed. Texts are byte strings. */
export function mutate(text: string, corpus: readonly string[], random: Random): string {
  let out = text;
  for (let n = random.pick([1, 1, 1, 2, 2, 4]); n > 0; n--) out = change(out, corpus, random);
  return out.slice(0, 65535);
}

function change(text: string, corpus: readonly string[], random: Random): string {
  // Behind the start line three times of four: a broken start line ends everything else.
  const least = random.below(4) ? Math.max(0, text.indexOf('\r\n')) : 0;
  const at = least + random.below(text.length - least + 1);
  const length = random.below(Math.min(64, text.length - at) + 1);
  const replaced = (by: string) => text.slice(0, at) + by + text.slice(at + length);
  switch (random.below(12)) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1);
    case 1:
      return replaced('');
    case 2:
      return replaced(random.pick(TOKENS));
    case 3:
      return text.slice(0, at) + random.pick(TOKENS) + text.slice(at);
    case 4:
      return replaced(text.slice(at, at + length).repeat(1 + random.below(20)));
    case 5:
      return text.slice(0, at);
    case 6: {
      const other = random.pick(corpus);
      return text.slice(0, at) + other.slice(random.below(other.length + 1));
    }
    case 7:
      return swapLines(text, random);
    case 8: {
      const lines = text.split('\r\n');
      lines.splice(random.below(lines.length), 0, random.pick(random.pick(corpus).split('\r\n')));
      return lines.join('\r\n');
    }
    case 9:
      return text.replace(/\d+/, () => String(random.pick(['0', '-1', '65536', '4294967296', '9'.repeat(40)])));
    case 10:
      return replaced(String.fromCharCode(random.below(256)).repeat(random.pick([1, 100, 5000, 40_000])));
    default:
      return caseOf(text, at, random);
  }
}

function swapLines(text: string, random: Random): string {
  const lines = text.split('\r\n');
  const [a, b] = [random.below(lines.length), random.below(lines.length)];
  [lines[a], lines[b]] = [lines[b]!, lines[a]!];
  return lines.join('\r\n');
}

function caseOf(text: string, at: number, random: Random): string {
  const end = at + random.below(30);
  const part = text.slice(at, end);
  return (
    text.slice(0, at) +
    (random.below(2) ? part.toUpperCase() : part.toLowerCase()).slice(0, part.length) +
    text.slice(end)
  );
}
