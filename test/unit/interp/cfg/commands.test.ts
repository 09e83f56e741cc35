/** Commands that only routing blocks have. */
import { expect, test } from 'vitest';
import { request } from '../../../support/runtime.ts';
import { findings, nativeRuntime } from './native.ts';

test.each([
  ['tel:+(34)-999-888-777', 'sip:+34999888777@foo.com;user=phone', 1],
  ['tel:+12-(34)-56-78;Ext=200;ISUB=+123-456', 'sip:+12345678;ext=200;isub=+123-456@foo.com;user=phone', 1],
  ['tel:+1.2;phone-context=X.com', 'sip:+12;phone-context=x.com@foo.com;user=phone', 1],
  ['tel:abc', 'sip:abc@foo.com;user=phone', 1],
  ['sip:a@b', '-', 2],
  ['http:x', '-', 2],
])('tel2sip() of %s', (uri, sip, code) => {
  const { receive, said } = nativeRuntime(
    `request_route { $var(r) = "-"; $avp(u) = "${uri}"; tel2sip("$avp(u)", "foo.com", "$var(r)"); xlog("@@$var(r) $rc@@"); }`,
  );
  receive(request('OPTIONS', 'sip:x@127.0.0.1:5060'));
  expect(said()).toEqual([`${sip} ${code}`]);
});

test('sip_p_charging_vector() makes, keeps, removes and replaces the header', () => {
  const vector = (flags: string, has: boolean) => {
    const { receive, sent } = nativeRuntime(
      `request_route { sip_p_charging_vector("${flags}"); $du = "sip:192.0.2.1"; forward(); }`,
    );
    const text = request('INVITE', 'sip:x@127.0.0.1:5060');
    receive(has ? text.replace('\r\n\r\n', '\r\nP-Charging-Vector: icid-value=abc\r\n\r\n') : text);
    return sent[0]!.text.split('\r\n').filter(l => l.startsWith('P-Charging'));
  };
  const made = [expect.stringMatching(/^P-Charging-Vector: icid-value=[\dA-F]{32}; icid-generated-at=127\.0\.0\.1$/)];
  expect(vector('g', false)).toEqual(made);
  expect(vector('g', true)).toEqual(['P-Charging-Vector: icid-value=abc']);
  expect(vector('f', true)).toEqual(made);
  expect(vector('r', true)).toEqual([]);
  expect(vector('x', true)).toEqual(['P-Charging-Vector: icid-value=abc']);
});

test('append_urihf()', () => {
  const { receive, sent } = nativeRuntime(
    'request_route { append_urihf("CC-Diversion: ", "\\r\\n"); $ru = "sip:192.0.2.1"; forward(); }',
  );
  receive(request('INVITE', 'sip:x@127.0.0.1:5060'));
  expect(sent[0]!.text).toContain('\r\nCC-Diversion: sip:x@127.0.0.1:5060\r\n');
});

test('an unknown command names its module', () => {
  expect(
    findings(
      'request_route { m_store("$ru"); lcr_id_avp(); t_relay_cancel(); len_gt(5); sca_handle_subscribe(); pv_printf_not(); }',
    ).map(f => f.replace(/^\S+ error: /, '')),
  ).toEqual([
    'unknown command m_store: module msilo is not available in this version',
    'unknown command lcr_id_avp: module lcr is not available in this version',
    'unknown command t_relay_cancel: this command of module tm is not available in this version',
    'unknown command len_gt: is its module loaded?',
    'unknown command sca_handle_subscribe: module sca is not available in this version',
    'unknown command pv_printf_not: is its module loaded?',
  ]);
});

test('other names of commands', () => {
  expect(
    findings(
      'request_route { www_authorize("a", "subscriber"); proxy_authenticate("a", "subscriber"); proxy_authorize("a", "subscriber"); sl_reply("200", "OK"); }',
    ),
  ).toEqual([]);
});
