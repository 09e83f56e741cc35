import { describe, expect, test } from 'vitest';
import { all, answerTo, ask, header, NOTHING, proxy, tagOf } from '../../../support/proxy.ts';

/** Forks to a, b and c, as many as the user says; CANCEL, ACK and the rest are relayed. */
const FORK = (more = '', functions = '') => `
function ksr_request_route()
  if KSR.is_CANCEL() then if KSR.tm.t_check_trans() > 0 then KSR.tm.t_relay() end return end
  if KSR.tm.t_check_trans() == 0 then return end
  if KSR.is_ACK() then KSR.tm.t_relay() return end
  local n = tonumber(KSR.kx.gete_ruser()) or 2
  KSR.seturi("sip:a@192.0.2.10")
  if n > 1 then KSR.corex.append_branch_uri("sip:b@192.0.2.11") end
  if n > 2 then KSR.corex.append_branch_uri("sip:c@192.0.2.12") end
  ${more}
  KSR.tm.t_relay()
end
${functions}
`;
const HEADERS: Readonly<Record<number, string[]>> = {
  401: ['WWW-Authenticate: Digest realm="r"'],
  407: ['Proxy-Authenticate: Digest realm="p"'],
};

/** Two branches that answer x and y; gives what the caller got. */
function chosen(x: number, y: number, options = {}): string {
  const p = proxy(FORK(), options);
  p.from('uac', ask('INVITE', { uri: 'sip:2@x' }));
  p.from('a', answerTo(p.last('a', 'INVITE'), x, 'A', { tag: 'ta', headers: HEADERS[x] ?? [] }));
  const out = p.from('b', answerTo(p.last('b', 'INVITE'), y, 'B', { tag: 'tb', headers: HEADERS[y] ?? [] }));
  const code = out.find(o => o.startsWith('uac'))!.slice(4);
  const text = p.last('uac', code);
  p.from('uac', ask('ACK', { toTag: tagOf(text) }));
  p.after(8000);
  expect(p.left()).toEqual(NOTHING);
  return text.slice(8, text.indexOf('\r\n'));
}

describe('the best answer', () => {
  test.each([
    [404, 486, '404 A'],
    [486, 404, '404 B'],
    [408, 486, '408 A'],
    [500, 404, '404 B'],
    [503, 404, '404 B'],
    [503, 503, '500 Service Unavailable'],
    [503, 500, '500 B'],
    [404, 302, '302 B'],
    [401, 407, '401 Unauthorized'],
    [404, 401, '401 B'],
    [407, 486, '407 A'],
    [487, 404, '404 B'],
    [415, 404, '415 A'],
    [420, 486, '420 A'],
    [484, 486, '484 A'],
    [415, 401, '401 B'],
    [480, 404, '404 B'],
    [501, 500, '500 B'],
    [301, 300, '300 B'],
    [404, 600, '600 B'],
  ])('of %i and %i is what Kamailio 5.6.3 gives', (x, y, expected) => {
    expect(chosen(x, y)).toBe(expected);
  });

  test('remap_503_500 off passes a 503 on', () => {
    expect(chosen(503, 503, { modparams: [{ module: 'tm', name: 'remap_503_500', value: 0 }] })).toBe('503 A');
  });

  test('aggregate_challenges off sends the one that won', () => {
    expect(chosen(401, 407, { modparams: [{ module: 'tm', name: 'aggregate_challenges', value: 0 }] })).toBe('401 A');
  });
});

test('the challenges of all branches are in one answer', () => {
  const p = proxy(FORK());
  p.from('uac', ask('INVITE'));
  p.from('a', answerTo(p.last('a', 'INVITE'), 407, 'A', { headers: ['Proxy-Authenticate: Digest realm="a"'] }));
  p.from('b', answerTo(p.last('b', 'INVITE'), 407, 'B', { headers: ['Proxy-Authenticate: Digest realm="b"'] }));
  expect(all(p.last('uac', '407'), 'Proxy-Authenticate')).toEqual(['Digest realm="a"', 'Digest realm="b"']);
});

