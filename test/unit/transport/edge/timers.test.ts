import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTimers, PATIENT_MS } from '../../../../src/transport/edge/timers.ts';

describe('createTimers()', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('short timers run by themselves and are counted while they are set', () => {
    const timers = createTimers(Date.now, true);
    const every = vi.fn();
    const after = vi.fn();
    const stop = timers.every(50, every);
    timers.after(120, after);
    expect(timers.pending).toBe(2);
    vi.advanceTimersByTime(200);
    expect([every.mock.calls.length, after.mock.calls.length, timers.pending]).toEqual([4, 1, 1]);
    stop();
    stop();
    expect(timers.pending).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('patient ones keep nobody awake: they run when they are due and somebody asks', () => {
    const timers = createTimers(Date.now, true);
    const fn = vi.fn();
    timers.every(PATIENT_MS, fn);
    expect([timers.pending, vi.getTimerCount()]).toEqual([0, 0]);
    vi.advanceTimersByTime(PATIENT_MS - 1);
    timers.runDue();
    expect(fn).toHaveBeenCalledTimes(0);
    vi.advanceTimersByTime(10 * PATIENT_MS);
    timers.runDue();
    timers.runDue();
    expect(fn).toHaveBeenCalledTimes(1);
    timers.runAll();
    expect(fn).toHaveBeenCalledTimes(2);
  });

  it('one that another one stops does not run', () => {
    const timers = createTimers(Date.now, true);
    const second = vi.fn();
    let stop = () => {};
    timers.every(PATIENT_MS, () => stop());
    stop = timers.every(PATIENT_MS, second);
    timers.runAll();
    expect(second).not.toHaveBeenCalled();
  });

  it('without patience all are real', () => {
    const timers = createTimers(Date.now, false);
    const fn = vi.fn();
    timers.every(PATIENT_MS, fn);
    vi.advanceTimersByTime(3 * PATIENT_MS);
    expect(fn).toHaveBeenCalledTimes(3);
  });

  it('stop() stops all of them', () => {
    const timers = createTimers(Date.now, true);
    const fn = vi.fn();
    timers.every(50, fn);
    timers.after(50, fn);
    timers.every(PATIENT_MS, fn);
    timers.stop();
    vi.advanceTimersByTime(5 * PATIENT_MS);
    timers.runAll();
    expect([fn.mock.calls.length, timers.pending, vi.getTimerCount()]).toEqual([0, 0, 0]);
  });
});
