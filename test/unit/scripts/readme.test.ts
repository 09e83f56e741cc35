/** What the README shows is run. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { createRuntime } from '../../../src/index.ts';
import { loadWasm } from '../../../src/transport/node/index.ts';

const README = readFileSync(path.resolve(import.meta.dirname, '../../../README.md'), 'utf8');
const block = (language: string, has: string) => {
  const found = [...README.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].find(m => m[1] === language && m[2]!.includes(has));
  if (!found) throw new Error(`the README has no ${language} block with ${has}`);
  return found[2]!;
};
const runtimeFor = async (sent: string[] = []) =>
  createRuntime({
    wasm: await loadWasm(),
    sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 5060 }],
    send: (_socket, bytes) => sent.push(new TextDecoder().decode(bytes)) > 0,
  });

it('the library example prints the answer', async () => {
  const lines: string[] = [];
  const source = block('js', 'createRuntime').replace(/^import .*$/gm, '');
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  await new AsyncFunction('createRuntime', 'loadWasm', 'console', source)(createRuntime, loadWasm, {
    log: (line: string) => lines.push(line),
  });
  expect(lines.join('\n')).toMatch(/^to 198\.51\.100\.7:5060\nSIP\/2\.0 200 OK\r\n/);
});

it('the example script has no findings and answers', async () => {
  const source = new TextEncoder().encode(block('lua', 'ksr_request_route'));
  const sent: string[] = [];
  const runtime = await runtimeFor(sent);
  expect(runtime.check({ name: 'route.lua', source })).toEqual([]);
  runtime.load({ name: 'route.lua', source });
  const request = (method: string) =>
    [
      `${method} sip:127.0.0.1 SIP/2.0`,
      'Via: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bK1',
      'From: <sip:alice@example.com>;tag=1',
      'To: <sip:127.0.0.1>',
      'Call-ID: 1@example.com',
      `CSeq: 1 ${method}`,
      '\r\n',
    ].join('\r\n');
  for (const method of ['OPTIONS', 'INVITE'])
    runtime.receive(new TextEncoder().encode(request(method)), { ip: '127.0.0.1', port: 5062 });
  expect(sent.map(s => s.split('\r\n')[0])).toEqual(['SIP/2.0 200 Hello alice', 'SIP/2.0 404 Not Found']);
  await runtime.close();
});
