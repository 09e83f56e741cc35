/**
 * JSON-RPC over a local unix socket, one request or batch on a line: what `kemi-wasm ctl` talks to. Who may open the socket file may command the
 * server, so the file is for its owner only (0600, in a folder of 0700).
 */
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { KemiError, RpcError } from '../../errors.ts';
import { type JsonRpcHandler, jsonRpcHandler, type RpcCall } from '../../rpc/json-rpc.ts';

/** The longest request, and the longest answer a client takes. */
const MAX_REQUEST_BYTES = 1 << 20;
const MAX_ANSWER_BYTES = 64 << 20;
const MAX_CLIENTS = 64;
/** A client that neither writes nor reads for so long is cut off: it may not hold an answer in our memory for ever. */
const IDLE_MS = 120_000;
/** sockaddr_un holds 108 bytes with the final NUL on Linux, 104 on macOS. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/** Where the socket is when nobody says: in the user's runtime folder, else in a folder of his own in the temporary one. */
export function defaultCtlPath(env: NodeJS.ProcessEnv = process.env): string {
  return env.XDG_RUNTIME_DIR
    ? path.join(env.XDG_RUNTIME_DIR, 'kemi-wasm', 'ctl.sock')
    : path.join(os.tmpdir(), `kemi-wasm-${os.userInfo().uid}`, 'ctl.sock');
}

export interface CtlServer {
  readonly path: string;
  /** Cuts off the clients and removes the socket file. */
  close(): Promise<void>;
}

export interface CtlOptions {
  /** socket file; default: defaultCtlPath() */
  readonly path?: string;
  readonly idleMs?: number;
}

/**
 * Opens the socket. A socket file that nobody serves any more is replaced.
 * @throws KemiError KEMI_ERR_LISTEN: another server is there, the folder is not ours, the path is too long
 */
export async function listenCtl(call: RpcCall, options: CtlOptions = {}): Promise<CtlServer> {
  const file = path.resolve(options.path ?? defaultCtlPath());
  if (Buffer.byteLength(file) > MAX_PATH_BYTES)
    throw cannot(file, `the path is longer than ${MAX_PATH_BYTES} bytes; choose a shorter one with --ctl`);
  prepareFolder(path.dirname(file), options.path === undefined, file);
  await removeStale(file);
  const handle = jsonRpcHandler(call);
  const clients = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, socket => {
    clients.add(socket);
    socket.on('close', () => clients.delete(socket));
    // A client that goes away in the middle is no event of ours.
    socket.on('error', () => {});
    socket.setTimeout(options.idleMs ?? IDLE_MS, () => socket.destroy());
    serve(socket, handle).catch(() => socket.destroy());
  });
  server.maxConnections = MAX_CLIENTS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(cannot(file, `${error.message}; choose another with --ctl`, error)),
    );
    // bind() happens inside listen(): with this mask the file is never open to others. Worker threads cannot set it and rely on the folder.
    const mask = isMainThread ? process.umask(0o177) : undefined;
    server.listen(file, resolve);
    if (mask !== undefined) process.umask(mask);
  });
  fs.chmodSync(file, 0o600);
  return {
    path: file,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        for (const client of clients) client.destroy();
      }),
  };
}

/** Answers the lines of one client, one after the other; what it does not read stays with it. */
async function serve(socket: net.Socket, handle: JsonRpcHandler): Promise<void> {
  let parts: Buffer[] = [];
  let bytes = 0;
  const answer = async () => {
    const text = Buffer.concat(parts).toString().trim();
    parts = [];
    bytes = 0;
    if (text === '') return;
    const response = await handle(text);
    if (response !== undefined && !socket.write(`${response}\n`)) await drained(socket);
  };
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    let at = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, at)) {
      parts.push(chunk.subarray(at, end));
      bytes += end - at;
      at = end + 1;
      if (bytes > MAX_REQUEST_BYTES) return tooLong(socket);
      await answer();
    }
    parts.push(chunk.subarray(at));
    bytes += chunk.length - at;
    if (bytes > MAX_REQUEST_BYTES) return tooLong(socket);
  }
  // `printf '{...}' | nc -U` sends no line end.
  await answer();
  socket.end();
}

function tooLong(socket: net.Socket): void {
  const error = { code: -32600, message: `Invalid Request: longer than ${MAX_REQUEST_BYTES} bytes` };
  socket.end(`${JSON.stringify({ jsonrpc: '2.0', id: null, error })}\n`, () => socket.destroy());
}

function drained(socket: net.Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('drain', resolve);
    socket.once('close', () => reject(new Error('the client went away')));
  });
}

/** @param own whether the folder is of our choice: then it must be the user's alone */
function prepareFolder(folder: string, own: boolean, file: string): void {
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!own) return;
    const stat = fs.lstatSync(folder);
    if (!stat.isDirectory() || stat.uid !== os.userInfo().uid)
      throw cannot(file, `${folder} belongs to somebody else; choose another place with --ctl`);
    if (stat.mode & 0o077) fs.chmodSync(folder, 0o700);
  } catch (error) {
    if (error instanceof KemiError) throw error;
    throw cannot(file, `${(error as Error).message}; choose another place with --ctl`, error);
  }
}

async function removeStale(file: string): Promise<void> {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isSocket()) throw cannot(file, 'a file that is no socket is there; remove it or choose another with --ctl');
  const alive = await new Promise<boolean>(resolve => {
    const probe = net.connect(file);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
  if (alive)
    throw cannot(file, 'a server that runs is reached there; stop it, or give this one its own socket with --ctl PATH');
  fs.rmSync(file, { force: true });
}

const cannot = (file: string, why: string, cause?: unknown) =>
  new KemiError('KEMI_ERR_LISTEN', `Cannot open the control socket ${file}: ${why}`, { cause });

/**
 * Calls a command of the server behind a socket file.
 * @param timeoutMs how long to wait for the answer, milliseconds
 * @returns the result
 * @throws RpcError the server said no; KemiError KEMI_ERR_RPC nobody is there, or the answer makes no sense
 */
export function callCtl(file: string, method: string, params: unknown[], timeoutMs = 10_000): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const socket = net.connect(file, () =>
      socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })}\n`),
    );
    const fail = (why: string) => {
      socket.destroy();
      reject(new KemiError('KEMI_ERR_RPC', `Cannot call ${method}: ${why}`));
    };
    socket.setTimeout(timeoutMs, () => fail(`no answer from ${file} within ${timeoutMs / 1000} s`));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const nobody = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
      fail(
        nobody
          ? `no server is reached at ${file}; start one with kemi-wasm run, or name its socket with --ctl PATH`
          : error.code === 'EACCES'
            ? `${file} belongs to another user`
            : error.message,
      );
    });
    socket.on('data', chunk => {
      parts.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) fail(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
      else if (chunk.at(-1) === 10) socket.end();
    });
    socket.once('close', () => {
      try {
        const { error, result } = JSON.parse(Buffer.concat(parts).toString());
        if (error) reject(new RpcError(error.code, error.message));
        else resolve(result);
      } catch {
        fail(`${file} closed the connection without an answer`);
      }
    });
  });
}
