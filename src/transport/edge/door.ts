/** Who comes in: origins, sub-protocol, token, and the answer to whoever does not. */
import { ConfigError, KemiError, ScriptError } from '../../errors.ts';
import { numericHost } from '../../kemi/ip.ts';
import { HttpError, hasToken, json } from './http.ts';
import { consoleLine, lineLogger } from './log.ts';
import type { WorkerOptions } from './options.ts';
import type { Env } from './platform.ts';

/** RFC 7118 4 */
export const SUB_PROTOCOL = 'sip';
const PATHS = ['/health', '/route', '/rpc'];

export class Door {
  readonly #options: WorkerOptions;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  isUpgrade(request: Request): boolean {
    return request.headers.get('Upgrade')?.toLowerCase() === 'websocket';
  }

  /** @throws HttpError 400 the client does not offer SIP */
  wantSip(request: Request): void {
    const offered = (request.headers.get('Sec-WebSocket-Protocol') ?? '').split(',').map(p => p.trim().toLowerCase());
    if (!offered.includes(SUB_PROTOCOL))
      throw new HttpError(400, 'ask for the sub-protocol sip (RFC 7118): Sec-WebSocket-Protocol: sip');
  }

  /** @throws HttpError 403, or what the owner's `admit` answers */
  async admit(request: Request, env: Env): Promise<void> {
    const { origins, admit } = this.#options;
    const origin = request.headers.get('Origin');
    if (origins && origin !== null && !origins.includes(origin)) throw new HttpError(403, 'this origin is not served');
    const verdict = admit ? await admit(request, env) : true;
    if (verdict instanceof Response) throw new Refusal(verdict);
    if (!verdict) throw new HttpError(403, 'not admitted');
  }

  /** whether whoever asks knows the token; undefined: there is none */
  knows(request: Request, env: Env): boolean | undefined {
    const { token } = this.#options;
    const wanted = typeof token === 'function' ? token(env) : token;
    return wanted ? hasToken(request, wanted) : undefined;
  }

  /** @returns /health, /route or /rpc. @throws HttpError 401, 403, 404 */
  path(request: Request, env: Env): string {
    const { pathname } = new URL(request.url);
    if (!PATHS.includes(pathname))
      throw new HttpError(404, `there is ${PATHS.join(', ')}, and SIP over WebSocket (RFC 7118)`);
    if (pathname === '/health') return pathname;
    const knows = this.knows(request, env);
    if (knows === false) throw new HttpError(401, 'the token is missing or wrong', { 'WWW-Authenticate': 'Bearer' });
    if (pathname === '/rpc' && knows === undefined)
      throw new HttpError(403, 'commands need a token: give the worker one');
    return pathname;
  }

  /** Address of the peer. */
  peer(request: Request): string {
    const given = this.#options.peerAddress?.(request) ?? request.headers.get('CF-Connecting-IP') ?? '';
    return numericHost(given)?.ip ?? '127.0.0.1';
  }

  /** The answer, or what kept it from being one. */
  async answer(fn: () => Promise<Response>): Promise<Response> {
    try {
      return await fn();
    } catch (error) {
      if (error instanceof Refusal) return error.response;
      if (error instanceof HttpError) return json(error.status, { error: error.message }, error.headers);
      const ours = error instanceof KemiError || error instanceof ScriptError || error instanceof ConfigError;
      const log = lineLogger(this.#options.logLevel ?? 'info', this.#options.log ?? consoleLine);
      log.fatal({ err: error }, ours ? `Cannot start: ${error.message}` : 'Cannot answer a request: internal error');
      return json(500, { error: `${ours ? 'the server cannot start' : 'internal error'}: its log says why` });
    }
  }
}

/** An answer that the owner made. */
class Refusal extends Error {
  readonly response: Response;

  constructor(response: Response) {
    super('refused');
    this.response = response;
  }
}
