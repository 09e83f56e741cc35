/**
 * Configs that nobody wrote, and what must hold for each: there is a program or there are diagnostics, in less than a second, nothing is thrown that is not ours, a
 * message through the program ends, and nothing stays behind.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parseConfig } from '../../src/cfg/parser.ts';
import { resolveConfig } from '../../src/cfg/resolve.ts';
import { byteStr, bytesOf } from '../../src/core/memory.ts';
import { ConfigError, ScriptError } from '../../src/errors.ts';
import { MODULES } from '../../src/modules/index.ts';
import { request, testRuntime } from '../support/runtime.ts';
import { Random } from './mutate.ts';

/** no config may take longer to read three times, to compile twice and to run one message through: of the processor, others share it */
const LIMIT_MS = 1000;
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const PIECES = [
  ...'if while switch case default break return exit drop else route (A) ( ) { } [ ] ; , : = == != =~ !~ && || ! + - * / mod | & ^ ~ << >> < > <= >= and or not eq ne ieq ine'.split(
    ' ',
  ),
  ...'defined strlen( strempty( (int) (str) $var(x) $avp(y) $rU $ru $rc $null $(var(x){s.len}) $hdr(X) $sht(a=>b) $snd(ip) $sel(from.uri.host) 0 1 2 10 -1 4294967296 0x1F 010'.split(
    ' ',
  ),
  ...'"" "a" "10" "$rU" "(" \'x\' "^a.*b$" uri method src_ip proto af msg:len status myself INVITE UDP 127.0.0.1 10.0.0.0/8 ::1 [::1] example.com to_ip snd_port'.split(
    ' ',
  ),
  ...'is_method("INVITE") sl_send_reply("200","OK") xlog("x") setflag(1) strip(1) prefix("1") route(A) route(B) sleep("0") forward() forward(1.2.3.4,5060) userphone() lua_run("f") lua_dostring("x=1")'.split(
    ' ',
  ),
  ...'@ruri @via[1].host @msg.header["X"] @hf_value.contact.uri @cfg_get.a.b @ \n # /* */ #!ifdef #!endif #!define #!subst $ \xff request_route route[ failure_route onsend_route event_route[tm:local-request] include_file modparam("pv","varset","x=i:1") loadmodule "pv.so"'.split(
    ' ',
  ),
];
const GOOD = [
  'if ($rU =~ "^a" && is_method("INVITE|OPTIONS")) { sl_send_reply("404", "no $rU"); exit; } else if (uri==myself) { route(A); }',
  '$var(i) = 0; while ($var(i) < 5) { $var(i) = $var(i) + 1; if ($var(i) == 3) break; }',
  'switch ($rm) { case "INVITE": xlog("i"); break; case /"^O": xlog("o"); default: drop; }',
  'if (!route(A) || src_ip==10.0.0.0/8) { return -1; } $ru = "sip:" + $rU + "@" + $rd + ":" + 5080;',
  'if (@to.tag == "" && @via[1].params["node"] != $null) { $avp(x) = @contact.uri.host; userphone(); forward(192.0.2.1, 5070); }',
  't_on_branch("B"); t_on_failure("F"); $du = "sip:192.0.2.1"; if (!t_relay()) { sl_reply_error(); } exit;',
];
const WHOLE = [
  '#!KAMAILIO\n#!define WITH_A\n#!ifdef WITH_A\n#!define TEXT "a"\n#!else\n#!define TEXT "b"\n#!endif\n#!subst "/XX/yy/"\ndebug=2\nlisten=udp:127.0.0.1:5060 advertise 192.0.2.1:5060\nalias="example.com"\nflags FLT:5, FLB\nloadmodule "pv.so"\nloadmodule "sl.so"\nloadmodule "xlog.so"\nmodparam("pv", "varset", "x=i:1")\nmy.value = 5 desc "a setting"\nrequest_route {\n\txlog("L_INFO", TEXT);\n\tsetflag(FLT);\n\tif (isflagset(FLB)) sl_send_reply("200", "XX");\n\troute(A);\n}\nroute[A] { return 1; }\nonsend_route { if (to_ip == 10.0.0.0/8) drop; }\n',
  'include_file "other.cfg"\nimport_file "none.cfg"\nrequest_route { route(OTHER); }\n',
];

/** Configs of the repository, whole; and of the Kamailio package where it is installed. */
function corpus(): string[] {
  const folders = [
    '../../examples/',
    '/usr/share/doc/kamailio/examples/kamailio/',
    '/usr/share/doc/kamailio/examples/pkg/',
  ];
  const out = [...WHOLE];
  for (const folder of folders) {
    try {
      const url = new URL(folder, import.meta.url);
      for (const file of readdirSync(url))
        if (file.endsWith('.cfg')) out.push(byteStr(readFileSync(new URL(file, url))));
    } catch {
      // not on this machine
    }
  }
  return out;
}

export interface Counters {
  configs: number;
  programs: number;
  diagnostics: number;
  slowestMs: number;
}

export class CfgFuzz {
  readonly counters: Counters = { configs: 0, programs: 0, diagnostics: 0, slowestMs: 0 };
  readonly #random: Random;
  readonly #corpus = corpus();
  readonly #target;
  readonly #message = request('INVITE', 'sip:alice@127.0.0.1:5060');

