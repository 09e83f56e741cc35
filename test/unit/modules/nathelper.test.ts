/** NAT pings, and what the configuration of nathelper refuses. What it does with messages: routing.test.ts. */
import { describe, expect, test } from 'vitest';
import { defineModule } from '../../../src/kemi/table.ts';
import type { PingContact, PingSource } from '../../../src/modules/nathelper/api.ts';
import type { ModParamSetting } from '../../../src/runtime/options.ts';
import { request, testRuntime } from '../../support/runtime.ts';

const NAT = 1 << 6;
const SIP = 1 << 7;
const OFF = 1 << 8;

const contact = (n: number, more: Partial<PingContact> = {}): PingContact => ({
  ruid: `uloc-5f-${n}`,
  uri: `sip:u${n}@192.0.2.${n}:5062`,
  received: undefined,
  path: undefined,
  socket: undefined,
  cflags: NAT,
  serverId: 0,
  ...more,
});

/** A location service with these contacts; the share of a second is by their position. */
function location(contacts: PingContact[]) {
  const alive: [ruid: string, us: number | undefined][] = [];
  const timeouts: [number, number | undefined][] = [];
  const source: PingSource = {
    natFlag: NAT,
    pingTargets: (flags, part, parts) => contacts.filter((c, i) => i % parts === part && (c.cflags & flags) === flags),
    setKeepaliveTimeout: (seconds, flags) => void timeouts.push([seconds, flags]),
    keepalive: (ruid, us) => {
      alive.push([ruid, us]);
      return true;
    },
  };
  const module = defineModule<PingSource>({ name: 'usrloc', modparams: {}, create: () => source, functions: [] });
  return { module, alive, timeouts };
}

const SOCKETS = [
  { proto: 'udp' as const, ip: '127.0.0.1', port: 5060 },
  { proto: 'udp' as const, ip: '127.0.0.1', port: 5070, advertisedIp: '198.51.100.1', advertisedPort: 5999 },
  { proto: 'udp' as const, ip: '::1', port: 5060 },
];
const params = (more: Record<string, number | string>): ModParamSetting[] =>
  Object.entries({ natping_interval: 2, ...more }).map(([name, value]) => ({ module: 'nathelper', name, value }));
const SIP_PINGS = { sipping_bflag: 7, sipping_from: 'sip:pinger@example.com' };

function start(contacts: PingContact[], more: Record<string, number | string> = {}) {
  const place = location(contacts);
  const from: number[] = [];
  const kept: { text: string; ip: string; port: number }[] = [];
  const world = testRuntime('function ksr_request_route() end', {
    sockets: SOCKETS,
    modules: ['pv', 'nathelper'],
    extraModules: [place.module],
    modparams: params(more),
    send: (socket, data, ip, port) => {
      from.push(socket.index);
      kept.push({ text: Buffer.from(data).toString('latin1'), ip, port });
      return true;
    },
  });
  return { ...world, ...place, kept, from };
}

const to = (kept: { ip: string; port: number }[]) => kept.map(k => `${k.ip}:${k.port}`);
const header = (text: string, name: string) => new RegExp(`^${name}: (.*)\r$`, 'm').exec(text)?.[1];

