/** What runs in the core does what the closures do: random blocks run both ways, with the same messages, and must say and leave the same. NATIVE_LANES=20000 does more. */
import { describe, expect, test } from 'vitest';
import { bytesOf } from '../../../../src/core/memory.ts';
import { createRuntime } from '../../../../src/index.ts';
import { automatonOf } from '../../../../src/interp/cfg/automaton.ts';
import { compileRegex, RegexError } from '../../../../src/kemi/posix-regex.ts';
import { defineModule, exportsOf } from '../../../../src/kemi/table.ts';
import { request } from '../../../support/runtime.ts';
import { wasmModules } from '../../../support/wasm.ts';
import { nativeRuntime } from './native.ts';

const COUNT = Number(process.env.NATIVE_LANES ?? 150);

function randomFrom(seed: number) {
  const next = (n: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % n;
  };
  const pick = <T>(list: readonly T[]): T => list[next(list.length)]!;
  return { next, pick };
}

/** Conditions of all the forms that the core has, and of such that it has not. */
const ATOMS = [
  ...[
    'is_method("INVITE")',
    'is_method("INVITE|ACK")',
    'is_method("invite")',
    'is_method("FOO")',
    'is_method("OPTIONS|")',
  ],
  ...[
    'isflagset(3)',
    'isflagset(FLT)',
    'has_totag()',
    'is_request()',
    'is_present_hf("Subject")',
    'is_present_hf("s:")',
  ],
  ...[
    '$rm=="INVITE"',
    '$rm!="OPTIONS"',
    '$rm=="invite"',
    '$rU==$null',
    '$rU!=$null',
    '$rU=="bob"',
    '$rU==""',
    '$rU!="0"',
  ],
  ...[
    '$rU==250',
    '$sp==5062',
    '$sp=="5062"',
    '$sp=="x"',
    '$sp!=0',
    '$rs==200',
    '$rs==$null',
    '$ml==0',
    '$rd=="127.0.0.1"',
  ],
  ...[
    '$rU=~"^b"',
    '$rU=~"[0-9]+$"',
    '$ua=~"friendly|UNIT"',
    '$sp=~"^50"',
    '$hdr(Subject)=~"a.*b"',
    '$rU=~""',
    '$rU=~"(a|b)*c?$"',
  ],
  ...[
    '$hdr(X-P)==$null',
    '$hdr(X-P)=="1"',
    '$hdr(X-P)==1',
    '$hdr(Subject)!=""',
    '$ct=~"tcp"',
    '$ct==$null',
    '$cT=="a/b"',
  ],
  ...[
    '$var(a)==1',
    '$var(a)!=0',
    '$var(a)<3',
    '$var(a)>=-1',
    '$var(b)=="x"',
    '$var(b)==1',
    '$var(b)>0',
    '$var(b)==0',
    '$var(c)==0',
  ],
  ...[
    '$var(a)+1>2',
    '($var(a)&1)==1',
    '$var(a)-1',
    '$var(b)+1==2',
    '$var(a)*3==3',
    '$var(a)',
    '$var(b)',
    '$rc==1',
    '$rc<0',
    '$rc',
  ],
  ...[
    '$var(a)==$var(b)',
    '$avp(x)=="v"',
    '$avp(x)==$null',
    'strlen($rU)>2',
    '$(rU{s.len})>2',
    'defined $rU',
    'defined $hdr(X-P)',
  ],
  ...[
    'method==INVITE',
    'method!="invite"',
    'method=="FOO"',
    'method=~"^I"',
    'uri==myself',
    'uri!=myself',
    'from_uri==myself',
  ],
  ...[
    'to_uri!=myself',
    'src_ip==myself',
    'myself!=src_ip',
    'src_ip==127.0.0.1',
    'src_port==5062',
    'msg:len>10',
    'proto==UDP',
  ],
  ...[
    '1',
    '0',
    '-1',
    '2',
    '"a"=="a"',
    '$null==$rU',
    '$rU ieq 250',
    '$rU eq "bob"',
    '8/2==4',
    '1/$var(a)==1',
    '$(hdr(X-P)[0])=="1"',
  ],
  ...[
    'usleep("1000")',
    'route(A)',
    'route(B)',
    'route(C)',
    'route(D)',
    'route("E")',
    '$sht(t=>k)==$null',
    '$shv(s)==0',
    '$vn(n)==0',
  ],
];
const VALUES = [
  ...[
    '1',
    '0',
    '-3',
    '7',
    '"x"',
    '"1"',
    '"007"',
    '""',
    '$rU',
    '$rc',
    '$rm',
    '$sp',
    '$null',
    '$var(a)',
    '$var(b)',
    '$hdr(X-P)',
  ],
  ...[
    '$var(a)+1',
    '$var(a)*2-1',
    '$rU+"@"+$rd',
    '$var(b)+1',
    '$rc+1',
    '$var(a)<<2',
    '($var(a)|6)^1',
    '~$var(a)',
    '-$var(a)',
  ],
  ...[
    'is_method("INVITE")',
    '!isflagset(3)',
    'isflagset(3)&&$var(a)',
    '$var(a)==1',
    '1/$var(c)',
    '$avp(x)',
    'strlen($rU)',
  ],
];
const COMMANDS = [
  ...[
    'setflag(3)',
    'resetflag(3)',
    'setflag(FLT)',
    'is_method("BYE")',
    'is_method("INVITE")',
    'has_totag()',
    'force_rport()',
  ],
  ...[
    'remove_hf("Subject")',
    'remove_hf("X-None")',
    'append_hf("X-S: 1\\r\\n")',
    'usleep("1000")',
    'xlog("@@$var(a) $var(b) $rc@@")',
  ],
  ...[
    'mf_process_maxfwd_header("10")',
    'set_reply_no_connect()',
    'sanity_check("1511", "7")',
    'log("x")',
    'isflagset(3)',
  ],
];
const MESSAGES = [
  request('OPTIONS', 'sip:127.0.0.1:5060'),
  request('INVITE', 'sip:bob@127.0.0.1', ['X-P: 1', 'Subject: xaxxbx', 'Contact: <sip:a@127.0.0.1;transport=tcp>']),
  request('BYE', 'sip:250@example.com:5080', ['X-P:', 's: ']).replace(
    'To: <sip:bob@example.com>',
    'To: <sip:bob@127.0.0.1>;tag=z',
  ),
  request('FOO', 'tel:+4930', ['Content-Type: a/b', 'X-P: 01']).replace(
    'sip:alice@example.com',
    'sip:alice@127.0.0.1:5060',
  ),
];

