/**
 * Bug classes that SIP parsers died of, each as datagrams through the whole server: read, edited, answered and forwarded by a script. The titles name
 * the case they come from. What must hold each time: no trap, no script error, nothing left alive, the next good request is answered.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { byteStr } from '../../src/core/memory.ts';
import { request, type Sent, testRuntime } from '../support/runtime.ts';

const VIA = 'Via: SIP/2.0/UDP 127.0.0.1:5062;rport;branch=z9hG4bKtest1';

/** Reads what a script may read, then answers and forwards. */
const EVERYTHING = `
local names = { "$ru", "$rU", "$rd", "$rp", "$fu", "$fU", "$fd", "$ft", "$fn", "$tu", "$tU", "$td", "$tt", "$tn", "$ci", "$cs", "$ct", "$ua", "$cl", "$ml",
  "$rb", "$bs", "$au", "$ar", "$ad", "$aU", "$adn", "$adr", "$adu", "$(hdr(Via)[-1])", "$hdr(Contact)", "$(fu{uri.user})", "$(ru{uri.params})", "$(hdr(From){tobody.tag})" }
function ksr_request_route()
  for _, name in ipairs(names) do KSR.pv.get(name) end
  KSR.siputils.has_totag()
  KSR.maxfwd.process_maxfwd(10)
  KSR.textops.has_body()
  KSR.hdr.is_present("X-A")
  KSR.hdr.remove("X-A")
  KSR.hdr.append("X-New: 1\\r\\n")
  KSR.force_rport()
  KSR.sl.sl_send_reply(200, "OK")
  KSR.setdsturi("sip:192.0.2.1:5070")
  KSR.forward()
end
function ksr_reply_route() for _, name in ipairs(names) do KSR.pv.get(name) end end
`;

/** A server with a script; feed() checks after each datagram what must always hold. */
function server(script = EVERYTHING) {
  const t = testRuntime(script);
  const feed = (datagram: string): Sent[] => {
    const sent = t.receive(datagram);
    const { counters } = t.runtime;
    expect(counters.traps, 'traps').toBe(0);
    expect(counters.scriptErrors, `script errors: ${t.log.lines.map(l => l.message).join('; ')}`).toBe(0);
    expect(t.runtime.liveMessages, 'messages alive').toBe(0);
    return sent;
  };
  return { ...t, feed, stillAnswers: () => expect(answers(feed(request()))[0]).toMatch(/^SIP\/2\.0 200 OK\r\n/) };
}

const answers = (sent: readonly Sent[]) => sent.map(s => s.text).filter(text => text.startsWith('SIP/2.0 '));
const forwarded = (sent: readonly Sent[]) => sent.map(s => s.text).filter(text => !text.startsWith('SIP/2.0 '));
const withLine = (name: string, line: string) =>
  request().replace(new RegExp(`^${name}:.*\\r\\n`, 'm'), () => (line ? `${line}\r\n` : ''));

test('1 CVE-2018-14767: the server takes two To headers, one with an empty tag', () => {
  const s = server();
  for (const [first, second] of [
    ['<sip:a@b>;tag=', '<sip:c@d>;tag=2'],
    ['<sip:a@b>;tag=2', '<sip:c@d>;tag='],
    ['<sip:a@b>', '<sip:c@d>'],
  ])
    s.feed(withLine('To', `To: ${first}\r\nTo: ${second}`));
  const [reply] = answers(s.feed(withLine('To', 'To: <sip:a@b>;tag=')));
  expect(reply).toMatch(/\r\nTo: <sip:a@b>;tag=;tag=[0-9a-f]/);
  s.stillAnswers();
});

