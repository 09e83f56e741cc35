/** One RPC command run for a script, and its reply. */
import { type ByteStr, byteStr, byteStrOf, utf8Of } from '../../core/memory.ts';
import { RpcError } from '../../errors.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { exchangeOf } from '../../kemi/http.ts';
import type { PvClass } from '../../kemi/pv-types.ts';
import type { Call, XVal } from '../../kemi/table.ts';
import { prettyJson } from './pretty.ts';

export interface JsonRpcState {
  readonly pretty: boolean;
}

export interface Reply {
  readonly code: number;
  readonly text: ByteStr;
  readonly body: ByteStr;
}

/** Kept with the message: a command that waits must not answer for another one. */
interface Slot {
  reply: Reply | undefined;
}

type Request = { readonly id: string | number | null | undefined; readonly method: string; readonly params: unknown };

/** The reply of the last command of the current message. */
export function replyOf(state: JsonRpcState, host: ModuleHost): Reply | undefined {
  return (host.perMessage.get(state) as Slot | undefined)?.reply;
}

/** @returns 1 the command ran, whatever came of it; -1 it is no JSON-RPC request; a promise where the command waits */
export function execute(state: JsonRpcState, host: ModuleHost, command: ByteStr): number | Promise<number> {
  const request = parse(command);
  if (typeof request === 'string') {
    host.log.error({ module: 'jsonrpcs' }, `Cannot run a JSON-RPC command: ${request}`);
    return -1;
  }
  let slot = host.perMessage.get(state) as Slot | undefined;
  if (!slot) host.perMessage.set(state, (slot = { reply: undefined }));
  const kept = slot;
  const done = (reply: Reply) => {
    kept.reply = reply;
    return 1;
  };
  const succeeded = (result: unknown) => done(success(state, request, result));
  const failed = (error: unknown) => done(failure(state, request, error));
  try {
    const result = host.callRpc?.(request.method, request.params);
    return result instanceof Promise ? result.then(succeeded, failed) : succeeded(result);
  } catch (error) {
    return failed(error);
  }
}

/** Runs the command in the body of the HTTP request at hand, and answers it. @returns 1; -1; a promise where the command waits */
export function dispatch(state: JsonRpcState, host: ModuleHost): number | Promise<number> {
  const exchange = exchangeOf(host);
  if (!exchange) {
    host.log.error({ module: 'jsonrpcs' }, 'Cannot dispatch a JSON-RPC request: the message is no HTTP request');
    return -1;
  }
  // of this message: another one may be at hand when a command that waits is done
  const kept = host.perMessage;
  const answer = (ran: number) => {
    const reply = (kept.get(state) as Slot | undefined)?.reply;
    if (ran < 0 || !reply) return -1;
    const headers = `Content-Type: application/json\r\nServer: kemi-wasm/${host.version}\r\n`;
    const { code, text, body } = reply;
    const status = code >= 100 && code <= 599 ? code : 500;
    return exchange.answer({ code: status, reason: text.replace(/[\r\n\0]/g, ' '), headers, body }) ? 1 : -1;
  };
  const ran = execute(state, host, byteStr(exchange.request.body));
  return ran instanceof Promise ? ran.then(answer) : answer(ran);
}

export const replyPv: PvClass = {
  name: 'jsonrpl',
  doc: "Reply of the message's last KSR.jsonrpcs.exec(): code, text or body.",
  inner: 'required',
  innerAs: 'raw',
  check: inner =>
    ['code', 'text', 'body'].includes(inner) ? undefined : `$jsonrpl() takes code, text or body, not "${inner}"`,
  get: ({ state, host }: Call<JsonRpcState>, { inner }): XVal => {
    const reply = replyOf(state, host);
    if (inner === 'code') return reply?.code ?? 0;
    return (inner === 'text' ? reply?.text : reply?.body) ?? null;
  },
};

/** @returns what is wrong with it, as text */
function parse(command: ByteStr): Request | string {
  let given: unknown;
  try {
    given = JSON.parse(utf8Of(command));
  } catch {
    return 'it is not JSON';
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return 'it is no object';
  const { jsonrpc, method, params, id } = given as Record<string, unknown>;
  if (jsonrpc !== '2.0') return 'its "jsonrpc" is not "2.0"';
  if (typeof method !== 'string') return 'its "method" is no string';
  if (params !== undefined && (typeof params !== 'object' || params === null))
    return 'its "params" are neither a list nor an object';
  if (id !== undefined && id !== null && typeof id !== 'string' && typeof id !== 'number')
    return 'its "id" is neither a string nor a number';
  return { id: id as Request['id'], method, params };
}

function success(state: JsonRpcState, { id }: Request, result: unknown): Reply {
  return { code: 200, text: 'OK', body: written(state, { jsonrpc: '2.0', result, ...(id !== undefined && { id }) }) };
}

function failure(state: JsonRpcState, { id }: Request, error: unknown): Reply {
  const code = error instanceof RpcError ? error.rpcCode : 500;
  const message = error instanceof Error ? error.message : String(error);
  const body = written(state, { jsonrpc: '2.0', error: { code, message }, ...(id !== undefined && { id }) });
  return { code, text: byteStrOf(message), body };
}

const written = ({ pretty }: JsonRpcState, value: unknown): ByteStr =>
  byteStrOf(pretty ? prettyJson(value) : JSON.stringify(value));
