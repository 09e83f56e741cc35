/**
 * The contract of the runtime host: what the core, the engines and the modules need of whatever JavaScript engine they run in. Nothing here opens a socket or
 * reads a file, so that a web page and an edge worker run the same cases.
 */
import { contains, equal, ok, sleep, throws, until } from './check.ts';
import { type Api, type HostFixture, request, statusOf, TestHost } from './host.ts';
import type { Suite } from './suite.ts';

const HELLO = "function ksr_request_route() KSR.sl.sl_send_reply(200, 'Hello ' .. KSR.pv.gete('$fU')) end";

/** @param fixture the package and its compiled modules, however they were loaded here */
export function runtimeHostContract(fixture: HostFixture): Suite[] {
  return [scripts(fixture), blocks(fixture), failures(fixture), reload(fixture), waits(fixture)];
}

function scripts(fixture: HostFixture): Suite {
  const host = (script: string, options?: Partial<Api.RuntimeOptions>) => new TestHost(fixture, script, options);
  const octets = (wasm: Api.RuntimeOptions['wasm']) => () => {
    // A header holds neither NUL, CR nor LF; blanks at its ends are none of its value.
    const bytes = Array.from({ length: 255 }, (_, i) => i + 1).filter(b => b !== 9 && b !== 10 && b !== 13 && b !== 32);
    const t = host(
      `function ksr_request_route()
        KSR.hdr.append_to_reply('X-Back: ' .. KSR.hdr.get('X-Bytes') .. '\\r\\n') KSR.sl.sl_send_reply(200, 'OK')
      end`,
      { wasm },
    );
    const text = request('bytes', [`X-Bytes: ${'?'.repeat(bytes.length)}`]);
    text.set(bytes, text.indexOf(63));
    t.runtime.receive(text, { ip: '198.51.100.7', port: 5062 });
    const back = /\r\nX-Back: ([^\r]*)\r\n/.exec(t.sent[0]?.text ?? '')?.[1] ?? '';
    equal(
      [...back].map(c => c.charCodeAt(0)),
      bytes,
    );
  };
  return {
    name: 'the runtime host runs scripts',
    ability: 'scripts in Lua',
    cases: [
      {
        name: 'a script answers, the answer goes to where the request came from',
        run() {
          const t = host(HELLO);
          equal(t.ask(), ['200 Hello alice']);
          equal([t.sent[0]!.ip, t.sent[0]!.port], ['198.51.100.7', 5062]);
          equal(t.runtime.liveMessages, 0);
        },
      },
      ...(['api', 'inplace'] as const).map(lane => ({
        name: `the lane ${lane} works and is the one that was asked for`,
        run() {
          const t = host(HELLO, { lane });
          for (let i = 0; i < 100; i++) equal(t.ask(), ['200 Hello alice']);
        },
      })),
      {
        name: 'the self-check of the lane in place passes: "auto" takes it',
        run() {
          const t = host(HELLO);
          equal(t.ask(), ['200 Hello alice']);
          equal(
            t.logged.filter(l => l.level === 'warn' || l.level === 'error'),
            [],
          );
        },
      },
      { name: 'every byte that a header may hold goes through a script and back', run: octets(fixture.wasm) },
      {
        name: 'the same without a byteText of the runtime',
        run: octets({ lua: fixture.wasm.lua, core: fixture.wasm.core }),
      },
      {
        name: "Lua's libraries: strings, patterns, integers of 64 bits, sorting, dates, coroutines",
        run() {
          const t = host(`
            local function all()
              assert(('sip:bob@x'):match('^sip:(.-)@') == 'bob')
              assert(math.maxinteger == 9223372036854775807 and math.maxinteger + 1 == math.mininteger)
              assert(7 // 2 == 3 and -7 // 2 == -4 and 7 % -3 == -2 and 1 << 62 == 4611686018427387904)
              assert(string.format('%5.2f %d %q', 3.14159, 42, 'a"b') == ' 3.14 42 "a\\\\"b"')
              local list = {} for i = 1, 500 do list[i] = (i * 7919) % 503 end table.sort(list)
              for i = 2, #list do assert(list[i - 1] <= list[i]) end
              assert(math.abs(os.time() - ${Math.floor(Date.now() / 1000)}) < 3600 and os.date('!%Y', 0) == '1970')
              local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end)
              assert(co(1) == 2 and co(21) == 42)
              assert(#string.pack('>I4', 1) == 4 and string.unpack('>I4', '\\0\\0\\1\\0') == 256)
            end
            function ksr_request_route() all() KSR.sl.sl_send_reply(200, 'OK') end`);
          equal(t.ask(), ['200 OK'], t.logged.map(l => l.text).join(' | '));
        },
      },
      {
        name: 'memory grows under a script that holds 48 MiB, and messages go on',
        run() {
          const t = host(`
            local held = {}
            function ksr_request_route()
              held[#held + 1] = string.rep(string.char(#held + 65), 4 << 20)
              KSR.sl.sl_send_reply(200, KSR.pv.gete('$fU') .. #held)
            end`);
          const before = t.runtime.memoryBytes;
          for (let i = 1; i <= 12; i++) equal(t.ask(), [`200 alice${i}`]);
          ok(t.runtime.memoryBytes >= 48 << 20 && t.runtime.memoryBytes > before, `${before} bytes that have grown`);
        },
      },
      {
        name: 'two runtimes in one process do not meet',
        run() {
          const count = (n: number) =>
            host(`function ksr_request_route() KSR.pv.seti('$shv(n)', KSR.pv.getvn('$shv(n)', 0) + ${n})
              KSR.sl.sl_send_reply(200, 'n' .. KSR.pv.getvn('$shv(n)', 0)) end`);
          const [one, ten] = [count(1), count(10)];
          equal([one.ask(), ten.ask(), one.ask(), ten.ask()], [['200 n1'], ['200 n10'], ['200 n2'], ['200 n20']]);
        },
      },
      {
        name: 'close() ends it: what comes later is refused',
        async run() {
          const t = host(HELLO);
          await t.runtime.close();
          throws(() => t.ask(), 'KEMI_ERR_CLOSED');
        },
      },
    ],
  };
}

