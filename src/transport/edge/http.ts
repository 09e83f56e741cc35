/** Small parts of HTTP: bodies with an end, answers in JSON, the token. */

export class HttpError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'HttpError';
    this.status = status;
    this.headers = headers;
  }
}

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers },
  });
}

/** @throws HttpError 413 behind `limit` bytes: the rest is not read */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  const tooLong = () => new HttpError(413, `the body is longer than ${limit} bytes`);
  if (Number(request.headers.get('Content-Length') ?? 0) > limit) throw tooLong();
  if (!request.body) return new Uint8Array(0);
  const reader = request.body.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > limit) {
      await reader.cancel();
      throw tooLong();
    }
    parts.push(value);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}

/** @throws HttpError 405 */
export function wantMethod(request: Request, ...methods: string[]): void {
  if (!methods.includes(request.method))
    throw new HttpError(405, `write ${methods.join(' or ')}`, { Allow: methods.join(', ') });
}

/** Whether the request carries the token. The time it takes tells nothing of where the two differ. */
export function hasToken(request: Request, token: string): boolean {
  const given = /^Bearer +(\S+)\s*$/i.exec(request.headers.get('Authorization') ?? '')?.[1] ?? '';
  let difference = given.length ^ token.length;
  for (let i = 0; i < token.length; i++) difference |= (given.charCodeAt(i) || 0) ^ token.charCodeAt(i);
  return difference === 0;
}

/** @throws HttpError 400 */
export function base64Bytes(text: string): Uint8Array {
  let binary: string;
  try {
    binary = atob(text.replace(/\s+/g, ''));
  } catch {
    throw new HttpError(400, 'the body is no base64');
  }
  return Uint8Array.from(binary, c => c.charCodeAt(0));
}

export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
