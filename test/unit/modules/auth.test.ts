import { describe, expect, it } from 'vitest';
import type { Database } from '../../../src/kemi/db.ts';
import { openMemoryDatabase } from '../../../src/kemi/db-memory.ts';
import type { RuntimeOptions } from '../../../src/runtime/options.ts';
import { ROWS, requestOf, SCRIPT, type Step } from '../../support/auth-scenarios.ts';
import { type Answer, credentials, digestOf, nonceOf } from '../../support/digest.ts';
import { testRuntime } from '../../support/runtime.ts';

const HA1_SHA256 = digestOf('sha256', 'alice:example.com:secret');

/** A server with the users of the scenarios. @param params "module.name" to value */
function start(params: Record<string, string | number> = {}, more: Partial<RuntimeOptions> = {}) {
  const db = openMemoryDatabase('memory://test');
  for (const row of ROWS.subscriber!) db.insert('subscriber', row);
  const modparams = Object.entries(params).map(([name, value]) => {
    const [module = '', param = ''] = name.split('.');
    return { module, name: param, value };
  });
  const test = testRuntime(SCRIPT, { openDatabase: () => db, db: 'memory://test', modparams, ...more });
  let number = 0;
  let nonce = '';
  /** all replies to one request that runs the Lua */
  const all = (lua: string, answer?: Answer, step: Partial<Step> = {}) => {
    const replies = test
      .receive(requestOf({ lua, ...(answer && { answers: [answer] }), ...step }, nonce, ++number))
      .map(s => s.text);
    const challenge = replies.find(r => r.includes('-Authenticate: '));
    if (challenge) nonce = nonceOf(challenge);
    return replies;
  };
  const result = (text: string | undefined) => /^X-R: (.*)\r$/m.exec(text ?? '')?.[1];
  return {
    ...test,
    db,
    all,
    result,
    /** what the Lua gave */
    ask: (lua: string, answer?: Answer, step?: Partial<Step>) => result(all(lua, answer, step).at(-1)),
    challenge: (flags = 0, step?: Partial<Step>) =>
      all(`return KSR.auth.auth_challenge("example.com", ${flags})`, undefined, { quiet: true, ...step })[0] ?? '',
    check: (answer?: Answer, step?: Partial<Step>) =>
      result(all('return KSR.auth_db.auth_check("example.com", "subscriber", 0)', answer, step).at(-1)),
    nonce: () => nonce,
  };
}

const headers = (reply: string, name: string) =>
  reply
    .split('\r\n')
    .filter(l => l.startsWith(`${name}: `))
    .map(l => l.slice(name.length + 2));

describe('a nonce', () => {
  it('ends with nonce_expire, and the next challenge says what is due', () => {
    const { challenge, check, ask, advance } = start({ 'auth.nonce_expire': 10 });
    challenge();
    advance(10_000);
    expect(check({})).toBe('1');
    advance(1000);
    expect(check({})).toBe('-4');
    expect(check({ password: 'x' })).toBe('-4');
    const lua =
      'local r = KSR.auth.pv_auth_check("example.com", "secret", 2, 0) return r, KSR.pv.get("$avp(digest_challenge)")';
    expect(ask(lua, {})).toMatch(/^-4 'WWW-Authenticate: Digest realm="example.com", nonce="[^"]+", stale=true~~'$/);
  });

  it('from a clock that runs ahead by more than nonce_auth_max_drift is stale', () => {
    const ahead = start({ 'auth.secret': 'shared' });
    const { check } = start({ 'auth.secret': 'shared' });
    ahead.challenge();
    expect(check({ nonce: ahead.nonce() })).toBe('1');
    ahead.advance(4000);
    ahead.challenge();
    expect(check({ nonce: ahead.nonce() })).toBe('-4');
  });

  it('of another server, or one that was changed, is none of ours', () => {
    const other = start();
    const { challenge, check, nonce } = start();
    other.challenge();
    expect(check({ nonce: other.nonce() })).toBe('-1');
    challenge();
    const ours = nonce();
    for (let i = 0; i < ours.length; i++) {
      const changed = ours.slice(0, i) + (ours[i] === 'A' ? 'B' : 'A') + ours.slice(i + 1);
      expect(['-1', '-4']).toContain(check({ nonce: changed }));
    }
    for (const odd of [`${ours}A`, ours.slice(1), `${ours}=`, ' '.repeat(32), 'x'.repeat(5000)])
      expect(check({ nonce: odd })).toBe('-1');
  });

  it('that is not followed any more is stale: the memory for counts and one-time nonces is bounded', () => {
    for (const [params, answer] of [
      [{ 'auth.one_time_nonce': 1, 'auth.otn_in_flight_no': 9 }, {}],
      [{ 'auth.nonce_count': 1, 'auth.nc_array_size': 9 }, { qop: 'auth' }],
    ] as const) {
      const { challenge, check, nonce } = start(params);
      challenge();
      const first = nonce();
      for (let i = 0; i < 7; i++) challenge();
      expect(check({ ...answer, nonce: first })).toBe('1');
      challenge();
      expect(check({ ...answer, nonce: first })).toBe('-4');
      expect(check(answer)).toBe('1');
    }
  });

  it('of an earlier run with the same secret cannot be used again where nonces are followed', () => {
    const params = { 'auth.secret': 'shared', 'auth.one_time_nonce': 1 };
    const before = start(params);
    before.challenge();
    const { check, challenge } = start(params);
    challenge();
    expect(check({ nonce: before.nonce() })).toBe('-4');
  });
});

