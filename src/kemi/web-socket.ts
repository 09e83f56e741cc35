/** WebSockets (RFC 6455) that carry SIP (RFC 7118), as modules see them, and their handshake. */
import type { ByteStr } from '../core/memory.ts';
import { type HttpAnswer, type HttpRequest, hasToken, headerOf } from './http.ts';

/** One WebSocket. */
export interface WebSocketLink {
  /** id of its connection, which messages come with */
  readonly id: number;
  /** address of the peer, as text, no brackets */
  readonly ip: string;
  readonly port: number;
  /** index of the socket that its messages come in by */
  readonly socket: number;
  /** false from the first close frame on */
  readonly open: boolean;
  /** when a frame last came or went; monotonic, milliseconds */
  readonly usedMs: number;
  /** a ping of ours has no answer yet */
  readonly awaitsPong: boolean;
  /** @returns false when it is not open any more, or too much waits for it */
  ping(data: ByteStr): boolean;
  pong(data: ByteStr): boolean;
  /** Begins to close it. @param code as RFC 6455 7.4 allows a peer to send  @param reason UTF-8, at most 123 bytes */
  close(code: number, reason: ByteStr): boolean;
}

/** What Kamailio counts of WebSockets, with its names. */
export interface WebSocketCounters {
  /** not upgraded: a bad handshake */
  failed_handshakes: number;
  successful_handshakes: number;
  /** ended without a close frame */
  failed_connections: number;
  local_closed_connections: number;
  remote_closed_connections: number;
  max_concurrent_connections: number;
  received_frames: number;
  transmitted_frames: number;
  /** closed for a frame that is empty or no SIP */
  bad_frames: number;
}

export interface WebSocketLinks {
  /** whether handshakes are taken */
  enabled: boolean;
  readonly counters: WebSocketCounters;
  readonly size: number;
  find(id: number): WebSocketLink | undefined;
  all(): Iterable<WebSocketLink>;
}

export function newWebSocketCounters(): WebSocketCounters {
  return {
    failed_handshakes: 0,
    successful_handshakes: 0,
    failed_connections: 0,
    local_closed_connections: 0,
    remote_closed_connections: 0,
    max_concurrent_connections: 0,
    received_frames: 0,
    transmitted_frames: 0,
    bad_frames: 0,
  };
}

/** the one version there is */
const VERSION = '13';
const VERSION_LINE = `Sec-WebSocket-Version: ${VERSION}\r\n`;
/** 16 bytes in base64 */
const KEY = /^[+/0-9A-Za-z]{22}==$/;

/**
 * Looks at an opening handshake (RFC 6455 4.2.1) for the sub-protocol `sip`.
 * @returns undefined when all is well, else what is wrong, and the answer that says it: as Kamailio answers
 */
export function checkHandshake(
  request: HttpRequest,
): { readonly why: string; readonly answer: HttpAnswer } | undefined {
  const version = headerOf(request, 'sec-websocket-version');
  if (version !== undefined && version !== VERSION) {
    const answer = { code: 426, reason: 'Upgrade Required', headers: VERSION_LINE, close: true };
    return { why: `it asks for version ${version} of WebSocket`, answer };
  }
  const why = wrong(request, version);
  if (!why) return undefined;
  const headers = `Sec-WebSocket-Protocol: sip\r\n${VERSION_LINE}`;
  return { why, answer: { code: 400, reason: 'Bad Request', headers, close: true } };
}

function wrong(request: HttpRequest, version: ByteStr | undefined): string | undefined {
  if (request.method !== 'GET') return `its method is ${request.method}, not GET`;
  if (request.version !== '1.1') return 'it is not of HTTP/1.1';
  if (!hasToken(headerOf(request, 'upgrade'), 'websocket')) return 'Upgrade does not say websocket';
  if (!hasToken(headerOf(request, 'connection'), 'upgrade')) return 'Connection does not say Upgrade';
  if (version === undefined) return 'Sec-WebSocket-Version is missing';
  if (!KEY.test(headerOf(request, 'sec-websocket-key') ?? '')) return 'Sec-WebSocket-Key is no key';
  if (!hasToken(headerOf(request, 'sec-websocket-protocol'), 'sip')) return 'Sec-WebSocket-Protocol does not offer sip';
  return undefined;
}

/** Whether a code may stand in a close frame that we send (RFC 6455 7.4). */
export function isCloseCode(code: number): boolean {
  return (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
}
