import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteStr, bytesOf } from '../../../src/core/memory.ts';
import type { HttpRequest } from '../../../src/kemi/http.ts';
import { HttpFramer, looksLikeHttp, MAX_HEAD_BYTES } from '../../../src/transport/http-framer.ts';

/** What a framer makes of chunks; each request is answered at once. */
function framed(chunks: readonly string[], bodyLimit = 100) {
  const got: string[] = [];
  const requests: HttpRequest[] = [];
  const framer: HttpFramer = new HttpFramer(bodyLimit, {
    request: request => {
      requests.push(request);
      got.push(`${request.method} ${request.target} ${request.headers.length} ${byteStr(request.body)}`);
      framer.next();
    },
    refused: (code, reason) => got.push(`${code} ${reason}`),
  });
  for (const chunk of chunks) framer.push(bytesOf(chunk));
  return { got, requests, framer };
}

const GET = 'GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n';
const POST = 'POST /rpc HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello';

describe('HttpFramer', () => {
  it('reads requests with and without a body, several in one chunk, empty lines between', () => {
    expect(framed([`${POST}\r\n${GET}${POST}`]).got).toEqual(['POST /rpc 2 hello', 'GET /a?b 1 ', 'POST /rpc 2 hello']);
  });

  it('gives the same for any cut of any sequence', () => {
    const whole = framed([POST + GET + POST + GET]).got;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 * (GET.length + POST.length) }), { maxLength: 12 }), cuts => {
        const text = POST + GET + POST + GET;
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        expect(framed(at.slice(1).map((end, i) => text.slice(at[i], end))).got).toEqual(whole);
      }),
    );
    expect(framed([...(POST + GET)]).got).toEqual(['POST /rpc 2 hello', 'GET /a?b 1 ']);
  });

  it('gives the next request only after the answer to the last', () => {
    const got: string[] = [];
    const framer = new HttpFramer(10, { request: r => got.push(r.target), refused: code => got.push(String(code)) });
    framer.push(bytesOf(GET + GET));
    expect([got.length, framer.busy, framer.partial]).toEqual([1, true, false]);
    framer.push(bytesOf('GET /c HTTP/1.1\r\n'));
    framer.next();
    expect(got.length).toBe(2);
    framer.next();
    expect([got.length, framer.partial]).toEqual([2, true]);
    expect(byteStr(framer.takeRest())).toBe('GET /c HTTP/1.1\r\n');
  });

  it.each([
    ['GET /\r\n\r\n', 400],
    ['GET  / HTTP/1.1\r\n\r\n', 400],
    ['GET / HTTP/2.0\r\n\r\n', 505],
    ['G@T / HTTP/1.1\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nNo colon\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nName : x\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nA: 1\r\n folded\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nA: x\0y\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nA: x\ny\r\n\r\n', 400],
    ['POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na', 400],
    ['POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\na', 400],
    ['POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\na', 400],
    ['POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n', 413],
    ['POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 501],
    [`GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(101)}\r\n`, 431],
    [`GET / HTTP/1.1\r\nA: ${'x'.repeat(MAX_HEAD_BYTES)}\r\n\r\n`, 431],
    [`GET /${'x'.repeat(MAX_HEAD_BYTES + 1)}`, 431],
  ])('refuses %j with %i', (text, code) => {
    const { got } = framed([text]);
    expect(got.map(g => g.slice(0, 3))).toEqual([String(code)]);
  });

  it('takes nothing behind what it refused', () => {
    expect(framed(['nonsense\r\n\r\n', GET]).got).toEqual(['400 Bad Request']);
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }), chunks => {
        const { got } = framed(chunks.map(byteStr));
        expect(got.length).toBeLessThan(500);
      }),
    );
  });
});

describe('looksLikeHttp()', () => {
  it.each([
    ['GET / HTTP/1.1\r\n', true],
    ['POST /x HTTP/1.0\n', true],
    ['OPTIONS sip:a@b SIP/2.0\r\n', false],
    ['SIP/2.0 200 OK\r\n', false],
    ['\r\n\r\n', false],
    ['\x16\x03\x01', false],
    ['GET / HTTP', undefined],
    ['', undefined],
    ['A'.repeat(MAX_HEAD_BYTES + 1), false],
  ])('%j: %s', (text, expected) => {
    expect(looksLikeHttp(bytesOf(text))).toBe(expected);
  });
});
