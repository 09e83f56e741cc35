/**
 * Any order of requests, answers, CANCELs, ACKs, repeats, damaged messages and time: nothing throws, the caller gets at most one final answer that is not
 * a 2xx, what is sent parses, and when all timers have ended nothing is left.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answerTo, ask, NOTHING, proxy, tagOf } from '../../../support/proxy.ts';

const SCRIPT = `
function ksr_request_route()
  if KSR.is_CANCEL() then if KSR.tm.t_check_trans() > 0 then KSR.tm.t_relay() end return end
  local u = KSR.kx.gete_ruser()
  if KSR.is_ACK() then if KSR.tm.t_check_trans() ~= 0 and u ~= "noack" then KSR.tm.t_relay() end return end
  if KSR.tm.t_check_trans() == 0 then return end
  KSR.tm.t_on_branch("branch") KSR.tm.t_on_reply("reply")
  if u == "answer" then KSR.tm.t_newtran() KSR.sl.send_reply(486, "Busy") return end
  if u == "ok" then KSR.tm.t_send_reply(200, "OK") return end
  if u == "lost" then KSR.tm.t_newtran() return end
  if u == "bad" then KSR.tm.t_relay_to_proxy("nothing.example") return end
  if u == "suspend" then KSR.tmx.t_suspend() last = { KSR.pv.get("$T(id_index)"), KSR.pv.get("$T(id_label)") } return end
  if u == "continue" and last then KSR.tmx.t_continue(last[1], last[2], "fail") KSR.sl.sl_send_reply(200, "x") return end
  KSR.seturi("sip:a@192.0.2.10")
  if u ~= "one" then KSR.corex.append_branch_uri("sip:b@192.0.2.11") end
  if u == "serial" then KSR.tm.t_on_failure("fail") end
  if u == "bf" then KSR.tm.t_on_branch_failure("bf") end
  KSR.tm.t_set_fr(3000, 1500)
  KSR.tm.t_relay()
  if u == "boom" then error("boom") end
end
function branch() KSR.hdr.append("X-Branch: 1\\r\\n") end
function reply() if KSR.kx.get_status() == 183 then KSR.x.drop() end end
function bf() if KSR.pv.get("$T_branch_idx") < 2 then KSR.seturi("sip:c@192.0.2.12") KSR.tm.t_relay() end end
function fail() KSR.seturi("sip:c@192.0.2.12") KSR.tm.t_relay() end
`;
const USERS = ['one', 'two', 'serial', 'bf', 'answer', 'ok', 'lost', 'bad', 'suspend', 'continue', 'boom'];
const CODES = [100, 180, 183, 200, 202, 302, 401, 404, 407, 408, 486, 487, 500, 503, 600, 603, 699];

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('request' as const),
      method: fc.constantFrom('INVITE', 'INVITE', 'OPTIONS', 'BYE', 'FOO'),
      id: fc.nat(3),
      user: fc.constantFrom(...USERS),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), id: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('ack' as const), id: fc.nat(3) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      which: fc.nat(30),
      code: fc.constantFrom(...CODES),
      damage: fc.nat(40),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('time' as const), ms: fc.constantFrom(10, 60, 500, 1600, 6000, 40_000) }),
  },
);

test('no order of events throws or leaves anything behind', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), steps => {
      const p = proxy(SCRIPT);
      for (const s of steps) {
        switch (s.do) {
          case 'request':
            p.from('uac', ask(s.method, { id: `${s.id}${s.method}`, uri: `sip:${s.user}@192.0.2.10` }));
            break;
          case 'cancel':
            p.from('uac', ask('CANCEL', { id: `${s.id}INVITE` }));
            break;
          case 'ack': {
            const got = p.sent.findLast(m => m.port === 5070 && m.text.includes(`Call-ID: ${s.id}INVITE@`));
            p.from('uac', ask('ACK', { id: `${s.id}INVITE`, toTag: got ? tagOf(got.text) : 'x' }));
            break;
          }
          case 'answer': {
            const requests = p.sent.filter(m => m.port === 5060);
            const request = requests[s.which % Math.max(1, requests.length)];
            if (!request || request.text.startsWith('ACK')) break;
            let text = answerTo(request.text, s.code, 'R', { tag: `t${request.ip}` });
            if (s.damage < 5) text = text.slice(0, Math.floor((text.length * s.damage) / 5));
            else if (s.damage < 8) text = text.replace('z9hG4bK', 'z9hG4bk');
            p.from('a', text);
            break;
          }
          default:
            p.after(s.ms);
        }
      }
      // one final answer that is not a 2xx for each request, however often it was sent
      const finals = new Map<string, Set<string>>();
      for (const m of p.sent) {
        const status = /^SIP\/2\.0 ([3-6]\d\d) /.exec(m.text)?.[1];
        if (m.port !== 5070 || !status) continue;
        const key = /^Call-ID: (.*)\r$/m.exec(m.text)![1]! + /^CSeq: (.*)\r$/m.exec(m.text)![1]!;
        finals.set(key, (finals.get(key) ?? new Set()).add(status));
      }
      // A reply whose branch is not ours is forwarded statelessly, as is one that comes when the transaction is gone.
      const stray = steps.some(
        s => (s.do === 'time' && s.ms >= 6000) || (s.do === 'answer' && s.damage >= 5 && s.damage < 8),
      );
      if (!stray) for (const set of finals.values()) expect(set.size).toBe(1);
      p.after(400_000);
      expect(p.left()).toEqual(NOTHING);
      expect(p.errors().filter(e => /failed|trap/i.test(e))).toEqual([]);
      void p.runtime.close();
    }),
    { numRuns: Number(process.env.TM_RUNS ?? 60), seed: Number(process.env.TM_SEED ?? 20261127) },
  );
}, 600_000);