function blocks(fixture: HostFixture): Suite {
  return {
    name: 'the runtime host runs routing blocks',
    ability: 'routing blocks of a kamailio.cfg',
    cases: [
      {
        name: 'request_route answers, with variables, a subroute and a switch',
        run() {
          const t = new TestHost(fixture, undefined, { engine: 'native' });
          t.load(
            `request_route { if (!mf_process_maxfwd_header("10")) exit; route(ANSWER); }
             route[ANSWER] { switch ($rU) { case "bob": sl_send_reply("200", "Hello $fU"); break; default: sl_send_reply("404", "Not Found"); } }`,
            'kamailio.cfg',
          );
          for (let i = 0; i < 50; i++) equal(t.ask(), ['200 Hello alice']);
        },
      },
      {
        name: 'a block that does not end is stopped by the limit of instructions',
        run() {
          const t = new TestHost(fixture, undefined, { engine: 'native', limits: { instructions: 100_000 } });
          const loops = (depth: number): string =>
            depth ? `while (1) { ${loops(depth - 1)} }` : '$var(i) = $var(i) + 1;';
          t.load(`request_route { ${loops(5)} }`, 'kamailio.cfg');
          for (let i = 0; i < 3; i++) contains(t.ask()[0] ?? '', /^500 /);
        },
      },
      {
        name: 'a broken block does not load, and says the line',
        run() {
          const t = new TestHost(fixture, undefined, { engine: 'native' });
          contains(throws(() => t.load('request_route {\n  nonsense(;\n}', 'kamailio.cfg')).message, /kamailio\.cfg:2/);
        },
      },
    ],
  };
}

