import { expect, test } from 'vitest';
import { all, answerTo, ask, header, NOTHING, proxy, tagOf } from '../../../support/proxy.ts';

const SCRIPT = (functions: string, more = '') => `
function ksr_request_route()
  if KSR.is_CANCEL() then if KSR.tm.t_check_trans() > 0 then KSR.tm.t_relay() end return end
  if KSR.tm.t_check_trans() == 0 then return end
  if KSR.is_ACK() then return end
  KSR.tm.t_on_failure("fail")
  ${more}
  KSR.tm.t_relay()
end
${functions}
`;
const end = (p: ReturnType<typeof proxy>) => {
  p.from('uac', ask('ACK', { toTag: 'x' }));
  p.after(60_000);
  expect(p.left()).toEqual(NOTHING);
};

test('serial forking: the next destination, with changes of its own; the last answer counts', () => {
  const p = proxy(
    SCRIPT(`
      function fail() KSR.err("1 " .. KSR.kx.get_ruri()) KSR.hdr.append("X-One: 1\\r\\n") KSR.tm.t_on_failure("again")
        KSR.corex.append_branch_uri("sip:b@192.0.2.11") KSR.tm.t_relay() end
      function again() KSR.err("2 " .. KSR.kx.get_ruri() .. " " .. KSR.pv.get("$T_reply_code")) KSR.hdr.append("X-Two: 1\\r\\n")
        KSR.seturi("sip:c@192.0.2.12") KSR.tm.t_relay() end`),
  );
  p.from('uac', ask('INVITE'));
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 404))).toEqual(['a ACK', 'b INVITE']);
  expect(header(p.last('b', 'INVITE'), 'X-One')).toBe('1');
  expect(p.from('b', answerTo(p.last('b', 'INVITE'), 486))).toEqual(['b ACK', 'c INVITE']);
  const third = p.last('c', 'INVITE');
  expect([header(third, 'X-One'), header(third, 'X-Two'), third.split(' ')[1]]).toEqual(['', '1', 'sip:c@192.0.2.12']);
  expect(p.from('c', answerTo(third, 480))).toEqual(['c ACK', 'uac 480']);
  expect(p.errors()).toEqual(['1 sip:bob@192.0.2.10', '2 sip:bob@192.0.2.10 486']);
  end(p);
});

test('failure_reply_mode 0 counts the answers of all steps', () => {
  const p = proxy(SCRIPT('function fail() KSR.corex.append_branch_uri("sip:b@192.0.2.11") KSR.tm.t_relay() end'), {
    modparams: [{ module: 'tm', name: 'failure_reply_mode', value: 0 }],
  });
  p.from('uac', ask('INVITE'));
  p.from('a', answerTo(p.last('a', 'INVITE'), 404));
  expect(p.from('b', answerTo(p.last('b', 'INVITE'), 486))).toEqual(['b ACK', 'uac 404']);
  end(p);
});

test('t_relay() with nothing new fails; the script answers itself', () => {
  const p = proxy(SCRIPT('function fail() KSR.err(KSR.tm.t_relay()) KSR.tm.t_reply(480, "Later") end'));
  p.from('uac', ask('INVITE'));
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 404))).toEqual(['a ACK', 'uac 480']);
  expect(p.errors()).toContain('-1');
  end(p);
});

test('KSR.sl.send_reply() in a failure route goes through the transaction', () => {
  const p = proxy(SCRIPT('function fail() KSR.sl.send_reply(480, "Later") end'));
  p.from('uac', ask('INVITE'));
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 404))).toEqual(['a ACK', 'uac 480']);
  expect(tagOf(p.last('uac', '480'))).toMatch(/^[0-9a-f]{32}-[0-9a-f]{8}$/);
  end(p);
});

