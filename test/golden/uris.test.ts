/**
 * The URI parser against Kamailio 5.6.3: uris.jsonl has odd URIs and mutations of them, each with its {uri.*} there: scheme, user, password, host,
 * port, parameters, headers; null where it refuses.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseUri as partsOf } from '../../src/kemi/uri.ts';
import { parseUri } from '../../src/modules/pv/uri.ts';
import { openCore } from '../support/core.ts';

type Parts = [
  scheme: string,
  user: string,
  password: string,
  host: string,
  port: number,
  params: string,
  headers: string,
];

const rows = readFileSync(new URL('uris.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map(line => JSON.parse(line) as [uri: string, theirs: Parts | null]);
const core = openCore();

function ours(text: string): Parts | null {
  const u = parseUri(core, text);
  return u ? [u.schemeText, u.user, u.password, u.host, u.port, u.params, u.headers] : null;
}

/** Where we differ, by the rows of docs/differences.md. The first that fits explains it. */
const DIFFERS: Readonly<Record<string, (uri: string, theirs: Parts | null) => boolean>> = {
  'tel: blanks, brackets, `@` and an empty number': uri => /^tel:/i.test(uri) && /[\s<>@[\]]|^tel:[;?]/i.test(uri),
  'urn: two parts': uri => /^urn:/i.test(uri),
  'user=phone does not make it a tel URI': (uri, theirs) => theirs !== null && /;user=phone/.test(uri),
  'a host in brackets is an IPv6 address': (_uri, theirs) => /^\[/.test(theirs?.[3] ?? ''),
  'a host without a user holds no , = < > " or blank': (uri, theirs) =>
    !uri.includes('@') && /[\s,=<>"?[\]\\]/.test(theirs?.[3] ?? ''),
  'no bracket in a user, no empty one': (uri, theirs) => theirs !== null && /^\w+:(@|[^@]*[[\]][^@]*@)/.test(uri),
  'the last semicolon stays': (uri, theirs) => theirs !== null && /;(\?|$)/.test(uri),
  'a port has up to eight digits': (uri, theirs) => theirs === null && /:0\d{4,7}(\D|$)/.test(uri),
};

describe(`${rows.length} URIs`, () => {
  test('are read as Kamailio reads them, but for what docs/differences.md lists', () => {
    const used = new Set<string>();
    const unexplained = rows.filter(([uri, theirs]) => {
      if (JSON.stringify(ours(uri)) === JSON.stringify(theirs)) return false;
      const why = Object.entries(DIFFERS).find(([, fits]) => fits(uri, theirs));
      if (why) used.add(why[0]);
      return !why;
    });
    expect(unexplained.map(([uri, theirs]) => ({ uri, theirs, ours: ours(uri) }))).toEqual([]);
    expect([...used].sort()).toEqual(Object.keys(DIFFERS).sort());
  });

  test('are put together again from their parts', () => {
    for (const [uri] of rows) {
      const u = parseUri(core, uri);
      if (!u || u.hostAt < 0) continue;
      const { userAt, hostAt, hostEnd, portEnd } = u;
      expect(uri.slice(hostAt, hostEnd)).toBe(u.host);
      expect(uri.slice(hostEnd, portEnd)).toBe(u.portText === undefined ? '' : `:${u.portText}`);
      if (userAt >= 0) expect(uri.slice(userAt, userAt + u.user.length)).toBe(u.user);
    }
  });

  test('long ones parse up to 65535 bytes', () => {
    for (const length of [4000, 4001, 4096, 65535]) {
      const user = 'u'.repeat(length - 'sip:@h:5060;x'.length);
      expect(partsOf(core, `sip:${user}@h:5060;x`)).toMatchObject({ user, host: 'h', port: 5060, params: 'x' });
    }
    expect(partsOf(core, `sip:${'u'.repeat(65535)}@h`)).toBeUndefined();
    expect(partsOf(core, '')).toBeUndefined();
  });
});
