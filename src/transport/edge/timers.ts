/**
 * Timers for an object that sleeps. Short ones (transactions) are real: the object stays awake until they have ended. Timers that only tidy up, a second and more apart,
 * would keep it awake for ever: those run when they are due and something happens, or when the object is woken for them (runAll).
 */
import type { StartTimer } from '../../runtime/options.ts';

/** shortest period of a timer that may wait for the next event, milliseconds */
export const PATIENT_MS = 1000;

interface Patient {
  readonly ms: number;
  readonly fn: () => void;
  dueMs: number;
}

export interface Timers {
  readonly every: StartTimer;
  readonly after: StartTimer;
  /** real timers that are set: while there is one, the object stays awake */
  readonly pending: number;
  /** Runs patient timers that are due. */
  runDue(): void;
  /** Runs every patient timer, due or not. */
  runAll(): void;
  /** Stops all. */
  stop(): void;
}

/** @param patient false: every timer is real */
export function createTimers(now: () => number, patient: boolean): Timers {
  const waiting = new Set<Patient>();
  const running = new Set<() => void>();
  let pending = 0;
  /** no patient timer is due before this time */
  let nextMs = Number.POSITIVE_INFINITY;
  const own = (cancel: () => void): (() => void) => {
    const stop = () => {
      if (running.delete(stop)) cancel();
    };
    running.add(stop);
    return stop;
  };
  const run = (timer: Patient, time: number) => {
    timer.dueMs = time + timer.ms;
    timer.fn();
  };
  return {
    get pending() {
      return pending;
    },
    every(ms, fn) {
      if (patient && ms >= PATIENT_MS) {
        const timer = { ms, fn, dueMs: now() + ms };
        waiting.add(timer);
        nextMs = Math.min(nextMs, timer.dueMs);
        return own(() => waiting.delete(timer));
      }
      const id = setInterval(fn, ms);
      pending++;
      return own(() => {
        pending--;
        clearInterval(id);
      });
    },
    after(ms, fn) {
      const id = setTimeout(() => {
        stop();
        fn();
      }, ms);
      pending++;
      const stop = own(() => {
        pending--;
        clearTimeout(id);
      });
      return stop;
    },
    runDue() {
      const time = now();
      // once a message: nearly always there is nothing to do
      if (time < nextMs) return;
      nextMs = Number.POSITIVE_INFINITY;
      for (const timer of [...waiting]) if (time >= timer.dueMs && waiting.has(timer)) run(timer, time);
      for (const { dueMs } of waiting) nextMs = Math.min(nextMs, dueMs);
    },
    runAll() {
      const time = now();
      for (const timer of [...waiting]) if (waiting.has(timer)) run(timer, time);
    },
    stop() {
      for (const stop of [...running]) stop();
    },
  };
}
