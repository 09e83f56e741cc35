/**
 * HTTP requests that come by a connection of SIP: what a script sees of one, and how it answers. Made by a transport, kept with the message that the script
 * gets, used by the modules xhttp, websocket and jsonrpcs.
 */
import type { ByteStr } from '../core/memory.ts';
import type { ModuleHost } from './host.ts';

export type HttpHeader = readonly [name: ByteStr, value: ByteStr];

export interface HttpRequest {
  readonly method: ByteStr;
  /** as the request line has it */
  readonly target: ByteStr;
  readonly version: '1.0' | '1.1';
  readonly headers: readonly HttpHeader[];
  readonly body: Uint8Array;
}

export interface HttpAnswer {
  /** 100..999 */
  readonly code: number;
  readonly reason: ByteStr;
  /** each line with its CRLF; Content-Length and Connection are added */
  readonly headers?: ByteStr;
  readonly body?: ByteStr;
  /** closes the connection behind it */
  readonly close?: boolean;
}

/** One request's answer: given once. */
export interface HttpExchange {
  readonly request: HttpRequest;
  readonly answered: boolean;
  /** @returns false when it was answered already, or the connection is gone */
  answer(answer: HttpAnswer): boolean;
  /**
   * Makes a WebSocket of the connection, for SIP. The caller has looked at the handshake (checkHandshake).
   * @param headers lines for the answer, without CRLF  @returns false when it was answered already, the connection is gone, or there are no WebSockets here
   */
  upgrade(headers: readonly ByteStr[]): boolean;
}

/** key of host.perMessage */
export const HTTP_EXCHANGE = Symbol('http exchange');

/** The HTTP request at hand, undefined when the message is none. */
export function exchangeOf(host: Pick<ModuleHost, 'perMessage' | 'message'>): HttpExchange | undefined {
  return host.message && (host.perMessage.get(HTTP_EXCHANGE) as HttpExchange | undefined);
}

/** The values of a header, joined as RFC 9110 5.3 says; undefined when it is not there. @param name in lower case */
export function headerOf({ headers }: HttpRequest, name: string): ByteStr | undefined {
  const values = headers.filter(h => h[0].toLowerCase() === name).map(h => h[1]);
  return values.length > 0 ? values.join(', ') : undefined;
}

/** Whether a list of tokens has one, in any case. */
export function hasToken(list: ByteStr | undefined, token: string): boolean {
  return (list ?? '').split(',').some(t => t.trim().toLowerCase() === token);
}
