/** A server whose kamailio.cfg routes by itself. */
import dgram from 'node:dgram';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createServer, type Server } from '../../../../src/transport/node/index.ts';
import { request } from '../../../support/runtime.ts';

let folder: string;
let config: string;
let server: Server | undefined;
beforeEach(() => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'native-')));
  config = path.join(folder, 'kamailio.cfg');
  fs.writeFileSync(
    config,
    '#!define REASON "one"\nloadmodule "sl.so"\nloadmodule "tm.so"\ninclude_file "routes.cfg"\n',
  );
});
afterEach(async () => {
  await server?.close(0);
  server = undefined;
  fs.rmSync(folder, { recursive: true, force: true });
});
const routes = (text: string) => fs.writeFileSync(path.join(folder, 'routes.cfg'), text);
const start = async () => {
  server = await createServer({ config, listen: ['udp:127.0.0.1:0'], defines: { EXTRA: '"x"' } });
  return server;
};

async function ask(): Promise<string> {
  const client = dgram.createSocket('udp4');
  const answer = new Promise<string>(resolve => client.once('message', data => resolve(data.toString('latin1'))));
  client.send(request(), server!.sockets[0]!.port, '127.0.0.1');
  const text = await answer;
  client.close();
  return text.split('\r\n')[0]!;
}

test('it answers by the blocks of an included file, and a reload reads it again', async () => {
  routes('request_route { sl_send_reply("200", REASON); }\n');
  const { script } = await start();
  expect(script).toMatchObject({ name: config, version: 1 });
  expect(await ask()).toBe('SIP/2.0 200 one');
  routes('request_route { sl_send_reply("200", EXTRA); }\n');
  expect(server!.reload().version).toBe(2);
  expect(await ask()).toBe('SIP/2.0 200 x');
  routes('request_route { sl_send_reply("200"); }\n');
  expect(() => server!.reload()).toThrow('routes.cfg:1: sl_send_reply takes 2 parameters, not 1');
  expect(await ask()).toBe('SIP/2.0 200 x');
});

test('what is wrong with the blocks stops the start', async () => {
  routes('request_route { route(NOPE); }\n');
  await expect(start()).rejects.toThrow('there is no route[NOPE]');
});

test('a script cannot be given beside it', async () => {
  routes('request_route { exit; }\n');
  await expect(createServer({ config, script: 'route.lua', listen: ['udp:127.0.0.1:0'] })).rejects.toThrow(
    'the config routes with its own blocks',
  );
});
