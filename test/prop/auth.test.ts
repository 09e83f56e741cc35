/** Properties of authentication: whatever is sent, only the right password gets in, and nothing traps. */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { openMemoryDatabase } from '../../src/kemi/db-memory.ts';
import { ROWS, requestOf, SCRIPT } from '../support/auth-scenarios.ts';
import { type Answer, credentials, nonceOf } from '../support/digest.ts';
import { testRuntime } from '../support/runtime.ts';

const db = openMemoryDatabase('memory://prop');
for (const row of ROWS.subscriber!) db.insert('subscriber', row);
const { runtime, receive } = testRuntime(SCRIPT, {
  openDatabase: () => db,
  db: 'memory://prop',
  modparams: [{ module: 'auth', name: 'algorithm', value: 'SHA-256,MD5' }],
});
afterAll(() => runtime.close(0));

let number = 0;
const REQUEST = { method: 'REGISTER', uri: 'sip:example.com' };
const nonce = nonceOf(
  receive(requestOf({ lua: 'return KSR.auth.auth_challenge("example.com", 1)' }, '', ++number))[0]!.text,
);
const LUA =
  'return KSR.auth_db.auth_check("example.com", "subscriber", 0), KSR.auth.pv_auth_check("example.com", "secret", 0, 0), KSR.auth.has_credentials("example.com")';
/** what both checks say */
const codes = (raw: string): (string | undefined)[] => {
  const [reply] = receive(requestOf({ lua: LUA, answers: [{ raw }] }, '', ++number));
  return /^X-R: (\S+) (\S+)/m.exec(reply?.text ?? '')?.slice(1) ?? [];
};
const value = (answer: Answer) => credentials(nonce, REQUEST, answer).replace('Authorization: ', '');
const RUNS = { numRuns: 400 };
const bytes = fc
  .array(fc.integer({ min: 32, max: 255 }), { maxLength: 80 })
  .map(codesOf => String.fromCharCode(...codesOf));

test('the right credentials get in, with any cnonce and nc', () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.stringMatching(/^[0-9a-f]{8}$/),
      fc.stringMatching(/^[a-z0-9]{1,40}$/),
      (qop, nc, cnonce) => {
        expect(codes(value({ nc, cnonce, ...(qop && { qop: 'auth' }) }))).toEqual(['1', '1']);
      },
    ),
    { numRuns: 100 },
  );
});

test('another password never does', () => {
  fc.assert(
    fc.property(
      bytes.filter(p => p !== 'secret'),
      fc.constantFrom('auth', 'auth-int', undefined),
      fc.constantFrom('md5', 'sha256'),
      (password, qop, hash) => {
        for (const code of codes(value({ password, hash, ...(qop && { qop }) }))) expect(Number(code)).toBeLessThan(0);
      },
    ),
    RUNS,
  );
});

test('credentials of which one byte was changed do not, but where it means nothing', () => {
  const good = value({ qop: 'auth' });
  const fields = ['username', 'realm', 'nonce', 'uri', 'response', 'cnonce'];
  fc.assert(
    fc.property(fc.constantFrom(...fields), fc.nat(), fc.integer({ min: 33, max: 126 }), (field, at, code) => {
      const match = new RegExp(`${field}="([^"]*)"`).exec(good)!;
      const index = match.index + field.length + 2 + (at % match[1]!.length);
      const char = String.fromCharCode(code);
      // A realm is looked for in any case; what changes is one more comparison of the same hash.
      fc.pre(good[index] !== char && !'"\\'.includes(char) && good[index]!.toLowerCase() !== char.toLowerCase());
      const changed = good.slice(0, index) + char + good.slice(index + 1);
      for (const result of codes(changed)) expect(Number(result)).toBeLessThan(0);
    }),
    RUNS,
  );
});

test('anything may come as credentials: it is refused, and the next request is served', () => {
  const piece = fc.oneof(
    bytes,
    fc.constantFrom(
      'Digest ',
      'username="alice"',
      'realm="example.com"',
      `nonce="${nonce}"`,
      'response="',
      ', ',
      '=',
      '"',
      'qop=auth',
      '\r\n ',
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
      for (const result of codes(pieces.join(''))) expect(Number(result)).toBeLessThan(0);
    }),
    RUNS,
  );
  expect(codes(value({}))).toEqual(['1', '1']);
  expect(runtime.counters.traps).toBe(0);
  expect(runtime.liveMessages).toBe(0);
});
