import { expect, test } from 'vitest';
import { answerTo, ask, header, NOTHING, proxy } from '../../../support/proxy.ts';

test('t_suspend() and t_continue(): the route goes on as a failure route does, and may relay', () => {
  const p = proxy(`
    function ksr_request_route()
      if KSR.is_ACK() then return end
      if KSR.kx.get_method() == "INFO" then
        KSR.err(KSR.tmx.t_continue(idx, label, "go")) KSR.sl.sl_send_reply(200, "x") return end
      KSR.err(KSR.tmx.t_suspend()) idx = KSR.pv.get("$T(id_index)") label = KSR.pv.get("$T(id_label)") end
    function go() KSR.err("go " .. KSR.tmx.t_is_failure_route() .. " " .. KSR.kx.get_ruri()) KSR.hdr.append("X-Go: 1\\r\\n") KSR.tm.t_relay() end`);
  expect(p.from('uac', ask('INVITE'))).toEqual(['uac 100']);
  expect(p.from('uac', ask('INFO', { id: '2' }))).toEqual(['a INVITE', 'uac 200']);
  expect(header(p.last('a', 'INVITE'), 'X-Go')).toBe('1');
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 200))).toEqual(['uac 200']);
  p.from('uac', ask('INFO', { id: '3' }));
  expect(p.errors()).toEqual(['1', 'go 1 sip:bob@192.0.2.10', '1', '-1']);
  p.after(10_000);
  expect(p.left()).toEqual(NOTHING);
});

test('a suspended request that nobody continues: 408 and the failure route after fr_timer; a CANCEL ends it at once', () => {
  const p =
    proxy(`function ksr_request_route() if KSR.is_CANCEL() then KSR.tm.t_relay() return end KSR.tm.t_on_failure("f") KSR.tmx.t_suspend() end
    function f() KSR.err("f " .. KSR.pv.get("$T_reply_code")) end`);
  p.from('uac', ask('INVITE'));
  expect(p.after(30_100)).toEqual(['uac 408']);
  expect(p.errors()).toEqual(['f 408']);
  p.from('uac', ask('INVITE', { id: '2' }));
  expect(p.from('uac', ask('CANCEL', { id: '2' })).sort()).toEqual(['uac 200', 'uac 487']);
  p.after(60_000);
  expect(p.left()).toEqual(NOTHING);
});

test('a continued route that does nothing answers 500', () => {
  const p = proxy(`function ksr_request_route() if KSR.is_OPTIONS() then KSR.tmx.t_continue(i, l, "go") return end
      KSR.tmx.t_suspend() i = KSR.pv.get("$T(id_index)") l = KSR.pv.get("$T(id_label)") end function go() end`);
  p.from('uac', ask('MESSAGE'));
  expect(p.from('uac', ask('OPTIONS'))).toEqual(['uac 500']);
});

test('t_cancel_branches() in the reply route', () => {
  const p =
    proxy(`function ksr_request_route() KSR.tm.t_on_reply("rep") KSR.corex.append_branch_uri("sip:b@192.0.2.11") KSR.tm.t_relay() end
    function rep() if KSR.kx.get_status() == 183 then KSR.err(KSR.tmx.t_cancel_branches("others")) end end`);
  p.from('uac', ask('INVITE'));
  p.from('b', answerTo(p.last('b', 'INVITE'), 180));
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 183))).toEqual(['b CANCEL', 'uac 183']);
});

test('t_cancel_callid(), t_cancel_callid_reason(), t_reply_callid()', () => {
  const p = proxy(`function ksr_request_route()
      if KSR.is_OPTIONS() then KSR.err(KSR.tmx.t_cancel_callid_reason("1@example.com", "1", 0, 200)) KSR.err(KSR.tmx.t_reply_callid("2@example.com", "1", 488, "No"))
        KSR.err(KSR.tmx.t_cancel_callid("none", "1", 0)) return end
      KSR.tm.t_relay() end`);
  p.from('uac', ask('INVITE'));
  p.from('a', answerTo(p.last('a', 'INVITE'), 180));
  p.from('uac', ask('MESSAGE', { id: '2' }));
  expect(p.from('uac', ask('OPTIONS', { id: '3' }))).toEqual(['a CANCEL', 'uac 488']);
  expect(header(p.last('a', 'CANCEL'), 'Reason')).toBe('SIP;cause=200');
  expect(p.errors()).toEqual(['1', '1', '-1']);
});

test('t_drop() ends a transaction without an answer', () => {
  const p = proxy(
    'function ksr_request_route() if KSR.tm.t_check_trans() == 0 then KSR.err("again") return end KSR.tm.t_newtran() KSR.err(KSR.tmx.t_drop()) end',
  );
  expect(p.from('uac', ask('MESSAGE'))).toEqual([]);
  expect(p.from('uac', ask('MESSAGE'))).toEqual([]);
  expect(p.errors()).toEqual(['0', 'again']);
  p.after(6000);
  expect(p.left()).toEqual(NOTHING);
});

test('$T_inv() of a CANCEL, t_lookup_cancel and its flags, route kinds', () => {
  const p = proxy(`
    local function kind() return KSR.tmx.t_is_request_route() .. KSR.tmx.t_is_branch_route() .. KSR.tmx.t_is_reply_route() .. KSR.tmx.t_is_failure_route() end
    function ksr_request_route()
      if KSR.is_CANCEL() then KSR.err(KSR.tm.t_lookup_cancel_flags(1)) KSR.err(KSR.pv.get("$T_inv($ru)")) KSR.err(tostring(KSR.isflagset(4))) KSR.tm.t_relay() return end
      KSR.setflag(4) KSR.err(kind()) KSR.tm.t_on_branch("br") KSR.tm.t_relay() KSR.err(kind()) end
    function br() KSR.err(kind()) end function ksr_reply_route() KSR.err(kind() .. " " .. KSR.tm.t_check_trans()) end`);
  p.from('uac', ask('INVITE'));
  p.from('a', answerTo(p.last('a', 'INVITE'), 180));
  p.from('uac', ask('CANCEL', { uri: 'sip:bob@192.0.2.10' }));
  expect(p.errors()).toEqual(['1-1-1-1', '-11-1-1', '1-1-1-1', '-1-11-1 1', '1', 'sip:bob@192.0.2.10', 'true']);
});

test('tmx without tm says so', () => {
  expect(() => proxy('function ksr_request_route() end', { modules: ['sl', 'tmx'] })).toThrow('it needs module tm');
});
