/**
 * Exchanges about authentication: what both the real Kamailio and this project are asked. The script runs the Lua that the header X-Do brings and puts its
 * results into X-R of a 200, unless the code says it replies by itself.
 */
import { type Answer, credentials, digestOf, nonceOf } from './digest.ts';

export const SCRIPT = `
function ksr_request_route()
  local run, problem = loadstring(KSR.hdr.get("X-Do") or "")
  if not run then KSR.sl.sl_send_reply(500, problem) return end
  local results = {run()}
  local out = {}
  for i = 1, #results do
    out[i] = type(results[i]) == "string" and "'" .. string.gsub(results[i], "[\\r\\n]", "~") .. "'" or tostring(results[i])
  end
  KSR.hdr.append_to_reply("X-R: " .. table.concat(out, " ") .. "\\r\\n")
  if not KSR.hdr.get("X-Quiet") then KSR.sl.sl_send_reply(200, "OK") end
end
function ksr_reply_route() end
`;

/** Rows of the tables, for both databases. */
const user = (username: string, domain: string, password: string) => ({
  username,
  domain,
  password,
  ha1: digestOf('md5', `${username}:${domain}:${password}`),
  ha1b: digestOf('md5', `${username}@${domain}:${domain}:${password}`),
});
export const ROWS: Readonly<Record<string, readonly Record<string, string | number | null>[]>> = {
  subscriber: [
    user('alice', 'example.com', 'secret'),
    user('bob', 'example.com', 'bobpw'),
    user('alice', 'example.net', 'other'),
    { username: 'empty', domain: 'example.com', password: '', ha1: '', ha1b: '' },
  ],
  address: [
    { grp: 1, ip_addr: '127.0.0.1', mask: 32, port: 0, tag: 'loc' },
    { grp: 1, ip_addr: '10.0.0.0', mask: 8, port: 0, tag: 'ten' },
    { grp: 2, ip_addr: '10.1.0.0', mask: 16, port: 5060, tag: 'ten1' },
    { grp: 3, ip_addr: '2001:db8::', mask: 32, port: 0, tag: 'six' },
    { grp: 3, ip_addr: '2001:db8::1', mask: 128, port: 0, tag: 'sixone' },
    { grp: 4, ip_addr: 'example.com', mask: 0, port: 0, tag: 'dom' },
    { grp: 4, ip_addr: '192.0.2.7', mask: 0, port: 5070, tag: null },
    { grp: 5, ip_addr: '198.51.100.0', mask: 24, port: 5060, tag: 'p' },
    { grp: 5, ip_addr: '198.51.100.0', mask: 25, port: 0, tag: 'q' },
  ],
  trusted: [
    { src_ip: '127.0.0.1', proto: 'udp', from_pattern: '^sip:trusted@.*', ruri_pattern: null, tag: 'tr', priority: 1 },
    {
      src_ip: '127.0.0.1',
      proto: 'any',
      from_pattern: '^sip:t2@.*',
      ruri_pattern: '^sip:svc@',
      tag: 't2',
      priority: 5,
    },
    { src_ip: '127.0.0.1', proto: 'tcp', from_pattern: null, ruri_pattern: null, tag: 'tcp', priority: 9 },
    { src_ip: '192.0.2.3', proto: 'any', from_pattern: null, ruri_pattern: null, tag: 'all', priority: 1 },
  ],
};

export interface Step {
  /** Lua that is run: its results are compared */
  readonly lua: string;
  readonly method?: string;
  readonly uri?: string;
  readonly from?: string;
  readonly to?: string;
  readonly fromTag?: string;
  readonly toTag?: string;
  readonly callId?: string;
  readonly body?: string;
  /** credentials, in order, to the nonce of the last challenge */
  readonly answers?: readonly Answer[];
  /** the Lua replies */
  readonly quiet?: boolean;
}

