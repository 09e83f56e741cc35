import http from 'node:http';
import net from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { RpcError } from '../../../../src/errors.ts';
import { listenRpcHttp, parseRpcHttp, type RpcHttpServer } from '../../../../src/transport/node/rpc-http.ts';
import { recordingLogger } from '../../../support/log.ts';

const servers: RpcHttpServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function listen(host = '127.0.0.1') {
  const log = recordingLogger();
  const server = await listenRpcHttp(
    { host, port: 0 },
    async (method, params) => {
      if (method === 'no') throw new RpcError(500, 'Method Not Found');
      return { method, params };
    },
    log,
  );
  servers.push(server);
  return { server, log, port: Number(new URL(server.url).port) };
}
const JSON_TYPE = { 'content-type': 'application/json' };
function ask(port: number, body: string, headers: http.OutgoingHttpHeaders = JSON_TYPE, method = 'POST') {
  return new Promise<{ status: number; text: string; allow: string | undefined }>((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method, path: '/RPC', headers }, response => {
      let text = '';
      response.setEncoding('utf8').on('data', chunk => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode!, text, allow: response.headers.allow }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

it('answers requests, errors, batches and notifications', async () => {
  const { port } = await listen();
  const one = '{"jsonrpc":"2.0","id":1,"method":"core.echo","params":["ü"]}';
  expect(await ask(port, one)).toMatchObject({
    status: 200,
    text: '{"jsonrpc":"2.0","id":1,"result":{"method":"core.echo","params":["ü"]}}',
  });
  expect((await ask(port, '{"jsonrpc":"2.0","id":2,"method":"no"}')).text).toBe(
    '{"jsonrpc":"2.0","id":2,"error":{"code":500,"message":"Method Not Found"}}',
  );
  expect(JSON.parse((await ask(port, `[${one},${one}]`)).text)).toHaveLength(2);
  expect(await ask(port, '{"jsonrpc":"2.0","method":"a"}')).toMatchObject({ status: 204, text: '' });
  expect(JSON.parse((await ask(port, 'garbage')).text).error.code).toBe(-32700);
  expect(
    (await ask(port, one, { 'content-type': 'application/json; charset=utf-8', host: 'localhost:1' })).status,
  ).toBe(200);
});

it('refuses what is no such request', async () => {
  const { port } = await listen();
  expect(await ask(port, '', {}, 'GET')).toMatchObject({ status: 405, allow: 'POST' });
  expect((await ask(port, '{}', { 'content-type': 'text/plain' })).status).toBe(415);
  expect((await ask(port, '{}', {})).status).toBe(415);
  expect((await ask(port, '{}', { ...JSON_TYPE, host: 'evil.example' })).status).toBe(403);
  expect((await ask(port, '{}', { ...JSON_TYPE, host: `evil.example:${port}` })).status).toBe(403);
});

it('a body that is too long ends the connection', async () => {
  const { port } = await listen();
  const status = await ask(port, 'x'.repeat(3 << 20)).then(
    r => r.status,
    error => error.code,
  );
  expect([413, 'ECONNRESET', 'EPIPE']).toContain(status);
  expect((await ask(port, '{"jsonrpc":"2.0","id":1,"method":"a"}')).status).toBe(200);
});

it('bytes that are no HTTP', async () => {
  const { port } = await listen();
  const answer = await new Promise<string>(resolve => {
    let text = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write('\0\x01garbage\r\n\r\n'));
    socket.on('data', chunk => (text += chunk));
    socket.on('close', () => resolve(text));
  });
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
});

it('an address that others reach is told; one that is in use is an error', async () => {
  const { log, port } = await listen('0.0.0.0');
  expect(log.lines.map(l => l.message)).toEqual([expect.stringContaining('open to other machines')]);
  expect((await listen()).log.lines).toEqual([]);
  await expect(listenRpcHttp({ host: '0.0.0.0', port }, async () => 1, log)).rejects.toMatchObject({
    code: 'KEMI_ERR_LISTEN',
    message: expect.stringContaining('the address is in use'),
  });
});

it('parseRpcHttp()', () => {
  expect(parseRpcHttp('8080')).toEqual({ host: '127.0.0.1', port: 8080 });
  expect(parseRpcHttp('localhost:0')).toEqual({ host: 'localhost', port: 0 });
  expect(parseRpcHttp('[::1]:80')).toEqual({ host: '::1', port: 80 });
  for (const bad of ['', 'a', 'a:', ':1', '1.2.3.4', '99999', '::1:80', 'a b:1'])
    expect(() => parseRpcHttp(bad)).toThrow(/Cannot serve RPC over HTTP/);
});