test.for([
  '2 CVE-2018-16657: the reply and its To tag do without host, port or branch of a broken Via',
  '7 CVE-2023-27597: the To tag is made from a Via with unset fields',
])('%s', () => {
  const s = server();
  for (const value of [
    '',
    ' ',
    ';',
    'x',
    'SIP/2.0/UDP',
    'SIP/2.0/UDP ',
    'SIP/2.0/UDP ;branch=z9hG4bKa',
    'SIP/2.0/UDP :5060',
    'SIP/2.0/UDP a:',
    'SIP/2.0/UDP a:b',
    'SIP/2.0/UDP [',
    'SIP/2.0/UDP []',
    'SIP/2.0/UDP [::1',
    'SIP/2.0/UDP a;',
    'SIP/2.0/UDP a;;',
    'SIP/2.0/UDP a;branch',
    'SIP/2.0/UDP a;branch=',
    'SIP/2.0/UDP a;branch="',
    'SIP/2.0/UDP a;received=;rport=',
    'SIP/2.0/UDP a,',
    ',SIP/2.0/UDP a',
    'SIP//UDP a',
    '/// a',
    'SIP/2.0/UDP 127.0.0.1',
  ])
    s.feed(withLine('Via', `Via: ${value}`));
  s.feed(withLine('Via', ''));
  s.stillAnswers();
});

test('3 CVE-2018-8828: a branch and a From tag of 30 KB come back whole', () => {
  const s = server();
  const long = 'b'.repeat(30_000);
  const [byBranch] = answers(s.feed(withLine('Via', `${VIA}${long}`)));
  expect(byBranch).toContain(`branch=z9hG4bKtest1${long}`);
  const sent = s.feed(withLine('From', `From: <sip:a@b>;tag=${long}`));
  expect(answers(sent)[0]).toContain(`;tag=${long}\r\n`);
  expect(forwarded(sent)[0]).toContain(`;tag=${long}\r\n`);
  s.stillAnswers();
});

test('4 kamailio #4920: a Call-ID, a tag and a branch of 60 KB fit nowhere and break nothing', () => {
  const s = server();
  const long = 'c'.repeat(60_000);
  expect(answers(s.feed(withLine('Call-ID', `Call-ID: ${long}`)))[0]).toContain(`\r\nCall-ID: ${long}\r\n`);
  s.feed(withLine('To', `To: <sip:a@b>;tag=${long}`));
  s.feed(withLine('From', `From: <sip:${long}@b>;tag=1`));
  s.feed(withLine('CSeq', `CSeq: ${'9'.repeat(60_000)} OPTIONS`));
  s.stillAnswers();
});

test('5 kamailio #4930: folds and NULs in any header value stay inside the message', () => {
  const s = server();
  for (const value of [
    'a\r\n \0b',
    '\r\n \r\n ',
    '"a\r\n\t\0',
    '\0',
    'a\r\n ',
    '\r\n\t"',
    `\0\r\n ${'\0'.repeat(500)}`,
  ])
    for (const name of [
      'X-A',
      'Subject',
      'Identity',
      'Contact',
      'Call-ID',
      'From',
      'To',
      'Via',
      'CSeq',
      'Authorization',
    ]) {
      s.feed(request('OPTIONS', 'sip:a@b', [`${name}: ${value}`]));
      s.feed(request('OPTIONS', 'sip:a@b', [`${name}: ${value}`]).slice(0, -4));
      s.feed(withLine(name, `${name}: ${value}`));
    }
  s.stillAnswers();
});

test('6 CVE-2023-28098: digest parameters cut at every byte', () => {
  const s = server();
  const whole =
    'Authorization: Digest username="a\\"b@c", realm="r", nonce="n", uri="sip:x", response="0", nc=00000001, qop=auth,';
  for (let length = 'Authorization:'.length; length <= whole.length; length++)
    s.feed(request('REGISTER', 'sip:a@b', [whole.slice(0, length)]));
  for (const rest of [
    'Digest',
    'Digest =',
    'Digest a',
    'Digest "',
    'Digest a=,',
    'Digest ,,,',
    'Digest a="\\',
    'Basic x',
    '',
  ])
    s.feed(request('REGISTER', 'sip:a@b', [`Proxy-Authorization: ${rest}`]));
  s.stillAnswers();
});

test('8 CVE-2023-27599: a malformed To is refused or answered, never a fault', () => {
  const s = server();
  const good = '"D \\" n" <sip:u:p@h.example.com:5060;x=y?z=1>;tag=t;p="q;\\"";r';
  for (let length = 0; length < good.length; length++) {
    s.feed(withLine('To', `To: ${good.slice(0, length)}`));
    s.feed(withLine('To', `To: ${good.slice(0, length)}\0${good.slice(length + 1)}`));
    s.feed(withLine('To', `To: ${good.slice(length)}`));
  }
  s.stillAnswers();
});

