/** Configs that nobody wrote: whatever the text, there is a program or there are diagnostics, and soon. NATIVE_RANDOM=100000 does more of them. */
import { expect, test } from 'vitest';
import { byteStrOf, bytesOf } from '../../../../src/core/memory.ts';
import { ScriptError } from '../../../../src/errors.ts';
import { request, testRuntime } from '../../../support/runtime.ts';

const COUNT = Number(process.env.NATIVE_RANDOM ?? 1500);
const PIECES =
  'if while switch case default break return exit drop else route (A) ( ) { } [ ] ; , : = == != =~ !~ && || ! + - * / mod | & ^ ~ << >> < > <= >= and or not eq ne ieq ine defined strlen( strempty( (int) (str) $var(x) $avp(y) $rU $ru $rc $null $(var(x){s.len}) $hdr(X) $sht(a=>b) 0 1 2 10 -1 4294967296 0x1F 010 "" "a" "10" "$rU" "(" \'x\' "^a.*b$" uri method src_ip proto af msg:len status myself INVITE UDP 127.0.0.1 10.0.0.0/8 ::1 [::1] is_method("INVITE") sl_send_reply("200","OK") xlog("x") setflag(1) strip(1) prefix("1") route(A) route(B) sleep("0") @ruri \n # /* */ #!ifdef #!endif $ \xff request_route route[ failure_route'.split(
    ' ',
  );
const GOOD = [
  'if ($rU =~ "^a" && is_method("INVITE|OPTIONS")) { sl_send_reply("404", "no $rU"); exit; } else if (uri==myself) { route(A); }',
  '$var(i) = 0; while ($var(i) < 5) { $var(i) = $var(i) + 1; if ($var(i) == 3) break; }',
  'switch ($rm) { case "INVITE": xlog("i"); break; case /"^O": xlog("o"); default: drop; }',
  'if (!route(A) || src_ip==10.0.0.0/8) { return -1; } $ru = "sip:" + $rU + "@" + $rd + ":" + 5080;',
];

test('random and mutated configs', { timeout: 600_000 }, () => {
  let seed = 12345;
  const random = (n: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % n;
  };
  const { runtime, receive } = testRuntime(undefined, { engine: 'native', limits: { instructions: 20_000 } });
  const message = request('INVITE', 'sip:alice@127.0.0.1:5060');
  let programs = 0;
  let slowest = 0;
  for (let n = 0; n < COUNT; n++) {
    let body = '';
    if (n % 2) {
      body = GOOD[random(GOOD.length)]!;
      for (let k = random(3); k > 0; k--) {
        const at = random(body.length);
        body = body.slice(0, at) + (random(3) ? PIECES[random(PIECES.length)]! : '') + body.slice(at + random(8));
      }
    } else for (let k = 1 + random(40); k > 0; k--) body += `${PIECES[random(PIECES.length)]} `;
    const text = `request_route { ${body} }\nroute[A] { return 1; }\n`;
    const start = performance.now();
    try {
      runtime.load({ name: 'random.cfg', source: bytesOf(byteStrOf(text)) });
      programs++;
      receive(message);
    } catch (error) {
      if (!(error instanceof ScriptError)) throw new Error(`${JSON.stringify(text)}: ${error}`, { cause: error });
    }
    slowest = Math.max(slowest, performance.now() - start);
  }
  expect(programs).toBeGreaterThan(COUNT / 20);
  expect(slowest).toBeLessThan(1000);
  expect(runtime.liveMessages).toBe(0);
  expect(runtime.counters.traps).toBe(0);
});
