/** kamailio.cfg: what the real Kamailio's -c accepts is accepted here, what it refuses is refused; and its own sample config loads. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfigFile } from '../../src/transport/node/config-file.ts';
import { createServer } from '../../src/transport/node/server.ts';
import { answers } from './kamailio.ts';
import { needs } from './needs.ts';
import { sampleConfig, sampleFolder } from './sample.ts';

const skipped = needs('kamailio');
const HEAD = 'listen=udp:127.0.0.1:21290\ndisable_tcp=yes\nauto_aliases=no\n';
/** An engine and a script that both sides have; Kamailio's -c does not load it. */
const TAIL = 'loadmodule "app_lua.so"\nmodparam("app_lua", "load", "/nonexistent/route.lua")\n';
const SL = 'loadmodule "sl.so"\n';
const HTABLE = 'loadmodule "htable.so"\n';

/** What goes between HEAD and TAIL; `true`: accepted by both. */
const SNIPPETS: readonly (readonly [text: string, accepted: boolean])[] = [
  // core parameters
  ['debug=1', true],
  ['debug=\n1', true],
  ['debug=1 log_stderror=yes', true],
  [';;debug=1;;', true],
  ['debug=1; log_stderror=yes;', true],
  ['debug 1', false],
  ['debug==1', false],
  ['debug=1,', false],
  ['debug=1)', false],
  ['debug="1"', false],
  ['debug=yes', true],
  ['debug=-1', true],
  ['debug=0x1', true],
  ['debug=010', true],
  ['debug=0b1', false],
  ['children=-1', false],
  ['children="a"', false],
  ['fork=on', true],
  ['fork=2', true],
  ['fork=YES', false],
  ['disable_tcp=maybe', false],
  ['log_name=5', false],
  ['log_name=abc', false],
  ["log_name='abc'", true],
  ['log_name="a" "b"', true],
  ['log_name=""', true],
  ["log_name='a\\'bc'", false],
  ['log_name="a', false],
  ['log_name="a\nb"', true],
  ['debug= \\\n1', true],
  ['// c\ndebug=1 # d\n/* e */', true],
  ['user=root', true],
  ['advertised_address=1.2.3.4', true],
  ['foo.bar=1 desc "x"', true],
  ['foo.bar="s"', true],
  ['flags\n A:1, B:2;', true],
  ['avpflags\n A;', true],
  ['kemi.reply_route_callback=""', true],
  ['alias="foo.com" bar.com:5061 udp:baz.com', true],
  ['port=5061 5062', false],
  // preprocessor
  ['#!define A B\n#!define B 2\ndebug=A', true],
  ['#!define A 2 # comment\ndebug=A', true],
  ['#!define A 2\n#!define A 3', false],
  ['#!define A 2\n#!redefine A 3\ndebug=A', true],
  ['#!trydef A 2\n#!trydef A 3\ndebug=A', true],
  ['#!define A-B 2', false],
  ['#!define X=5\ndebug=X', false],
  ['#!ifdef X\ndebug=1', false],
  ['#!endif', false],
  ['#!else', true],
  ['#!ifdef X\n#!else\n#!else\n#!endif', true],
  ['#!ifdef X\n# #!ifdef Y\n#!endif\ndebug=1', false],
  ['#!ifdef X # comment\nfoo\n#!endif', true],
  ['#!ifdef X\nfoo\n#!endif # comment', false],
  ['#!foo', true],
  ['!!foo', false],
  ['#! ifdef X\nfoo', false],
  ['#!subst "/zzz/b/"\nlog_name="zzz"', true],
  ['#!subst "/(/b/"', false],
  ['#!subst "abc"', false],
  ['#!subst /a/b/', false],
  ['#!substdef "/AAA/2/"\ndebug=AAA', true],
  ['#!substdefs "/AAA/x/"\nlog_name=AAA', true],
  ['#!defenv NO_SUCH_VARIABLE_X', false],
  ['#!trydefenv NO_SUCH_VARIABLE_X', true],
  ['include_file "/nonexistent.cfg"', false],
  ['import_file "/nonexistent.cfg"', true],
  ["include_file '/nonexistent.cfg'", false],
  // modules
  ['loadmodule "sl.so"', true],
  ['loadmodule "sl"', true],
  ["loadmodule 'sl.so'", true],
  ['loadmodulex "sl.so"', true],
  ['loadmodule sl.so', false],
  ['loadmodule "nosuchmodule.so"', false],
  [`${SL}${SL}`, false],
  [`${SL}modparam("sl", "default_code", 505)`, true],
  [`${SL}modparam("SL", "default_code", 505)`, true],
  [`${SL}modparam("s.", "default_code", 505)`, true],
  [`${SL}modparam("sl|none", "default_code", 505);`, true],
  [`${SL}modparam ( "sl"\n, "default_code" ,\n 505 )`, true],
  [`${SL}modparam("sl", "default_code", "505")`, false],
  [`${SL}modparam("sl", "default_reason", 5)`, false],
  [`${SL}modparam("sl", "default_reason", "a" "b")`, true],
  [`${SL}modparam("sl", "default_reason", "a" 'b')`, false],
  [`${SL}modparam("sl", "default_code", 500+5)`, false],
  [`${SL}modparam("sl", "default_code", CODE)`, false],
  [`${SL}modparam("sl", "nosuch", 5)`, false],
  [`${SL}modparam("nosuch", "default_code", 5)`, false],
  [`${SL}${HTABLE}modparam("sl|htable", "default_code", 505)`, false],
  ['modparam("sl", "default_code", 505)\nloadmodule "sl.so"', false],
  [`${SL}modparam("sl", "default_code", 505`, false],
  [`#!define M "sl"\n${SL}modparam(M, "default_code", 505)`, true],
  // addresses
  ['listen=lo', true],
  ['listen=udp:lo:21291', true],
  ['listen=udp:"127.0.0.1":21291', true],
  ['listen=[::1]:21291', true],
  ['listen=::1', true],
  ['listen=udp:(127.0.0.1, ::1):21291', true],
  ['listen=udp:127.0.0.1:21291 advertise 1.2.3.4:5060 name "s1"', true],
  ['listen=udp:127.0.0.1:21291 udp:127.0.0.1:21292', true],
  ['listen=udp:127.0.0.1:21291 name "s1" advertise 1.2.3.4:5060', false],
  ['listen=udp:127.0.0.1:21291 advertise udp:1.2.3.4:5060', false],
  ['listen=udp:127.0.0.1:21291,udp:127.0.0.1:21292', false],
  ['listen=udp:127.0.0.1:21291 name s1', false],
  ['listen=udp:*:21291', false],
  ['listen=foo:127.0.0.1:21291', false],
  ['listen="udp:127.0.0.1:21291"', false],
  ['listen=', false],
  // routing blocks
  ['failure_route[X] { exit; }', true],
  ['route[X] {', false],
  ['route[A] { exit; }\nroute[A] { exit; }', false],
];

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'kemi-config-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function kamailioAccepts(file: string): boolean {
  const { stdout, stderr } = spawnSync('kamailio', ['-c', '-E', '-f', file, '-Y', dir], {
    encoding: 'latin1',
    timeout: 20_000,
  });
  return /config file ok/.test(stdout + stderr);
}