test('9 CVE-2023-28097: Content-Length is never used as it comes', () => {
  const s = server();
  for (const value of [
    '-1',
    '-99999',
    'five',
    '',
    '4294967297',
    '2147483647',
    '2147483648',
    '9'.repeat(400),
    '3',
    '4',
    '2',
    '0x3',
    '3 3',
    '3,3',
  ])
    for (const line of [`Content-Length: ${value}`, `l: ${value}`, `Content-Length: ${value}\r\nContent-Length: 7`])
      s.feed(`${withLine('Content-Length', line)}abc`);
  s.feed(request('OPTIONS', 'sip:%@%', ['Content-Length: 99999999']));
  s.stillAnswers();
});

test('10 CVE-2022-31001: a percent sign at the end of every part of a URI', () => {
  const s = server();
  for (const cut of ['%', '%4', '%zz', '%%', '%00'])
    for (const uri of [
      `sip:${cut}`,
      `sip:a${cut}`,
      `sip:a${cut}@b`,
      `sip:a:p${cut}@b`,
      `sip:a@b${cut}`,
      `sip:a@b;x=${cut}`,
      `sip:a@b;${cut}`,
      `sip:a@b?h=${cut}`,
      `tel:${cut}`,
      `urn:service:${cut}`,
      cut,
    ]) {
      s.feed(request('OPTIONS', uri));
      for (const name of ['From', 'To']) s.feed(withLine(name, `${name}: <${uri}>;tag=1`));
      s.feed(request('OPTIONS', 'sip:a@b', [`Contact: ${uri}`, `Route: <${uri}`, `Refer-To: ${uri}`]));
      s.feed(`${request('OPTIONS', 'sip:a@b', [`Contact: ${uri}`]).split('Content-Length')[0]}`.trimEnd());
    }
  s.stillAnswers();
});

test('11 CVE-2022-47516: a message cut at every byte, and each of its bytes replaced', () => {
  const s = server();
  const whole = request(
    'INVITE',
    'sip:bob:p@[2001:db8::1]:5070;lr?x=y',
    ['v: SIP/2.0/TCP p.example.com;received=::1, SIP/2.0/UDP q', 'm: "x" <sip:c@d>;q=0.5, <sip:e@f>', 'X-A: 1\r\n 2'],
    'v=0\r\n',
  );
  for (let length = 0; length <= whole.length; length++) {
    s.feed(whole.slice(0, length));
    for (const byte of ['\0', '\r', '"', ',']) s.feed(`${whole.slice(0, length)}${byte}${whole.slice(length + 1)}`);
  }
  s.stillAnswers();
});

test('11 the RFC 4475 and 5118 messages, whole and cut', () => {
  const s = server();
  for (const rfc of ['rfc4475', 'rfc5118']) {
    const dir = new URL(`../torture/${rfc}/`, import.meta.url);
    for (const file of readdirSync(dir)) {
      const text = byteStr(readFileSync(new URL(file, dir)));
      for (let length = text.length; length > 0; length -= 37) s.feed(text.slice(0, length));
    }
  }
  s.stillAnswers();
});

test('12 CVE-2022-21723: multipart boundaries at the end, empty parts, no closing boundary', () => {
  const s = server(`
function ksr_request_route()
  for _, kind in ipairs({ "application/sdp", "text/plain", "" }) do
    KSR.textops.get_body_part(kind, "$var(p)")
    KSR.textops.get_body_part_raw(kind, "$var(p)")
    KSR.textops.filter_body(kind)
    KSR.textops.has_body_type(kind)
  end
  KSR.textops.remove_body_part("text/plain")
  KSR.sl.sl_send_reply(200, "OK")
end`);
  const types = [
    'multipart/mixed;boundary=b',
    'multipart/mixed; boundary="b"',
    'multipart/mixed;boundary=',
    'multipart/mixed',
    'multipart/mixed;boundary="b',
  ];
  const bodies = [
    '',
    '--b',
    '--b--',
    '--b\r\n',
    '--b\r\n--b',
    '--b\r\n\r\n--b--',
    '--b\r\nContent-Type: text/plain\r\n\r\n',
    '--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b',
    '--b\r\nContent-Type:',
    '\r\n--b\r\n\r\n\r\n--b--x',
    '--',
  ];
  for (const type of types)
    for (const body of bodies) s.feed(request('MESSAGE', 'sip:a@b', [`Content-Type: ${type}`], body));
  s.stillAnswers();
});

