/** From the bytes of a component to what can be instantiated. Compiles, so not for runtimes that may not: those get components that were built ahead of time. */
import { KemiError } from '../errors.ts';
import { decodeComponent } from './decode.ts';
import { describe } from './describe.ts';
import type { Component } from './instance.ts';
import { meter } from './meter.ts';
import type { Plan } from './plan.ts';
import { Malformed } from './reader.ts';

/** A component taken apart: what `kemi-wasm module build` writes for runtimes that may not compile. */
export interface Parts {
  readonly plan: Plan;
  /** core modules with their limits built in, in the order of the plan */
  readonly modules: readonly Uint8Array<ArrayBuffer>[];
}

/**
 * Takes a component apart, and looks whether it could be loaded.
 * @param file for messages
 * @throws KemiError KEMI_ERR_COMPONENT
 */
export function takeApart(bytes: Uint8Array, file: string): Parts {
  try {
    const { plan, modules } = decodeComponent(bytes);
    describe(plan);
    return { plan, modules: modules.map(meter) };
  } catch (error) {
    // Types within types within types use up the stack.
    if (!(error instanceof Malformed || error instanceof RangeError)) throw error;
    throw new KemiError('KEMI_ERR_COMPONENT', `Cannot load component ${file}: ${error.message}`, { cause: error });
  }
}

/** @throws KemiError KEMI_ERR_COMPONENT, also when the engine cannot compile it */
export async function loadComponent(bytes: Uint8Array, file: string): Promise<Component> {
  const { plan, modules } = takeApart(bytes, file);
  try {
    return { plan, modules: await Promise.all(modules.map(m => WebAssembly.compile(m))) };
  } catch (error) {
    throw new KemiError(
      'KEMI_ERR_COMPONENT',
      `Cannot load component ${file}: this runtime cannot compile it: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
}
