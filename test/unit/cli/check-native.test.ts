/** `kemi-wasm check -f` of a config that routes with its own blocks: every finding, its place, the exit code. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const MAIN = path.resolve(import.meta.dirname, '../../../src/cli/main.ts');
let folder: string;
beforeEach(() => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'check-')));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

function check(config: string, more: Record<string, string> = {}, ...args: string[]) {
  for (const [name, text] of Object.entries({ 'k.cfg': config, ...more }))
    fs.writeFileSync(path.join(folder, name), text);
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'check', '-f', 'k.cfg', ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}
const lines = (stdout: string) => stdout.split('\n').filter(line => /^\S+:\d+/.test(line));

const MODULES = 'loadmodule "sl.so"\nloadmodule "maxfwd.so"\nloadmodule "tm.so"\nloadmodule "pv.so"\n';

test('all that is wrong is told at once, in the order of the file, with its place', () => {
  const { status, stdout, stderr } = check(`${MODULES}#!define UNUSED 1
#!define USED 1
modparam("rr", "enable_full_lr", 1)
modparam("tm", "fr_timr", 1)
request_route {
	mf_proces_maxfwd_header("10");
	sl_send_reply("404");
	route(NOPE);
	t_on_failure("GONE");
	if (USED == 1) { exit; xlog("never"); }
	$rm = ;
	ds_select_dst_not_there();
	while (1) { break; }
	append_branch(1, 2, 3, 4);
}
route[A] { route(B); }
route[B] { return; }
failure_route[F] { sl_send_reply("200", "OK"); }
`);
  expect(status).toBe(1);
  expect(lines(stdout)).toEqual([
    'k.cfg:5:1: warning: define UNUSED is never used',
    expect.stringMatching(
      /^k\.cfg:7:16: error: cannot set modparam rr\.enable_full_lr: no module rr: it is not loaded/,
    ),
    'k.cfg:8:16: error: cannot set modparam tm.fr_timr: module tm has no such parameter, did you mean fr_timer',
    'k.cfg:10:2: error: unknown command mf_proces_maxfwd_header, did you mean mf_process_maxfwd_header',
    'k.cfg:11:2: error: sl_send_reply takes 2 parameters, not 1',
    'k.cfg:12:8: error: there is no route[NOPE]',
    'k.cfg:13:15: warning: there is no failure_route[GONE]: nothing will run',
    'k.cfg:14:25: warning: this never runs: exit above leaves',
    'k.cfg:14:25: error: unknown command xlog: module xlog is not loaded',
    'k.cfg:15:8: error: ";" stands where a value is expected',
    'k.cfg:16:2: error: unknown command ds_select_dst_not_there: is its module loaded?',
    'k.cfg:18:2: error: unknown command append_branch: module corex is not loaded',
    'k.cfg:20:1: warning: route[A] is never used',
    'k.cfg:21:1: warning: route[B] is never used: only route[A] calls it, which is not used either',
    'k.cfg:22:1: warning: failure_route[F] is never used',
    'k.cfg:22:20: error: sl_send_reply cannot be used in this block, only in request, event blocks',
  ]);
  expect(stdout).toContain('\tmf_proces_maxfwd_header("10");\n    \t^\n');
  expect(stderr).toMatch(/^1 config, 1 script: 10 errors, 6 warnings\n$/);
});

test('warnings alone are no failure', () => {
  const { status, stdout, stderr } = check(`${MODULES}request_route { exit; }\nroute[A] { exit; }\n`);
  expect(lines(stdout)).toEqual(['k.cfg:6:1: warning: route[A] is never used']);
  expect(stderr).toBe('1 config, 1 script: 0 errors, 1 warning\n');
  expect(status).toBe(0);
});

test('nothing to say', () => {
  expect(check(`${MODULES}request_route { exit; }\n`)).toEqual({
    status: 0,
    stdout: '',
    stderr: '1 config, 1 script: 0 errors, 0 warnings\n',
  });
});

test('--format json is for programs', () => {
  const { status, stdout } = check(`${MODULES}request_route { nonsense(); }\n`, {}, '--format', 'json');
  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toEqual([
    {
      severity: 'error',
      file: 'k.cfg',
      line: 5,
      column: 17,
      message: 'unknown command nonsense: is its module loaded?',
    },
  ]);
});

test('a mistake in an included file has the place there', () => {
  const { stdout } = check(`${MODULES}request_route { route(A); }\ninclude_file "sub.cfg"\n`, {
    'sub.cfg': 'route[A] {\n\tt_relay(1, 2, 3);\n}\n',
  });
  expect(lines(stdout)).toEqual([
    expect.stringMatching(/^(\.\/)?sub\.cfg:2:2: error: t_relay takes 0 or 2 parameters, not 3$/),
  ]);
});

test('a define that a text, a condition or a part that is left out mentions is used', () => {
  const text = `${MODULES}loadmodule "xlog.so"
#!define A 1
#!define B 1
#!define C 1
#!define D 1
#!define E_NOT 1
# E_NOT is mentioned in a comment
#!ifdef A
#!endif
#!ifdef NOTHING
modparam("tm", "x", B)
#!endif
request_route { xlog("$def(C)\\n"); $var(x) = D; exit; }
`;
  expect(lines(check(text).stdout)).toEqual(['k.cfg:10:1: warning: define E_NOT is never used']);
});

test('the scripts of lua_run() are checked, too', () => {
  const { status, stdout, stderr } = check(
    `${MODULES}loadmodule "app_lua.so"\nmodparam("app_lua", "load", "a.lua")\nrequest_route { lua_run("f"); }\nroute[A] { exit; }\n`,
    { 'a.lua': 'function f()\n\tKSR.sl.sl_send_repl(200, "OK")\nend\n' },
  );
  expect(lines(stdout)).toEqual([
    'a.lua:2:9: error: KSR.sl.sl_send_repl does not exist, did you mean KSR.sl.sl_send_reply',
  ]);
  expect(stderr).toBe('1 config, 2 scripts: 1 error, 0 warnings\n');
  expect(status).toBe(1);
});

test('a command line that makes no sense is 2, a config that is not there 1', () => {
  expect(check('', {}, '--format', 'xml').status).toBe(2);
  const { status, stderr } = spawnSync(process.execPath, [MAIN, 'check', '-f', 'none.cfg'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr).toContain('none.cfg: error: cannot read it: no such file');
});