test('13 CVE-2022-24754: numbers and lengths inside digest and SDP', () => {
  const s = server(`
function ksr_request_route()
  KSR.pv.get("$adr") KSR.pv.get("$adn") KSR.pv.get("$au") KSR.textops.is_audio_on_hold() KSR.pv.get("$(rb{line.at,3})") KSR.pv.get("$(rb{s.len})")
  KSR.sl.sl_send_reply(200, "OK")
end`);
  const long = 'f'.repeat(20_000);
  s.feed(
    request('REGISTER', 'sip:a@b', [
      `Authorization: Digest username="${long}", realm="${long}", nonce="", response="${long}", nc=${'9'.repeat(500)}`,
    ]),
  );
  for (const port of ['4294967296', '-1', '99999999999999999999', ''])
    s.feed(
      request(
        'INVITE',
        'sip:a@b',
        ['Content-Type: application/sdp'],
        `v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio ${port} RTP/AVP ${port} 0\r\na=sendonly`,
      ),
    );
  s.stillAnswers();
});

test('14 pkts.io #106: nothing in a message makes the parser or a pattern run on', { timeout: 20_000 }, () => {
  const s = server(`
function ksr_request_route()
  KSR.textops.search("(a+)+$")
  KSR.textops.search_body("(a|aa)+c")
  KSR.textops.subst_hf("X-A", "/(.*)*x/y/g", "a")
  KSR.pv.get("$fn") KSR.pv.get("$(hdr(From){nameaddr.name})") KSR.pv.get("$(hdr(X-A){param.count})") KSR.pv.get("$(hdr(X-A){s.select,-1,;})")
  KSR.sl.sl_send_reply(200, "OK")
end`);
  const started = performance.now();
  s.feed(request('MESSAGE', 'sip:a@b', [`X-A: ${'a'.repeat(20_000)}`], 'a'.repeat(20_000)));
  s.feed(withLine('From', `From: "${'\\"'.repeat(20_000)}" <sip:a@b>;tag=1`));
  s.feed(withLine('From', `From: "${'\\'.repeat(40_000)}`));
  s.feed(withLine('From', `From: ${'"a" '.repeat(10_000)}`));
  s.feed(request('OPTIONS', 'sip:a@b', [`X-A: ${';=,'.repeat(15_000)}`]));
  s.feed(request('OPTIONS', 'sip:a@b', [`X-A: 1${'\r\n '.repeat(15_000)}`]));
  s.feed(withLine('Via', `${VIA}${', SIP/2.0/UDP a'.repeat(3_000)}`));
  s.feed('\r\n'.repeat(30_000));
  expect(performance.now() - started).toBeLessThan(10_000);
  s.stillAnswers();
});

