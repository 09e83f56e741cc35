/** What module rr keeps: its parameters for the runtime. What it finds of a message lies with the message (M_RRPARAMS). */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { Uri } from '../../core/sip-msg.ts';
import type { ModuleHost, Socket } from '../../kemi/host.ts';
import { numericHost } from '../../kemi/ip.ts';
import type { RegexCache } from '../../kemi/posix-regex.ts';
import type { Pv } from '../../kemi/pv-types.ts';
import type { Call } from '../../kemi/table.ts';
import { uriParams } from '../../kemi/uri.ts';

export interface State {
  /** RRO_*: what the core does by */
  readonly bits: number;
  /** core.x.rrArea() */
  readonly area: number;
  readonly username: boolean;
  /** custom_user_avp, compiled at its first use: PVs are there only after all modules are */
  readonly userAvp: ByteStr;
  user: Pv | undefined;
  readonly mismatchWarning: boolean;
  readonly regexes: RegexCache;
}
export type C = Call<State>;

/** undefined: not there; '' when it has no value. Names in any case (RFC 3261 19.1.4) */
function param(params: ByteStr | undefined, name: string): ByteStr | undefined {
  const found = uriParams(params).find(p => p.name.toLowerCase() === name);
  return found && (found.value ?? '');
}

/** The listening socket of a route of ours: by its name where the parameter sn says it, else by address, port and transport. */
export function socketOf(host: ModuleHost, state: State, uri: Uri): Socket | undefined {
  const name = state.bits & L.RRO_NAMES ? param(uri.params, 'sn') : undefined;
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
