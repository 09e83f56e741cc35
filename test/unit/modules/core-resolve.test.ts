/** RFC 3263: which targets a URI has, with a DNS made for the test. */
import { describe, expect, test } from 'vitest';
import type { ModuleHost, Resolver, Socket } from '../../../src/kemi/host.ts';
import { NoTarget, type Target, Targets } from '../../../src/kemi/targets.ts';
import { nextHopsOf, targetOf } from '../../../src/modules/core/api.ts';
import { byPriority, MAX_TARGETS } from '../../../src/modules/core/resolve.ts';
import { openCore, sip, withMsg } from '../../support/core.ts';

const core = openCore();

interface Zone {
  readonly naptr?: Record<string, string[]>;
  readonly srv?: Record<string, string[]>;
  readonly a?: Record<string, string[]>;
  /** names whose questions fail */
  readonly broken?: readonly string[];
}

const UDP4: Omit<Socket, 'index'> = { proto: 'udp', ip: '127.0.0.1', port: 5060 };
const SOCKETS = [UDP4];
const ALL = [
  UDP4,
  { ...UDP4, ip: '::1' },
  ...(['tcp', 'tls', 'ws', 'wss'] as const).map(proto => ({ ...UDP4, proto })),
];

/** of a request that has this URI as its destination */
const all = (host: ModuleHost, uri: string) =>
  withMsg(core, sip(['OPTIONS sip:192.0.2.99 SIP/2.0']), msg => {
    msg.dstUri = uri;
    return nextHopsOf(host, msg);
  });
const listOf = (found: Target | readonly Target[]): readonly Target[] => [found].flat();

function world(zone: Zone, sockets: readonly Omit<Socket, 'index'>[] = SOCKETS, random: () => number = () => 0.5) {
  const asked: string[] = [];
  const answer = <T>(
    kind: string,
    name: string,
    list: string[] | undefined,
    read: (text: string) => T,
  ): Promise<T[]> => {
    asked.push(`${kind} ${name}`);
    if (zone.broken?.includes(name)) return Promise.reject(new Error('timeout'));
    return Promise.resolve((list ?? []).map(read));
  };
  const resolver: Resolver = {
    naptr: name =>
      answer('naptr', name, zone.naptr?.[name], text => {
        const [order, preference, flags, services, replacement] = text.split(' ') as [
          string,
          string,
          string,
          string,
          string,
        ];
        return { order: Number(order), preference: Number(preference), flags, services, regexp: '', replacement };
      }),
    srv: name =>
      answer('srv', name, zone.srv?.[name], text => {
        const [priority, weight, port, target] = text.split(' ') as [string, string, string, string];
        return { priority: Number(priority), weight: Number(weight), port: Number(port), target };
      }),
    addresses: name => answer('a', name, zone.a?.[name], ip => ({ ip, family: ip.includes(':') ? 6 : 4 })),
    ptr: async () => [],
  };
  const host = {
    core,
    targets: new Targets(core),
    random,
    resolver,
    sockets: sockets.map((s, index) => ({ ...s, index })),
  } as unknown as ModuleHost;
  const targets = async (uri: string) => {
    const found = await all(host, uri);
    return found instanceof NoTarget ? found.why : listOf(found).map(t => `${t.proto}:${t.ip}:${t.port}`);
  };
  const first = async (uri: string) => {
    const found = await targetOf(host, uri);
    return found instanceof NoTarget ? found.why : `${found.proto}:${found.ip}:${found.port}`;
  };
  return { host, asked, targets, first };
}

describe('numeric hosts are answered at once', () => {
  test.for([
    ['sip:a@192.0.2.1', 'udp:192.0.2.1:5060'],
    ['sip:192.0.2.1:5080;transport=tcp', 'tcp:192.0.2.1:5080'],
    ['sips:192.0.2.1', 'tls:192.0.2.1:5061'],
    ['sips:192.0.2.1;transport=tcp', 'tls:192.0.2.1:5061'],
    ['sips:192.0.2.1;transport=ws', 'wss:192.0.2.1:5061'],
    ['sip:[2001:db8::1]:7', 'udp:2001:db8::1:7'],
    ['sip:example.com;maddr=192.0.2.9', 'udp:192.0.2.9:5060'],
    ['sip:example.com:5070;maddr=192.0.2.9;transport=tls', 'tls:192.0.2.9:5070'],
  ])('%s', ([uri, expected]) => {
    const { host, asked } = world({});
    const one = targetOf(host, uri!);
    expect(one).not.toBeInstanceOf(Promise);
    expect(one).toMatchObject({ proto: expected!.split(':')[0] });
    const found = listOf(all(host, uri!) as Target);
    expect(found.map(t => `${t.proto}:${t.ip}:${t.port}`)).toEqual([expected]);
    expect(asked).toEqual([]);
  });
});