describe.skipIf(skipped)('the same verdict', () => {
  test.each(SNIPPETS)('%j: %s', (text, accepted) => {
    const file = join(dir, 'kamailio.cfg');
    // Its -c does not survive cfgengine "lua"; the engine is not what is compared.
    writeFileSync(file, `#!KAMAILIO\n${HEAD}${text}\n${TAIL}`);
    expect(kamailioAccepts(file)).toBe(accepted);
    writeFileSync(file, `#!KAMAILIO\n${HEAD}${text}\n${TAIL}cfgengine "lua"\n`);
    const errors = readConfigFile(file).diagnostics.filter(d => d.severity === 'error');
    expect(errors.map(e => `${e.line}:${e.column}: ${e.message}`).join('\n') === '').toBe(accepted);
  });
});

describe.skipIf(skipped)('the sample config', () => {
  test('is read: modules in order, parameters, script, addresses', () => {
    const file = join(dir, 'sample.cfg');
    writeFileSync(file, sampleConfig({ port: 21299 }));
    const { options, diagnostics } = readConfigFile(file);
    // What this version has not is told by name; nothing else is wrong.
    for (const d of diagnostics)
      expect(d.message).toMatch(/^cannot load module \w+: module not available in this version/);
    expect(options.listen).toEqual([{ proto: 'udp', host: '127.0.0.1', port: 21299 }]);
    expect(options.scripts).toEqual([join(sampleFolder(), 'kamailio-basic-kemi-lua.lua')]);
    expect(options.logLevel).toBe('warn');
    expect(options.modules).toEqual(
      expect.arrayContaining(['pv', 'pvx', 'sl', 'maxfwd', 'textops', 'siputils', 'xlog', 'sanity', 'corex', 'kx']),
    );
    expect(options.defines).toMatchObject({ WITH_CFGLUA: '', FLT_ACC: '1', MULTIDOMAIN: '0' });
    expect(options.defines.WITH_MYSQL).toBeUndefined();
  });

  test('starts, or names the modules that this version has not', async () => {
    const file = join(dir, 'start.cfg');
    writeFileSync(file, sampleConfig({ port: 21298 }));
    const missing = readConfigFile(file).diagnostics.filter(d => d.severity === 'error');
    const started = createServer({ config: file });
    if (missing.length > 0) {
      await expect(started).rejects.toMatchObject({ diagnostics: missing });
      return;
    }
    const server = await started;
    try {
      await answers(21298);
      expect(server.runtime.modules).toEqual(expect.arrayContaining(['tm', 'rr', 'usrloc', 'registrar', 'kx']));
    } finally {
      await server.close();
    }
  });

  test('as it is in the package, every branch of it, it is read without a mistake of grammar', () => {
    for (const name of ['kamailio-basic-kemi.cfg', '../kamailio.cfg']) {
      let source: string;
      try {
        source = readFileSync(join(sampleFolder(), name), 'latin1');
      } catch {
        continue;
      }
      const file = join(dir, 'all.cfg');
      writeFileSync(
        file,
        source.replace('#!KAMAILIO', '#!KAMAILIO\n#!define WITH_CFGLUA\n#!define WITH_TLS\n#!define WITH_DEBUG'),
        'latin1',
      );
      for (const { message } of readConfigFile(file).diagnostics)
        expect(message).toMatch(
          /^(cannot load module|cannot set modparam|cfgengine native|enable_tls|core parameter "\w+" is unknown)/,
        );
    }
  });
});