describe('NAT pings', () => {
  test('four zero bytes go to every contact once in the interval, a share each second', () => {
    const { advance, kept } = start([contact(1), contact(2), contact(3)]);
    advance(1000);
    expect(to(kept)).toEqual(['192.0.2.1:5062', '192.0.2.3:5062']);
    advance(1000);
    expect(to(kept).slice(2)).toEqual(['192.0.2.2:5062']);
    advance(2000);
    expect(kept).toHaveLength(6);
    expect(new Set(kept.map(k => k.text))).toEqual(new Set(['\0\0\0\0']));
  });

  test('received stands in for the contact; the socket is the one of the REGISTER, else the first that fits', () => {
    const { advance, kept, from } = start([
      contact(1, { received: 'sip:203.0.113.1:40000', socket: 'udp:127.0.0.1:5070' }),
      contact(9),
      contact(2, { uri: 'sip:u@[2001:db8::2]' }),
      contact(9),
      contact(3, { received: 'sip:203.0.113.3:40000;transport=tcp' }),
      contact(9),
      contact(4, { uri: 'tel:+1' }),
    ]);
    advance(1000);
    expect(to(kept)).toEqual(['203.0.113.1:40000', '2001:db8::2:5060']);
    expect(from).toEqual([1, 2]);
  });

  test('flags choose: NAT only, none at all, SIP or zeros', () => {
    const all = [
      contact(1, { cflags: 0 }),
      contact(2),
      contact(3, { cflags: NAT | SIP }),
      contact(4, { cflags: NAT | OFF }),
    ];
    const kinds = (more: Record<string, number | string>) => {
      const { advance, kept } = start(all, { natping_interval: 1, natping_disable_bflag: 8, ...more });
      advance(1000);
      return kept.map(k => `${k.ip.slice(-1)}${k.text === '\0\0\0\0' ? 'zero' : 'sip'}`);
    };
    expect(kinds({})).toEqual(['1zero', '2zero', '3zero']);
    expect(kinds({ ping_nated_only: 1 })).toEqual(['2zero', '3zero']);
    expect(kinds({ ...SIP_PINGS })).toEqual(['1sip', '2sip', '3sip']);
    expect(kinds({ ...SIP_PINGS, ping_nated_only: 1 })).toEqual(['2zero', '3sip']);
    expect(kinds({ filter_server_id: 1 })).toEqual(['1zero', '2zero', '3zero']);
  });

  test('filter_server_id leaves the contacts of other servers alone', () => {
    const { advance, kept } = start([contact(1, { serverId: 7 })], { natping_interval: 1, filter_server_id: 1 });
    advance(3000);
    expect(kept).toEqual([]);
  });

  test('a SIP ping is a request of its own', () => {
    const { advance, kept } = start(
      [
        contact(1, {
          uri: 'sip:u@192.0.2.1;ob',
          path: '<sip:198.51.100.9;lr>,<sip:p2;lr>',
          socket: 'udp:127.0.0.1:5070',
        }),
      ],
      { natping_interval: 1, ...SIP_PINGS, sipping_method: 'INFO' },
    );
    advance(1000);
    expect(to(kept)).toEqual(['198.51.100.9:5060']);
    const { text } = kept[0]!;
    expect(text.split('\r\n')[0]).toBe('INFO sip:u@192.0.2.1;ob SIP/2.0');
    expect(header(text, 'Via')).toMatch(/^SIP\/2\.0\/UDP 198\.51\.100\.1:5999;branch=z9hG4bK/);
    expect(header(text, 'Route')).toBe('<sip:198.51.100.9;lr>,<sip:p2;lr>');
    expect(header(text, 'From')).toMatch(/^sip:pinger@example\.com;tag=uloc-5f-1-/);
    expect(header(text, 'To')).toBe('<sip:u@192.0.2.1;ob>');
    expect(header(text, 'CSeq')).toBe('1 INFO');
    expect(header(text, 'Max-Forwards')).toBe('70');
    expect(text.endsWith('Content-Length: 0\r\n\r\n')).toBe(true);
  });

  const answer = (ping: string, code = 200, change: (text: string) => string = text => text) =>
    change(
      [
        `SIP/2.0 ${code} OK`,
        ...['Via', 'From', 'To', 'Call-ID', 'CSeq'].map(name => `${name}: ${header(ping, name)}`),
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    );

  test('its answer is taken, tells the location service, and goes nowhere', () => {
    const world = start([contact(1)], { natping_interval: 1, ...SIP_PINGS, keepalive_timeout: 9 });
    world.advance(1000);
    expect(world.timeouts).toEqual([[9, 0]]);
    world.advance(40);
    const ping = world.kept[0]!.text;
    world.receive(answer(ping, 100));
    expect(world.alive).toEqual([]);
    world.receive(answer(ping, 486));
    expect(world.alive).toEqual([['uloc-5f-1', 40_000]]);
    expect(world.kept).toHaveLength(1);
    expect(world.runtime.stats.get('nathelper', 'pings_sent')).toBe(1);
    expect(world.runtime.stats.get('nathelper', 'pings_answered')).toBe(1);
    expect(world.runtime.stats.get('core', 'drop_replies')).toBe(0);
  });

  test('nobody else can say that a contact is alive', () => {
    const world = start([contact(1)], { natping_interval: 1, ...SIP_PINGS });
    world.advance(1000);
    const ping = world.kept[0]!.text;
    for (const change of [
      (t: string) => t.replace('uloc-5f-1-', 'uloc-5f-2-'),
      (t: string) => t.replace(/(tag=uloc[^\r]*)/, '$10'),
      (t: string) => t.replace('1 OPTIONS', '1 INVITE'),
      (t: string) => t.replace('\r\nFrom', '\r\nVia: SIP/2.0/UDP 192.0.2.1\r\nFrom'),
    ])
      world.receive(answer(ping, 200, change));
    expect(world.alive).toEqual([]);
  });

  test('with keepalive_timeout and ping_nated_only only contacts that get requests are judged', () => {
    const world = start([], { natping_interval: 1, ...SIP_PINGS, keepalive_timeout: 9, ping_nated_only: 1 });
    world.advance(1000);
    expect(world.timeouts).toEqual([[9, NAT | SIP]]);
    const zeros = start([], { natping_interval: 1, keepalive_timeout: 9 });
    zeros.advance(1000);
    expect(zeros.timeouts).toEqual([]);
  });

  test('many contacts go out in portions', () => {
    const many = Array.from({ length: 1000 }, (_, i) => contact(1, { ruid: `r${i}`, uri: `sip:u@192.0.2.1:${i + 1}` }));
    const { advance, kept } = start(many, { natping_interval: 1 });
    advance(1000);
    expect(kept).toHaveLength(200);
    advance(5);
    expect(kept).toHaveLength(400);
    advance(100);
    expect(kept).toHaveLength(1000);
  });

  test('a contact whose text could end a header gets no request', () => {
    const { advance, kept } = start([contact(1, { uri: 'sip:a@192.0.2.1;x\r\nX: y' })], {
      natping_interval: 1,
      ...SIP_PINGS,
    });
    advance(1000);
    expect(kept).toEqual([]);
  });

  test('nathelper.enable_ping turns them off and on', async () => {
    const { runtime, advance, kept } = start([contact(1)], { natping_interval: 1 });
    await runtime.rpc.call('nathelper.enable_ping', [0]);
    advance(3000);
    expect(kept).toEqual([]);
    await runtime.rpc.call('nathelper.enable_ping', [1]);
    advance(1000);
    expect(kept).toHaveLength(1);
    await expect(runtime.rpc.call('nathelper.enable_ping', ['x'])).rejects.toThrow(/number/);
  });

  test('without a location service they end, and the log says so', () => {
    const { advance, log } = testRuntime('function ksr_request_route() end', {
      modules: ['pv', 'nathelper'],
      modparams: params({}),
    });
    advance(5000);
    expect(log.lines.filter(l => l.message.includes('module usrloc is not loaded'))).toHaveLength(1);
  });
});

describe('with usrloc and registrar', () => {
  const SCRIPT = `
    function ksr_request_route()
      if KSR.hdr.get("X-Flag") then KSR.setbflag(6) KSR.setbflag(7) end
      KSR.nathelper.fix_nated_register()
      KSR.registrar.save("location", 0)
    end
    function ksr_reply_route() KSR.hdr.append("X-Seen: 1\\r\\n") end`;
  const modparams = [
    ['nathelper', 'received_avp', '$avp(rcv)'],
    ['registrar', 'received_avp', '$avp(rcv)'],
    ['usrloc', 'nat_bflag', 6],
    ['usrloc', 'timer_interval', 1],
    ['usrloc', 'preload', 'location'],
    ['nathelper', 'natping_interval', 2],
    ['nathelper', 'ping_nated_only', 1],
    ['nathelper', 'sipping_bflag', 7],
    ['nathelper', 'sipping_from', 'sip:pinger@example.com'],
    ['nathelper', 'keepalive_timeout', 10],
  ].map(([module, name, value]) => ({ module, name, value }) as ModParamSetting);
  const register = (user: string, flag: boolean) =>
    request('REGISTER', 'sip:example.com', [
      `Contact: <sip:${user}@10.0.0.1:5062>`,
      'Expires: 600',
      ...(flag ? ['X-Flag: 1'] : []),
    ])
      .replace('sip:bob@', `sip:${user}@`)
      .replace('call-1', `call-${user}`);

  test('a contact behind NAT is pinged where its REGISTER came from, and is gone when it falls silent', () => {
    const world = testRuntime(SCRIPT, { modparams });
    world.receive(register('nat', true), { ip: '203.0.113.5', port: 40001 });
    world.receive(register('open', false), { ip: '203.0.113.6', port: 40002 });
    expect(world.sent.map(s => s.text.split('\r\n')[0])).toEqual(['SIP/2.0 200 OK', 'SIP/2.0 200 OK']);
    expect(world.sent[0]!.text).toContain('received="sip:203.0.113.5:40001"');
    const pings = () => world.sent.filter(s => s.text.startsWith('OPTIONS '));
    world.advance(2000);
    expect(pings().map(s => `${s.ip}:${s.port}`)).toEqual(['203.0.113.5:40001']);
    for (let i = 0; i < 10; i++) {
      const ping = pings().at(-1)!.text;
      const lines = ping.split('\r\n').filter(line => /^(Via|From|To|Call-ID|CSeq):/.test(line));
      const reply = ['SIP/2.0 200 OK', ...lines, 'Content-Length: 0', '', ''].join('\r\n');
      expect(world.receive(reply, { ip: '203.0.113.5', port: 40001 })).toEqual([]);
      world.advance(2000);
    }
    expect(pings()).toHaveLength(11);
    expect(world.runtime.stats.get('nathelper', 'pings_answered')).toBe(10);
    expect(world.runtime.stats.get('usrloc', 'location_contacts')).toBe(2);
    world.advance(20_000);
    const silent = pings().length;
    expect(silent).toBeLessThan(20);
    world.advance(20_000);
    expect(pings()).toHaveLength(silent);
    expect(world.runtime.stats.get('usrloc', 'location_contacts')).toBe(1);
  });
});

describe('what save() stores of a Contact that was changed', () => {
  const stored = (code: string, contact: string) => {
    const world = testRuntime(`function ksr_request_route() ${code} KSR.registrar.save("location", 0) end`, {
      modparams: [{ module: 'usrloc', name: 'preload', value: 'location' }],
    });
    const [reply] = world.receive(request('REGISTER', 'sip:example.com', [`Contact: ${contact}`, 'Expires: 60']));
    return /^Contact: (.*)\r$/m.exec(reply!.text)?.[1];
  };

  // as the real one answered
  test.for([
    ['', '<sip:a@127.0.0.1:5063>', '<sip:a@127.0.0.1:5063>;expires=60'],
    ['KSR.nathelper.fix_nated_contact()', '<sip:a@127.0.0.1:5063>', '<sip:a@127.0.0.1:5062>;expires=60'],
    [
      'KSR.nathelper.set_contact_alias()',
      'sip:a@127.0.0.1:5063',
      '<sip:a@127.0.0.1:5063;alias=127.0.0.1~5062~1>;expires=60',
    ],
    ['KSR.nathelper.add_contact_alias()', '<sip:a@127.0.0.1:5063>', '<sip:a@127.0.0.1:5063>;expires=60'],
    ['KSR.nathelper.add_rcv_param(1)', '<sip:a@127.0.0.1:5063>', '<sip:a@127.0.0.1:5063>;expires=60'],
  ])('%s', ([code, contact, expected]) => {
    expect(stored(code!, contact!)).toBe(expected);
  });
});

describe('configuration', () => {
  test.for<[Record<string, number | string>, RegExp]>([
    [{ udpping_from_path: 1 }, /udpping_from_path/],
    [{ natping_socket: '192.0.2.1:5060' }, /natping_socket "192\.0\.2\.1:5060"/],
    [{ force_socket: 'nonsense::' }, /force_socket/],
    [{ sipping_from: 'no uri' }, /sipping_from/],
    [{ sipping_method: 'GO NOW' }, /sipping_method/],
    [{ alias_name: 'a;b' }, /alias_name/],
  ])('refuses %j', ([more, error]) => {
    expect(() => testRuntime(undefined, { modparams: params(more) })).toThrow(error);
  });

  test('force_socket names the socket that pings leave by', () => {
    const { advance, from } = start([contact(1)], { natping_interval: 1, force_socket: '127.0.0.1:5070' });
    advance(1000);
    expect(from).toEqual([1]);
  });
});