describe('names', () => {
  const zone: Zone = {
    naptr: {
      'n.example': [
        '20 0 s SIP+D2T _sip._tcp.n.example',
        '10 5 s SIP+D2U _sip._udp.n.example',
        '10 0 s SIPS+D2T _sips._tcp.n.example',
        '5 0 u E2U+sip ignored.example',
        '4 0 a SIP+D2U ignored.example',
      ],
    },
    srv: {
      '_sip._udp.n.example': ['1 0 5062 one.example', '0 0 5061 two.example'],
      '_sip._tcp.n.example': ['0 0 5070 one.example'],
      '_sips._tcp.n.example': ['0 0 5081 one.example'],
      '_sip._udp.s.example': ['0 0 5062 one.example'],
      '_sip._tcp.s.example': ['0 0 5063 two.example'],
      '_sip._tcp.t.example': ['0 0 5064 one.example'],
      '_sips._tcp.s.example': ['0 0 5065 two.example'],
      '_sips._ws.s.example': ['0 0 5066 two.example'],
      '_sip._udp.none.example': ['0 0 0 .'],
      '_sip._udp.gone.example': ['0 0 5060 nowhere.example', '1 0 5060 one.example'],
    },
    a: {
      'one.example': ['192.0.2.1'],
      'two.example': ['2001:db8::2', '192.0.2.2', '192.0.2.3'],
      'plain.example': ['192.0.2.7', '192.0.2.7', '192.0.2.8'],
      'six.example': ['2001:db8::6'],
    },
  };

  test.for<[string, string[] | string]>([
    // NAPTR: order, then preference, and only what we speak
    ['sip:n.example', ['udp:192.0.2.2:5061', 'udp:192.0.2.3:5061', 'udp:192.0.2.1:5062']],
    // SRV by the transport, where NAPTR says nothing
    ['sip:s.example', ['udp:192.0.2.1:5062']],
    // addresses where SRV says nothing either, each once
    ['sip:plain.example', ['udp:192.0.2.7:5060', 'udp:192.0.2.8:5060']],
    // a port needs neither
    ['sip:n.example:5099', '"n.example" has no address'],
    ['sip:one.example:5099', ['udp:192.0.2.1:5099']],
    ['sip:other.example;maddr=one.example', ['udp:192.0.2.1:5060']],
    ['sip:none.example', '"none.example" has no address'],
    ['sip:gone.example', ['udp:192.0.2.1:5060']],
    ['sip:six.example', '"six.example" has no address'],
    ['sip:s.example;transport=tcp', '"s.example" has no target: no socket speaks tcp'],
    [`sip:${'a'.repeat(254)}`, `"${'a'.repeat(254)}" is too long for a name`],
  ])('with a UDP socket: %s', async ([uri, expected]) => {
    expect(await world(zone).targets(uri)).toEqual(expected);
  });

  test.for<[string, string[] | string]>([
    [
      'sip:n.example',
      [
        'tls:192.0.2.1:5081',
        'udp:2001:db8::2:5061',
        'udp:192.0.2.2:5061',
        'udp:192.0.2.3:5061',
        'udp:192.0.2.1:5062',
        'tcp:192.0.2.1:5070',
      ],
    ],
    // sips takes SIPS services only
    ['sips:n.example', ['tls:192.0.2.1:5081']],
    ['sip:t.example', ['tcp:192.0.2.1:5064']],
    ['sip:s.example;transport=tcp', ['tcp:192.0.2.2:5063', 'tcp:192.0.2.3:5063']],
    ['sips:s.example', ['tls:192.0.2.2:5065', 'tls:192.0.2.3:5065']],
    ['sips:s.example;transport=ws', ['wss:192.0.2.2:5066', 'wss:192.0.2.3:5066']],
    ['sip:s.example;transport=tls', ['tls:192.0.2.2:5065', 'tls:192.0.2.3:5065']],
    ['sips:plain.example', ['tls:192.0.2.7:5061', 'tls:192.0.2.8:5061']],
    ['sip:six.example', ['udp:2001:db8::6:5060']],
  ])('with sockets of all kinds: %s', async ([uri, expected]) => {
    expect(await world(zone, ALL).targets(uri)).toEqual(expected);
  });

  test('targetOf() asks no more than the first target takes', async () => {
    const { first, asked } = world(zone);
    expect(await first('sip:n.example')).toBe('udp:192.0.2.2:5061');
    expect(asked).toEqual(['naptr n.example', 'srv _sip._udp.n.example', 'a two.example']);
  });
});

