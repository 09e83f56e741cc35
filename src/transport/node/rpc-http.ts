/**
 * JSON-RPC 2.0 over HTTP POST, for programs on this machine: one request or batch in the body, the answer in the answer's. There is no password: whoever reaches the address
 * commands the server, so it is a loopback address unless somebody says otherwise. A web page must not reach it through a visitor's browser: the body must be declared as
 * JSON, which browsers ask permission for (and get none), and the Host header must be an address or a name of this machine.
 */
import http from 'node:http';
import net from 'node:net';
import type { Logger } from '../../core/log.ts';
import { KemiError } from '../../errors.ts';
import { jsonRpcHandler, type RpcCall } from '../../rpc/json-rpc.ts';

const MAX_REQUEST_BYTES = 1 << 20;
const MAX_CLIENTS = 64;
const MAX_HEADER_BYTES = 8192;
/** for the whole request to arrive, milliseconds */
const REQUEST_MS = 10_000;
const IDLE_MS = 30_000;

export interface RpcHttpAddress {
  /** address or name to listen on */
  readonly host: string;
  /** 0 lets the system choose */
  readonly port: number;
}

export interface RpcHttpServer {
  /** where it listens: 'http://127.0.0.1:5080' */
  readonly url: string;
  close(): Promise<void>;
}

/** Reads `[HOST:]PORT`; without host the loopback address. @throws KemiError KEMI_ERR_CONFIG */
export function parseRpcHttp(text: string): RpcHttpAddress {
  const match = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65535)
    throw new KemiError(
      'KEMI_ERR_CONFIG',
      `Cannot serve RPC over HTTP on "${text}": write PORT, HOST:PORT or [IPv6]:PORT, for example 127.0.0.1:8080`,
    );
  return { host: match[1] ?? match[2] ?? '127.0.0.1', port };
}

/** @throws KemiError KEMI_ERR_LISTEN */
export async function listenRpcHttp(address: RpcHttpAddress, call: RpcCall, log: Logger): Promise<RpcHttpServer> {
  const handle = jsonRpcHandler(call);
  const server = http.createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      keepAliveTimeout: IDLE_MS,
    },
    (request, response) => {
      answer(request, response, address.host, handle).catch(error => {
        log.error({ err: error }, 'Cannot answer a JSON-RPC request over HTTP');
        if (!response.headersSent) refuse(response, 500, 'internal error');
        else response.destroy();
      });
    },
  );
  server.maxConnections = MAX_CLIENTS;
  // Bytes that are no HTTP: told to the client by node, no event of ours.
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'the address is in use' : cause.message;
      reject(
        new KemiError(
          'KEMI_ERR_LISTEN',
          `Cannot serve RPC over HTTP on ${address.host}:${address.port}: ${why}; choose another with --rpc-http`,
          { cause },
        ),
      );
    });
    server.listen({ host: address.host, port: address.port }, resolve);
  });
  const { address: ip, port } = server.address() as net.AddressInfo;
  if (!isLoopback(ip))
    log.warn(
      { address: ip, port },
      'RPC over HTTP is open to other machines, without a password: whoever reaches it commands this server',
    );
  return {
    url: `http://${net.isIPv6(ip) ? `[${ip}]` : ip}:${port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  host: string,
  handle: (text: string) => Promise<string | undefined>,
): Promise<void> {
  if (!isOurs(request.headers.host, host)) return refuse(response, 403, 'the Host header is no address of this server');
  if (request.method !== 'POST') {
    response.setHeader('Allow', 'POST');
    return refuse(response, 405, 'write POST');
  }
  if (!/^application\/(json|json-rpc|jsonrequest)\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    return refuse(response, 415, 'write Content-Type: application/json');
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_REQUEST_BYTES) return refuse(response, 413, `the body is longer than ${MAX_REQUEST_BYTES} bytes`);
    parts.push(chunk);
  }
  const body = await handle(Buffer.concat(parts).toString());
  // Notifications have no answer.
  if (body === undefined) response.writeHead(204).end();
  else response.writeHead(200, { 'Content-Type': 'application/json' }).end(body);
}

function refuse(response: http.ServerResponse, status: number, why: string): void {
  // What is left of the body is not read.
  response.writeHead(status, { 'Content-Type': 'text/plain', Connection: 'close' }).end(`${why}\n`);
}

/** An address, localhost, or the name we were told to listen on: a name of somebody else's choice (DNS rebinding) is none of ours. */
function isOurs(header: string | undefined, host: string): boolean {
  const name = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(header ?? '');
  const given = name?.[1] ?? name?.[2];
  return given !== undefined && (net.isIP(given) > 0 || given.toLowerCase() === 'localhost' || given === host);
}

const isLoopback = (ip: string): boolean => ip === '::1' || ip.startsWith('127.');