  constructor(seed: number) {
    this.#random = new Random(seed);
    const files: Record<string, string> = { '/f.lua': 'function f() KSR.x.exit() end' };
    const other: Record<string, string> = {
      'other.cfg': 'route[OTHER] { exit; }\n',
      'x.cfg': 'include_file "x.cfg"\n',
    };
    this.#target = testRuntime(undefined, {
      engine: 'native',
      limits: { instructions: 20_000 },
      readFile: path => (files[path] === undefined ? undefined : bytesOf(files[path])),
      config: { readFile: path => (other[path] === undefined ? undefined : bytesOf(other[path])) },
    });
  }

  get memoryBytes(): number {
    return this.#target.runtime.memoryBytes;
  }

  /** A random program, a mutated block, a deeply nested one, or a mutated config. */
  next(): string {
    const r = this.#random;
    const kind = r.below(16);
    if (kind === 0) return this.#nested();
    if (kind < 5) return this.#mutated(r.pick(this.#corpus));
    let body = '';
    if (kind < 11) body = this.#mutated(r.pick(GOOD));
    else for (let k = 1 + r.below(40); k > 0; k--) body += `${r.pick(PIECES)} `;
    const lua = r.below(20) ? '' : 'loadmodule "app_lua.so"\nmodparam("app_lua", "load", "/f.lua")\n';
    return `${lua}request_route { ${body} }\nroute[A] { return 1; }\n`;
  }

  /** @returns what is wrong, undefined when all holds */
  feed(text: string): string | undefined {
    const { runtime, receive, log, advance } = this.#target;
    const source = bytesOf(text);
    const start = cpuMs();
    this.counters.configs++;
    try {
      const found = runtime.check({ name: 'random.cfg', source });
      const config = parseConfig(source, 'random.cfg', { readFile: () => undefined });
      resolveConfig(config, { modules: MODULES });
      this.counters.diagnostics += found.length;
      let loaded = true;
      try {
        runtime.load({ name: 'random.cfg', source });
      } catch (error) {
        if (!(error instanceof ScriptError)) throw error;
        if (error.diagnostics.length === 0 || error.diagnostics.some(d => !d.message)) return 'an error without a text';
        loaded = false;
      }
      if (loaded) {
        this.counters.programs++;
        receive(this.#message);
        // transactions end by their timers
        if (runtime.liveMessages > 0) advance(200_000);
      } else if (!found.some(d => d.severity === 'error') && config.diagnostics.every(d => d.severity !== 'error'))
        return 'it does not load, and check finds nothing';
    } catch (error) {
      if (!(error instanceof ConfigError)) return `thrown: ${error instanceof Error ? error.stack : error}`;
    }
    const ms = cpuMs() - start;
    log.lines.length = 0;
    this.#target.sent.length = 0;
    this.counters.slowestMs = Math.max(this.counters.slowestMs, ms);
    if (ms > LIMIT_MS) return `it took ${Math.round(ms)} ms`;
    if (runtime.counters.traps > 0) return 'a trap';
    return undefined;
  }

  /** messages that are alive: a route that waits for a timer or for a promise holds one */
  get liveMessages(): number {
    return this.#target.runtime.liveMessages;
  }

  /** Lets all that waits end. */
  async settle(): Promise<void> {
    for (let i = 0; i < 50 && this.liveMessages > 0; i++) {
      this.#target.advance(60_000);
      await new Promise(resolve => setTimeout(resolve, 1));
    }
  }

  #mutated(text: string): string {
    const r = this.#random;
    let out = text;
    for (let k = r.below(4); k > 0; k--) {
      const at = r.below(out.length + 1);
      const cut = r.below(4) ? r.below(8) : r.below(60);
      out = out.slice(0, at) + (r.below(3) ? r.pick(PIECES) : '') + out.slice(at + cut);
    }
    if (r.below(8) === 0) {
      // a part of it twice, or a part of another
      const from = r.below(out.length + 1);
      const other = r.below(2) ? out : r.pick(this.#corpus);
      const piece = other.slice(from, from + r.below(400));
      const at = r.below(out.length + 1);
      out = out.slice(0, at) + piece + out.slice(at);
    }
    return out;
  }

  #nested(): string {
    const r = this.#random;
    const depth = 1 + r.below(r.below(4) ? 60 : 5000);
    const [open, middle, close] = r.pick([
      ['(', '1', ')'],
      ['!', '1', ''],
      ['if (1) { ', 'exit;', ' }'],
      ['while (1) { ', 'break;', ' }'],
      ['switch ($rU) { case "a": ', 'exit;', ' }'],
      ['$(var(x){s.select,', '1', '})'],
      ['if (1) exit; else ', 'exit;', ''],
      ['#!ifdef A\n', '', '\n#!endif\n'],
      ['@a[', '1', ']'],
      ['1 + ', '1', ''],
    ] as const);
    const body = open.repeat(depth) + middle + close.repeat(r.below(5) ? depth : r.below(depth));
    return /^(if|while|switch|#)/.test(open) ? `request_route { ${body} }` : `request_route { $var(x) = ${body}; }`;
  }
}