function failures(fixture: HostFixture): Suite {
  /** functions that fail in every way a function can */
  const failing = (core: () => Api.Runtime['core']) => {
    const kemi = fixture.api.exportsOf<null>();
    return fixture.api.defineModule<null>({
      name: 'fails',
      modparams: {},
      create: () => null,
      functions: [
        kemi('error', {
          params: [],
          returns: 'int',
          run: () => {
            throw new Error('a bug of a module');
          },
        }),
        // With an address behind the end of the memory both are traps of the WebAssembly engine itself: called from Lua, or by way of JavaScript.
        kemi('trap', { params: ['int'], returns: 'int', wasm: 'tmCseqMethod' }),
        kemi('jstrap', { params: ['int'], returns: 'int', run: (_, at) => core().x.tmCseqMethod(at) as number }),
        kemi('overflow', {
          params: [],
          returns: 'int',
          run: () => {
            const deep = (n: number): number => deep(n + 1) + 1;
            return deep(0);
          },
        }),
      ],
    });
  };
  const ROUTES = `
    function ksr_request_route()
      local what = KSR.pv.gete('$hdr(X-What)')
      if what == 'error' then error('on purpose') end
      if what == 'index' then local t = nil return t.x end
      if what == 'host' then KSR.fails.error() end
      if what == 'trap' then KSR.fails.trap(0x7ffffff0) end
      if what == 'jstrap' then KSR.fails.jstrap(0x7ffffff0) end
      if what == 'overflow' then KSR.fails.overflow() end
      if what == 'caught' then
        for _, f in ipairs({ 'error', 'trap', 'jstrap', 'overflow' }) do
          local good, why = pcall(function() return f:find('trap') and KSR.fails[f](0x7ffffff0) or KSR.fails[f]() end)
          assert(not good and #tostring(why) > 0)
        end
      end
      if what == 'exit' then KSR.sl.sl_send_reply(202, 'Exit') KSR.x.exit() end
      if what == 'recursion' then local function f() return f() + 1 end return f() end
      if what == 'protected' then local function f() pcall(f) end f() end
      if what == 'gsub' then local function f() return (('x'):gsub('x', f)) end return f() end
      if what == 'coroutines' then local function f() return coroutine.wrap(f)() end return f() end
      if what == 'handler' then xpcall(function() error('a') end, function() error('b') end) end
      if what == 'loop' then while true do end end
      if what == 'memory' then local all = {} while true do all[#all + 1] = string.rep('x', 1 << 20) .. #all end end
      KSR.sl.sl_send_reply(200, 'OK')
    end`;
  const make = (options: Partial<Api.RuntimeOptions> = {}) => {
    const t: TestHost = new TestHost(fixture, undefined, {
      extraModules: [failing(() => t.runtime.core)],
      limits: { instructions: 20_000_000, memoryPages: 1024 },
      ...options,
    });
    t.load(ROUTES);
    return t;
  };
  const times = (what: string, expected: RegExp, count: number) => ({
    name: `${what}, ${count} times`,
    run() {
      const t = make();
      const sp = t.runtime.core.lua.stackSave();
      for (let i = 0; i < count; i++) {
        const errors = t.runtime.counters.scriptErrors;
        contains(t.ask([`X-What: ${what}`]).join() || `error ${t.runtime.counters.scriptErrors - errors}`, expected);
        equal(t.ask(), ['200 OK'], `the message behind number ${i + 1}`);
      }
      equal(t.runtime.core.lua.stackSave(), sp, "C's stack is where it was");
      equal(t.runtime.liveMessages, 0);
    },
  });
  // Kamailio leaves a request unanswered when its script fails; one that hit a limit gets 500.
  const FAILS = /^error 1$/;
  const LIMITED = /^500 /;
  const FAILS_SOMEHOW = /^(error 1$|500 )/;
  return {
    name: 'what goes wrong costs one message',
    ability: 'errors, traps and limits cost one message',
    cases: [
      times('error', FAILS, 300),
      times('index', FAILS, 300),
      times('host', FAILS, 300),
      times('trap', FAILS, 300),
      times('jstrap', FAILS, 300),
      times('overflow', FAILS_SOMEHOW, 20),
      times('caught', /^200 OK$/, 20),
      times('exit', /^202 Exit$/, 300),
      times('recursion', FAILS_SOMEHOW, 5),
      times('protected', /^(200 OK|500 .*)$/, 3),
      times('gsub', FAILS_SOMEHOW, 20),
      times('coroutines', FAILS_SOMEHOW, 20),
      times('handler', /^200 OK$/, 300),
      times('loop', LIMITED, 3),
      times('memory', LIMITED, 5),
      {
        name: 'a trap is counted as one, and an error is logged with its line',
        run() {
          const t = make();
          t.ask(['X-What: trap']);
          equal(t.runtime.counters.traps, 1);
          t.ask(['X-What: index']);
          equal([t.runtime.counters.scriptErrors, t.runtime.counters.traps], [2, 1]);
          ok(
            t.logged.some(l => /route\.lua:5\b/.test(l.text)),
            `route.lua:5 in ${JSON.stringify(t.logged)}`,
          );
        },
      },
      {
        name: 'limits are counted',
        run() {
          const t = make();
          t.ask(['X-What: loop']);
          t.ask(['X-What: memory']);
          equal([t.runtime.counters.instructionLimits, t.runtime.counters.memoryLimits], [1, 1]);
        },
      },
      {
        name: 'a message that is too long gets 513, bytes that are no SIP get nothing',
        run() {
          const t = make({ limits: { messageBytes: 1000 } });
          contains(t.ask([`X-Long: ${'x'.repeat(1000)}`]).join(), /^513 /);
          t.runtime.receive(
            Uint8Array.from({ length: 300 }, (_, i) => (i * 131) & 255),
            { ip: '198.51.100.7', port: 1 },
          );
          t.runtime.receive(new Uint8Array(0), { ip: '198.51.100.7', port: 1 });
          equal(t.sent.length, 1);
          equal(t.ask(), ['200 OK']);
        },
      },
    ],
  };
}