describe('an algorithm', () => {
  it('of a list gets a challenge of its own, and the client chooses', () => {
    const { challenge, check, db } = start({ 'auth.algorithm': 'SHA-256,MD5' });
    expect(headers(challenge(1), 'WWW-Authenticate').map(h => h.replace(/nonce="[^"]*"/, 'N'))).toEqual([
      'Digest realm="example.com", N, qop="auth", algorithm=SHA-256',
      'Digest realm="example.com", N, qop="auth", algorithm=MD5',
    ]);
    expect(check({ algorithm: 'MD5', qop: 'auth' })).toBe('1');
    expect(check({})).toBe('1');
    // no H(A1) with SHA-256 yet
    expect(check({ algorithm: 'SHA-256' })).toBe('-2');
    db.update('subscriber', { ha1_sha256: HA1_SHA256 }, [{ column: 'username', value: 'alice' }]);
    expect(check({ algorithm: 'SHA-256' })).toBe('1');
    expect(check({ algorithm: 'SHA-256', qop: 'auth' })).toBe('1');
    expect(check({ algorithm: 'SHA-256', password: 'x' })).toBe('-2');
    // the response counts, not the name
    expect(check({ algorithm: 'SHA-256', hash: 'md5' })).toBe('1');
    expect(check({ algorithm: 'SHA-256', hash: 'md5', password: 'x' })).toBe('-2');
    const plain = start();
    plain.challenge();
    expect(plain.check({ algorithm: 'SHA-256' })).toBe('-1');
    expect(plain.check({ algorithm: 'MD5-sess' })).toBe('1');
  });

  it('is chosen for one message by auth_algorithm()', () => {
    const { ask, all } = start();
    const lua =
      'return KSR.auth.auth_algorithm("SHA-256"), KSR.auth.auth_algorithm("foo"), KSR.auth.auth_challenge("a", 0)';
    const replies = all(lua);
    expect(replies[0]).toContain('algorithm=SHA-256\r\n');
    expect(replies[1]).toContain('X-R: 1 -1 1\r\n');
    expect(all('return KSR.auth.auth_challenge("a", 0)')[0]).not.toContain('algorithm');
    expect(ask('return KSR.auth.auth_algorithm("")')).toBe('1');
  });

  it.each(['foo', 'MD5,', 'MD5;SHA-256'])('%s is refused at start', algorithm => {
    expect(() => start({ 'auth.algorithm': algorithm })).toThrow(/auth.algorithm/);
  });
});

describe('a password', () => {
  it('that is empty, or not there, lets nobody in', () => {
    const { challenge, ask, check } = start();
    challenge();
    for (const password of ['""', 'nil', 'KSR.pv.get("$avp(nothing)")'])
      expect(ask(`return KSR.auth.pv_auth_check("example.com", ${password}, 0, 0)`, { password: '' })).toBe('-2');
    expect(check({ user: 'empty', password: '' })).toBe('-2');
    expect(check({ user: 'empty', response: digestOf('md5', '') })).toBe('-2');
    const plain = start({ 'auth_db.calculate_ha1': 1, 'auth_db.password_column': 'password' });
    plain.challenge();
    expect(plain.check({ user: 'empty', password: '' })).toBe('-2');
    expect(plain.check({})).toBe('1');
  });

  it('is not needed to learn that one part of the response is right', () => {
    const { challenge, check } = start();
    challenge();
    const right = /response="([^"]*)"/;
    const good = credentials('', { method: 'REGISTER', uri: 'sip:example.com' });
    expect(right.test(good)).toBe(true);
    for (const response of ['0'.repeat(32), '0'.repeat(31), '0'.repeat(33), `${'0'.repeat(31)}\xff`])
      expect(['-1', '-2']).toContain(check({ response }));
  });
});