test('15 AST-2016-009, CVE-2020-28361: every spelling of a header name is the same header, and nothing else is', () => {
  const s = server(`
function ksr_request_route()
  local before = KSR.hdr.is_present("Subject")
  KSR.hdr.remove("Subject")
  KSR.textopsx.msg_apply_changes()
  KSR.hdr.append_to_reply("X-R: " .. before .. " " .. KSR.hdr.is_present("Subject") .. "\\r\\n")
  KSR.sl.sl_send_reply(200, "OK")
end`);
  for (const line of [
    'Subject: x',
    'Subject : x',
    'Subject\t: x',
    'SUBJECT:x',
    's: x',
    'S : x',
    'sUbJeCt: x\r\n y',
    'Subject:\r\n x',
  ])
    expect(answers(s.feed(request('OPTIONS', 'sip:a@b', [line])))[0], line).toContain('\r\nX-R: 1 -1\r\n');
  for (const byte of ['\x01', '\x0b', '\x0c', '\x08', '\xa0', '\0', '\x7f']) {
    const [reply] = answers(s.feed(request('OPTIONS', 'sip:a@b', [`Subject${byte}: x`])));
    if (reply?.startsWith('SIP/2.0 200 ')) expect(reply, `byte ${byte.charCodeAt(0)}`).toContain('\r\nX-R: -1 -1\r\n');
    const [other] = answers(s.feed(withLine('To', `To${byte}: <sip:evil@x>;tag=1\r\nTo: <sip:bob@example.com>`)));
    if (other) expect(other).toMatch(/\r\nTo: <sip:bob@example\.com>;tag=/);
  }
  s.stillAnswers();
});

test('16 kamailio #4204: sequences of messages of one call, in and out of order', () => {
  const s = server();
  const methods = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'PRACK', 'UPDATE', 'INVITE', 'REGISTER', 'SUBSCRIBE', 'NOTIFY'];
  for (const first of methods)
    for (const second of methods) {
      const [reply] = answers(s.feed(request(first)));
      const tag = /\r\nTo: [^\r]*;tag=([^\r;]*)/.exec(reply ?? '')?.[1] ?? '';
      s.feed(request(second).replace(/(\r\nTo: [^\r]*)/, `$1;tag=${tag}`));
      s.feed(request(second).replace(/(\r\nTo: [^\r]*)/, `$1;tag=${tag}${tag}`));
      if (reply) s.feed(reply);
      for (const copy of forwarded(s.feed(request(second)))) s.feed(copy);
    }
  s.stillAnswers();
});

test('17 framing: one datagram is one message, whatever Content-Length says', () => {
  const s = server();
  const second = request('INVITE', 'sip:smuggled@example.com');
  const sent = s.feed(request() + second);
  expect(answers(sent)).toHaveLength(1);
  for (const { text } of sent) expect(text.startsWith('INVITE')).toBe(false);
  s.feed(withLine('Content-Length', 'Content-Length: 9999'));
  for (const keepAlive of ['\r\n\r\n', '\r\n', '\0\0\0\0', '']) expect(s.feed(keepAlive)).toEqual([]);
  expect(answers(s.feed(`\r\n\r\n${request()}`))[0]).toMatch(/^SIP\/2\.0 200 /);
  s.stillAnswers();
});

test('RFC 4475 escnull: a NUL in a user does not end it', () => {
  const s = server(
    'function ksr_request_route() KSR.hdr.append_to_reply("X-R: " .. KSR.pv.gete("$rU") .. "|" .. #KSR.pv.gete("$fU") .. "\\r\\n") KSR.sl.sl_send_reply(200, "OK") end',
  );
  const [reply] = answers(s.feed(request('OPTIONS', 'sip:null-%00-null@example.com').replace('alice@', 'a\0ce@')));
  if (reply) expect(reply).toContain('\r\nX-R: null-%00-null|');
  s.stillAnswers();
});

test('RFC 4475 bigcode, scalar02, scalarlg: status codes and CSeq numbers that do not fit', () => {
  const s = server();
  for (const code of ['4294967301', '99', '1000', '', '-1', '2 0', '200\0'])
    s.feed(
      `SIP/2.0 ${code} x\r\n${VIA}\r\n${VIA}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n`,
    );
  for (const number of ['2147483648', '4294967295', '4294967296', '36893488147419103232', '-1', ''])
    s.feed(withLine('CSeq', `CSeq: ${number} OPTIONS`));
  s.stillAnswers();
});

test('RFC 4475 bcast: a reply whose Via names a broadcast address is not sent there', () => {
  const s = server('function ksr_request_route() KSR.sl.sl_send_reply(200, "OK") end');
  const sent = s.feed(
    `SIP/2.0 200 OK\r\n${VIA}\r\nVia: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n`,
  );
  expect(sent.filter(d => d.ip === '255.255.255.255')).toEqual([]);
  s.stillAnswers();
});