test('the first 200 wins: the others are cancelled, with the reason; a second 200 goes to the caller too', () => {
  const p = proxy(FORK());
  expect(p.from('uac', ask('INVITE', { uri: 'sip:3@x' }))).toEqual(['uac 100', 'a INVITE', 'b INVITE', 'c INVITE']);
  p.from('b', answerTo(p.last('b', 'INVITE'), 180, 'Ringing', { tag: 'tb' }));
  p.from('c', answerTo(p.last('c', 'INVITE'), 180, 'Ringing', { tag: 'tc' }));
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 200, 'OK', { tag: 'ta' }))).toEqual([
    'uac 200',
    'b CANCEL',
    'c CANCEL',
  ]);
  expect(header(p.last('b', 'CANCEL'), 'Reason')).toBe('SIP;cause=200;text="Call completed elsewhere"');
  expect(p.from('b', answerTo(p.last('b', 'CANCEL'), 200))).toEqual([]);
  expect(p.from('b', answerTo(p.last('b', 'INVITE'), 487, 'T', { tag: 'tb' }))).toEqual(['b ACK']);
  expect(p.from('c', answerTo(p.last('c', 'INVITE'), 200, 'OK', { tag: 'tc' }))).toEqual(['uac 200']);
  p.after(10_000);
  expect(p.left()).toEqual(NOTHING);
});

test('a branch that never answered is cancelled when it does', () => {
  const p = proxy(FORK());
  p.from('uac', ask('INVITE'));
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 200))).toEqual(['uac 200']);
  expect(p.from('b', answerTo(p.last('b', 'INVITE'), 180))).toEqual(['b CANCEL']);
  expect(header(p.last('b', 'CANCEL'), 'Reason')).toBe('SIP;cause=200');
  p.after(10_000);
  expect(p.left()).toEqual(NOTHING);
});

test('cancel_b_method 2 cancels it at once, 0 forgets it', () => {
  for (const [value, expected] of [
    [2, ['uac 200', 'b CANCEL']],
    [0, ['uac 200']],
  ] as const) {
    const p = proxy(FORK(), { modparams: [{ module: 'tm', name: 'cancel_b_method', value }] });
    p.from('uac', ask('INVITE'));
    expect(p.from('a', answerTo(p.last('a', 'INVITE'), 200))).toEqual(expected);
    p.after(value ? 600 : 1000);
    if (!value) expect(p.out()).toEqual([]);
    p.after(10_000);
    expect(p.left()).toEqual(NOTHING);
  }
});

test('cancel_b_method 0: a CANCEL before any answer ends the call at once', () => {
  const p = proxy(FORK(), { modparams: [{ module: 'tm', name: 'cancel_b_method', value: 0 }] });
  p.from('uac', ask('INVITE'));
  expect(p.from('uac', ask('CANCEL')).sort()).toEqual(['uac 200', 'uac 487']);
  p.from('uac', ask('ACK', { toTag: 'x' }));
  p.after(10_000);
  expect(p.left()).toEqual(NOTHING);
});

test('a 6xx ends the search: the rest is cancelled, and the caller hears of it when they have ended', () => {
  const p = proxy(FORK());
  p.from('uac', ask('INVITE'));
  p.from('b', answerTo(p.last('b', 'INVITE'), 180, 'R', { tag: 'tb' }));
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 603, 'Decline', { tag: 'ta' }))).toEqual(['a ACK', 'b CANCEL']);
  expect(header(p.last('b', 'CANCEL'), 'Reason')).toBe('SIP;cause=603');
  expect(p.from('b', answerTo(p.last('b', 'INVITE'), 487, 'T', { tag: 'tb' }))).toEqual(['b ACK', 'uac 603']);
});

test('t_set_disable_6xx makes it an answer like others', () => {
  const p = proxy(FORK('KSR.tm.t_set_disable_6xx(1)'));
  p.from('uac', ask('INVITE'));
  p.from('b', answerTo(p.last('b', 'INVITE'), 180, 'R', { tag: 'tb' }));
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 603))).toEqual(['a ACK']);
});

test('a received Reason goes on in the CANCELs, unless the script keeps it back', () => {
  for (const keep of [false, true]) {
    const p = proxy(FORK(keep ? 'KSR.tm.t_set_no_e2e_cancel_reason(1)' : ''));
    p.from('uac', ask('INVITE', { uri: 'sip:1@x' }));
    p.from('a', answerTo(p.last('a', 'INVITE'), 180));
    p.from('uac', ask('CANCEL', { headers: ['Reason: SIP;cause=200;text="elsewhere"'] }));
    expect(header(p.last('a', 'CANCEL'), 'Reason')).toBe(keep ? '' : 'SIP;cause=200;text="elsewhere"');
  }
});

