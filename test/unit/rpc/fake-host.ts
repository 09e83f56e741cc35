import type { RpcHost } from '../../../src/rpc/commands.ts';

/** Statistics as a runtime keeps them, in the smallest form. */
export function fakeStatistics(values: Record<string, number>): RpcHost['stats'] {
  const all = new Map(Object.entries(values));
  const list = () =>
    [...all].map(([key, value]) => {
      const [group, name] = key.split(':') as [string, string];
      return { group, name, value };
    });
  return {
    define: (group, name) => void all.set(`${group}:${name}`, 0),
    add: (group, name, by = 1) => void all.set(`${group}:${name}`, (all.get(`${group}:${name}`) ?? 0) + by),
    counter: () => ({ value: 0 }),
    set: (group, name, value) => void all.set(`${group}:${name}`, value),
    get: (group, name) => all.get(`${group}:${name}`),
    find: name => list().find(s => s.name === name),
    list,
  };
}

export function fakeRpcHost(more: Partial<RpcHost> = {}): RpcHost {
  return {
    connections: undefined,
    version: '9.9.9',
    startedMs: new Date(2025, 10, 4, 3, 50, 51).getTime(),
    now: () => new Date(2025, 10, 5, 4, 51, 53).getTime(),
    stats: fakeStatistics({
      'core:rcv_requests': 3,
      'sl:sent_replies': 2,
      'sl:1xx_replies': 0,
      'core:bad_URIs_rcvd': 1,
    }),
    sockets: [{ index: 0, proto: 'udp', ip: '127.0.0.1', port: 5060 }],
    aliases: ['example.com', 'example.org:5080'],
    defines: new Map([
      ['WITH_X', ''],
      ['NAME', 'v\xc3\xa9'],
    ]),
    modules: [],
    script: { name: '/etc/kemi/route.lua', version: 4, loadedMs: new Date(2025, 10, 5, 4, 0, 0).getTime() },
    reload: async () => ({ name: '/etc/kemi/route.lua', version: 5, loadedMs: 0 }),
    apiList: () => [
      { ret: 'none', module: '', name: 'set_drop', params: '' },
      { ret: 'int', module: 'sl', name: 'sl_send_reply', params: 'int, str' },
    ],
    components: () => [],
    reloadComponent: async () => 1,
    ...more,
  };
}
