/** What module rr keeps: its parameters for the runtime; per message the parameters of the route that led here. */
import type { ByteStr } from '../../core/memory.ts';
import type { Uri } from '../../core/sip-msg.ts';
import type { ModuleHost, Socket } from '../../kemi/host.ts';
import { numericHost } from '../../kemi/ip.ts';
import type { RegexCache } from '../../kemi/posix-regex.ts';
import type { Pv } from '../../kemi/pv-types.ts';
import type { Call } from '../../kemi/table.ts';
import { uriParams } from '../../kemi/uri.ts';

export interface State {
  /** `;lr` or `;lr=on` */
  readonly lr: ByteStr;
  readonly fromTag: boolean;
  readonly double: 'auto' | 'always' | 'never';
  readonly username: boolean;
  /** custom_user_avp, compiled at its first use: PVs are there only after all modules are */
  readonly userAvp: ByteStr;
  user: Pv | undefined;
  readonly mismatchWarning: boolean;
  readonly forceSocket: boolean;
  readonly ignoreSips: boolean;
  readonly socketNames: boolean;
  readonly regexes: RegexCache;
}
export type C = Call<State>;

/** What loose_route() found out about a message. */
export interface Routed {
  /** parameters of our own route with their first semicolon; '' when the message came without */
  readonly params: ByteStr;
  /** the next hop was taken from a Route header */
  readonly nextHop: boolean;
}

const KEY = Symbol('rr');
export const routed = (host: ModuleHost): Routed | undefined => host.perMessage.get(KEY) as Routed | undefined;
export const setRouted = (host: ModuleHost, value: Routed): void => void host.perMessage.set(KEY, value);

/** undefined: not there; '' when it has no value. Names in any case (RFC 3261 19.1.4) */
export function param(params: ByteStr | undefined, name: string): ByteStr | undefined {
  // in-dialog requests pass here several times: no list is made when the name does not occur
  if (!params?.toLowerCase().includes(name)) return undefined;
  const found = uriParams(params).find(p => p.name.toLowerCase() === name);
  return found && (found.value ?? '');
}

/** Whether the URI leads to this server. Without a port the default one is meant, whatever the transport. */
export function isOurs(host: ModuleHost, uri: Uri): boolean {
  return host.isMyself(uri.host, uri.port || 5060, 0);
}

/** The listening socket of a route of ours: by its name where the parameter sn says it, else by address, port and transport. */
export function socketOf(host: ModuleHost, state: State, uri: Uri): Socket | undefined {
  const name = state.socketNames ? param(uri.params, 'sn') : undefined;
  const named = name && host.sockets.find(s => s.name === name);
  if (named) return named;
  const proto = param(uri.params, 'transport')?.toLowerCase() || 'udp';
  const port = uri.port || 5060;
  const ip = numericHost(uri.host)?.ip ?? uri.host;
  return host.sockets.find(
    s =>
      // what Record-Route says of a secure WebSocket is transport=ws
      (s.proto === proto || (proto === 'ws' && s.proto === 'wss')) &&
      ((s.ip === ip && s.port === port) || (s.advertisedIp === ip && (s.advertisedPort ?? s.port) === port)),
  );
}
