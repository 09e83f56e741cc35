/** The HTTP side of a connection: requests in, one answer for each. */
import { bytesOf } from '../../core/memory.ts';
import { type HttpAnswer, type HttpExchange, type HttpRequest, hasToken, headerOf } from '../../kemi/http.ts';
import { HttpFramer, type HttpHandler } from '../http-framer.ts';

/** What it needs of its connection. */
export interface HttpConnection {
  /** gives bytes to the stream */
  writeHttp(bytes: Buffer): void;
  end(): void;
  /** no more is read until resume(): what comes meanwhile waits at the peer */
  pause(): void;
  resume(): void;
  readonly gone: boolean;
  upgrade(request: HttpRequest, rest: Uint8Array, headers: readonly string[]): boolean;
  exchange(exchange: HttpExchange): void;
}

export class HttpSide implements HttpHandler {
  readonly #connection: HttpConnection;
  readonly #framer: HttpFramer;

  /** @param bodyLimit bytes of a request's body */
  constructor(connection: HttpConnection, bodyLimit: number) {
    this.#connection = connection;
    this.#framer = new HttpFramer(bodyLimit, this);
  }

  get partial(): boolean {
    return this.#framer.partial;
  }

  push(chunk: Uint8Array): void {
    this.#framer.push(chunk);
  }

  close(): void {
    this.#framer.close();
  }

  refused(code: number, reason: string): void {
    this.#connection.writeHttp(answerBytes({ code, reason, close: true }, false));
    this.#connection.end();
  }

  request(request: HttpRequest): void {
    const connection = this.#connection;
    const framer = this.#framer;
    let answered = false;
    const take = () => {
      if (answered || connection.gone) return false;
      answered = true;
      return true;
    };
    // one at a time: a peer that sends more than we answer waits
    connection.pause();
    connection.exchange({
      request,
      get answered() {
        return answered;
      },
      answer(answer) {
        if (!take()) return false;
        const close = answer.close === true || wantsClose(request);
        connection.writeHttp(answerBytes({ ...answer, close }, request.method === 'HEAD'));
        connection.resume();
        if (close) connection.end();
        // not from here: the caller is within a route, and the next request runs one
        else queueMicrotask(() => framer.next());
        return true;
      },
      upgrade(headers) {
        if (!take()) return false;
        const rest = framer.takeRest();
        connection.resume();
        return connection.upgrade(request, rest, headers);
      },
    });
  }
}

function wantsClose(request: HttpRequest): boolean {
  const connection = headerOf(request, 'connection');
  return request.version === '1.0' ? !hasToken(connection, 'keep-alive') : hasToken(connection, 'close');
}

function answerBytes({ code, reason, headers = '', body = '', close }: HttpAnswer, headOnly: boolean): Buffer {
  const end = close ? 'Connection: close\r\n' : '';
  const head = `HTTP/1.1 ${code} ${reason}\r\n${headers}${end}Content-Length: ${body.length}\r\n\r\n`;
  return Buffer.from(bytesOf(headOnly ? head : head + body));
}
