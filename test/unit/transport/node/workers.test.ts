/** A server with two workers: real threads, sockets of many peers. */
import dgram from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, type Server, type ServerOptions } from '../../../../src/transport/node/server.ts';
import { recordingLogger } from '../../../support/log.ts';

const SCRIPT = `
  local function me()
    if KSR.pvx.var_get("me") == 0 then KSR.pvx.var_seti("me", KSR.pvx.shvinc_get("workers")) end
    return KSR.pvx.var_get("me")
  end
  function ksr_request_route()
    if KSR.is_OPTIONS() then
      KSR.sl.sl_send_reply(200, "n=" .. KSR.htable.sht_inc("t", "n") .. " worker=" .. me() .. " VERSION")
      return
    end
    if KSR.is_REGISTER() then
      if KSR.registrar.save("location", 0) < 0 then KSR.sl.sl_reply_error() end
      return
    end
    if KSR.is_method_in("M") then
      KSR.jsonrpcs.exec('{"jsonrpc":"2.0","id":1,"method":"app_lua.reload","params":[0]}')
      KSR.sl.sl_send_reply(200, KSR.pv.gete("$jsonrpl(code)"))
      return
    end
    if KSR.is_INFO() then
      local name = KSR.pv.get("$fU")
      local index = KSR.htable.sht_get("t", "i" .. name)
      local r = index > 0 and KSR.tmx.t_continue(index, KSR.htable.sht_get("t", "l" .. name), "go_on")
      KSR.sl.sl_send_reply(200, "R " .. tostring(r))
      return
    end
    if KSR.is_INVITE() and KSR.pv.get("$rU") == "wait" then
      KSR.tmx.t_suspend()
      KSR.htable.sht_seti("t", "l" .. KSR.pv.get("$fU"), KSR.pv.get("$T(id_label)"))
      KSR.htable.sht_seti("t", "i" .. KSR.pv.get("$fU"), KSR.pv.get("$T(id_index)"))
      return
    end
    if KSR.is_CANCEL() or KSR.is_ACK() then
      if KSR.tm.t_check_trans() > 0 then KSR.tm.t_relay() return end
      if KSR.is_CANCEL() then return end
    end
    if KSR.tm.t_check_trans() == 0 then return end
    if KSR.siputils.has_totag() > 0 then
      KSR.rr.loose_route()
      KSR.tm.t_relay()
      return
    end
    KSR.rr.record_route()
    if KSR.registrar.lookup("location") < 0 then KSR.sl.sl_send_reply(404, "Nobody") return end
    KSR.tm.t_relay()
  end
  function go_on() KSR.tm.t_reply(480, "Gone on") end`;

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const fn of cleanup.splice(0).reverse()) await fn();
});

async function start(options: Partial<ServerOptions> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'workers-'));
  cleanup.push(() => rmSync(dir, { recursive: true, force: true }));
  const script = join(dir, 'route.lua');
  writeFileSync(script, SCRIPT);
  const log = recordingLogger();
  log.level = 'info';
  const server = await createServer({
    script,
    listen: ['udp:127.0.0.1:0'],
    workers: 2,
    // another test of this process measures memory
    limits: { sharedMiB: 16 },
    log,
    modparams: [{ module: 'htable', name: 'htable', value: 't=>size=4;initval=0' }],
    ...options,
  });
  cleanup.push(() => server.close(0));
  return { server, script, log, port: server.sockets[0]!.port };
}

/** The threads of a server but the first. */
const threadsOf = (server: Server): readonly Worker[] => server.threads;

/** A phone: a socket of its own, so that the system spreads phones over the workers. */
class Phone {
  readonly name: string;
  readonly #server: number;
  readonly #socket = dgram.createSocket('udp4');
  readonly #got: string[] = [];
  readonly #wakes = new Set<() => void>();

  constructor(name: string, server: number) {
    this.name = name;
    this.#server = server;
    this.#socket.on('message', data => {
      this.#got.push(data.toString('latin1'));
      for (const wake of this.#wakes) wake();
    });
    cleanup.push(() => this.#socket.close());
  }

