/** Statements, return codes and flow against what Kamailio 5.6.3 did: test/fixtures/native/statements.jsonl. */
import { describe, expect, test } from 'vitest';
import { STATEMENT_BLOCKS, STATEMENT_FLAGS, statementRows } from '../../../support/native-rows.ts';
import { request } from '../../../support/runtime.ts';
import { findings, nativeRuntime } from './native.ts';

const rows = statementRows();

describe.each(['inplace', 'api'] as const)('statements, lane %s', lane => {
  test.each(rows)('$statements', ({ statements, said: wanted }) => {
    const { receive, said } = nativeRuntime(
      `${STATEMENT_FLAGS}\nrequest_route { route(P); xlog("@@end rc=$rc@@"); exit; }\nroute[P] { ${statements} }\n${STATEMENT_BLOCKS}`,
      { sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 22840 }], lane },
    );
    receive(request('OPTIONS', 'sip:bob@127.0.0.1', ['X-P: 1']).replace('bob@example.com', 'bob@example.org'));
    expect(said()).toEqual(wanted);
  });
});

test('a loop ends after max_while_loops rounds', () => {
  const { receive, said } = nativeRuntime(
    'max_while_loops=7\nrequest_route { $var(i)=0; while (1==1) { $var(i)=$var(i)+1; } xlog("@@$var(i)@@"); }',
  );
  receive(request());
  expect(said()).toEqual(['7']);
});

test('blocks that call each other for ever cost one message', () => {
  const { receive, log, runtime } = nativeRuntime('request_route { route(A); }\nroute[A] { route(A); }');
  expect(receive(request())).toEqual([]);
  expect(runtime.counters.scriptErrors).toBe(1);
  expect(log.lines.at(-1)!.message).toContain('kamailio.cfg:2:12: blocks call each other'.replace(':12', ''));
});

test('the instruction limit answers with 500', () => {
  const { receive } = nativeRuntime(
    'max_while_loops=1000000\nrequest_route { $var(i)=0; while ($var(i) < 900000) { $var(i)=$var(i)+1; } }',
    { limits: { instructions: 5000 } },
  );
  expect(receive(request())[0]!.text).toMatch(/^SIP\/2\.0 500 /);
});

