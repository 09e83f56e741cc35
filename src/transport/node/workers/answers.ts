/** One answer of the answers that several workers gave to an RPC command. */
import type { InWorkers } from '../../../kemi/table.ts';

/** @param answers in the order of the workers, one at least */
export function joinAnswers(how: InWorkers, answers: readonly unknown[]): unknown {
  if (how === 'sum') return answers.reduce(added);
  if (how === 'list') return answers.flat();
  return answers[0];
}

/** Numbers are added, wherever they are; what is no number is the same in all. */
function added(a: unknown, b: unknown): unknown {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null || Array.isArray(a)) return a;
  const other: Readonly<Record<string, unknown>> = { ...b };
  return Object.fromEntries(Object.entries(a).map(([name, value]) => [name, added(value, other[name])]));
}