describe('a DNS that fails', () => {
  test('a question that fails is no record; two of them end it', async () => {
    const zone: Zone = {
      broken: ['n.example'],
      srv: { '_sip._udp.n.example': ['0 0 5061 one.example'] },
      a: { 'one.example': ['192.0.2.1'] },
    };
    expect(await world(zone).targets('sip:n.example')).toEqual(['udp:192.0.2.1:5061']);
    const dead = world({ broken: ['n.example', '_sip._udp.n.example', '_sip._tcp.n.example'] });
    expect(await dead.targets('sip:n.example')).toBe('cannot resolve "n.example": timeout');
    expect(dead.asked.length).toBe(2);
  });

  test('what was found before still serves', async () => {
    const zone: Zone = {
      srv: { '_sip._udp.n.example': ['0 0 1 one.example', '1 0 2 dead.example', '2 0 3 dead.example'] },
      a: { 'one.example': ['192.0.2.1'] },
      broken: ['dead.example'],
    };
    expect(await world(zone).targets('sip:n.example')).toEqual(['udp:192.0.2.1:1']);
  });

  test('a failure of the only question is named', async () => {
    expect(await world({ broken: ['one.example'] }).targets('sip:one.example:5060')).toBe(
      'cannot resolve "one.example": timeout',
    );
  });
});

test('a zone with too much in it takes a bounded number of questions and gives a bounded number of targets', async () => {
  const many = Array.from({ length: 500 }, (_, i) => `0 0 ${i + 1} h${i}.example`);
  const { targets, asked } = world({ srv: { '_sip._udp.big.example': many } });
  expect(await targets('sip:big.example')).toBe('"big.example" takes more than 16 questions');
  expect(asked.length).toBeLessThanOrEqual(16);
  const wide = world({ a: { 'wide.example': Array.from({ length: 500 }, (_, i) => `192.0.${i >> 8}.${i & 255}`) } });
  expect(await wide.targets('sip:wide.example:5060')).toHaveLength(MAX_TARGETS);
});

test('byPriority() draws among equals by weight (RFC 2782)', () => {
  const records = [
    { priority: 1, weight: 0, port: 1 },
    { priority: 0, weight: 3, port: 2 },
    { priority: 0, weight: 1, port: 3 },
    { priority: 0, weight: 0, port: 4 },
  ];
  const order = (draw: number) => byPriority({ random: () => draw }, records).map(r => r.port);
  expect(order(0)).toEqual([4, 3, 2, 1]);
  expect(order(0.3)).toEqual([3, 2, 4, 1]);
  expect(order(0.99)).toEqual([2, 3, 4, 1]);
  let seed = 1;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const firsts = new Map<number, number>();
  for (let i = 0; i < 4000; i++) {
    const [first] = byPriority({ random }, records);
    firsts.set(first!.port, (firsts.get(first!.port) ?? 0) + 1);
  }
  // of draws 0..4: 0 the one of weight 0, 1 that of weight 1, 2 to 4 that of weight 3
  expect(firsts.get(2)! / 4000).toBeCloseTo(0.6, 1);
  expect(firsts.get(3)! / 4000).toBeCloseTo(0.2, 1);
  expect(firsts.get(4)! / 4000).toBeCloseTo(0.2, 1);
});
