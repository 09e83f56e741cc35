/** core.tcp_*: the connections, and what limits them. */
import type { ConnectionInfo } from '../kemi/host.ts';
import type { Command, RpcHost } from './commands.ts';

const STATES: Readonly<Record<ConnectionInfo['state'], string>> = {
  accepting: 'CONN_ACCEPT',
  connecting: 'CONN_CONNECT',
  open: 'CONN_OK',
  ending: 'CONN_EOF',
};

const seconds = (ms: number): number => (Number.isFinite(ms) ? Math.ceil(ms / 1000) : -1);

export function connectionCommands({ connections }: Pick<RpcHost, 'connections'>): Command[] {
  return [
    {
      name: 'core.tcp_list',
      doc: 'Returns the connections: of TCP and of all that runs over it. Seconds; -1 is for ever.',
      run: () =>
        (connections?.list() ?? []).map(c => ({
          id: c.id,
          type: c.proto.toUpperCase(),
          state: STATES[c.state],
          timeout: seconds(c.leftMs),
          lifetime: seconds(c.lifetimeMs),
          src_ip: c.ip,
          src_port: c.port,
          dst_ip: c.localIp,
          dst_port: c.localPort,
          write_queued_bytes: c.queuedBytes,
          aliases: c.aliases,
        })),
    },
    {
      name: 'core.tcp_info',
      doc: 'Returns how many connections there may be and are, and the bytes that wait for all of them.',
      run: () => ({
        readers: 1,
        max_connections: connections?.options.max_connections ?? 0,
        max_tls_connections: connections?.options.max_tls_connections ?? 0,
        opened_connections: connections?.count() ?? 0,
        opened_tls_connections: connections ? connections.count('tls') + connections.count('wss') : 0,
        write_queued_bytes: (connections?.list() ?? []).reduce((sum, c) => sum + c.queuedBytes, 0),
      }),
    },
    {
      name: 'core.tcp_options',
      doc: 'Returns what limits connections; times in seconds.',
      run: () => ({ ...connections?.options }),
    },
  ];
}
