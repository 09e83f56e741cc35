/** Counters of the stateless replies as statistics and RPC; relaying a reply. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import type { Call, RpcCommand } from '../../kemi/table.ts';
import { forwardReply as relay } from '../core/api.ts';

/** codes with a counter of their own, in the order of wasm/modules/sl.ts */
const OWN_CODES = [200, 202, 300, 301, 302, 400, 401, 403, 404, 407, 408, 483, 500];
const FIRST_OWN = 16;

/** Statistics of group sl and the word of wasm/modules/sl.ts that each reads. */
export const COUNTERS: readonly { name: string; index: number }[] = [
  { name: 'sent_replies', index: 0 },
  { name: 'sent_err_replies', index: 1 },
  { name: 'received_ACKs', index: 2 },
  { name: 'failures', index: 3 },
  ...[1, 2, 3, 4, 5, 6].map(n => ({ name: `${n}xx_replies`, index: 3 + n })),
  { name: 'xxx_replies', index: 10 },
  ...OWN_CODES.map((code, i) => ({ name: `${code}_replies`, index: FIRST_OWN + i })),
];

/** reads a counter by its index */
export function counterReader({ core }: ModuleHost): (index: number) => number {
  const at: number = core.x.slCounters();
  return index => core.mem.u32(at + 4 * index);
}

export const STATS_RPC: RpcCommand<undefined> = {
  name: 'sl.stats',
  workers: 'sum',
  doc: 'Stateless replies sent, by code.',
  run: ({ host }) => {
    const read = counterReader(host);
    const by = new Map(COUNTERS.map(({ name, index }) => [name, index]));
    const names = '200 202 2xx 300 301 302 3xx 400 401 403 404 407 408 483 4xx 500 5xx 6xx xxx'.split(' ');
    return Object.fromEntries(names.map(name => [name, read(by.get(`${name}_replies`)!)]));
  },
};

/** Relays the reply at hand with another status. The class of the code stays: 1xx must not become final, nor a refusal a success. */
export function forwardReply({ host, msg }: Call<undefined>, code: ByteStr, reason: ByteStr): number {
  if (!msg.isReply) return -1;
  const status = code === '' ? msg.status : Number(/^\d{3}$/.exec(code)?.[0] ?? 0);
  if (Math.floor(status / 100) !== Math.floor(msg.status / 100) || (msg.status < 200 && status !== msg.status))
    return -1;
  const changed = status !== msg.status || (reason !== '' && reason !== msg.reason);
  if (!changed) return relay(host, msg) ? 1 : -1;
  const text = (reason || msg.reason).replace(/[\r\n\0]/g, ' ');
  const at = msg.store(text);
  if (text && !at) return -1;
  const before = {
    status: msg.mem.u16(msg.at + L.M_NEWSTATUS),
    at: msg.u32(L.M_NEWREASON),
    length: msg.u32(L.M_NEWREASON + 4),
  };
  msg.setU16(L.M_NEWSTATUS, status);
  msg.setU32(L.M_NEWREASON, at);
  msg.setU32(L.M_NEWREASON + 4, text.length);
  const sent = relay(host, msg);
  // What the reply route sends later is the reply as it was.
  msg.setU16(L.M_NEWSTATUS, before.status);
  msg.setU32(L.M_NEWREASON, before.at);
  msg.setU32(L.M_NEWREASON + 4, before.length);
  return sent ? 1 : -1;
}
