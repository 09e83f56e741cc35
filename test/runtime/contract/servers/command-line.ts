/**
 * The command as its users start it: a process of its own in the runtime that runs this. Signals go by process.kill(): whom Deno's child.kill() was told to end did end by
 * that signal, whatever the child made of it.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { contains, equal, ok, until } from '../check.ts';
import type { Suite } from '../suite.ts';
import { askTcp, askUdp, inFolder } from './folder.ts';

/** Node strips types and compiles once for all processes. */
const CACHE = fileURLToPath(new URL('../../../../build/compile-cache', import.meta.url));
const answer = (text: string) => `function ksr_request_route() KSR.sl.sl_send_reply(200, '${text}') end\n`;

/** @param command program and arguments in front of those of kemi-wasm */
export function commandLineContract([program, ...before]: readonly [string, ...string[]]): Suite {
  const start = (folder: string, args: readonly string[], input?: string) => {
    const child = spawn(program, [...before, ...args], {
      cwd: folder,
      env: { ...process.env, XDG_RUNTIME_DIR: folder, NODE_COMPILE_CACHE: CACHE },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const out = { stdout: '', stderr: '' };
    child.stdout.on('data', chunk => (out.stdout += chunk));
    child.stderr.on('data', chunk => (out.stderr += chunk));
    child.stdin.end(input);
    const ended = new Promise<number | null>(resolve => child.once('close', resolve));
    return { child, out, ended };
  };
  const runs = async (folder: string, args: readonly string[], input?: string) => {
    const { out, ended } = start(folder, args, input);
    return { code: await ended, ...out };
  };
  /** a server of route.lua in the folder; it is killed behind the case */
  const serve = async (
    folder: string,
    args: readonly string[],
    use: (s: ReturnType<typeof start>, ports: number[]) => Promise<void>,
  ) => {
    const server = start(folder, ['run', '--log-format', 'json', ...args]);
    try {
      await until(() => server.out.stdout.includes('Listening') || server.child.exitCode !== null, 'the start');
      if (server.child.exitCode !== null) throw new Error(`it ended: ${server.out.stdout}${server.out.stderr}`);
      const line = server.out.stdout.split('\n').find(l => l.includes('Listening'));
      const { listen } = JSON.parse(line!) as { listen: string[] };
      await use(
        server,
        listen.map(l => Number(l.split(':').at(-1))),
      );
    } finally {
      server.child.kill('SIGKILL');
      await server.ended;
    }
  };
  const UDP = ['--listen', 'udp:127.0.0.1:0'];
  return {
    name: 'the command',
    ability: 'command line',
    cases: [
      inFolder('--version and --help print and end with 0; an unknown command ends with 2', async folder => {
        const version = await runs(folder, ['--version']);
        equal([version.code, /^kemi-wasm \d+\.\d+\.\d+\n$/.test(version.stdout)], [0, true]);
        equal((await runs(folder, ['--help'])).code, 0);
        equal((await runs(folder, ['rn'])).code, 2);
      }),
      inFolder('check finds a misspelt function, with line and column, and ends with 1', async folder => {
        fs.writeFileSync(
          path.join(folder, 'route.lua'),
          'function ksr_request_route()\n  KSR.maxfwd.proces_maxfwd(10)\nend\n',
        );
        const { code, stdout } = await runs(folder, ['check', 'route.lua']);
        equal(code, 1);
        contains(stdout, 'route.lua:2:14: error: KSR.maxfwd.proces_maxfwd does not exist, did you mean');
      }),
      inFolder('run serves the built-in registrar and proxy when it is given nothing', async folder => {
        await serve(
          folder,
          ['--listen', 'udp:127.0.0.1:0', '--listen', 'tcp:127.0.0.1:0'],
          async (_server, [udp, tcp]) => {
            equal(await askUdp(udp!, 'REGISTER', ['Contact: <sip:alice@127.0.0.1:9>;expires=60']), '200 OK');
            contains(await askTcp(tcp!), /^\d\d\d /);
            const dump = await runs(folder, ['ctl', 'ul.dump']);
            equal(dump.code, 0);
            contains(dump.stdout, 'sip:alice@127.0.0.1:9');
          },
        );
      }),
      inFolder('SIGHUP reloads, SIGTERM drains and ends with 0', async folder => {
        const file = path.join(folder, 'route.lua');
        fs.writeFileSync(file, answer('One'));
        await serve(folder, [...UDP, 'route.lua'], async ({ child, out, ended }, [port]) => {
          equal(await askUdp(port!), '200 One');
          fs.writeFileSync(file, answer('Two'));
          process.kill(child.pid!, 'SIGHUP');
          await until(() => out.stdout.includes('Reloaded'), 'the reload');
          equal(await askUdp(port!), '200 Two');
          process.kill(child.pid!, 'SIGTERM');
          equal(await ended, 0);
          contains(out.stdout, 'Stopped');
          ok(!fs.existsSync(path.join(folder, 'kemi-wasm', 'ctl.sock')), 'no socket file');
        });
      }),
      inFolder('--watch reloads; SIGINT ends with 0', async folder => {
        const file = path.join(folder, 'route.lua');
        fs.writeFileSync(file, answer('One'));
        await serve(folder, [...UDP, '--no-ctl', '--watch', 'route.lua'], async ({ child, ended }, [port]) => {
          fs.writeFileSync(file, answer('Two'));
          await until(async () => (await askUdp(port!)) === '200 Two', 'the reload');
          process.kill(child.pid!, 'SIGINT');
          equal(await ended, 0);
        });
      }),
      inFolder('-f routes with the blocks of a kamailio.cfg', async folder => {
        fs.writeFileSync(
          path.join(folder, 'a.cfg'),
          'loadmodule "sl"\nrequest_route { sl_send_reply("200", "Block"); }\n',
        );
        await serve(folder, [...UDP, '--no-ctl', '-f', 'a.cfg'], async (_server, [port]) => {
          equal(await askUdp(port!), '200 Block');
        });
      }),
      inFolder('an address in use is one line and the exit code 1', async folder => {
        fs.writeFileSync(path.join(folder, 'route.lua'), answer('One'));
        await serve(folder, [...UDP, '--no-ctl', 'route.lua'], async (_server, [port]) => {
          const second = await runs(folder, ['run', '--no-ctl', '--listen', `udp:127.0.0.1:${port}`, 'route.lua']);
          equal(second.code, 1);
          contains(second.stderr, /^kemi-wasm: Cannot listen on udp:127\.0\.0\.1:\d+: the address is in use[^\n]*\n$/);
        });
      }),
      inFolder('user add reads a password from a pipe; --db asks for it', async folder => {
        const added = await runs(folder, ['user', 'add', 'alice@127.0.0.1', '--db', 'phones.db'], 'secret\n');
        equal(added.code, 0);
        contains(added.stderr, 'Added alice@127.0.0.1\n');
        await serve(folder, [...UDP, '--no-ctl', '--db', 'phones.db'], async (_server, [port]) => {
          contains(await askUdp(port!, 'REGISTER', ['Contact: <sip:alice@127.0.0.1:9>']), /^401 /);
        });
      }),
    ],
  };
}
