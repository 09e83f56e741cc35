/** A whole server in this process: sockets, reload, control socket, JSON-RPC over HTTP, database. */
import fs from 'node:fs';
import path from 'node:path';
import type * as NodeServer from '../../../../src/transport/node/index.ts';
import { contains, equal, rejects, throws, until } from '../check.ts';
import type { Ability, Case, Suite } from '../suite.ts';
import { askTcp, askUdp, inFolder } from './folder.ts';

export type ServerFunctions = Pick<typeof NodeServer, 'createServer' | 'callCtl'>;

const answer = (text: string) => `function ksr_request_route() KSR.sl.sl_send_reply(200, '${text}') end\n`;

export function serverContract({ createServer, callCtl }: ServerFunctions): Suite[] {
  type Made = { server: NodeServer.Server; folder: string; file: string; port: number };
  /** a case with a server on UDP and TCP that answers 200 One */
  const served = (name: string, options: NodeServer.ServerOptions, run: (made: Made) => Promise<void>): Case =>
    inFolder(name, async folder => {
      const file = path.join(folder, 'route.lua');
      fs.writeFileSync(file, answer('One'));
      const server = await createServer({
        script: file,
        listen: ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0'],
        ...options,
        ...(options.ctl && { ctl: path.join(folder, 'ctl.sock') }),
      });
      try {
        await run({ server, folder, file, port: server.sockets[0]!.port });
      } finally {
        await server.close(0);
      }
    });
  const suite = (name: string, ability: Ability, cases: Case[]): Suite => ({ name, ability, cases });
  return [
    suite('a server answers over UDP', 'SIP over UDP', [
      served('each datagram gets its answer, and is counted', {}, async ({ server, port }) => {
        for (let i = 0; i < 5; i++) equal(await askUdp(port), '200 One');
        equal(server.runtime.stats.get('udp', 'received'), 5);
        equal(server.runtime.stats.get('udp', 'sent'), 5);
      }),
      served('an address in use is one clear error', {}, async ({ port, file }) => {
        const again = createServer({ script: file, listen: [`udp:127.0.0.1:${port}`] });
        contains((await rejects(again, 'KEMI_ERR_LISTEN')).message, `udp:127.0.0.1:${port}: the address is in use`);
      }),
    ]),
    suite('a server answers over TCP', 'SIP over TCP', [
      served('a request by a connection gets its answer by it', {}, async ({ server }) => {
        for (let i = 0; i < 3; i++) equal(await askTcp(server.sockets[1]!.port), '200 One');
        equal(server.runtime.stats.get('tcp', 'passive_open'), 3);
      }),
    ]),
    suite('a server reloads', 'reload between two messages', [
      served('when it is told to; a broken script changes nothing', {}, async ({ server, file, port }) => {
        fs.writeFileSync(file, answer('Two'));
        equal(server.reload().version, 2);
        equal(await askUdp(port), '200 Two');
        fs.writeFileSync(file, 'function ksr_request_route()\n  if then\nend');
        contains(throws(() => server.reload()).message, /route\.lua:2/);
        equal(await askUdp(port), '200 Two');
      }),
      served('by itself when the file changes', { watch: true }, async ({ file, port }) => {
        fs.writeFileSync(file, answer('Two'));
        await until(async () => (await askUdp(port)) === '200 Two', 'the reload');
      }),
    ]),
    suite('a server is commanded', 'control socket, JSON-RPC over HTTP', [
      served(
        'over its control socket, which is for its owner only',
        { ctl: true },
        async ({ server, folder, file, port }) => {
          const ctl = server.ctlPath!;
          equal(fs.statSync(ctl).mode & 0o777, 0o600);
          const { script } = (await callCtl(ctl, 'core.info', [])) as { script: { version: number } };
          equal(script.version, 1);
          fs.writeFileSync(file, answer('Two'));
          await callCtl(ctl, 'app_lua.reload', []);
          equal(await askUdp(port), '200 Two');
          contains((await rejects(callCtl(ctl, 'core.nosuch', []))).message, 'core.nosuch');
          const second = createServer({ script: file, listen: ['udp:127.0.0.1:0'], ctl });
          contains((await rejects(second, 'KEMI_ERR_LISTEN')).message, 'a server that runs is reached there');
          await server.close(0);
          equal(fs.readdirSync(folder), ['route.lua']);
          contains((await rejects(callCtl(ctl, 'core.info', []), 'KEMI_ERR_RPC')).message, 'no server is reached');
        },
      ),
      served('40 clients at once, and a long answer', { ctl: true }, async ({ server }) => {
        const calls = Array.from({ length: 40 }, () => callCtl(server.ctlPath!, 'core.uptime', []));
        equal((await Promise.all(calls)).length, 40);
        const list = (await callCtl(server.ctlPath!, 'app_lua.api_list', [])) as { methods?: unknown[] };
        contains(JSON.stringify(list), 'sl_send_reply');
      }),
      served('by JSON-RPC over HTTP, but not by a web page', { rpcHttp: '127.0.0.1:0' }, async ({ server }) => {
        const post = (headers: Record<string, string>, body = '{"jsonrpc":"2.0","id":1,"method":"core.uptime"}') =>
          fetch(server.rpcHttpUrl!, { method: 'POST', headers, body });
        const json = { 'Content-Type': 'application/json' };
        const { result } = (await (await post(json)).json()) as { result: { uptime: number } };
        equal(typeof result.uptime, 'number');
        equal((await post({ 'Content-Type': 'text/plain' })).status, 415);
        equal((await post(json, 'x'.repeat(1_100_000))).status, 413);
        equal((await fetch(server.rpcHttpUrl!)).status, 405);
        const { error } = (await (await post(json, '{')).json()) as { error: { code: number } };
        equal(error.code, -32700);
      }),
    ]),
    suite('a server keeps registrations', 'SQLite', [
      inFolder('in its database, over a restart', async folder => {
        const script = path.join(folder, 'route.lua');
        fs.writeFileSync(
          script,
          `function ksr_request_route()
            if KSR.is_REGISTER() then KSR.registrar.save('location', 0) return end
            KSR.pv.sets('$ru', 'sip:alice@127.0.0.1')
            KSR.sl.sl_send_reply(200, KSR.registrar.lookup('location') .. ' ' .. KSR.pv.getw('$ru'))
          end`,
        );
        const start = () => createServer({ script, listen: ['udp:127.0.0.1:0'], db: path.join(folder, 'a.db') });
        const first = await start();
        const contact = ['Contact: <sip:alice@192.0.2.1:5070>;expires=600'];
        equal(await askUdp(first.sockets[0]!.port, 'REGISTER', contact), '200 OK');
        await first.close(0);
        const second = await start();
        try {
          contains(await askUdp(second.sockets[0]!.port, 'OPTIONS'), '200 1 sip:alice@192.0.2.1:5070');
        } finally {
          await second.close(0);
        }
      }),
    ]),
  ];
}
