/** createServer({ db }): what modules keep is there after a restart. */
import dgram from 'node:dgram';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createServer, openSqlite } from '../../../../src/transport/node/index.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'server-db-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const SCRIPT = `function ksr_request_route()
  if KSR.is_REGISTER() then
    if KSR.registrar.save("location", 0) < 0 then KSR.sl.sl_reply_error() end
    return
  end
  local found = KSR.registrar.lookup("location")
  local group = KSR.permissions.allow_source_address_group()
  KSR.sl.sl_send_reply(200, found .. " " .. KSR.pv.getw("$ru") .. " " .. group)
end`;

/** status line of the answer */
async function ask(port: number, method: string, uri: string, more: string[] = []): Promise<string> {
  const socket = dgram.createSocket('udp4');
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  const lines = [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${socket.address().port};rport;branch=z9hG4bK${method}`,
    'From: <sip:alice@example.com>;tag=1',
    'To: <sip:alice@example.com>',
    'Call-ID: 1',
    `CSeq: 1 ${method}`,
    'Max-Forwards: 70',
    ...more,
    'Content-Length: 0',
  ];
  const reply = await new Promise<string>(resolve => {
    socket.once('message', data => resolve(data.toString('latin1')));
    socket.send(`${lines.join('\r\n')}\r\n\r\n`, port, '127.0.0.1');
  });
  socket.close();
  return reply.split('\r\n')[0]!;
}

it('registrations and addresses survive a restart', async () => {
  const script = path.join(folder, 'a.lua');
  fs.writeFileSync(script, SCRIPT);
  const file = path.join(folder, 'a.db');
  const start = async () => {
    const server = await createServer({ script, listen: ['udp:127.0.0.1:0'], db: file });
    return { server, port: server.sockets[0]!.port };
  };
  const first = await start();
  const contact = ['Contact: <sip:alice@192.0.2.1:5070>;expires=600'];
  expect(await ask(first.port, 'REGISTER', 'sip:example.com', contact)).toBe('SIP/2.0 200 OK');
  // It is in the file before it is answered.
  const db = openSqlite(`sqlite://${file}`);
  expect(db.select('location', ['username', 'contact'])).toEqual([
    { username: 'alice', contact: 'sip:alice@192.0.2.1:5070' },
  ]);
  db.insert('address', { grp: 7, ip_addr: '127.0.0.0', mask: 8 });
  db.close();
  await first.server.close(0);
  const second = await start();
  expect(await ask(second.port, 'OPTIONS', 'sip:alice@example.com')).toBe('SIP/2.0 200 1 sip:alice@192.0.2.1:5070 7');
  await second.server.close(0);
});
