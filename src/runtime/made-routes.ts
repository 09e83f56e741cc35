/** Requests of HTTP: the script gets a message that is made for them, as in Kamailio. */
import * as L from '../core/gen/layout.gen.ts';
import { type ByteStr, byteStr } from '../core/memory.ts';
import { HTTP_EXCHANGE, type HttpExchange } from '../kemi/http.ts';
import type { Messages } from './messages.ts';
import type { Source } from './options.ts';
import type { Router } from './router.ts';

export interface MadeRouteParts {
  readonly router: Router;
  readonly messages: Messages;
  /** the callback that takes a request of HTTP, undefined when there is none */
  readonly httpRoute: (exchange: HttpExchange) => ByteStr | undefined;
  /** protocol of a socket, in lower case */
  readonly viaProtocol: (socket: number) => ByteStr;
}

const HTTP_EVENT = 'xhttp:request';

/** Routes one request of HTTP. What the script does not answer gets 404, or 500 after an error, so that no client waits for nothing. */
export function routeHttp(parts: MadeRouteParts, exchange: HttpExchange, from: Source, socket: number): void {
  const { router, messages } = parts;
  const refuse = (code: number, reason: string) => {
    if (!exchange.answered) exchange.answer({ code, reason, close: code >= 500 });
  };
  const route = parts.httpRoute(exchange);
  if (route === undefined) {
    refuse(404, 'Not Found');
    return;
  }
  const at = router.make(httpText(parts, exchange, from, socket), from, socket);
  if (!at) {
    refuse(503, 'Service Unavailable');
    return;
  }
  messages.makeStore(at).set(HTTP_EXCHANGE, exchange);
  const { mem, x } = router.core;
  x.parseVia(at);
  // an answer of SIP has no connection to go by
  mem.setU32(at + L.M_MFLAGS, mem.u32(at + L.M_MFLAGS) | L.MFL_REPLY_NO_CONNECT);
  const end = router.runOn(at, L.RK_EVENT, route, HTTP_EVENT);
  const done = (bits: number) => {
    if (bits & 4) refuse(500, 'Internal Server Error');
    else refuse(404, 'Not Found');
    messages.release(at);
  };
  if (end instanceof Promise) void end.then(done);
  else done(end);
}

/** The request as a message: its start line says SIP, a Via is put in front, the rest is as it came. */
function httpText(parts: MadeRouteParts, { request }: HttpExchange, from: Source, socket: number): ByteStr {
  const { method, target, headers, body } = request;
  const lines = [`${method} ${target} SIP/2.0`, via(parts, from, socket), ...headers.map(([n, v]) => `${n}: ${v}`)];
  return `${lines.join('\r\n')}\r\n\r\n${byteStr(body)}`;
}

function via(parts: Pick<MadeRouteParts, 'viaProtocol'>, { ip, port }: Source, socket: number): ByteStr {
  return `Via: SIP/2.0/${parts.viaProtocol(socket).toUpperCase()} ${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
}