test('a timeout: what the failure route may ask', () => {
  const p = proxy(
    SCRIPT(
      `function fail() KSR.err(table.concat({ KSR.pv.get("$T_reply_code"), KSR.pv.get("$T_reply_reason"), KSR.tm.t_branch_timeout(), KSR.tm.t_any_timeout(),
        KSR.tm.t_branch_replied(), KSR.tm.t_any_replied(), KSR.tm.t_check_status("4.8"), KSR.tm.t_get_status_code(), KSR.tmx.t_is_failure_route(),
        KSR.tm.t_is_canceled(), KSR.tm.t_is_expired(), KSR.tm.t_is_set("failure_route") }, " ")) end`,
      'KSR.tm.t_set_fr(2000, 700)',
    ),
  );
  p.from('uac', ask('INVITE'));
  expect(p.after(900)).toEqual(['a INVITE', 'uac 408']);
  expect(p.errors()).toEqual(['408 Request Timeout 1 1 -1 -1 1 408 1 -1 -1 -1']);
  end(p);
  p.from('uac', ask('INVITE', { id: '2' }));
  p.from('a', answerTo(p.last('a', 'INVITE'), 180));
  expect(p.after(2200)).toEqual(['a CANCEL', 'uac 408']);
  expect(p.errors()[1]).toBe('408 Request Timeout 1 1 1 1 1 408 1 -1 -1 -1');
  end(p);
});

test('cancelled: the route runs, and no new branch is made', () => {
  const p = proxy(
    SCRIPT(
      'function fail() KSR.err(KSR.tm.t_is_canceled()) KSR.seturi("sip:b@192.0.2.11") KSR.err(KSR.tm.t_relay()) end',
    ),
  );
  p.from('uac', ask('INVITE'));
  p.from('a', answerTo(p.last('a', 'INVITE'), 180));
  p.from('uac', ask('CANCEL'));
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 487))).toEqual(['a ACK', 'uac 487']);
  expect(p.errors()).toEqual(['1', '-9']);
  end(p);
});

test('t_on_branch_failure: per branch, and a new branch in its place', () => {
  const p = proxy(
    SCRIPT(
      `function bf() KSR.err("bf " .. KSR.pv.get("$T_reply_code") .. " " .. KSR.pv.get("$T_branch_idx"))
        if KSR.pv.get("$T_branch_idx") == 0 then KSR.tmx.t_reuse_branch() KSR.hdr.append("X-Again: 1\\r\\n") KSR.tm.t_relay() end end
       function fail() KSR.err("fail " .. KSR.pv.get("$T_reply_code")) end`,
      'KSR.tm.t_on_branch_failure("bf") KSR.corex.append_branch_uri("sip:b@192.0.2.11")',
    ),
  );
  expect(p.from('uac', ask('INVITE'))).toEqual(['uac 100', 'a INVITE', 'b INVITE']);
  const first = p.last('a', 'INVITE');
  expect(p.from('a', answerTo(first, 430))).toEqual(['a ACK', 'a INVITE']);
  const again = p.last('a', 'INVITE');
  expect(header(again, 'X-Again')).toBe('1');
  p.from('b', answerTo(p.last('b', 'INVITE'), 486));
  expect(p.from('a', answerTo(again, 404))).toEqual(['a ACK', 'uac 404']);
  expect(p.errors()).toEqual(['bf 430 0', 'bf 486 1', 'bf 404 2', 'fail 404']);
  end(p);
});

test('t_drop_replies: answers of earlier steps do not come back', () => {
  const p = proxy(
    SCRIPT('function fail() KSR.tm.t_drop_replies("a") KSR.seturi("sip:b@192.0.2.11") KSR.tm.t_relay() end'),
    { modparams: [{ module: 'tm', name: 'failure_reply_mode', value: 0 }] },
  );
  p.from('uac', ask('INVITE'));
  p.from('a', answerTo(p.last('a', 'INVITE'), 404));
  expect(p.from('b', answerTo(p.last('b', 'INVITE'), 503))).toEqual(['b ACK', 'uac 500']);
  end(p);
});

test('noisy_ctimer 0: an INVITE that nobody answered ends in silence', () => {
  const p = proxy(`function ksr_request_route() KSR.tm.t_relay() end`, {
    modparams: [{ module: 'tm', name: 'noisy_ctimer', value: 0 }],
  });
  p.from('uac', ask('INVITE'));
  expect(p.after(40_000).filter(o => o.startsWith('uac'))).toEqual([]);
  expect(p.left()).toEqual(NOTHING);
});

