import dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callCtl, createServer, type Server, type ServerOptions } from '../../../../src/transport/node/index.ts';
import { recordingLogger } from '../../../support/log.ts';

const SCRIPT = 'function ksr_request_route() end\n';
let folder: string;
let file: string;
const open: Server[] = [];
beforeEach(() => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'server-')));
  file = path.join(folder, 'route.lua');
  fs.writeFileSync(file, SCRIPT);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map(s => s.close(0)));
  fs.rmSync(folder, { recursive: true, force: true });
});
const start = async (options: ServerOptions = {}) => {
  const log = recordingLogger();
  const server = await createServer({ script: file, listen: ['udp:127.0.0.1:0'], log, ...options });
  open.push(server);
  return { server, log, port: server.sockets[0]!.port };
};
/** whether a UDP port of 127.0.0.1 can be opened */
const isFree = (port: number) =>
  new Promise<boolean>(resolve => {
    const socket = dgram.createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => socket.close(() => resolve(true)));
  });

describe('createServer()', () => {
  it('routes what arrives and counts it', async () => {
    const { server, port } = await start();
    const client = dgram.createSocket('udp4');
    client.send('not sip\r\n\r\n', port, '127.0.0.1');
    while (server.runtime.stats.get('udp', 'received') !== 1) await new Promise(resolve => setTimeout(resolve, 5));
    client.close();
    expect(server.runtime.stats.get('udp', 'received_bytes')).toBe(11);
    expect(server.runtime.counters.bad).toBe(1);
    expect(server.script).toMatchObject({ name: file, version: 1 });
  });

  it('serves UDP and TCP, and counts each', async () => {
    const reply = 'function ksr_request_route() KSR.sl.sl_send_reply(200, "Over " .. KSR.pv.get("$proto")) end\n';
    fs.writeFileSync(file, reply);
    const { server } = await start({ listen: ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0', 'udp:127.0.0.1:0'] });
    expect(server.sockets.map(s => [s.index, s.proto])).toEqual([
      [0, 'udp'],
      [1, 'udp'],
      [2, 'tcp'],
    ]);
    const text = (proto: string) =>
      `OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/${proto} 127.0.0.1:9;rport;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`;
    const client = net.connect(server.sockets[2]!.port, '127.0.0.1');
    client.write(text('TCP'));
    const [overTcp] = await once(client, 'data');
    client.destroy();
    expect(String(overTcp)).toMatch(/^SIP\/2\.0 200 Over tcp\r\n/);
    const datagrams = dgram.createSocket('udp4');
    datagrams.send(text('UDP'), server.sockets[1]!.port, '127.0.0.1');
    const [overUdp] = await once(datagrams, 'message');
    datagrams.close();
    expect(String(overUdp)).toMatch(/^SIP\/2\.0 200 Over udp\r\n/);
    const count = (group: string, name: string) => server.runtime.stats.get(group, name);
    expect([count('tcp', 'received'), count('udp', 'received'), count('tcp', 'passive_open')]).toEqual([1, 1, 1]);
    expect(count('tcp', 'current_write_queue_size')).toBe(0);
  });

  it('a datagram that the kernel refuses at once is no relayed request: -1 and 477, as in Kamailio', async () => {
    const config = path.join(folder, 'refused.cfg');
    fs.writeFileSync(
      config,
      'loadmodule "sl.so"\nloadmodule "tm.so"\nloadmodule "pv.so"\nloadmodule "xlog.so"\nrequest_route { $du = "sip:192.0.2.1:5060"; t_relay(); xlog("L_ERR", "RESULT $rc\\n"); }\n',
    );
    const log = recordingLogger();
    const server = await createServer({ config, log, listen: ['udp:127.0.0.1:0'] });
    open.push(server);
    const phone = dgram.createSocket('udp4');
    await new Promise<void>(resolve => phone.bind(0, '127.0.0.1', resolve));
    for (const id of [1, 2]) {
      const text = `OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${phone.address().port};branch=z9hG4bK${id}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: ${id}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`;
      phone.send(text, server.sockets[0]!.port, '127.0.0.1');
      const [answer] = await once(phone, 'message');
      expect(String(answer)).toMatch(/^SIP\/2\.0 477 /);
    }
    phone.close();
    expect(log.lines.map(l => l.message).filter(m => m.includes('RESULT'))).toEqual(
      Array(2).fill('<script>: RESULT -1'),
    );
  });

  it('leaves no UDP socket open when TCP cannot listen', async () => {
    const { server } = await start({ listen: ['tcp:127.0.0.1:0'] });
    const { port } = server.sockets[0]!;
    const again = start({ listen: [`udp:127.0.0.1:${port}`, `tcp:127.0.0.1:${port}`] });
    await expect(again).rejects.toThrow(`Cannot listen on tcp:127.0.0.1:${port}: the address is in use`);
    expect(await isFree(port)).toBe(true);
  });

  it('opens no control socket unless asked to; then it answers there', async () => {
    expect((await start()).server.ctlPath).toBeUndefined();
    const ctl = path.join(folder, 'ctl.sock');
    const { server } = await start({ ctl });
    expect(server.ctlPath).toBe(ctl);
    expect(await callCtl(ctl, 'core.echo', ['a'])).toEqual(['a']);
  });

  it('leaves nothing open when the script is broken', async () => {
    const { server, port } = await start();
    await server.close();
    fs.writeFileSync(file, 'function (\n');
    const again = start({ listen: [`udp:127.0.0.1:${port}`], ctl: path.join(folder, 'ctl.sock') });
    await expect(again).rejects.toMatchObject({ code: 'KEMI_ERR_SCRIPT', diagnostics: [{ file, line: 1 }] });
    expect(await isFree(port)).toBe(true);
    expect(fs.existsSync(path.join(folder, 'ctl.sock'))).toBe(false);
  });

  it('leaves nothing open when the control socket is taken', async () => {
    const ctl = path.join(folder, 'ctl.sock');
    await start({ ctl });
    const { server, port } = await start();
    await server.close();
    await expect(start({ ctl, listen: [`udp:127.0.0.1:${port}`] })).rejects.toMatchObject({ code: 'KEMI_ERR_LISTEN' });
    expect(await isFree(port)).toBe(true);
    expect(await callCtl(ctl, 'core.echo', ['a'])).toEqual(['a']);
  });

  it('reload() takes the file anew; a broken one throws, is logged, and changes nothing', async () => {
    const { server, log } = await start();
    expect(server.reload()).toMatchObject({ version: 2 });
    fs.writeFileSync(file, 'function (\n');
    expect(() => server.reload()).toThrow(/route\.lua/);
    expect(server.script.version).toBe(2);
    fs.rmSync(file);
    expect(() => server.reload()).toThrow(/cannot read it: no such file/);
    expect(log.lines.filter(l => l.level === 'error')).toHaveLength(2);
    expect(log.lines.at(-1)!.message).toMatch(/^Cannot reload: .*version 2 runs on$/);
  });

  it('close() may be called twice, frees the port, and ends the runtime', async () => {
    const { server, port } = await start();
    await Promise.all([server.close(), server.close()]);
    expect(await isFree(port)).toBe(true);
    expect(() => server.runtime.receive(new Uint8Array(1), { ip: '127.0.0.1', port: 5060 }, 0)).toThrow(
      expect.objectContaining({ code: 'KEMI_ERR_CLOSED' }),
    );
  });
});