/** Blocks that call only those behind them, and no loop without an end. */
function randomConfig(seed: number): string {
  const { next, pick } = randomFrom(seed);
  const names = ['A', 'B', 'C', 'D', 'E'];
  let loops = 0;
  let at = 0;
  const allowed = (text: string): boolean => {
    const called = /route\("?([A-E])/.exec(text)?.[1];
    return called === undefined || names.indexOf(called) >= at;
  };
  const atom = (): string => {
    for (;;) {
      const text = pick(ATOMS);
      if (allowed(text)) return text;
    }
  };
  const condition = (depth: number): string => {
    const kind = next(depth > 0 ? 6 : 2);
    if (kind < 2) return atom();
    if (kind === 2) return `!(${condition(depth - 1)})`;
    return `(${condition(depth - 1)} ${pick(['&&', '||'])} ${condition(depth - 1)})`;
  };
  const body = (depth: number): string => Array.from({ length: 1 + next(3) }, () => statement(depth)).join(' ');
  const statement = (depth: number): string => {
    switch (next(depth > 0 ? 13 : 6)) {
      case 0:
      case 1:
        return `$${pick(['var(a)', 'var(b)', 'var(c)', 'avp(x)', 'shv(s)', 'vn(n)'])} = ${pick(VALUES)};`;
      case 2:
      case 3:
        return `${pick(COMMANDS)};`;
      case 4: {
        const open = names.slice(at);
        return open.length > 0 ? `route(${pick(open)}); xlog("@@rc=$rc@@");` : 'setflag(4);';
      }
      case 5:
        return next(4)
          ? 'xlog("@@s$var(a)@@");'
          : pick([
              'return;',
              'return -1;',
              'return 2;',
              'return $var(a);',
              'exit;',
              'return 0;',
              'return is_method("BYE");',
              'break;',
            ]);
      case 6:
      case 7:
        return `if (${condition(2)}) { ${body(depth - 1)} }`;
      case 8:
      case 9:
        return `if (${condition(2)}) { ${body(depth - 1)} } else { ${body(depth - 1)} }`;
      case 10: {
        const n = loops++;
        return `$var(l${n}) = 0; while ($var(l${n}) < ${1 + next(3)}) { $var(l${n}) = $var(l${n}) + 1; ${body(depth - 1)} ${next(3) ? '' : `if (${atom()}) break;`} }`;
      }
      case 11:
        return `switch (${pick(['$var(a)', '$rc', '$var(b)', '$var(a)+1', 'is_method("INVITE")'])}) { case 1: ${body(depth - 1)} break; case -3: case 7: ${body(depth - 1)} ${pick(['', 'default: setflag(5);', 'break;'])} }`;
      default:
        return `switch ($rU) { case "bob": ${body(depth - 1)} break; ${pick(['', 'case /"^2": setflag(6);'])} default: ${body(depth - 1)} }`;
    }
  };
  const blocks = ['request_route', ...names.map(name => `route[${name}]`)].map((head, i) => {
    at = i;
    return `${head} { ${body(3)} ${i === 0 ? 'xlog("@@end $var(a) $var(b) $var(c) $avp(x) $shv(s) $vn(n) $mF $rc@@");' : ''} }`;
  });
  return `flags FLT:5\n${blocks.join('\n')}`;
}

/** Functions that fail, and that run a block. */
const calls = defineModule<undefined>({
  name: 'calls',
  modparams: {},
  create: () => undefined,
  functions: [
    exportsOf<undefined>()('boom', {
      params: [],
      returns: 'int',
      run: () => {
        throw new Error('it went wrong');
      },
    }),
    exportsOf<undefined>()('nested', {
      params: ['str'],
      returns: 'int',
      run: ({ host }, name) => (host.runRoute(name) ? 1 : -1),
    }),
  ],
});

describe('lanes', () => {
  test(`${COUNT} random configs run in the core as they run in closures`, { timeout: 600_000 }, async () => {
    const lanes = (['api', 'inplace'] as const).map(lane =>
      nativeRuntime('request_route { exit; }', {
        lane,
        modparams: [{ module: 'htable', name: 'htable', value: 't=>size=4;' }],
      }),
    );
    let traces = 0;
    let waits = 0;
    for (let n = 1; n <= COUNT; n++) {
      const config = randomConfig(n * 7919);
      const runs = [];
      for (const { runtime, receive, advance, said, sent, log } of lanes) {
        runtime.load({ name: 'random.cfg', source: bytesOf(config) });
        log.lines.length = 0;
        sent.length = 0;
        for (const message of MESSAGES) {
          receive(message);
          if (runtime.liveMessages > 0) waits++;
          for (let k = 0; k < 200 && runtime.liveMessages > 0; k++) {
            advance(2);
            await new Promise(resolve => setImmediate(resolve));
          }
        }
        const { liveMessages, counters } = runtime;
        runs.push({ said: said(), sent: sent.map(s => s.text), liveMessages, counters: { ...counters } });
      }
      expect(runs[1], config).toEqual(runs[0]);
      expect(runs[0]!.liveMessages).toBe(0);
      traces += runs[0]!.said.length;
    }
    expect(traces).toBeGreaterThan(COUNT * 4);
    expect(waits).toBeGreaterThan(COUNT / 2);
    expect(lanes[0]!.runtime.counters.traps).toBe(0);
  });

  test('errors, limits and nested runs are the same', () => {
    const configs: [string, { limits?: { instructions: number } }?][] = [
      ['request_route {\n\tsetflag(1);\n\troute(A);\n}\nroute[A] {\n\tif (is_request()) {\n\t\tboom();\n\t}\n}'],
      ['request_route {\n\tif (!route(A)) exit;\n}\nroute[A] {\n\treturn boom();\n}'],
      ['request_route {\n\tif (setflag(1) && boom()) exit;\n}'],
      ['request_route {\n\t$var(x) = "$nested(A)";\n\t$avp(y) = boom();\n}'],
      ['request_route {\n\troute(A);\n\txlog("@@never@@");\n}\nroute[A] {\n\troute(A);\n}'],
      [
        'request_route {\n\tif (route(A) && route(A)) exit;\n}\nroute[A] {\n\t$var(d) = $var(d) + 1; if ($var(d) < 400) { if (route(A)) return; }\n}',
      ],
      [
        'request_route { is_method("INVITE"); nested("A"); xlog("@@$rc $mF@@"); }\nroute[A] { xlog("@@in $rc@@"); setflag(2); nested("B"); }\nroute[B] { has_totag(); xlog("@@$rc@@"); exit; }',
      ],
      [
        'request_route { if (nested("A") && nested("C")) { xlog("@@yes $rc@@"); } }\nroute[A] { return 0; }\nroute[C] { boom(); }',
      ],
      [
        'request_route { route(A); route(A); route(A); route(A); }\nroute[A] { route(B); route(B); route(B); route(B); }\nroute[B] { route(C); route(C); route(C); }\nroute[C] { setflag(1); setflag(2); }',
        { limits: { instructions: 50 } },
      ],
      [
        'request_route { $var(i) = 0; while ($var(i) < 90) { $var(i) = $var(i) + 1; route(A); } }\nroute[A] { setflag(1); }',
        { limits: { instructions: 100 } },
      ],
    ];
    for (const [config, options] of configs) {
      const runs = (['api', 'inplace'] as const).map(lane => {
        const made = nativeRuntime(config, { lane, extraModules: [calls], ...options });
        const { runtime, receive, said, log } = made;
        for (let k = 0; k < 2; k++) receive(MESSAGES[1]!);
        // the core counts the instructions of a block when it enters it: a limit is met a little earlier
        const errors = log.lines
          .filter(line => line.level === 'error')
          .map(line => (options ? line.fields.limit : [line.message, line.fields]));
        const { scriptErrors, instructionLimits, traps } = runtime.counters;
        return {
          said: said(),
          errors,
          scriptErrors,
          instructionLimits,
          traps,
          live: runtime.liveMessages,
          rc: runtime.host.returnCode,
        };
      });
      expect(runs[1], config).toEqual(runs[0]);
      expect(runs[0]!.said.length + runs[0]!.errors.length, config).toBeGreaterThan(0);
    }
  });

  test('an automaton matches what the expression matches', () => {
    const { next, pick } = randomFrom(5);
    const pieces = [
      'a',
      'b',
      'B',
      '0',
      '-',
      '.',
      '^',
      '$',
      '|',
      '(',
      ')',
      '*',
      '+',
      '?',
      '{2}',
      '{1,2}',
      '{0,1}',
      '{2,}',
      '[ab]',
      '[^a]',
      '[a-c]',
    ].concat([
      '[[:digit:]]',
      '[^[:alpha:]]',
      '\\.',
      '\\w',
      '\\S',
      '\\s',
      'ab',
      ']',
      '}',
      '[]a]',
      '[^]]',
      '/',
      ':',
      '[+-]',
      '\\(',
      'ok',
    ]);
    const chars = 'abABkKsS0-./:]}( cZ\xe4\xdf\xff\n';
    const run = matcherInCore();
    let compared = 0;
    for (let n = 0; n < 4000; n++) {
      let source = '';
      for (let k = 1 + next(7); k > 0; k--) source += pick(pieces);
      let regex: ReturnType<typeof compileRegex>;
      try {
        regex = compileRegex(source, { ignoreCase: true });
      } catch (error) {
        if (!(error instanceof RegexError)) throw error;
        continue;
      }
      const table = automatonOf(source);
      if (!table) continue;
      for (let k = 0; k < 8; k++) {
        let text = '';
        for (let i = next(8); i > 0; i--) text += chars[next(chars.length)];
        expect(run(table, text), `${JSON.stringify(source)} on ${JSON.stringify(text)}`).toBe(regex.test(text));
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(5000);
  });

  test('expressions that need too much are no automaton', () => {
    expect(automatonOf('(a|b)*a(a|b){12}')).toBeUndefined();
    expect(automatonOf('(((a{30}){30}){30}){30}')).toBeUndefined();
    expect(automatonOf('\\bx')).toBeUndefined();
    expect(automatonOf('\xe4')).toBeUndefined();
    expect(automatonOf('friendly|scanner|sipcli|sipvicious')).toBeDefined();
  });
});

function matcherInCore(): (table: Uint8Array, text: string) => boolean {
  const { core } = createRuntime({
    wasm: wasmModules(),
    sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 5060 }],
    send: () => true,
  });
  const room: number = core.lua.malloc(200_000);
  return (table, text) => {
    core.mem.u8.set(table, room);
    core.mem.u8.set(bytesOf(text), room + table.length);
    return core.x.automatonMatches(room, room + table.length, text.length) === 1;
  };
}