test('a command that waits suspends its route, in nested blocks and inside of expressions', async () => {
  const { receive, advance, sent, said } = nativeRuntime(
    [
      'request_route { $var(x)="none"; if (is_method("INVITE")) { route(SLEEPS); }',
      '  if (route(CHECKS) > 0 && !(sleep("1") == 0)) { sl_send_reply("200", "OK $rm"); } xlog("@@$rm $rc@@"); }',
      'route[SLEEPS] { sleep("1"); return; }',
      'route[CHECKS] { if (is_method("INVITE")) { sleep("1"); } return 5; }',
    ].join('\n'),
  );
  const settled = async () => {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  expect(receive(request('INVITE'))).toEqual([]);
  expect(receive(request('OPTIONS'))).toEqual([]);
  for (let i = 0; i < 4; i++) {
    advance(1000);
    await settled();
  }
  expect(sent.map(s => s.text.split('\r\n')[0])).toEqual(['SIP/2.0 200 OK OPTIONS', 'SIP/2.0 200 OK INVITE']);
  expect(said()).toEqual(['OPTIONS 1', 'INVITE 1']);
});

describe('mistakes', () => {
  test.each([
    [
      'mf_process_maxfwd_heade("10");',
      '1:17: error: unknown command mf_process_maxfwd_heade, did you mean mf_process_maxfwd_header',
    ],
    [
      'ds_select_dst("1","4");',
      '1:17: error: unknown command ds_select_dst: module dispatcher is not available in this version',
    ],
    ['sl_send_reply("200");', '1:17: error: sl_send_reply takes 2 parameters, not 1'],
    ['sl_send_reply("abc", "x");', '1:31: error: sl_send_reply: this parameter is a number, not "abc"'],
    ['is_method(INVITE);', '1:27: error: is_method: "INVITE" needs quotes'],
    ['route(NOPE);', '1:23: error: there is no route[NOPE]'],
    ['setflag(NOFLAG);', '1:25: error: setflag: there is no flag NOFLAG: write #!define NOFLAG 5, or flags NOFLAG:5'],
    ['setflag(32);', '1:25: error: setflag: a flag is 0 to 31, not 32'],
    ['$nope = 1;', '1:17: error: there is no pseudo-variable $nope'],
    ['$si = "1";', '1:17: error: $si cannot be written'],
    ['$var(x) += 1;', '1:25: error: an assignment needs "=" behind $var(x): there is no +=, write $x = $x + ...'],
    ['if (1==1) exit else drop;', '1:27: error: ";" is missing behind this: there is "else"'],
    [
      'switch (1) { case 1: break; case "a": break; }',
      '1:50: error: the cases above are numbers: this is another type',
    ],
    ['switch (1) { case 1: case 1: break; }', '1:43: error: this case is there already: 1'],
    ['if ($rU =~ "(") exit;', '1:28: error: this regular expression makes no sense: '],
    ['exit; xlog("x");', '1:23: warning: this never runs: exit above leaves'],
    ['xlog($var(x));', '1:22: error: xlog: this parameter is a text in quotes'],
    ['t_on_branch("NOPE");', '1:29: warning: there is no branch_route[NOPE]: nothing will run'],
    ['if (@ruri.x == 1) exit;', '1:21: error: there is no select ruri.x'],
    [`if (src_ip == "1.2.3") exit;`, `1:31: error: src_ip ==: "1.2.3" is no address and no network`],
  ])('%s', (statements, finding) => {
    expect(findings(`request_route { ${statements} }`)[0]!.startsWith(finding)).toBe(true);
  });

  test('a condition that does not parse takes its else with it', () => {
    expect(
      findings(
        'route[0] { if (nope) { exit; } else if (1==1) { drop; } else exit; t_relay_to_udp("192.0.2.1", "5080"); }',
      ),
    ).toEqual([
      '1:16: error: "nope" is no value: a text has quotes, a command has parentheses, a #!define must be there',
    ]);
  });

  test('a command in a block where it makes no sense', () => {
    const text =
      'request_route { exit; }\nfailure_route[F] { t_newtran(); t_relay(); }\nreply_route { sl_send_reply("200", "OK"); }';
    const errors = findings(text).filter(f => f.includes('error'));
    expect(errors).toEqual([
      '2:20: error: t_newtran cannot be used in this block, only in request, event blocks',
      '3:15: error: sl_send_reply cannot be used in this block, only in request, event blocks',
    ]);
  });

  test('all of them at once, in order', () => {
    const found = findings(
      'request_route {\n\tnope();\n\tif (1==1) {\n\t\tnope2();\n\t}\n\troute(X;\n\tnope3();\n}\nroute[UNUSED] { exit; }\n',
    );
    expect(found.map(f => f.replace(/: .*/, ''))).toEqual(['2:2', '4:3', '6:8', '7:2', '9:1']);
  });
});

test('a long else if, and a long sum, are no deep nesting; there is an end to both', () => {
  const chain = (n: number) =>
    `request_route { ${Array.from({ length: n }, (_, i) => `if ($var(x) == ${i + 1}) xlog("@@${i}@@"); else `).join('')}xlog("@@none@@"); }`;
  const { receive, said } = nativeRuntime(chain(500));
  receive(request());
  expect(said()).toEqual(['none']);
  expect(findings(chain(1200))[0]).toMatch(/more than 1000 else if behind one another: use switch$/);
  const sum = (n: number) => `request_route { $var(x) = 1${' + 1'.repeat(n)}; xlog("@@$var(x)@@"); }`;
  const long = nativeRuntime(sum(900));
  long.receive(request());
  expect(long.said()).toEqual(['901']);
  expect(findings(sum(1001))).toEqual([
    expect.stringMatching(/this expression has more than 1000 operators: put a part of it in a variable$/),
  ]);
});

test('many mistakes, deep in blocks, do not make what follows too deep', () => {
  const bad = 'if (1) { if (((((((( ) ) { exit; } } '.repeat(150);
  const found = findings(`request_route { ${bad} }\nroute[A] { if (1) { exit; } nonsense(); }`);
  expect(found.some(f => /nested/.test(f))).toBe(false);
});