describe('RFC 7616', () => {
  it('the example of section 3.9.1 is verified, with both algorithms', () => {
    // Its nonce is not ours, so only the calculation is compared.
    const nonce = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v';
    const answer = { user: 'Mufasa', realm: 'http-auth@example.org', password: 'Circle of Life', qop: 'auth' };
    const more = { cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ' };
    const request = { method: 'GET', uri: '/dir/index.html' };
    expect(credentials(nonce, request, { ...answer, ...more })).toContain(
      'response="8ca523f5e9506fed4657c9700eebdbec"',
    );
    const sha256 = credentials(nonce, request, { ...answer, ...more, hash: 'sha256' });
    expect(sha256).toContain('response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"');
  });

  it('credentials without uri are none', () => {
    const { challenge, check } = start();
    challenge();
    expect(check({ uri: '' })).toBe('-1');
  });

  it('qop=auth-int covers the body', () => {
    const { challenge, check } = start();
    challenge(2);
    expect(check({ qop: 'auth-int', body: 'hello' }, { body: 'hello' })).toBe('1');
    expect(check({ qop: 'auth-int', body: 'hello' }, { body: 'other' })).toBe('-2');
    expect(check({ qop: 'auth-int' })).toBe('1');
  });

  it('Authentication-Info proves that the server knows the password, and is well-formed without qop', () => {
    const { challenge, all, nonce } = start({ 'auth.add_authinfo_hdr': 1 });
    challenge();
    const lua = 'return KSR.auth_db.auth_check("example.com", "subscriber", 0)';
    const ha1 = digestOf('md5', 'alice:example.com:secret');
    const ha2 = digestOf('md5', ':sip:example.com');
    const proof = (middle: string) => digestOf('md5', `${ha1}:${nonce()}${middle}:${ha2}`);
    expect(headers(all(lua, { qop: 'auth' })[0]!, 'Authentication-Info')).toEqual([
      `nextnonce="${nonce()}", qop=auth, rspauth="${proof(':00000001:cn:auth')}", cnonce="cn", nc=00000001`,
    ]);
    expect(headers(all(lua, {})[0]!, 'Authentication-Info')).toEqual([
      `nextnonce="${nonce()}", rspauth="${proof('')}"`,
    ]);
  });
});

describe('challenges', () => {
  it('a CANCEL and an ACK are not challenged (RFC 3261 22.1), a PRACK passes', () => {
    const { ask, receive } = start();
    expect(ask('return KSR.auth.auth_challenge("example.com", 0)', undefined, { method: 'CANCEL' })).toBe('-3');
    expect(receive(requestOf({ lua: 'return KSR.auth.auth_challenge("a", 0)', method: 'ACK' }, '', 900))).toEqual([]);
  });

  it('www_challenge() and proxy_challenge() answer any request', () => {
    const { all } = start();
    expect(all('return KSR.auth.www_challenge("a", 1)', undefined, { method: 'INVITE' })[0]).toMatch(
      /^SIP\/2\.0 401 Unauthorized\r\n(?:.+\r\n)*WWW-Authenticate: Digest realm="a", nonce="[^"]{32}", qop="auth"\r\n/,
    );
    expect(all('return KSR.auth.proxy_challenge("a", 2)')[0]).toMatch(
      /^SIP\/2\.0 407 Proxy Authentication Required\r\n(?:.+\r\n)*Proxy-Authenticate: Digest realm="a", nonce="[^"]{32}", qop="auth-int"\r\n/,
    );
  });

  it('carry the qop of the modparam when the flags say nothing', () => {
    const { challenge } = start({ 'auth.qop': 'auth' });
    expect(challenge()).toContain(', qop="auth"\r\n');
    expect(() => start({ 'auth.qop': 'foo' })).toThrow(/auth.qop/);
  });

  it.each(['a\\r\\nX: y', 'a\\"b', 'a\\\\b', 'a\\0b', 'x'.repeat(1025)])(
    'a realm of %j cannot be written: 500',
    realm => {
      const { all } = start();
      const replies = all(`return KSR.auth.auth_challenge("${realm}", 0)`);
      expect(replies[0]).toMatch(/^SIP\/2\.0 500 Internal Server Error\r\n/);
      expect(replies[1]).toContain('\r\nX-R: -1\r\n');
      expect(all(`return KSR.auth.auth_challenge("${realm}", 4)`)).toHaveLength(1);
    },
  );

  it('auth_get_www_authenticate() leaves the header in a variable', () => {
    const { ask } = start();
    const lua = (realm: string, flags: number, pv: string) =>
      `local r = KSR.auth.auth_get_www_authenticate("${realm}", ${flags}, "${pv}") return r, KSR.pv.get("$var(x)")`;
    expect(ask(lua('a', 17, '$var(x)'))).toMatch(
      /^1 'WWW-Authenticate: Digest realm="a", nonce="[^"]{32}", qop="auth", stale=true~~'$/,
    );
    expect(ask(lua('', 0, '$var(y)'))).toMatch(/^-1 /);
    expect(ask(lua('a', 0, '$nosuch'))).toMatch(/^-1 /);
    expect(ask(lua('a', 0, '$si'))).toMatch(/^-1 /);
  });
});

