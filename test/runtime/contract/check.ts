/** What the suites check with: a few functions that need no runtime and no library. */

/** @throws Error saying what was expected */
export function ok(value: unknown, what = 'a true value'): asserts value {
  if (!value) throw new Error(`expected ${what}, got ${show(value)}`);
}

/** Deep equality of plain values, arrays and bytes. */
export function equal(actual: unknown, expected: unknown, what = ''): void {
  if (!same(actual, expected)) throw new Error(`${what && `${what}: `}expected ${show(expected)}, got ${show(actual)}`);
}

export function contains(text: string, part: string | RegExp): void {
  if (typeof part === 'string' ? !text.includes(part) : !part.test(text))
    throw new Error(`expected ${typeof part === 'string' ? show(part) : part} in ${show(text)}`);
}

/** @returns what was thrown  @param code of a KemiError, when it matters */
export function throws(run: () => unknown, code?: string): Error {
  try {
    run();
  } catch (error) {
    return withCode(error, code);
  }
  throw new Error(`expected ${code ?? 'an error'}, nothing was thrown`);
}

/** @returns what the promise was rejected with */
export async function rejects(promise: Promise<unknown>, code?: string): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return withCode(error, code);
  }
  throw new Error(`expected ${code ?? 'an error'}, the promise was fulfilled`);
}

/** Waits until `ready` gives something true; looks every few milliseconds. */
export async function until<T>(ready: () => T | Promise<T>, what = 'it', timeoutMs = 30_000): Promise<NonNullable<T>> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await ready();
    if (value) return value;
    if (performance.now() > end) throw new Error(`${what} did not happen within ${timeoutMs} ms`);
    await sleep(5);
  }
}

export const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

export const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
export const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function withCode(error: unknown, code: string | undefined): Error {
  if (!(error instanceof Error)) throw new Error(`expected an Error, got ${show(error)}`);
  const { code: actual } = error as { code?: unknown };
  if (code !== undefined && actual !== code)
    throw new Error(`expected ${code}, got ${show(actual)}: ${error.message}`, { cause: error });
  return error;
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (ArrayBuffer.isView(a) || Array.isArray(a)) {
    const [x, y] = [a, b] as unknown as ArrayLike<unknown>[];
    if (!x || !y || x.length !== y.length) return false;
    return Array.from(x).every((value, i) => same(value, y[i]));
  }
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every(k => Object.hasOwn(b, k) && same(Reflect.get(a, k), Reflect.get(b, k)))
  );
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes ${[...value.subarray(0, 40)].join(' ')}`;
  const text = typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 600 ? `${text.slice(0, 600)}...` : text;
}