function reload(fixture: HostFixture): Suite {
  const answer = (n: number) => `function ksr_request_route() KSR.sl.sl_send_reply(200, 'v${n}') end`;
  return {
    name: 'scripts are exchanged between two messages',
    ability: 'reload between two messages',
    cases: [
      {
        name: '200 reloads: the new one answers each time, memory does not grow with them',
        run() {
          const t = new TestHost(fixture, answer(0));
          let after20 = 0;
          for (let i = 1; i <= 200; i++) {
            equal(t.load(answer(i)).version, i + 1);
            equal(t.ask(), [`200 v${i}`]);
            if (i === 20) after20 = t.runtime.memoryBytes;
          }
          ok(t.runtime.memoryBytes < after20 + (8 << 20), 'memory as it was after 20 reloads');
        },
      },
      {
        name: 'a broken script changes nothing and says file and line',
        run() {
          const t = new TestHost(fixture, answer(1));
          contains(throws(() => t.load('function ksr_request_route()\n  if then\nend')).message, /route\.lua:2/);
          contains(throws(() => t.load("error('at the top')")).message, 'at the top');
          throws(() => t.load('local nothing = 1'));
          equal(t.ask(), ['200 v1']);
          equal(t.runtime.running?.version, 1);
        },
      },
    ],
  };
}

