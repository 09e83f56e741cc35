/** Words of the language that are made of variables here; what they do to a URI is what Kamailio 5.6.3 did. */
import { describe, expect, test } from 'vitest';
import { request } from '../../../support/runtime.ts';
import { findings, nativeRuntime } from './native.ts';

const OPTIONS = request('OPTIONS', 'sip:x@127.0.0.1:5060');

test.each([
  ['userphone()', 'sip:bob@h.com', 'sip:bob@h.com;user=phone'],
  ['userphone()', 'sip:bob@h.com;user=phone', 'sip:bob@h.com;user=phone'],
  ['userphone()', 'sip:bob@h.com;user=ip;a=1', 'sip:bob@h.com;user=ip;a=1;user=phone'],
  ['userphone()', 'sip:h.com?x=y', 'sip:h.com;user=phone?x=y'],
  [
    'sethostporttrans("n.com:5099;transport=tcp")',
    'sip:bob@h.com:1;transport=udp;x=1',
    'sip:bob@n.com:5099;transport=tcp;x=1',
  ],
  ['sethostporttrans("n.com")', 'sip:bob@h.com:1;transport=udp;x=1', 'sip:bob@n.com;x=1'],
  ['sethostporttrans("n.com;transport=tls")', 'sip:bob@h.com', 'sip:bob@n.com;transport=tls'],
  ['sethostporttrans("n.com:5")', 'sip:bob@h.com;y=2;transport=tcp', 'sip:bob@n.com:5;y=2'],
  [
    'rewritehostporttrans("n.com:5;transport=sctp")',
    'sip:bob:pw@h.com;lr?a=b',
    'sip:bob:pw@n.com:5;transport=sctp;lr?a=b',
  ],
])('%s makes of %s', (word, before, after) => {
  const { receive, said } = nativeRuntime(`request_route { $ru = "${before}"; ${word}; xlog("@@$ru@@"); }`);
  receive(OPTIONS);
  expect(said()).toEqual([after]);
});

describe('forward()', () => {
  test.each([
    ['forward(192.0.2.5)', '192.0.2.5', 5060],
    ['forward("192.0.2.5", 5070)', '192.0.2.5', 5070],
    ['forward(192.0.2.5, 5070)', '192.0.2.5', 5070],
    ['forward_udp("192.0.2.5", 5071)', '192.0.2.5', 5071],
    ['forward(uri:host, uri:port)', '192.0.2.9', 5090],
    ['forward()', '192.0.2.9', 5090],
  ])('%s', (word, ip, port) => {
    const { receive, sent } = nativeRuntime(`request_route { $ru = "sip:a@192.0.2.9:5090"; ${word}; }`);
    receive(OPTIONS);
    expect(sent).toEqual([expect.objectContaining({ ip, port })]);
    expect(sent[0]!.text).toMatch(/^OPTIONS sip:a@192.0.2.9:5090 SIP/);
  });

  test.each([
    [
      'forward("192.0.2.5:5060")',
      '1:25: error: forward takes a host or an address, not "192.0.2.5:5060": the port is a parameter of its own',
    ],
    ['forward("a b")', '1:25: error: forward takes a host or an address, not "a b"'],
    ['forward("a", "5060")', '1:30: error: forward takes a port from 1 to 65535, without quotes'],
    ['forward("a", 1, 2)', '1:17: error: forward takes 0 to 2 parameters, not 3'],
    ['forward_tcp()', '1:17: error: forward_tcp takes 1 or 2 parameters, not 0'],
  ])('%s is an error', (word, finding) => {
    expect(findings(`request_route { ${word}; }`)).toEqual([finding]);
  });
});

test('t_relay() to a host and a port', () => {
  const { receive, sent } = nativeRuntime('request_route { t_relay("192.0.2.5", 5077); }');
  receive(request('INVITE', 'sip:x@127.0.0.1:5060'));
  expect(sent.map(s => `${s.ip}:${s.port}`)).toContain('192.0.2.5:5077');
});

test('t_relay_to() with flags alone', () => {
  const { receive, sent } = nativeRuntime('request_route { $du = "sip:192.0.2.6"; t_relay_to("0x01"); }');
  receive(request('INVITE', 'sip:x@127.0.0.1:5060'));
  // 1: no 100
  expect(sent.map(s => s.ip)).toEqual(['192.0.2.6']);
});

test('drop and exit with a number', () => {
  const { receive, said } = nativeRuntime(
    'request_route { if ($rU == "x") { xlog("@@a@@"); exit 1; } drop 0; }\nroute[X] { drop(1); }',
  );
  receive(OPTIONS);
  expect(said()).toEqual(['a']);
});

test('a name of a host equals no address', () => {
  const config =
    'request_route { if (src_ip == example.com || dst_ip == "my-host.example.com") xlog("@@yes@@"); else xlog("@@no@@"); }';
  const { receive, said } = nativeRuntime(config);
  receive(OPTIONS);
  expect(said()).toEqual(['no']);
  expect(findings(config)).toEqual([
    '1:31: warning: "example.com" is no address: names are not resolved, they equal none',
    '1:56: warning: "my-host.example.com" is no address: names are not resolved, they equal none',
  ]);
});

test.each([
  'udp_mtu_try_proto(TCP)',
  'cfg_select("g", "i")',
  'cfg_reset("g")',
  'exec("ls")',
  'setuserpass("p")',
  'error("a", "b")',
])('%s is not there, and says so', word => {
  expect(findings(`request_route { ${word}; }`)).toEqual([
    expect.stringMatching(/^1:17: error: \w+ is not available in this version: /),
  ]);
});