  async open(): Promise<this> {
    await new Promise<void>(resolve => this.#socket.bind(0, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  send(text: string): void {
    this.#socket.send(text, this.#server, '127.0.0.1');
  }

  /** The first message that begins so, of the call; others are kept. */
  async next(pattern: RegExp, id = '', withinMs = 5000): Promise<string> {
    const end = Date.now() + withinMs;
    for (;;) {
      const at = this.#got.findIndex(t => pattern.test(t) && t.includes(`Call-ID: ${id}`));
      if (at >= 0) return this.#got.splice(at, 1)[0]!;
      if (Date.now() >= end) throw new Error(`${this.name} got nothing like ${pattern} ${id}`);
      await new Promise<void>(resolve => {
        const wake = () => {
          clearTimeout(timer);
          this.#wakes.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, end - Date.now());
        this.#wakes.add(wake);
      });
    }
  }

  request(method: string, to: string, id: string, more: string[] = [], branch = `${id}${method}`): string {
    return [
      `${method} sip:${to}@127.0.0.1:${this.#server} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${this.port};rport;branch=z9hG4bK${branch}`,
      `From: <sip:${this.name}@127.0.0.1>;tag=${this.name}`,
      `To: <sip:${to}@127.0.0.1>`,
      `Call-ID: ${id}`,
      `CSeq: 1 ${method}`,
      'Max-Forwards: 70',
      `Contact: <sip:${this.name}@127.0.0.1:${this.port}>`,
      ...more,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n');
  }

  reply(request: string, status: string): string {
    const kept = request.split('\r\n').filter(l => /^(Via|From|To|Call-ID|CSeq|Record-Route):/.test(l));
    return [
      `SIP/2.0 ${status}`,
      ...kept.map(l => (/^To:/.test(l) && !l.includes('tag=') ? `${l};tag=${this.name}` : l)),
      `Contact: <sip:${this.name}@127.0.0.1:${this.port}>`,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n');
  }
}

const phones = (count: number, port: number) =>
  Promise.all(Array.from({ length: count }, (_, i) => new Phone(`p${i}`, port).open()));

async function register(all: readonly Phone[]): Promise<void> {
  await Promise.all(
    all.map(async phone => {
      phone.send(phone.request('REGISTER', phone.name, `reg-${phone.name}`, ['Expires: 600']));
      await phone.next(/^SIP\/2.0 200 /);
    }),
  );
}

/** A whole call; the ACK and the BYE along the record route. */
async function call(a: Phone, b: Phone, id: string): Promise<void> {
  a.send(a.request('INVITE', b.name, id));
  const invite = await b.next(/^INVITE /, id);
  b.send(b.reply(invite, '180 Ringing'));
  await a.next(/^SIP\/2.0 180 /, id);
  b.send(b.reply(invite, '200 OK'));
  const ok = await a.next(/^SIP\/2.0 200 .*CSeq: 1 INVITE/s, id);
  const route = /^Record-Route: (.*)\r$/m.exec(ok)![1]!;
  const tag = /^To: .*tag=(\w+)/m.exec(ok)![1]!;
  for (const [method, branch] of [
    ['ACK', 'ack'],
    ['BYE', 'bye'],
  ] as const) {
    const text = a
      .request(method, b.name, id, [`Route: ${route}`], `${id}${branch}`)
      .replace(/^\w+ \S+/, `${method} sip:${b.name}@127.0.0.1:${b.port}`)
      .replace(/^(To: .*?)\r$/m, `$1;tag=${tag}\r`)
      .replace('CSeq: 1 BYE', 'CSeq: 2 BYE');
    a.send(text);
    const got = await b.next(new RegExp(`^${method} `), id);
    if (method === 'BYE') {
      b.send(b.reply(got, '200 OK'));
      await a.next(/^SIP\/2.0 200 .*CSeq: 2 BYE/s, id);
    }
  }
}

const until = async (done: () => boolean | Promise<boolean>, withinMs = 10_000) => {
  const end = Date.now() + withinMs;
  while (!(await done())) {
    if (Date.now() > end) throw new Error('it does not come to that');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
};

const stat = async (server: Server, name: string): Promise<number> => {
  const found = (await server.call('stats.fetchn', [name])) as Record<string, number>;
  return Object.values(found)[0]!;
};

describe('two workers', () => {
  it('calls between phones of either one; answers come to who waits for them', async () => {
    const { server, port } = await start();
    const all = await phones(24, port);
    await register(all);
    await Promise.all(all.map((phone, i) => call(phone, all[(i + 7) % all.length]!, `call-${i}`)));
    expect(await stat(server, 'usrloc.location_contacts')).toBe(24);
    expect(await stat(server, 'tmx.UAS_transactions')).toBe(48);
    // with 24 phones some answers went the other way, unless luck has it: once in 2^20
    expect(await stat(server, 'kemi.handed_over')).toBeGreaterThan(0);
    expect(await stat(server, 'tmx.rpl_received')).toBe(72);
    const stats = (await server.call('tm.stats')) as Record<string, number>;
    expect([stats.created, stats['2xx']]).toEqual([48, 48]);
    const list = (await server.call('tm.list')) as { tindex: number }[];
    expect(list.length).toBeLessThanOrEqual(48);
    expect(await stat(server, 'kemi.workers')).toBe(2);
    expect(await stat(server, 'shmem.used_size')).toBeGreaterThan(0);
  });

  it('counters of htables are exact', async () => {
    const { port } = await start();
    const all = await phones(20, port);
    const values = new Set<number>();
    const workers = new Set<string>();
    await Promise.all(
      all.map(async phone => {
        for (let i = 0; i < 25; i++) {
          phone.send(phone.request('OPTIONS', 'x', `o-${phone.name}-${i}`));
          const [, n, worker] = /n=(\d+) worker=(\d+)/.exec(await phone.next(/^SIP\/2.0 200 /))!;
          values.add(Number(n));
          workers.add(worker!);
        }
      }),
    );
    expect([values.size, Math.min(...values), Math.max(...values)]).toEqual([500, 1, 500]);
    expect([...workers].sort()).toEqual(['1', '2']);
  });

  it('a reload is for all of them or for none', async () => {
    const { server, script, port, log } = await start();
    const all = await phones(12, port);
    const versions = async () => {
      const found = await Promise.all(
        all.map(async phone => {
          phone.send(phone.request('OPTIONS', 'x', `o-${phone.name}-${Math.random()}`));
          return /VERSION\w*/.exec(await phone.next(/^SIP\/2.0 200 /))![0];
        }),
      );
      return [...new Set(found)];
    };
    expect(await versions()).toEqual(['VERSION']);
    writeFileSync(script, SCRIPT.replace('VERSION', 'VERSIONtwo'));
    expect(await server.call('app_lua.reload')).toMatchObject({ version: 2 });
    expect(await versions()).toEqual(['VERSIONtwo']);
    // from a script, whoever runs it
    writeFileSync(script, SCRIPT.replace('VERSION', 'VERSIONthree'));
    for (const phone of all.slice(0, 6)) {
      phone.send(phone.request('MESSAGE', 'x', `m-${phone.name}`));
      expect(await phone.next(/^SIP\/2.0 /)).toMatch(/^SIP\/2.0 200 200/);
    }
    expect(await versions()).toEqual(['VERSIONthree']);
    writeFileSync(script, `${SCRIPT.replace('VERSION', 'VERSIONfour')} end`);
    await expect(server.reloadAll()).rejects.toThrow(/route.lua/);
    expect(await versions()).toEqual(['VERSIONthree']);
    expect(() => server.reload()).toThrow(/use reloadAll/);
    expect(log.lines.filter(l => l.message.startsWith('Cannot reload'))).toHaveLength(1);
  });

  it('a worker that ends is started again; registrations and htables stay, calls go on', {
    timeout: 40_000,
  }, async () => {
    const { server, port, log } = await start();
    const all = await phones(16, port);
    await register(all);
    all[0]!.send(all[0]!.request('OPTIONS', 'x', 'o-1'));
    expect(await all[0]!.next(/^SIP\/2.0 200 /)).toContain('n=1 ');
    expect(server.workers).toBe(2);
    const [thread] = threadsOf(server);
    await thread!.terminate();
    await until(() => server.workers === 1);
    // all that comes now comes to the one that is left
    await call(all[0]!, all[1]!, 'meanwhile');
    await until(() => server.workers === 2);
    expect(log.lines.find(l => l.level === 'error')!.message).toMatch(/^Worker 1 ended: it is started again/);
    await Promise.all(all.map((phone, i) => call(phone, all[(i + 5) % all.length]!, `after-${i}`)));
    all[0]!.send(all[0]!.request('OPTIONS', 'x', 'o-2'));
    expect(await all[0]!.next(/^SIP\/2.0 200 n=/)).toContain('n=2 ');
    expect(await stat(server, 'usrloc.location_contacts')).toBe(16);
  });

  it('a request that one of them suspended goes on when the other one says so', async () => {
    const { port } = await start();
    const all = await phones(12, port);
    const others = await phones(12, port);
    await Promise.all(
      all.map(async (phone, i) => {
        const id = `wait-${phone.name}`;
        phone.send(phone.request('INVITE', 'wait', id));
        await phone.next(/^SIP\/2.0 100 /, id);
        const other = others[i]!;
        // the 100 is out before the script has noted how to go on
        for (let ask = 0, said = ''; !/ R 1\r/.test(said); ask++) {
          other.send(other.request('INFO', 'x', `go-${other.name}-${ask}`));
          said = await other.next(/^SIP\/2.0 200 /);
        }
        await phone.next(/^SIP\/2.0 480 Gone on/, id);
      }),
    );
  });

  it('a phone on TCP is reached from either one', async () => {
    const { server, port } = await start({ listen: ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0'] });
    const tcp = server.sockets.find(s => s.proto === 'tcp')!.port;
    const socket = net.connect(tcp, '127.0.0.1');
    cleanup.push(() => socket.destroy());
    await new Promise(resolve => socket.once('connect', resolve));
    let text = '';
    socket.setEncoding('latin1').on('data', chunk => {
      text += chunk;
    });
    socket.write(
      [
        `REGISTER sip:127.0.0.1:${tcp} SIP/2.0`,
        'Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKtcp',
        'From: <sip:tcp@127.0.0.1>;tag=tcp',
        'To: <sip:tcp@127.0.0.1>',
        'Call-ID: tcp',
        'CSeq: 1 REGISTER',
        'Max-Forwards: 70',
        `Contact: <sip:tcp@127.0.0.1:${(socket.address() as net.AddressInfo).port};transport=tcp>`,
        'Expires: 600',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    );
    await until(() => text.startsWith('SIP/2.0 200'));
    const all = await phones(10, port);
    for (const phone of all) {
      text = '';
      phone.send(phone.request('INVITE', 'tcp', `tcp-${phone.name}`));
      // the ACK of the call before may come first
      const invite = () =>
        text.split('\r\n\r\n').find(t => t.startsWith('INVITE sip:tcp@') && t.includes(`: tcp-${phone.name}\r`));
      await until(() => invite() !== undefined);
      socket.write(phone.reply(invite()!, '486 Busy Here'));
      const busy = await phone.next(/^SIP\/2.0 486 /);
      phone.send(
        phone
          .request('ACK', 'tcp', `tcp-${phone.name}`, [], `tcp-${phone.name}INVITE`)
          .replace(/^To: .*$/m, /^To: .*$/m.exec(busy)![0].trimEnd()),
      );
    }
    expect(await stat(server, 'kemi.handed_over')).toBeGreaterThan(0);
  });

  it('what a connection is like only the first worker knows: the other one says so', async () => {
    const { port, script, server, log } = await start({ listen: ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0'] });
    writeFileSync(
      script,
      'function ksr_request_route() KSR.sl.sl_send_reply(200, "R " .. KSR.tcpops.tcp_conid_state(1) .. KSR.tcpops.tcp_close_connection_id(1)) end',
    );
    await server.reloadAll();
    const said = new Set<string>();
    for (const phone of await phones(12, port)) {
      phone.send(phone.request('OPTIONS', 'x', `o-${phone.name}`));
      said.add(/^SIP\/2.0 200 R (\S+)/.exec(await phone.next(/^SIP\/2.0 200 /))![1]!);
    }
    // the first one knows that there is none to close, the other one passes that on
    expect([...said].sort()).toEqual(['-1-1', '-11']);
    expect(
      log.lines.filter(l => l.message.startsWith('Cannot look at connections here')).map(l => l.fields.worker),
    ).toContain(1);
  });

  it('a contact that cannot be reached over TCP ends the branch, in either one', async () => {
    const { port } = await start({ listen: ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0'] });
    const all = await phones(8, port);
    const [first] = all;
    first!.send(
      first!
        .request('REGISTER', 'gone', 'gone', ['Expires: 600'])
        .replace(/^Contact: .*$/m, 'Contact: <sip:gone@127.0.0.1:1;transport=tcp>'),
    );
    await first!.next(/^SIP\/2.0 200 /);
    for (const phone of all) {
      phone.send(phone.request('INVITE', 'gone', `gone-${phone.name}`));
      await phone.next(/^SIP\/2.0 477 /);
    }
  });
});

describe('the start with workers', () => {
  it('fails with one line when another program has the port, be it one that shares', async () => {
    const { port } = await start();
    await expect(start({ listen: [`udp:127.0.0.1:${port}`] })).rejects.toThrow(/the address is in use/);
    const other = dgram.createSocket('udp4');
    await new Promise<void>(resolve => other.bind(0, '127.0.0.1', resolve));
    cleanup.push(() => other.close());
    await expect(start({ listen: [`udp:127.0.0.1:${other.address().port}`] })).rejects.toThrow(/the address is in use/);
  });

  it('fails with what a worker failed with, and leaves nothing open', async () => {
    const { server, port } = await start();
    await server.close(0);
    const again = await start({ listen: [`udp:127.0.0.1:${port}`] });
    expect(again.port).toBe(port);
  });

  it('refuses numbers of workers that make no sense, and what cannot be shared', async () => {
    for (const workers of [0, 65, 1.5]) await expect(start({ workers })).rejects.toThrow(/from 1 to 64/);
    const resolver = { addresses: async () => [], srv: async () => [], naptr: async () => [], ptr: async () => [] };
    await expect(start({ resolver })).rejects.toThrow(/resolver of your own/);
  });

  it('a broken script is told as it is with one', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'workers-'));
    cleanup.push(() => rmSync(dir, { recursive: true, force: true }));
    const script = join(dir, 'broken.lua');
    writeFileSync(script, 'function ksr_request_route() end end');
    await expect(start({ script })).rejects.toThrow(/broken.lua:1:/);
  });
});
