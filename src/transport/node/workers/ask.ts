/** Questions and answers over a port, and errors on their way through it. */
import { type Diagnostic, ERROR_CODES, type ErrorCode, KemiError, RpcError, ScriptError } from '../../../errors.ts';
import type { Outcome, PlainError } from './protocol.ts';

/** What was asked and has no answer yet. */
export class Questions {
  readonly #open = new Map<number, { resolve: (result: unknown) => void; reject: (error: unknown) => void }>();
  #next = 1;

  /** @param send puts the question on its way, with its number */
  ask(send: (id: number) => void): Promise<unknown> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
      try {
        send(id);
      } catch (error) {
        this.#open.delete(id);
        reject(error);
      }
    });
  }

  answered(id: number, outcome: Outcome): void {
    const question = this.#open.get(id);
    this.#open.delete(id);
    if (outcome.ok) question?.resolve(outcome.result);
    else question?.reject(errorOf(outcome.error));
  }

  /** Nobody will answer any more. */
  fail(error: unknown): void {
    for (const { reject } of this.#open.values()) reject(error);
    this.#open.clear();
  }
}

/** Runs what was asked for. Never rejects. */
export async function outcomeOf(run: () => unknown): Promise<Outcome> {
  try {
    return { ok: true, result: (await run()) ?? null };
  } catch (error) {
    return { ok: false, error: plainError(error) };
  }
}

export function plainError(error: unknown): PlainError {
  if (error instanceof ScriptError) return { of: 'script', diagnostics: error.diagnostics };
  if (error instanceof RpcError) return { of: 'rpc', code: error.rpcCode, message: error.message };
  if (error instanceof KemiError) return { of: 'kemi', code: error.code, message: error.message };
  return { of: 'other', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

export function errorOf(plain: PlainError): Error {
  if (plain.of === 'script') return new ScriptError(plain.diagnostics as Diagnostic[]);
  if (plain.of === 'rpc') return new RpcError(plain.code, plain.message);
  if (plain.of === 'kemi' && Object.hasOwn(ERROR_CODES, plain.code))
    return new KemiError(plain.code as ErrorCode, plain.message);
  return new Error(plain.message);
}