describe('the other functions', () => {
  const cases: [lua: string, answer: Answer, code: string, step?: Partial<Step>][] = [
    ['auth.pv_www_authenticate("example.com", "secret", 0)', {}, '1'],
    ['auth.pv_www_authenticate("example.com", "secret", 0)', { header: 'Proxy-Authorization' }, '-5'],
    ['auth.pv_www_authenticate("", "secret", 0)', {}, '-1'],
    ['auth.pv_www_authenticate_method("example.com", "secret", 0, "FOO")', { method: 'FOO' }, '1'],
    ['auth.pv_www_authenticate_method("example.com", "secret", 0, "FOO")', {}, '-2'],
    ['auth.pv_www_authenticate_method("example.com", "secret", 0, "")', {}, '-1'],
    ['auth.pv_proxy_authenticate("example.com", "secret", 0)', {}, '-5'],
    ['auth.pv_proxy_authenticate("example.com", "secret", 0)', { header: 'Proxy-Authorization' }, '1'],
    ['auth_db.www_authenticate("example.com", "subscriber")', {}, '1'],
    ['auth_db.www_authenticate("example.com", "subscriber")', { header: 'Proxy-Authorization' }, '-5'],
    ['auth_db.www_authenticate("example.com", "subscriber")', { header: 'Authorization' }, '1', { method: 'INVITE' }],
    ['auth_db.www_authenticate("", "subscriber")', {}, '-1'],
    ['auth_db.www_authenticate_method("example.com", "subscriber", "FOO")', { method: 'FOO' }, '1'],
    ['auth_db.www_authenticate_method("example.com", "subscriber", "FOO")', {}, '-2'],
    ['auth_db.www_authenticate_method("example.com", "subscriber", "")', {}, '-1'],
  ];
  it.each(cases)('%s of %j: %s', (lua, answer, code, step) => {
    const { challenge, ask } = start();
    challenge();
    expect(ask(`return KSR.${lua}`, answer, step)).toBe(code);
  });

  it('is_subscriber() needs no load_credentials', () => {
    const { ask } = start();
    for (const [uri, flags, code] of [
      ['sip:alice@example.com', 0, '1'],
      ['sip:alice@example.org', 0, '1'],
      ['sip:alice@example.org', 1, '-2'],
      ['sip:nobody@example.com', 2, '-2'],
      ['nonsense', 0, '-1'],
    ] as const)
      expect(ask(`return KSR.auth_db.is_subscriber("${uri}", "subscriber", ${flags})`)).toBe(code);
  });

  it('nobody is verified by a check that fails', () => {
    const { challenge, ask } = start();
    challenge();
    const lua = (password: string) =>
      `local r = KSR.auth.pv_auth_check("example.com", "${password}", 0, 0) return r, KSR.siputils.is_user("alice"), KSR.auth.consume_credentials(), KSR.pv.get("$AU")`;
    expect(ask(lua('x'), {}, { from: 'sip:carol@example.com' })).toBe("-2 -1 -1 'carol'");
    expect(ask(lua('secret'), {}, { from: 'sip:carol@example.com' })).toBe("1 1 1 'alice'");
  });

  it('consume_credentials() keeps what was verified from those behind us, and nothing else', () => {
    const { challenge, receive, nonce } = start();
    challenge();
    const step: Step = {
      lua: 'KSR.auth.pv_auth_check("example.com", "secret", 0, 0) KSR.auth.consume_credentials() KSR.setdsturi("sip:192.0.2.9:5060") KSR.forward()',
      quiet: true,
      answers: [{ realm: 'other.org' }, {}],
    };
    const [out] = receive(requestOf(step, nonce(), 50));
    expect(out!.ip).toBe('192.0.2.9');
    expect(headers(out!.text, 'Authorization')).toEqual([expect.stringContaining('realm="other.org"')]);
  });
});

