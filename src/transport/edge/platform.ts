/** What is used here of workerd, by its documented names. Written down so that nobody needs the platform's own types to build this package. */

/** A WebSocket of the server's side. */
export interface ServerSocket {
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  serializeAttachment?(value: unknown): void;
  deserializeAttachment?(): unknown;
}

export type SqlValue = string | number | ArrayBuffer | null;

export interface SqlCursor {
  toArray(): Record<string, SqlValue>[];
  readonly rowsWritten: number;
}

/** `ctx.storage` of a Durable Object. */
export interface ObjectStorage {
  /** absent in a namespace without SQLite */
  readonly sql?: { exec(query: string, ...values: SqlValue[]): SqlCursor };
  transactionSync<T>(fn: () => T): T;
  getAlarm(): Promise<number | null>;
  setAlarm(atMs: number): Promise<void>;
}

/** `ctx` of a Durable Object. */
export interface ObjectState {
  readonly storage: ObjectStorage;
  acceptWebSocket(socket: ServerSocket): void;
  getWebSockets(): ServerSocket[];
  setWebSocketAutoResponse(pair?: unknown): void;
}

export interface ObjectNamespace {
  idFromName(name: string): unknown;
  get(id: unknown): { fetch(request: Request): Promise<Response> };
}

/** Bindings and variables of a worker. */
export type Env = Readonly<Record<string, unknown>>;

declare const WebSocketPair: new () => { readonly 0: ServerSocket; readonly 1: ServerSocket };
declare const WebSocketRequestResponsePair: new (request: string, response: string) => unknown;

/** Both ends of a new WebSocket: the client's, which the answer carries, and ours. */
export function socketPair(): readonly [client: ServerSocket, server: ServerSocket] {
  const pair = new WebSocketPair();
  return [pair[0], pair[1]];
}

/** A text that the platform answers by itself, while the object sleeps too. */
export function autoResponse(request: string, response: string): unknown {
  return new WebSocketRequestResponsePair(request, response);
}

/** The answer to a handshake. */
export function switchingProtocols(webSocket: ServerSocket, headers: Record<string, string>): Response {
  const init: ResponseInit & { webSocket: ServerSocket } = { status: 101, headers, webSocket };
  return new Response(null, init);
}

/** Whether a binding is a namespace of Durable Objects. */
export function isNamespace(binding: unknown): binding is ObjectNamespace {
  return typeof binding === 'object' && binding !== null && 'idFromName' in binding && 'get' in binding;
}