test('each branch has its own changes of a branch route, flags and variables are shared as Kamailio shares them', () => {
  const p = proxy(
    FORK(
      `KSR.pv.sets("$avp(x)", "one") KSR.setflag(3) KSR.setbflag(4) KSR.hdr.append("X-Req: 1\\r\\n")
       KSR.tm.t_on_branch("br") KSR.tm.t_on_reply("rep") KSR.tm.t_on_failure("fail") KSR.tm.t_relay()
       KSR.hdr.append("X-After: 1\\r\\n") KSR.setflag(7) do return end`,
      `function br() local i = KSR.pv.get("$T_branch_idx")
        KSR.setbflag(5 + i) KSR.hdr.append("X-Br: " .. i .. "\\r\\n") KSR.pv.sets("$avp(y)", "b" .. i) KSR.setflag(9) end
      local function flags() local t = {} for i = 0, 12 do if KSR.isflagset(i) then t[#t+1] = i end end return table.concat(t, ",") end
      local function bflags() local t = {} for i = 0, 12 do if KSR.isbflagset(i) then t[#t+1] = i end end return table.concat(t, ",") end
      function rep() KSR.err("rep " .. KSR.kx.get_status() .. " " .. KSR.pv.get("$T_branch_idx") .. " " .. flags() .. " " .. bflags() .. " "
        .. KSR.pv.get("$avp(x)") .. KSR.pv.get("$avp(y)") .. " " .. KSR.pv.get("$T_req($ru)")) KSR.pv.sets("$avp(z)", "r") KSR.setflag(11)
        KSR.hdr.append("X-Rep: 1\\r\\n") end
      function fail() KSR.err("fail " .. KSR.pv.get("$T_reply_code") .. " " .. KSR.pv.get("$T_branch_idx") .. " " .. flags() .. " " .. bflags() .. " "
        .. KSR.pv.get("$avp(z)") .. " " .. KSR.kx.get_ruri()) end`,
    ),
  );
  p.from('uac', ask('INVITE', { uri: 'sip:2@x' }));
  expect(
    [p.last('a', 'INVITE'), p.last('b', 'INVITE')].map(t => [header(t, 'X-Req'), all(t, 'X-Br'), header(t, 'X-After')]),
  ).toEqual([
    ['1', ['0'], ''],
    ['1', ['1'], ''],
  ]);
  p.from('a', answerTo(p.last('a', 'INVITE'), 404, 'A', { tag: 'ta' }));
  p.from('b', answerTo(p.last('b', 'INVITE'), 486, 'B', { tag: 'tb' }));
  expect(p.errors()).toEqual([
    'rep 404 0 3,9 4,5 oneb1 sip:2@x',
    'rep 486 1 3,9,11 6 oneb1 sip:2@x',
    'fail 404 2 3,9,11 4,5 r sip:a@192.0.2.10',
  ]);
  expect(header(p.last('uac', '404'), 'X-Rep')).toBe('1');
});

test('a branch route drops its branch; when it was the only one the request is answered with an error', () => {
  const one = proxy(
    FORK('KSR.tm.t_on_branch("br")', 'function br() if KSR.pv.get("$T_branch_idx") == 0 then KSR.x.drop() end end'),
  );
  expect(one.from('uac', ask('INVITE', { uri: 'sip:2@x' }))).toEqual(['uac 100', 'b INVITE']);
  const none = proxy(FORK('KSR.tm.t_on_branch("br")', 'function br() KSR.x.drop() end'));
  expect(none.from('uac', ask('INVITE', { uri: 'sip:1@x' }))).toEqual(['uac 100', 'uac 500']);
  expect(none.last('uac', '500')).toContain("500 I'm terribly sorry, server error occurred (6/TM)");
  none.from('uac', ask('ACK', { toTag: tagOf(none.last('uac', '500')) }));
  none.after(8000);
  expect(none.left()).toEqual(NOTHING);
});

test('at most twelve branches', () => {
  const p = proxy(FORK('for i = 1, 20 do KSR.corex.append_branch_uri("sip:x" .. i .. "@192.0.2.12") end'));
  expect(p.from('uac', ask('INVITE')).filter(o => o.endsWith('INVITE'))).toHaveLength(12);
});

test('a reply with a branch that is not ours, or altered, is nobody’s; the right one from a stranger counts', () => {
  const p = proxy(FORK());
  p.from('uac', ask('INVITE', { uri: 'sip:1@x' }));
  const good = answerTo(p.last('a', 'INVITE'), 200);
  const [, hex] = /branch=z9hG4bK[0-9a-f]{4}\.([0-9a-f]{32})\./.exec(good)!;
  for (let i = 0; i < 32; i++) {
    const changed = `${hex!.slice(0, i)}${hex![i] === '0' ? '1' : '0'}${hex!.slice(i + 1)}`;
    p.from('a', good.replace(hex!, changed));
  }
  expect(p.tm.active).toBe(1);
  p.from('192.0.2.99', good);
  expect(p.tm.active).toBe(0);
});
