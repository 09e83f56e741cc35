/** The WebSockets of one transport: which there are, what is counted of them, and the handshake of listeners that are for WebSockets alone. */
import type { Logger } from '../../core/log.ts';
import { byteStrOf } from '../../core/memory.ts';
import { type HttpExchange, type HttpRequest, headerOf } from '../../kemi/http.ts';
import {
  checkHandshake,
  newWebSocketCounters,
  type WebSocketCounters,
  type WebSocketLink,
  type WebSocketLinks,
} from '../../kemi/web-socket.ts';
import { WebSocketMaker } from './ws-link.ts';

export class WebSocketHub implements WebSocketLinks {
  enabled = true;
  readonly counters: WebSocketCounters = newWebSocketCounters();
  readonly maker: WebSocketMaker;
  readonly #log: Logger;
  readonly #origins: readonly string[] | undefined;
  readonly #links = new Map<number, WebSocketLink>();

  /** @param origins which pages may connect, for listeners without a script in front: see originAllowed() */
  constructor(log: Logger, messageBytes: number, origins: readonly string[] | undefined) {
    this.#log = log;
    this.#origins = origins;
    this.maker = new WebSocketMaker(messageBytes);
  }

  get size(): number {
    return this.#links.size;
  }

  find(id: number): WebSocketLink | undefined {
    return this.#links.get(id);
  }

  all(): Iterable<WebSocketLink> {
    return this.#links.values();
  }

  add(link: WebSocketLink): void {
    this.#links.set(link.id, link);
    this.counters.successful_handshakes++;
    this.counters.max_concurrent_connections = Math.max(this.counters.max_concurrent_connections, this.#links.size);
  }

  remove(id: number): void {
    this.#links.delete(id);
  }

  /** Takes the handshake, or says why not. */
  handshake(exchange: HttpExchange, peer: string): void {
    const wrong = this.#wrong(exchange.request);
    if (!wrong && exchange.upgrade([])) return;
    this.counters.failed_handshakes++;
    if (!wrong) return;
    this.#log.info({ peer, why: wrong.why }, `Cannot open a WebSocket: ${wrong.why}`);
    exchange.answer({ ...wrong.answer, close: true });
  }

  #wrong(request: HttpRequest): ReturnType<typeof checkHandshake> {
    if (!this.enabled) return { why: 'they are disabled', answer: { code: 503, reason: 'Service Unavailable' } };
    const wrong = checkHandshake(request);
    if (wrong) return wrong;
    const origin = headerOf(request, 'origin');
    if (originAllowed(origin, headerOf(request, 'host'), this.#origins)) return undefined;
    return {
      why: `a page of ${origin} may not: allow it with --ws-origin`,
      answer: { code: 403, reason: 'Forbidden' },
    };
  }
}

/**
 * Whether a page may open a WebSocket here. A browser says where the page came from, and opens any WebSocket for any page: without a rule a page of anybody
 * could speak SIP with a server that only the visitor's machine reaches.
 * @param origin Origin of the request; absent: it is no browser
 * @param host Host of the request
 * @param allowed `scheme://host[:port]`, or `*` for all; absent: pages of this very host, and of this machine
 */
export function originAllowed(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[] | undefined,
): boolean {
  if (origin === undefined) return true;
  if (allowed) return allowed.some(a => a === '*' || byteStrOf(a).toLowerCase() === origin.toLowerCase());
  const page = /^https?:\/\/(\[[^\]]+\]|[^:/]+)(?::\d+)?$/i.exec(origin)?.[1]?.toLowerCase();
  if (page === undefined) return false;
  const here = /^(\[[^\]]+\]|[^:/]+)(?::\d+)?$/.exec(host ?? '')?.[1]?.toLowerCase();
  return page === here || page === 'localhost' || page === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(page);
}