describe('a database', () => {
  /** answers later, as one behind a network does */
  const later = (db: Database, fail = false): Database => ({
    url: db.url,
    select: async (...args) => {
      await new Promise(setImmediate);
      if (fail) throw new Error('gone');
      return db.select(...args);
    },
    insert: (...args) => db.insert(...args),
    replace: (...args) => db.replace(...args),
    update: (...args) => db.update(...args),
    delete: (...args) => db.delete(...args),
    transaction: fn => db.transaction(fn),
    tableVersion: async table => db.tableVersion(table),
    close: () => db.close(),
  });
  const rest = () => new Promise(resolve => setTimeout(resolve, 20));

  it('that answers later suspends the route, and the right message is verified', async () => {
    const db = openMemoryDatabase('memory://slow');
    for (const row of ROWS.subscriber!) db.insert('subscriber', row);
    const { challenge, all, sent, result } = start(
      { 'auth_db.load_credentials': 'domain' },
      { openDatabase: () => later(db) },
    );
    challenge();
    const lua =
      'local r = KSR.auth_db.auth_check("example.com", "subscriber", 1) return r, KSR.pv.get("$AU"), KSR.pv.get("$avp(domain)")';
    const before = sent.length;
    expect(all(lua, {})).toEqual([]);
    expect(all(lua, { password: 'x' }, { from: 'sip:carol@example.com' })).toEqual([]);
    await rest();
    expect(sent.slice(before).map(s => result(s.text))).toEqual(["1 'alice' 'example.com'", "-2 'carol'"]);
  });

  it('that fails is an error of that check only', async () => {
    const { challenge, all, sent, result, log } = start(
      {},
      { openDatabase: () => later(openMemoryDatabase('memory://x'), true) },
    );
    challenge();
    all('return KSR.auth_db.auth_check("example.com", "subscriber", 0)', {});
    all('return KSR.auth_db.is_subscriber("sip:alice@example.com", "subscriber", 2)');
    await rest();
    expect(sent.slice(-2).map(s => result(s.text))).toEqual(['-1', '-1']);
    expect(JSON.stringify(log.lines)).toContain('gone');
  });

  it('is missed by name when there is none', () => {
    const { challenge, check, ask } = start({}, { db: undefined } as Partial<RuntimeOptions>);
    challenge();
    expect(check({})).toBe('-1');
    expect(ask('return KSR.auth_db.is_subscriber("sip:alice@example.com", "subscriber", 0)')).toBe('-1');
  });

  it('with another version of table subscriber is refused, unless version_table is 0', () => {
    const db = openMemoryDatabase('memory://old');
    db.update('version', { table_version: 6 }, [{ column: 'table_name', value: 'subscriber' }]);
    expect(() => start({}, { openDatabase: () => db })).toThrow(/version 6, not 7/);
    start({ 'auth_db.version_table': 0 }, { openDatabase: () => db });
  });

  it('is asked with values that are bound, whatever they are', () => {
    const { challenge, check, db } = start();
    challenge();
    for (const user of ["' OR 1=1 --", 'alice"', '%', '\xff']) expect(['-1', '-3']).toContain(check({ user }));
    expect(db.select('subscriber', ['id'])).toHaveLength(ROWS.subscriber!.length);
  });

  it.each([
    ['auth_db.user_column', 'a b'],
    ['auth_db.password_column', ''],
    ['auth_db.load_credentials', '$var(x)=domain'],
    ['auth_db.load_credentials', 'a b'],
  ])('%s = %j is refused at start', (name, value) => {
    expect(() => start({ [name]: value })).toThrow(expect.objectContaining({ code: 'KEMI_ERR_CONFIG' }));
  });
});
