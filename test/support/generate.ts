/** Messages as phones, PBXs and providers write them: INVITE with SDP, REGISTER, 200 with SDP, OPTIONS. Deterministic. */

/** Pseudo-random numbers from a seed: rnd(n) is 0..n-1. */
export function random(seed: number): (n: number) => number {
  let s = seed >>> 0;
  return n => {
    s = (Math.imul(s, 1103515245) + 12345) >>> 0;
    return (s >>> 8) % n;
  };
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const ALLOW = 'INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, PUBLISH, MESSAGE';
const AGENTS = [
  'Grandstream GXP2170 1.0.11.48',
  'Yealink SIP-T46S 66.86.0.15',
  'Linphone-Desktop/5.1.2 (hostname) Debian GNU/Linux 12, Qt 5.15.2 LinphoneCore/5.2.98',
  'PolycomVVX-VVX_410-UA/5.9.5.0614',
  'Asterisk PBX 20.5.0',
  'MicroSIP/3.21.3',
  'baresip v1.0.0 (x86_64/linux)',
];

export const KINDS = ['INVITE', 'REGISTER', '200', 'OPTIONS'] as const;
export type Kind = (typeof KINDS)[number];

/** @param perKind messages of each of the four kinds @returns byte strings, kinds in turn, no two alike */
export function generate(seed: number, perKind: number): string[] {
  const make = generator(seed);
  return Array.from({ length: perKind * KINDS.length }, (_, i) => make(KINDS[i % KINDS.length]!));
}

/** One message of a kind at each call. */
export function generator(seed: number): (kind: Kind) => string {
  const r = random(seed);
  const pick = <T>(list: readonly T[]): T => list[r(list.length)]!;
  const text = (from: number, to: number) =>
    Array.from({ length: from + r(to - from + 1) }, () => LETTERS[r(LETTERS.length)]).join('');
  const ip = () => `${10 + r(180)}.${r(256)}.${r(256)}.${1 + r(250)}`;
  const port = () => 1024 + r(60000);
  const user = () =>
    r(2)
      ? `+49${1e6 + r(9e6)}${100 + r(900)}`
      : `${pick(['alice', 'bob', 'carol.smith', 'x', 'reception-2', 'sales_eu', 'test1001'])}${r(1000)}`;
  const domain = () => pick(['example.com', 'sip.provider.example.net', 'pbx7.corp.example.org', 'voip.example', ip()]);
  const name = () => pick(['', '"Alice Example" ', `"${user()}" `, 'Bob ', '"R\\"D <x>" ']);
  const via = (reply = false) => {
    const transport = pick(['UDP', 'UDP', 'UDP', 'TCP', 'TLS', 'WSS']);
    const rport = r(3) ? (reply ? `;rport=${port()};received=${ip()}` : ';rport') : '';
    return `Via: SIP/2.0/${transport} ${ip()}${r(4) ? `:${port()}` : ''};branch=z9hG4bK${text(8, 30)}${rport}`;
  };
  const callId = () =>
    pick([
      () => text(20, 36),
      () => `${text(10, 22)}@${ip()}`,
      () => `${text(8, 8)}-${text(4, 4)}-${text(4, 4)}-${text(12, 12)}`,
    ])();
  const digest = (header: string, f: string, d: string, uri: string, rest: string) =>
    `${header}: Digest username="${f}", realm="${d}", nonce="${text(40, 44)}", uri="${uri}", response="${text(32, 32).toLowerCase()}", algorithm=MD5${rest}`;
  const sdp = () => {
    const a = ip();
    return [
      'v=0',
      `o=- ${1e9 + r(1e9)} ${r(99)} IN IP4 ${a}`,
      's=-',
      `c=IN IP4 ${a}`,
      't=0 0',
      `m=audio ${10000 + 2 * r(20000)} RTP/AVP 9 8 0 101`,
      'a=rtpmap:9 G722/8000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=sendrecv',
      'a=ptime:20',
      '',
    ].join('\r\n');
  };
  const message = (lines: (string | false)[], body = '') =>
    `${[...lines.filter(l => l !== false), `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`;

  const kinds: Record<Kind, () => string> = {
    INVITE() {
      const f = user();
      const t = user();
      const d = domain();
      return message(
        [
          `INVITE sip:${t}@${d}${r(2) ? '' : ':5060;transport=udp'} SIP/2.0`,
          via(),
          r(2) === 0 && via(),
          r(2) === 0 && `Record-Route: <sip:${ip()};lr;ftag=${text(8, 10)}>`,
          r(2) === 0 && `Route: <sip:${ip()};lr>`,
          `Max-Forwards: ${60 + r(11)}`,
          `From: ${name()}<sip:${f}@${d}>;tag=${text(8, 12)}`,
          `To: <sip:${t}@${d}>`,
          `Call-ID: ${callId()}`,
          `CSeq: ${1 + r(40000)} INVITE`,
          `Contact: <sip:${f}@${ip()}:${port()};transport=udp;ob>`,
          r(2) === 0 &&
            digest('Proxy-Authorization', f, d, `sip:${t}@${d}`, `, cnonce="${text(8, 8)}", qop=auth, nc=00000001`),
          `Allow: ${ALLOW}`,
          'Supported: replaces, 100rel, timer, norefersub',
          r(2) === 0 && 'Session-Expires: 1800\r\nMin-SE: 90',
          `User-Agent: ${pick(AGENTS)}`,
          r(3) === 0 && `P-Asserted-Identity: <sip:${f}@${d}>`,
          r(3) === 0 && `X-Custom-Account: ${text(6, 12)}`,
          'Content-Type: application/sdp',
        ],
        sdp(),
      );
    },
    REGISTER() {
      const f = user();
      const d = domain();
      const instance = `${text(8, 8)}-${text(4, 4)}-${text(4, 4)}-${text(12, 12)}`;
      return message([
        `REGISTER sip:${d} SIP/2.0`,
        via(),
        'Max-Forwards: 70',
        `From: ${name()}<sip:${f}@${d}>;tag=${text(8, 12)}`,
        `To: <sip:${f}@${d}>`,
        `Call-ID: ${callId()}`,
        `CSeq: ${1 + r(400)} REGISTER`,
        `User-Agent: ${pick(AGENTS)}`,
        `Contact: <sip:${f}@${ip()}:${port()};ob>;+sip.instance="<urn:uuid:${instance}>";reg-id=1`,
        `Expires: ${pick([300, 600, 3600])}`,
        `Allow: ${ALLOW}`,
        r(2) === 0 && digest('Authorization', f, d, `sip:${d}`, ''),
        'Supported: path, outbound',
      ]);
    },
    200() {
      const f = user();
      const t = user();
      const d = domain();
      return message(
        [
          'SIP/2.0 200 OK',
          via(true),
          via(true),
          r(2) === 0 && via(true),
          r(2) === 0 && `Record-Route: <sip:${ip()};lr;ftag=${text(8, 10)}>`,
          `From: ${name()}<sip:${f}@${d}>;tag=${text(8, 12)}`,
          `To: <sip:${t}@${d}>;tag=${text(8, 16)}`,
          `Call-ID: ${callId()}`,
          `CSeq: ${1 + r(40000)} INVITE`,
          `Contact: <sip:${t}@${ip()}:${port()}>`,
          `Allow: ${ALLOW}`,
          'Supported: replaces, timer',
          `Server: ${pick(AGENTS)}`,
          'Content-Type: application/sdp',
        ],
        sdp(),
      );
    },
    OPTIONS() {
      const d = domain();
      const compact = r(6) === 0;
      const n = (long: string, short: string) => (compact ? short : long);
      return message([
        `OPTIONS sip:${r(2) ? `${user()}@` : ''}${d} SIP/2.0`,
        compact ? via().replace('Via', 'v') : via(),
        'Max-Forwards: 70',
        `${n('From', 'f')}: <sip:ping@${ip()}>;tag=${text(8, 12)}`,
        `${n('To', 't')}: <sip:${d}>`,
        `${n('Call-ID', 'i')}: ${callId()}`,
        `CSeq: ${1 + r(40000)} OPTIONS`,
        `${n('Contact', 'm')}: <sip:ping@${ip()}:5060>`,
        'Accept: application/sdp',
        `User-Agent: ${pick(AGENTS)}`,
        `${n('Supported', 'k')}: replaces, timer`,
      ]);
    },
  };
  return kind => kinds[kind]();
}