test('contacts by q: load, next, next', () => {
  const p = proxy(
    SCRIPT(
      'function fail() if KSR.tm.t_next_contacts() > 0 then KSR.tm.t_on_failure("fail") KSR.tm.t_relay() end end',
      `KSR.seturi("sip:a@192.0.2.10") KSR.corex.append_branch_uri_q("sip:b@192.0.2.11", "0.5") KSR.corex.append_branch_uri_q("sip:c@192.0.2.12", "1.0")
       KSR.tm.t_load_contacts() KSR.tm.t_next_contacts()`,
    ),
    {
      modparams: [
        { module: 'tm', name: 'contacts_avp', value: 'tm_contacts' },
        { module: 'tm', name: 'contact_flows_avp', value: 'tm_flows' },
      ],
    },
  );
  expect(p.from('uac', ask('INVITE'))).toEqual(['uac 100', 'c INVITE']);
  expect(p.from('c', answerTo(p.last('c', 'INVITE'), 486))).toEqual(['c ACK', 'b INVITE']);
  expect(p.from('b', answerTo(p.last('b', 'INVITE'), 486))).toEqual(['b ACK', 'a INVITE']);
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 480))).toEqual(['a ACK', 'uac 480']);
  end(p);
});

test('a failure route that waits for the DNS goes on when it answers', async () => {
  let answer: (list: { ip: string; family: 4 }[]) => void = () => {};
  const p = proxy(SCRIPT('function fail() KSR.seturi("sip:b@b.example") KSR.err(KSR.tm.t_relay()) end'), {
    resolver: {
      addresses: () => new Promise(resolve => (answer = resolve)),
      srv: async () => [],
      naptr: async () => [],
      ptr: async () => [],
    },
  });
  p.from('uac', ask('INVITE'));
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 404))).toEqual(['a ACK']);
  await p.settle();
  answer([{ ip: '192.0.2.11', family: 4 }]);
  expect(await p.settle()).toEqual(['b INVITE']);
  expect(p.errors()).toEqual(['1']);
  expect(p.from('b', answerTo(p.last('b', 'INVITE'), 200))).toEqual(['uac 200']);
  p.after(10_000);
  await p.settle();
  expect(p.left()).toEqual(NOTHING);
});

test('headers of a 3xx from the failure route', () => {
  const p = proxy(SCRIPT('function fail() KSR.seturi("sip:new@192.0.2.50") KSR.tm.t_reply(302, "Moved") end'));
  p.from('uac', ask('INVITE'));
  p.from('a', answerTo(p.last('a', 'INVITE'), 404));
  expect(all(p.last('uac', '302'), 'Contact')).toEqual(['<sip:new@192.0.2.50>']);
  end(p);
});

test('branches that end while a reply route waits are not forgotten', async () => {
  let answer: (list: { ip: string; family: 4 }[]) => void = () => {};
  const p = proxy(
    `n = 0
     function ksr_request_route() KSR.corex.append_branch_uri("sip:b@192.0.2.11") KSR.tm.t_on_reply("rep") KSR.tm.t_relay() end
     function rep() n = n + 1 if n == 2 then KSR.corex.send_data("sip:w.example:5060", "x") end end`,
    {
      resolver: {
        addresses: () =>
          new Promise(resolve => {
            answer = resolve;
          }),
        srv: async () => [],
        naptr: async () => [],
        ptr: async () => [],
      },
    },
  );
  p.from('uac', ask('INVITE'));
  const first = answerTo(p.last('a', 'INVITE'), 404);
  p.from('a', first);
  expect(p.from('a', first)).toEqual(['a ACK']);
  await p.settle();
  expect(p.from('b', answerTo(p.last('b', 'INVITE'), 486))).toEqual(['b ACK']);
  answer([{ ip: '192.0.2.12', family: 4 }]);
  expect((await p.settle()).filter(o => o.startsWith('uac'))).toEqual(['uac 404']);
  end(p);
});
