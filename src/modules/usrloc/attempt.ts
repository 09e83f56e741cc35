/** Calls that answer at once or later: embedded stores and memory answer at once, and must not pay for promises. */
import type { Awaitable } from '../../kemi/db.ts';

/** As after() of kemi/db.ts, and what is thrown by `make`, or rejected, goes to `failed`. What fn throws does not. */
export function attempt<T, U>(
  make: () => Awaitable<T>,
  fn: (value: T) => Awaitable<U>,
  failed: (error: unknown) => Awaitable<U>,
): Awaitable<U> {
  let value: Awaitable<T>;
  try {
    value = make();
  } catch (error) {
    return failed(error);
  }
  return value instanceof Promise ? value.then(fn, failed) : fn(value);
}

/** Calls fn with each item in turn, waiting where it has to. */
export function inTurn<T>(items: readonly T[], fn: (item: T) => Awaitable<unknown>, from = 0): Awaitable<void> {
  for (let i = from; i < items.length; i++) {
    const done = fn(items[i]!);
    if (done instanceof Promise) return done.then(() => inTurn(items, fn, i + 1));
  }
}
