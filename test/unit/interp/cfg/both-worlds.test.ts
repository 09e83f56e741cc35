/** One function, three ways to call it: from Lua, from a routing block with a number, from a routing block with a variable. */
import { describe, expect, test } from 'vitest';
import { byteStrOf, bytesOf } from '../../../../src/core/memory.ts';
import { request, testRuntime } from '../../../support/runtime.ts';
import { nativeRuntime } from './native.ts';

const WAYS = {
  lua: () =>
    testRuntime(
      'function ksr_request_route() KSR.sl.sl_send_reply(200, "rc " .. KSR.maxfwd.process_maxfwd(10) .. " mf " .. KSR.pv.getw("$hdr(Max-Forwards)")) end',
    ),
  'a number': () =>
    nativeRuntime(
      'request_route { mf_process_maxfwd_header("10"); $var(rc) = $rc; sl_send_reply("200", "rc $var(rc) mf $hdr(Max-Forwards)"); }',
    ),
  'a variable': () =>
    nativeRuntime(
      'request_route { $var(p) = 10; mf_process_maxfwd_header("$var(p)"); $var(rc) = $rc; sl_send_reply("200", "rc $var(rc) mf $hdr(Max-Forwards)"); }',
    ),
};

describe('process_maxfwd', () => {
  test.each([undefined, '0', '1', '70', '300', '0070', 'abc', '99999999999'])('Max-Forwards: %s', value => {
    const message = request().replace(/Max-Forwards: 70\r\n/, value === undefined ? '' : `Max-Forwards: ${value}\r\n`);
    const answers = Object.values(WAYS).map(make => make().receive(message)[0]?.text.split('\r\n')[0]);
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatch(/^SIP\/2\.0 200 rc -?\d+ mf /);
  });
});

test('a reload swaps the blocks, and a broken config changes nothing', () => {
  const { receive, runtime } = nativeRuntime('request_route { sl_send_reply("200", "one"); }');
  const status = () => receive(request())[0]!.text.split('\r\n')[0];
  const load = (text: string) => runtime.load({ name: 'kamailio.cfg', source: bytesOf(byteStrOf(text)) });
  expect(status()).toBe('SIP/2.0 200 one');
  load('request_route { sl_send_reply("200", "two"); }');
  expect(status()).toBe('SIP/2.0 200 two');
  expect(runtime.running!.version).toBe(2);
  expect(() => load('request_route { nonsense(); }')).toThrow('unknown command nonsense');
  expect(() => load('route[X] { exit; }')).toThrow('it defines no request_route');
  expect(status()).toBe('SIP/2.0 200 two');
});

test('what a program keeps in the memory of the core is given back', () => {
  const { runtime, receive } = nativeRuntime('request_route { exit; }');
  const grown = () => {
    runtime.load({
      name: 'kamailio.cfg',
      source: bytesOf(
        byteStrOf(`request_route { if (is_method("${'X'.repeat(50_000)}")) exit; sl_send_reply("200", "OK"); }`),
      ),
    });
    expect(receive(request())).toHaveLength(1);
    return runtime.memoryBytes;
  };
  const first = grown();
  for (let i = 0; i < 50; i++) grown();
  expect(runtime.memoryBytes).toBe(first);
});

test('events run their blocks', () => {
  const { advance, said } = nativeRuntime(
    'request_route { exit; }\nevent_route[htable:mod-init] { $sht(a=>x) = 1; xlog("@@init $sht(a=>x)@@"); }\nevent_route[htable:expired:a] { xlog("@@gone $shtrecord(key)@@"); }',
    { modparams: [{ module: 'htable', name: 'htable', value: 'a=>size=4;autoexpire=5;' }] },
  );
  advance(60_000);
  expect(said()).toEqual(['init 1', 'gone x']);
});

test('reply_route sees replies and can drop them', () => {
  const { receive, said } = nativeRuntime(
    'request_route { exit; }\nreply_route { xlog("@@$rs@@"); if (status =~ "18[0-9]") drop; }',
  );
  const reply = (status: number) =>
    `SIP/2.0 ${status} X\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK2\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n`;
  expect(receive(reply(180))).toEqual([]);
  expect(receive(reply(200))).toHaveLength(1);
  expect(said()).toEqual(['180', '200']);
});