function waits(fixture: HostFixture): Suite {
  const kemi = fixture.api.exportsOf<null>();
  const waiting = fixture.api.defineModule<null>({
    name: 'late',
    modparams: {},
    create: () => null,
    functions: [
      kemi('say', {
        params: ['int', 'str'],
        returns: 'xval',
        async: true,
        run: ({ host }, ms, text) => new Promise(resolve => void host.after(ms, () => resolve(text))),
      }),
      kemi('refuse', {
        params: [],
        returns: 'int',
        async: true,
        run: async () => {
          await sleep(1);
          throw new Error('too late');
        },
      }),
    ],
  });
  const WAIT =
    "function ksr_request_route() KSR.sl.sl_send_reply(200, KSR.late.say(20, 'late ') .. KSR.kx.get_callid()) end";
  const make = (script: string, options: Partial<Api.RuntimeOptions> = {}) =>
    new TestHost(fixture, script, { extraModules: [waiting], ...options });
  return {
    name: 'routes wait, timers run',
    ability: 'waits and timers',
    cases: [
      {
        name: '50 routes wait at once, each goes on with its own message',
        async run() {
          const t = make(WAIT);
          for (let i = 0; i < 50; i++) equal(t.ask(), []);
          equal(t.runtime.liveMessages, 50);
          await until(() => t.sent.length === 50, 'the answers');
          equal(
            new Set(t.sent.map(statusOf)).size === 50 && t.sent.every(s => /^SIP\/2\.0 200 late c\d+@/.test(s.text)),
            true,
          );
          equal(t.runtime.liveMessages, 0);
        },
      },
      {
        name: 'a wait that fails is an error of that route',
        async run() {
          const t = make('function ksr_request_route() KSR.late.refuse() end');
          t.ask();
          await until(() => t.runtime.counters.scriptErrors === 1, 'the error');
          ok(
            t.logged.some(l => l.text.includes('too late')),
            'why it failed in the log',
          );
          equal(t.runtime.liveMessages, 0);
        },
      },
      {
        name: 'a wait that takes too long is given up',
        async run() {
          const t = make("function ksr_request_route() KSR.late.say(5000, 'x') end", { limits: { waitMs: 30 } });
          t.ask();
          await until(() => t.runtime.counters.abandoned === 1, 'giving up');
          equal(t.runtime.liveMessages, 0);
        },
      },
      {
        name: 'a reload meanwhile: the route ends on the script it began with',
        async run() {
          const t = make(WAIT);
          t.ask();
          t.load("function ksr_request_route() KSR.sl.sl_send_reply(200, 'new') end");
          equal(t.ask(), ['200 new']);
          await until(() => t.sent.length === 2, 'the late answer');
          contains(statusOf(t.sent[1]!), '200 late ');
        },
      },
      {
        name: 'close() waits for a route that waits',
        async run() {
          const t = make(WAIT);
          t.ask();
          await t.runtime.close();
          equal(t.sent.length, 1);
        },
      },
      {
        name: 'timers of tm: no answer in fr_timer milliseconds ends in 408, after retransmissions',
        async run() {
          const t = make(
            "function ksr_request_route() KSR.pv.sets('$du', 'sip:203.0.113.9:5060') KSR.tm.t_relay() end",
            {
              modparams: [
                { module: 'tm', name: 'fr_timer', value: 300 },
                { module: 'tm', name: 'retr_timer1', value: 50 },
                { module: 'tm', name: 'wt_timer', value: 50 },
              ],
            },
          );
          t.ask();
          await until(() => t.sent.some(s => s.text.startsWith('SIP/2.0 408')), 'the 408');
          const relayed = t.sent.filter(s => s.ip === '203.0.113.9');
          ok(relayed.length >= 2, `retransmissions: ${relayed.length}`);
          await until(() => t.runtime.liveMessages === 0, 'the end of the transaction');
          await t.runtime.close();
        },
      },
      {
        name: 'entries of an htable go by themselves',
        async run() {
          const t = make(
            `function ksr_request_route()
              if KSR.pv.gete('$hdr(X-Set)') == '1' then KSR.htable.sht_sets('a', 'k', 'v') end
              KSR.sl.sl_send_reply(200, 'is ' .. KSR.pv.getvs('$sht(a=>k)', 'gone'))
            end`,
            { modparams: [{ module: 'htable', name: 'htable', value: 'a=>size=4;autoexpire=1;' }] },
          );
          equal(t.ask(['X-Set: 1']), ['200 is v']);
          await until(() => t.ask()[0] === '200 is gone', 'the end of the entry');
          await t.runtime.close();
        },
      },
    ],
  };
}
