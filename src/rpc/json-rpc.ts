/** JSON-RPC 2.0 (www.jsonrpc.org/specification) in front of the commands: one text in, one text out. */
import { createJSONRPCErrorResponse, JSONRPCServer } from 'json-rpc-2.0';
import { RpcError } from '../errors.ts';
import { rpcFailure } from './commands.ts';

export type RpcCall = (method: string, params?: unknown) => Promise<unknown>;

/** Answers one JSON-RPC request or batch. @returns undefined when there is nothing to answer (notifications) */
export type JsonRpcHandler = (text: string) => Promise<string | undefined>;

export function jsonRpcHandler(call: RpcCall): JsonRpcHandler {
  const server = new JSONRPCServer({ errorListener: () => {} });
  server.mapErrorToJSONRPCErrorResponse = (id, error) => {
    const { code, message, data } = rpcFailure(error);
    return createJSONRPCErrorResponse(id, code, message, data);
  };
  // The names live in one place, src/rpc/commands.ts: whatever comes goes there.
  server.handleMethodNotFound = async request => {
    if (typeof request.method !== 'string') throw new RpcError(-32600, 'Invalid Request');
    const result = await call(request.method, request.params);
    return request.id === undefined ? null : { jsonrpc: '2.0', id: request.id, result };
  };
  return async text => {
    let answer: unknown;
    try {
      answer = await server.receiveJSON(text);
    } catch {
      // The package reads members of what is not even an object.
      answer = createJSONRPCErrorResponse(null, -32600, 'Invalid Request');
    }
    return answer === null ? undefined : JSON.stringify(answer);
  };
}
