/** RPC commands of module websocket, with Kamailio's names, results and errors. */
import { RpcError } from '../../errors.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import type { RpcCommand } from '../../kemi/table.ts';
import type { WebSocketLink } from '../../kemi/web-socket.ts';
import type { WebSocketState } from './state.ts';

type Command = RpcCommand<WebSocketState>;

/** how many connections ws.dump shows */
const SHOWN = 50;
const ORDERS = ['id_hash', 'used_desc', 'used_asc'];
const PING_DATA = 'ping';

function found(state: WebSocketState, [id]: unknown[]): WebSocketLink {
  if (!Number.isInteger(Number(id)) || id === undefined || id === '') throw new RpcError(500, 'Invalid Parameters');
  const link = state.links.find(Number(id));
  if (!link) throw new RpcError(500, 'Unknown connection ID');
  return link;
}

const dump: Command = {
  name: 'ws.dump',
  doc: 'Returns the first 50 WebSockets. Parameter: order, id_hash (the default), used_desc or used_asc.',
  run: ({ state, host }, [order = 'id_hash']) => {
    if (!ORDERS.includes(String(order))) throw new RpcError(400, 'Bad display order parameter');
    const links = [...state.links.all()];
    if (order === 'used_asc') links.sort((a, b) => a.usedMs - b.usedMs);
    if (order === 'used_desc') links.sort((a, b) => b.usedMs - a.usedMs);
    const now = host.monotonic();
    return {
      connections: links.slice(0, SHOWN).map(link => line(host, link, now)),
      info: { wscounter: links.length, truncated: links.length > SHOWN ? 'yes' : 'no' },
    };
  },
};

function line({ sockets }: ModuleHost, link: WebSocketLink, now: number): string {
  const { proto, ip, port } = sockets[link.socket]!;
  const at = (address: string, n: number) => `${proto}:${address.includes(':') ? `[${address}]` : address}:${n}`;
  const state = link.open ? 'OPEN' : 'CLOSING';
  const used = Math.floor((now - link.usedMs) / 1000);
  return `${link.id}: ${at(link.ip, link.port)} -> ${at(ip, port)} (state: ${state},  last used ${used}s ago, sub-protocol: sip)`;
}

/** A command for one connection. */
const forLink = (name: string, doc: string, what: (link: WebSocketLink) => boolean): Command => ({
  name,
  doc: `${doc} Parameter: its id.`,
  run: ({ state }, params) => {
    if (!what(found(state, params))) throw new RpcError(500, 'Connection is closing');
    return {};
  },
});

const turn = (name: string, doc: string, enabled: boolean): Command => ({
  name,
  doc,
  run: ({ state }) => {
    state.links.enabled = enabled;
    return {};
  },
});

export const COMMANDS: readonly Command[] = [
  dump,
  forLink('ws.close', 'Begins to close a WebSocket.', link => link.close(1000, 'Normal closure')),
  forLink('ws.ping', 'Sends a ping frame.', link => link.ping(PING_DATA)),
  forLink('ws.pong', 'Sends a pong frame.', link => link.pong(PING_DATA)),
  turn('ws.disable', 'Takes no more WebSockets; those that are open stay.', false),
  turn('ws.enable', 'Takes WebSockets again.', true),
];
