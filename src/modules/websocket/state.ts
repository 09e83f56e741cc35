/** What module websocket keeps, and its timer. */
import type { ByteStr } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import type { ClosedConnection, ModuleHost } from '../../kemi/host.ts';
import type { ModParamValues } from '../../kemi/table.ts';
import { newWebSocketCounters, type WebSocketCounters, type WebSocketLinks } from '../../kemi/web-socket.ts';
import { runEvent } from '../core/api.ts';

export const CLOSED_EVENT = 'websocket:closed';
const SUB_SIP = 1;
const SUB_MSRP = 2;
const PING = 1;
const GOING_AWAY = 1001;

/** 0: no header; 1: for all; 2: as Origin says */
export type CorsMode = 0 | 1 | 2;

/** Where the transport has no WebSockets. */
const NONE: WebSocketLinks = {
  enabled: false,
  counters: newWebSocketCounters(),
  size: 0,
  find: () => undefined,
  all: () => [],
};

export class WebSocketState {
  readonly links: WebSocketLinks;
  readonly cors: CorsMode;
  readonly #host: ModuleHost;
  readonly #callback: ByteStr;

  /** @throws KemiError KEMI_ERR_CONFIG */
  constructor(host: ModuleHost, params: ModParamValues) {
    this.#host = host;
    this.links = host.webSockets ?? NONE;
    this.cors = Number(params.cors_mode) as CorsMode;
    this.#callback = String(params.event_callback);
    const protocols = Number(params.sub_protocols);
    if (!(protocols & SUB_SIP))
      throw new KemiError('KEMI_ERR_CONFIG', `Cannot use websocket sub_protocols ${protocols}: only sip (1) is there`);
    if (protocols & SUB_MSRP) host.log.warn({ module: 'websocket' }, 'websocket: sub-protocol msrp is not served');
    defineStatistics(host, this.links);
    const mechanism = Number(params.keepalive_mechanism);
    if (mechanism === 0) return;
    const idleMs = Number(params.keepalive_timeout) * 1000;
    const data = String(params.ping_application_data ?? `kemi-wasm/${host.version}`);
    host.every(Number(params.keepalive_interval) * 1000, () => this.#keepAlive(idleMs, mechanism === PING, data));
  }

  /** Runs the event's route for a connection that was a WebSocket. */
  closed(how: ClosedConnection | undefined): void {
    if (how?.proto === 'ws' || how?.proto === 'wss') void runEvent(this.#host, this.#callback, CLOSED_EVENT, how);
  }

  /** A peer that was idle for so long gets a ping; one that did not answer the last one is closed. */
  #keepAlive(idleMs: number, ping: boolean, data: ByteStr): void {
    const late = this.#host.monotonic() - idleMs;
    for (const link of this.links.all()) {
      if (link.usedMs > late || !link.open) continue;
      if (link.awaitsPong) link.close(GOING_AWAY, 'no pong');
      else if (ping) link.ping(data);
      else link.pong(data);
    }
  }
}

/** The same under two names: all sub-protocols, and sip, which is the only one. */
const COUNTED: readonly (keyof WebSocketCounters)[] = [
  'failed_connections',
  'local_closed_connections',
  'max_concurrent_connections',
  'received_frames',
  'remote_closed_connections',
  'successful_handshakes',
  'transmitted_frames',
];

function defineStatistics({ stats }: ModuleHost, links: WebSocketLinks): void {
  const { counters } = links;
  const define = (name: string, read: () => number) => stats.define('websocket', name, read);
  for (const prefix of ['ws_', 'ws_sip_']) {
    define(`${prefix}current_connections`, () => links.size);
    for (const name of COUNTED) define(`${prefix}${name}`, () => counters[name]);
  }
  define('ws_failed_handshakes', () => counters.failed_handshakes);
  define('ws_bad_frames', () => counters.bad_frames);
}