export interface Scenario {
  readonly name: string;
  /** "module.name" to value, besides db_url */
  readonly modparams?: Readonly<Record<string, string | number>>;
  readonly steps: readonly Step[];
}

/** The request of a step. @param nonce of the last challenge @param number makes branch and CSeq unique */
export function requestOf(step: Step, nonce: string, number: number): string {
  const { method = 'REGISTER', uri = 'sip:example.com', body = '' } = step;
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:5062;rport;branch=z9hG4bK${number}`,
    `From: <${step.from ?? 'sip:alice@example.com'}>;tag=${step.fromTag ?? 'ft'}`,
    `To: <${step.to ?? 'sip:alice@example.com'}>${step.toTag ? `;tag=${step.toTag}` : ''}`,
    `Call-ID: ${step.callId ?? 'cid'}`,
    `CSeq: ${number} ${method}`,
    'Max-Forwards: 70',
    `X-Do: ${step.lua}`,
    ...(step.quiet ? ['X-Quiet: 1'] : []),
    ...(step.answers ?? []).map(a => credentials(nonce, { method, uri }, a)),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

/** A reply without what differs from server to server and from run to run. */
export function normalized(reply: string): string {
  return reply
    .replace(/^Via: .*\r\n/m, '')
    .replace(/^Server: .*\r\n/m, '')
    .replace(/^(To: .*?);tag=[0-9a-f]{32}\.[0-9a-f]{8}/m, '$1;tag=T')
    .replace(/nonce="[^"]{20,}"/g, 'nonce="N"')
    .replace(/rspauth="[^"]*"/g, 'rspauth="R"');
}

/** Runs a scenario. @param send gives the first reply, '' when there is none @returns the replies, normalized */
export async function runScenario(
  { steps }: Scenario,
  send: (request: string) => Promise<string> | string,
): Promise<string[]> {
  const replies: string[] = [];
  let nonce = '';
  let number = 0;
  for (const step of steps) {
    const reply = await send(requestOf(step, nonce, ++number));
    if (/^(WWW|Proxy)-Authenticate:/m.test(reply)) nonce = nonceOf(reply);
    replies.push(normalized(reply));
  }
  return replies;
}

// ---- the exchanges

const challenge = (flags = 0, more: Partial<Step> = {}): Step => ({
  lua: `return KSR.auth.auth_challenge("example.com", ${flags})`,
  quiet: true,
  ...more,
});
const check = (answer: Answer | readonly Answer[] | undefined, flags = 0, more: Partial<Step> = {}): Step => ({
  lua: `return KSR.auth_db.auth_check("example.com", "subscriber", ${flags})`,
  ...(answer && { answers: Array.isArray(answer) ? (answer as Answer[]) : [answer as Answer] }),
  ...more,
});
const pvCheck = (answer: Answer | undefined, args = '"secret", 0, 0', more: Partial<Step> = {}): Step => ({
  ...check(answer),
  lua: `return KSR.auth.pv_auth_check("example.com", ${args})`,
  ...more,
});
const lua = (code: string, more: Partial<Step> = {}): Step => ({ lua: code, ...more });
const AVP = (args: string) =>
  `local r = KSR.auth.pv_auth_check("example.com", ${args}) return r, KSR.pv.get("$avp(digest_challenge)")`;
const address = (group: number, ip: string, port: number) =>
  lua(`local r = KSR.permissions.allow_address(${group}, "${ip}", ${port}) return r, KSR.pv.get("$avp(peertag)")`);
const addressGroup = (ip: string, port: number) =>
  lua(`local r = KSR.permissions.allow_address_group("${ip}", ${port}) return r, KSR.pv.get("$avp(peertag)")`);

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'challenges',
    steps: [
      ...[0, 1, 2, 3, 4, 16, 17, 18, 32, 255].map(f => challenge(f)),
      ...[0, 1, 16].map(f => challenge(f, { method: 'INVITE' })),
      challenge(0, { method: 'OPTIONS' }),
      challenge(0, { lua: 'return KSR.auth.auth_challenge("", 0)' }),
      challenge(0, { lua: 'return KSR.auth.auth_challenge("\\195\\188.example", 0)' }),
      challenge(0, { method: 'ACK' }),
      lua('return KSR.auth.auth_challenge("example.com", 0), 7', { quiet: true }),
    ],
  },
  {
    name: 'auth_check',
    steps: [
      challenge(),
      check({}),
      check({}, 1),
      check({ password: 'x' }),
      check({ user: 'nobody' }),
      check(undefined),
      check({ realm: 'other.com' }),
      check({}, 0, { lua: 'return KSR.auth_db.auth_check("other.com", "subscriber", 0)' }),
      check({}, 0, { lua: 'return KSR.auth_db.auth_check("", "subscriber", 0)' }),
      check({}, 0, { lua: 'return KSR.auth_db.auth_check("example.com", "nosuch", 0)' }),
      check({}, 0, { lua: 'return KSR.auth_db.auth_check("example.com", "", 0)' }),
      check({}, 0, { lua: 'return KSR.auth_db.auth_check("EXAMPLE.com", "subscriber", 0)' }),
      check({}, 1, { to: 'sip:bob@example.com' }),
      check({}, 1, { from: 'sip:bob@example.com' }),
      check({}, 1, { to: 'sip:alice@example.net' }),
      check({}, 1, { from: 'sip:alice@example.net' }),
      check({}, 1, { from: 'sip:ALICE@example.com' }),
      check({}, 2, { from: 'sip:bob@example.com' }),
      check({}, 3, { from: 'sip:bob@example.com' }),
      check({}, 8, { from: 'sip:bob@example.com' }),
      check({ user: 'alice@example.com' }),
      check({ user: 'alice@example.com' }, 1),
      check({ user: 'alice@example.net' }),
      check({ nonce: 'abc' }),
      check({ nonce: '' }),
      check({ nonce: 'A'.repeat(32) }),
      check({ response: 'abc' }),
      check({ response: '0'.repeat(32) }),
      check({ response: '' }),
      check({ raw: 'Basic YWxpY2U6c2VjcmV0' }),
      check({ raw: 'Digest !!!' }),
      check({ without: ['response'] }),
      check({ without: ['uri'] }),
      check({ without: ['nonce'] }),
      check({ without: ['realm'] }),
      check({ without: ['username'] }),
      check({ uri: 'sip:other.com' }),
      check({ algorithm: 'MD5' }),
      check({ algorithm: '"MD5"' }),
      check({ algorithm: 'SHA-256' }),
      check({ qop: 'auth' }),
      check({ qop: 'auth', nc: '1' }),
      check({ qop: 'auth', without: ['nc'] }),
      check({ qop: 'auth', without: ['cnonce'] }),
      check({ header: 'Proxy-Authorization' }),
      check([{ realm: 'other.com' }, {}]),
      check([{ password: 'x' }, {}]),
      check([{}, { password: 'x' }]),
      check({ user: '' }),
      check({ user: '@example.com' }),
      check({ header: 'Authorization' }, 0, { method: 'INVITE' }),
      check({}, 0, { method: 'INVITE' }),
      ...['CANCEL', 'PRACK', 'OPTIONS', 'PUBLISH', 'BYE', 'MESSAGE', 'INVITE', 'UPDATE', 'SUBSCRIBE'].flatMap(method =>
        [0, 1, 3].map(f => check({}, f, { method, from: 'sip:bob@example.com' })),
      ),
      check({}, 1, { method: 'PUBLISH', uri: 'sip:alice@example.com' }),
      check({}, 1, { method: 'PUBLISH', uri: 'sip:carol@example.com' }),
      check({}, 1, { method: 'PUBLISH', uri: 'sip:alice@example.com', to: 'sip:carol@example.com' }),
      check({}, 1, { method: 'INVITE', uri: 'sip:carol@example.com', to: 'sip:carol@example.com' }),
      check({}, 1, { method: 'INVITE', from: 'tel:+123' }),
    ],
  },
  {
    name: 'pv_auth_check and the functions around it',
    steps: [
      challenge(),
      pvCheck({}),
      pvCheck({}, '"secret", 0, 1'),
      pvCheck({}, '"x", 0, 0'),
      pvCheck({}, `"${digestOf('md5', 'alice:example.com:secret')}", 1, 0`),
      pvCheck({}, '"abc", 1, 0'),
      pvCheck({}, 'nil, 0, 0'),
      pvCheck(undefined),
      pvCheck({}, '"secret", 0, 1', { to: 'sip:bob@example.com' }),
      pvCheck({}, '"secret", 0, 1', { from: 'sip:bob@example.com' }),
      pvCheck({}, '"secret", 0, 1', { to: 'sip:alice@example.net' }),
      pvCheck({}, '"secret", 0, 2', { to: 'sip:bob@example.com' }),
      pvCheck({}, '"secret", 0, 3', { to: 'sip:bob@example.com' }),
      pvCheck({}, '"secret", 0, 1', { method: 'INVITE', to: 'sip:bob@example.com' }),
      pvCheck({}, '"secret", 0, 1', { method: 'INVITE', from: 'sip:bob@example.com' }),
      pvCheck({}, '"secret", 0, 3', { method: 'INVITE', from: 'sip:bob@example.com' }),
      pvCheck({}, '"secret", 0, 1', { method: 'PUBLISH', uri: 'sip:bob@example.com' }),
      pvCheck({ user: 'alice@example.com' }, '"secret", 0, 1'),
      ...[2, 4, 8, 6, 14, 16].map(f => pvCheck({ password: 'x' }, '', { lua: AVP(`"secret", ${f}, 0`) })),
      lua(AVP('"secret", 2, 0')),
      lua(AVP('"secret", 2, 0'), { method: 'INVITE' }),
      pvCheck({}, '', { lua: AVP('"secret", 2, 0') }),
      pvCheck({}, '', { lua: AVP('"secret", 2, 1'), from: 'sip:bob@x' }),
      check({}, 0, {
        lua: 'return KSR.auth.has_credentials("example.com"), KSR.auth.has_credentials("other.com"), KSR.auth.has_credentials(""), KSR.auth.has_credentials("EXAMPLE.com")',
      }),
      check({ header: 'Proxy-Authorization' }, 0, { lua: 'return KSR.auth.has_credentials("example.com")' }),
      lua('return KSR.auth.has_credentials("example.com")'),
      check({ raw: 'Digest !!' }, 0, { lua: 'return KSR.auth.has_credentials("example.com")' }),
      check({ raw: 'Basic a' }, 0, { lua: 'return KSR.auth.has_credentials("example.com")' }),
      check({}, 0, { lua: 'return KSR.auth.consume_credentials()' }),
      check({}, 0, {
        lua: 'local r = KSR.auth.pv_auth_check("example.com", "secret", 0, 0) return r, KSR.auth.consume_credentials(), KSR.auth.consume_credentials()',
      }),
      check({}, 0, {
        lua: 'local a = KSR.siputils.is_user("alice") local r = KSR.auth.pv_auth_check("example.com", "secret", 0, 0) return a, r, KSR.siputils.is_user("alice"), KSR.siputils.is_user("bob")',
      }),
      check({}, 0, {
        lua: 'local a = KSR.pv.get("$Au") local r = KSR.auth.pv_auth_check("example.com", "secret", 0, 0) return a, r, KSR.pv.get("$Au"), KSR.pv.get("$AU"), KSR.pv.get("$au"), KSR.pv.get("$ar"), KSR.pv.get("$adu")',
        from: 'sip:carol@example.org',
      }),
      check({ user: 'alice@example.net' }, 0, {
        lua: 'local r = KSR.auth.pv_auth_check("example.com", "secret", 0, 0) return r, KSR.pv.get("$Au"), KSR.pv.get("$AU")',
      }),
    ],
  },
  {
    name: 'is_subscriber',
    modparams: { 'auth_db.load_credentials': '$avp(i:5)=domain;ha1b;$avp(s:pw)=password' },
    steps: [
      ...[
        'sip:alice@example.com',
        'sip:alice@example.org',
        'sip:nobody@example.com',
        'sip:example.com',
        'tel:+123',
        'bad',
        '',
        'sip:ALICE@example.com',
        'sips:bob@example.com',
      ].flatMap(uri =>
        [0, 1, 2, 3].map(f =>
          lua(
            `local r = KSR.auth_db.is_subscriber("${uri}", "subscriber", ${f}) return r, KSR.pv.get("$avp(i:5)"), KSR.pv.get("$avp(ha1b)"), KSR.pv.get("$avp(pw)")`,
          ),
        ),
      ),
      lua('return KSR.auth_db.is_subscriber("sip:alice@example.com", "", 0)'),
      lua('return KSR.auth_db.is_subscriber("sip:alice@example.com", "nosuch", 0)'),
      challenge(),
      check({}, 0, {
        lua: 'local r = KSR.auth_db.auth_check("example.com", "subscriber", 0) return r, KSR.pv.get("$avp(i:5)"), KSR.pv.get("$avp(pw)")',
      }),
      check({ password: 'x' }, 0, {
        lua: 'local r = KSR.auth_db.auth_check("example.com", "subscriber", 0) return r, KSR.pv.get("$avp(i:5)"), KSR.pv.get("$avp(pw)")',
      }),
    ],
  },
  {
    name: 'force_generate_avps',
    modparams: { 'auth_db.load_credentials': 'domain', 'auth_db.force_generate_avps': 1 },
    steps: [
      challenge(),
      check({ password: 'x' }, 0, {
        lua: 'local r = KSR.auth_db.auth_check("example.com", "subscriber", 0) return r, KSR.pv.get("$avp(domain)")',
      }),
    ],
  },
  {
    name: 'a column that is not there',
    modparams: { 'auth_db.load_credentials': 'nosuch' },
    steps: [challenge(), check({})],
  },
  {
    name: 'plain passwords',
    modparams: { 'auth_db.calculate_ha1': 1, 'auth_db.password_column': 'password' },
    steps: [
      challenge(),
      check({}),
      check({ user: 'alice@example.com' }),
      check({ password: 'x' }),
      check({ qop: 'auth' }),
    ],
  },
  {
    name: 'SHA-256',
    modparams: { 'auth.algorithm': 'SHA-256', 'auth_db.calculate_ha1': 1, 'auth_db.password_column': 'password' },
    steps: [
      challenge(),
      challenge(17),
      check({}),
      check({ algorithm: 'MD5' }),
      check({ algorithm: 'SHA-256' }),
      check({ algorithm: 'SHA-256', qop: 'auth' }),
      check({ algorithm: 'SHA-256', password: 'x' }),
      check({ hash: 'sha256' }),
      pvCheck({ algorithm: 'SHA-256' }),
      pvCheck({ algorithm: 'SHA-256' }, `"${digestOf('sha256', 'alice:example.com:secret')}", 1, 0`),
    ],
  },
  {
    name: 'MD5 by name',
    modparams: { 'auth.algorithm': 'MD5' },
    steps: [challenge(), challenge(17), check({}), check({ algorithm: 'MD5' }), check({ algorithm: 'SHA-256' })],
  },
  {
    name: 'nonce_count',
    modparams: { 'auth.qop': 'auth', 'auth.nonce_count': 1 },
    steps: [
      challenge(1),
      ...['00000001', '00000001', '00000003', '00000002', '00000004', 'xyz', '000000ff', '00000100', '00000005'].map(
        nc => check({ qop: 'auth', nc }),
      ),
      check({}),
      challenge(1),
      check({}),
      check({}),
      challenge(1),
      check({ qop: 'auth', password: 'x' }),
      check({ qop: 'auth' }),
      challenge(1),
      check({ qop: 'auth', nc: '00000005' }),
      challenge(1),
      check({ qop: 'auth', nc: '00000000' }),
    ],
  },
  {
    name: 'one_time_nonce',
    modparams: { 'auth.one_time_nonce': 1 },
    steps: [
      challenge(),
      check({}),
      check({}),
      challenge(),
      check({ password: 'x' }),
      check({}),
      challenge(),
      check({}, 0, {
        lua: 'return KSR.auth_db.auth_check("example.com", "subscriber", 0), KSR.auth_db.auth_check("example.com", "subscriber", 0)',
      }),
    ],
  },
  {
    name: 'one_time_nonce and nonce_count',
    modparams: { 'auth.one_time_nonce': 1, 'auth.nonce_count': 1, 'auth.qop': 'auth' },
    steps: [
      challenge(1),
      check({ qop: 'auth' }),
      check({ qop: 'auth', nc: '00000002' }),
      check({}),
      challenge(1),
      check({}),
      check({}),
      check({ qop: 'auth' }),
    ],
  },
  {
    name: 'auth_checks',
    modparams: { 'auth.auth_checks_register': 15, 'auth.auth_checks_no_dlg': 2, 'auth.auth_checks_in_dlg': 4 },
    steps: [
      challenge(),
      check({}),
      check({}, 0, { callId: 'other' }),
      check({}, 0, { fromTag: 'other' }),
      check({}, 0, { uri: 'sip:other.com' }),
      check({}, 0, { method: 'INVITE' }),
      challenge(0, { method: 'INVITE' }),
      check({}, 0, { method: 'INVITE', uri: 'sip:other.com' }),
      check({}, 0, { method: 'INVITE', callId: 'other' }),
      check({}, 0, { method: 'INVITE', toTag: 't' }),
      challenge(0, { method: 'INVITE', toTag: 't' }),
      check({}, 0, { method: 'INVITE', toTag: 't', callId: 'other' }),
      check({}, 0, { method: 'INVITE', toTag: 't', fromTag: 'other' }),
    ],
  },
  {
    name: 'realm_prefix',
    modparams: { 'auth.realm_prefix': 'sip.' },
    steps: [
      challenge(0, { lua: 'return KSR.auth.auth_challenge("sip.example.com", 0)' }),
      ...['sip.example.com', 'example.com'].flatMap(realm =>
        ['sip.example.com', 'example.com'].map(param =>
          check({ realm }, 0, {
            lua: `return KSR.auth_db.auth_check("${param}", "subscriber", 0), KSR.auth.has_credentials("${param}"), KSR.auth.pv_auth_check("${param}", "secret", 0, 0)`,
          }),
        ),
      ),
    ],
  },
  {
    name: 'Authentication-Info',
    modparams: { 'auth.add_authinfo_hdr': 1 },
    steps: [
      challenge(),
      check({ qop: 'auth' }),
      check({ qop: 'auth', password: 'x' }),
      check({ qop: 'auth' }, 0, { method: 'INVITE' }),
    ],
  },
  {
    name: 'use_domain of auth',
    modparams: { 'auth.use_domain': 1 },
    steps: [
      challenge(),
      pvCheck({}, '"secret", 0, 1'),
      pvCheck({}, '"secret", 0, 1', { to: 'sip:alice@example.net' }),
      pvCheck({}, '"secret", 0, 1', { from: 'sip:alice@example.net' }),
      pvCheck({ user: 'alice@example.com' }, '"secret", 0, 1'),
      pvCheck({ user: 'alice@example.org' }, '"secret", 0, 1'),
      check({}, 1, { to: 'sip:alice@example.net' }),
    ],
  },
  {
    name: 'use_domain of auth_db',
    modparams: { 'auth_db.use_domain': 1 },
    steps: [
      challenge(),
      check({}, 1),
      check({}, 1, { to: 'sip:alice@example.net' }),
      check({}, 1, { from: 'sip:alice@example.net' }),
      check({ user: 'alice@example.net' }),
      check({ user: 'alice@example.com' }),
      check({ user: 'alice@example.com' }, 1),
      check({}, 1, { method: 'INVITE', from: 'sip:alice@example.net' }),
      check({}, 1, { method: 'PUBLISH', uri: 'sip:alice@example.net' }),
      challenge(0, { lua: 'return KSR.auth.auth_challenge("example.net", 0)' }),
      check({ realm: 'example.net', password: 'other' }, 1, {
        lua: 'return KSR.auth_db.auth_check("example.net", "subscriber", 1)',
        from: 'sip:alice@example.net',
        to: 'sip:alice@example.net',
      }),
    ],
  },
  {
    name: 'permissions: addresses',
    modparams: { 'permissions.peer_tag_avp': '$avp(peertag)' },
    steps: [
      lua(
        'return KSR.permissions.allow_source_address(1), KSR.pv.get("$avp(peertag)"), KSR.permissions.allow_source_address(2), KSR.permissions.allow_source_address(0), KSR.permissions.allow_source_address(-1), KSR.permissions.allow_source_address_group(), KSR.pv.get("$(avp(peertag)[*])")',
      ),
      address(1, '10.1.2.3', 5060),
      address(2, '10.1.2.3', 5060),
      address(2, '10.1.2.3', 5061),
      address(2, '10.1.2.3', 0),
      address(1, '127.0.0.1', 0),
      address(1, '127.0.0.1', 99999),
      address(1, '127.0.0.1', -1),
      address(3, '2001:db8::1', 0),
      address(3, '2001:db8::2', 0),
      address(3, '[2001:db8::2]', 0),
      address(3, '2001:DB8:0::2', 0),
      address(3, '2001:db9::2', 0),
      address(4, 'example.com', 0),
      address(4, 'EXAMPLE.com', 5060),
      address(4, '192.0.2.7', 5070),
      address(4, '192.0.2.7', 5060),
      address(4, '192.0.2.7', 0),
      address(5, '198.51.100.1', 5060),
      address(5, '198.51.100.1', 5061),
      address(5, '198.51.100.200', 5061),
      address(5, '198.51.100.200', 5060),
      address(1, 'bad host', 0),
      address(1, '', 0),
      address(9, '127.0.0.1', 0),
      address(1, '::ffff:127.0.0.1', 0),
      addressGroup('10.1.2.3', 5060),
      addressGroup('10.1.2.3', 5061),
      addressGroup('127.0.0.1', 0),
      addressGroup('2001:db8::1', 0),
      addressGroup('2001:db8::2', 0),
      addressGroup('example.com', 0),
      addressGroup('192.0.2.7', 5070),
      addressGroup('192.0.2.7', 0),
      addressGroup('203.0.113.1', 0),
      addressGroup('', 0),
      addressGroup('198.51.100.1', 5060),
      addressGroup('198.51.100.200', 1),
    ],
  },
  ...[0, 1].map(mode => ({
    name: `permissions: trusted, db_mode ${mode}`,
    modparams: { 'permissions.peer_tag_avp': '$avp(peertag)', 'permissions.db_mode': mode },
    steps: ['trusted@x', 't2@x', 'other@x'].flatMap(from =>
      ['sip:svc@x', 'sip:example.com'].map(uri =>
        lua('local r = KSR.permissions.allow_trusted() return r, KSR.pv.get("$avp(peertag)")', {
          from: `sip:${from}`,
          uri,
        }),
      ),
    ),
  })),
];
