import { expect, test } from 'vitest';
import { bytesOf } from '../../../src/core/memory.ts';
import { testRuntime } from '../../support/runtime.ts';

const request = (...headers: string[]) =>
  bytesOf(
    [
      'OPTIONS sip:b@example.com SIP/2.0',
      'Via: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKa',
      'From: <sip:a@example.net>;tag=f',
      'To: <sip:b@example.com>',
      'Call-ID: c',
      'CSeq: 1 OPTIONS',
      ...headers,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );

/** What a Lua expression gives with one request. */
function value(expression: string, headers: string[] = [], env: Record<string, string> = {}): string {
  const { runtime, log } = testRuntime(`function ksr_request_route() KSR.err(tostring(${expression})) end`, {
    env,
    defines: { NAME: 'v', COUNT: '12' },
  });
  runtime.receive(request(...headers), { ip: '127.0.0.1', port: 5062 });
  return log.lines.find(l => l.level === 'error')!.message;
}

test('get_au() reads the user of Digest credentials without its domain', () => {
  const digest = (user: string) =>
    `Digest realm="r, username=no", username=${user}, nonce="n", uri="sip:r", response="0"`;
  expect(value('KSR.kx.get_au()', [`Authorization: ${digest('"alice@home"')}`])).toBe('alice');
  expect(value('KSR.kx.get_au()', [`Authorization: ${digest('bob')}`])).toBe('bob');
  expect(value('KSR.kx.get_au()', ['Authorization: Basic Zm9v'])).toBe('nil');
  expect(value('KSR.kx.getw_au()')).toBe('<null>');
});

test('get_cturi() gives the last contact of the first Contact header', () => {
  const contact = (text: string) => value('KSR.kx.get_cturi()', [`Contact: ${text}`, 'Contact: <sip:later@h>']);
  expect(contact('<sip:one@h>;q=1, "B, <x>" <sip:two@h>')).toBe('sip:two@h');
  expect(contact('sip:one@h;q=1')).toBe('sip:one@h');
  expect(contact('*')).toBe('nil');
  expect(contact('<sip:one@h')).toBe('nil');
});

test('definitions and granted environment variables are text and numbers', () => {
  expect(value("KSR.kx.get_def('NAME') .. KSR.kx.get_defn('COUNT')")).toBe('v12');
  expect(value("KSR.kx.get_env('A') .. KSR.kx.get_envn('B')", [], { A: 'text', B: '-3' })).toBe('text-3');
  expect(value("KSR.kx.get_env('HOME')")).toBe('');
  expect(value("KSR.kx.ifdef('NAME')")).toBe('true');
  expect(value("KSR.kx.ifndef('NAME')")).toBe('false');
});

test('get_timestamp() is the injected clock in seconds', () => {
  expect(value('KSR.kx.get_timestamp()')).toBe('1700000000');
});

test('get_send_sock() and its kin are nil and 0 until a socket is chosen', () => {
  expect(value('KSR.kx.get_send_sock()')).toBe('nil');
  expect(value('KSR.kx.get_send_sock_port()')).toBe('0');
});
