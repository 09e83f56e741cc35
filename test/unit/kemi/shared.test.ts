import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { createSharedMemory, SharedMemory } from '../../../src/kemi/shared/memory.ts';
import { random } from '../../support/generate.ts';

const MiB = 1 << 20;

function memories(count = 2, bytes = 4 * MiB) {
  const buffer = createSharedMemory(bytes);
  return Array.from({ length: count }, (_, worker) => new SharedMemory({ buffer, worker, workers: count }));
}

const item = (value: number | string, expiresMs = 0) => ({ value, expiresMs });

describe('SharedMap', () => {
  it('shows each worker what another one wrote', () => {
    const [a, b] = memories();
    const bytes = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('');
    expect(a!.map('m').set('key', item(-5, 1000))).toBe(true);
    expect(b!.map('m').get('key')).toEqual(item(-5, 1000));
    b!.map('m').set('key', item(bytes));
    expect(a!.map('m').get('key')).toEqual(item(bytes));
    expect(a!.map('other').get('key')).toBeUndefined();
    expect(b!.map('m').delete('key')).toBe(true);
    expect(b!.map('m').delete('key')).toBe(false);
    expect(a!.map('m').get('key')).toBeUndefined();
    expect(a!.map('m').size).toBe(0);
  });

  it('gives items in the order in which they came, and those that ended', () => {
    const [a] = memories();
    const map = a!.map('m', 4);
    for (let i = 0; i < 100; i++) map.set(`k${i}`, item(i, i % 10 === 0 ? 1000 + i : 0));
    map.set('k3', item('changed and longer than it was before, so that it needs another block'));
    expect([...map.entries()].map(([key]) => key)).toEqual(Array.from({ length: 100 }, (_, i) => `k${i}`));
    expect(map.expired(1050).sort()).toEqual(['k10', 'k20', 'k30', 'k40', 'k50', 'k0'].sort());
    expect(map.keys()).toHaveLength(100);
    const shares = [0, 1, 2].map(part => map.keys(part, 3));
    expect(shares.flat().sort()).toEqual(map.keys().sort());
    map.clear();
    expect([map.size, [...map.entries()]]).toEqual([0, []]);
  });

  it('gives each key in one share of any number', () => {
    const map = memories(1)[0]!.map('m', 1024);
    for (let i = 0; i < 500; i++) map.set(`k${i}`, item(i));
    for (const parts of [1, 2, 7, 30, 256, 300, 5000]) {
      const shares = Array.from({ length: parts }, (_, part) => map.keys(part, parts));
      expect(shares.flat().sort()).toEqual(map.keys().sort());
      if (parts === 30) expect(Math.max(...shares.map(s => s.length))).toBeLessThan(60);
    }
  });

  it('does what a Map does, whatever is done with it', () => {
    const [a, b] = memories(2, 16 * MiB);
    const maps = [a!.map('m', 8), b!.map('m', 8)];
    const model = new Map<string, ReturnType<typeof item>>();
    const rnd = random(1);
    for (let i = 0; i < 20_000; i++) {
      const map = maps[i & 1]!;
      const key = `k${rnd(60)}`;
      const what = rnd(10);
      if (what < 6) {
        const value = what < 2 ? rnd(1e9) : 'x'.repeat(rnd(700));
        expect(map.set(key, item(value, rnd(3)))).toBe(true);
        model.set(key, map.get(key)!);
        expect(map.get(key)!.value).toBe(value);
      } else if (what < 9) expect(map.delete(key)).toBe(model.delete(key));
      else expect(map.get(key)).toEqual(model.get(key));
    }
    expect(new Map(maps[0]!.entries())).toEqual(model);
    expect(maps[1]!.size).toBe(model.size);
  });

  it('says when the memory is full, changes nothing then, and uses again what is given back', () => {
    const [a] = memories(1, MiB);
    const map = a!.map('m', 16);
    const big = 'x'.repeat(10_000);
    let count = 0;
    while (map.set(`k${count}`, item(big))) count++;
    expect(count).toBeGreaterThan(50);
    expect(map.set('k0', item('y'.repeat(20_000)))).toBe(false);
    expect(map.get('k0')!.value).toBe(big);
    expect(map.size).toBe(count);
    expect(a!.failures).toBe(2);
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < count; i++) map.delete(`k${i}`);
      for (let i = 0; i < count; i++) expect(map.set(`k${i}`, item(big))).toBe(true);
    }
    expect(a!.used).toBeGreaterThan(count * 10_000);
    for (let i = 0; i < count; i++) map.delete(`k${i}`);
    expect(a!.used).toBeLessThan(150_000);
    expect(a!.mostUsed).toBeLessThanOrEqual(a!.size);
    expect(map.set('huge', item('x'.repeat(MiB)))).toBe(false);
  });

  it('loses no count of two threads', { timeout: 20_000 }, async () => {
    const buffer = createSharedMemory(4 * MiB);
    const file = new URL('../../../src/kemi/shared/memory.ts', import.meta.url).href;
    const code = `
      const { workerData, parentPort } = require('node:worker_threads');
      import(${JSON.stringify(file)}).then(({ SharedMemory }) => {
        const map = new SharedMemory({ buffer: workerData, worker: 1, workers: 2 }).map('m');
        parentPort.postMessage('ready');
        for (let i = 0; i < 200000; i++)
          map.exclusive('n', () => map.set('n', { value: (map.get('n')?.value ?? 0) + 1, expiresMs: 0 }));
        parentPort.postMessage('done');
      });`;
    const map = new SharedMemory({ buffer, worker: 0, workers: 2 }).map('m');
    const thread = new Worker(code, { eval: true, workerData: buffer });
    const said = (word: string) =>
      new Promise<void>((resolve, reject) => {
        thread.on('error', reject);
        thread.on('message', m => m === word && resolve());
      });
    const done = said('done');
    await said('ready');
    for (let i = 0; i < 200_000; i++)
      map.exclusive('n', () => map.set('n', item(Number(map.get('n')?.value ?? 0) + 1)));
    await done;
    expect(map.get('n')!.value).toBe(400_000);
    await thread.terminate();
  });
});

describe('SharedMemory', () => {
  it('has locks that another worker waits for, in vain for as long as it said', () => {
    const [a, b] = memories();
    const give = a!.lock('l', 'key', 10)!;
    const again = a!.lock('l', 'key', 10)!;
    expect(b!.lock('l', 'key', 10)).toBeUndefined();
    give();
    expect(b!.lock('l', 'key', 10)).toBeUndefined();
    again();
    expect(b!.lock('l', 'key', 10)).toBeTypeOf('function');
  });

  it('frees the locks of a worker that is gone, and tells who wants to know', () => {
    const [a, b] = memories();
    const gone: number[] = [];
    a!.onLeft(worker => gone.push(worker));
    expect(b!.lock('l', 'key', 10)).toBeTypeOf('function');
    expect(a!.lock('l', 'key', 10)).toBeUndefined();
    a!.left(1);
    expect(a!.lock('l', 'key', 10)).toBeTypeOf('function');
    expect(gone).toEqual([1]);
  });

  it('may be entered twice by who is inside', () => {
    const [a] = memories();
    expect(a!.exclusive('x', 'k', () => a!.exclusive('x', 'k', () => 7))).toBe(7);
    expect(() =>
      a!.exclusive('x', 'k', () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(a!.exclusive('x', 'k', () => 8)).toBe(8);
  });

  it('has numbers that all see, and says when it is full', () => {
    const [a, b] = memories();
    Atomics.add(a!.ints('n', 3), 2, 5);
    expect([...b!.ints('n', 3)]).toEqual([0, 0, 5]);
    b!.floats('f', 2)[1] = 0.5;
    expect([...a!.floats('f', 2)]).toEqual([0, 0.5]);
    expect(() => a!.ints('too many', 4 * MiB)).toThrow(/it is full; --limits shared/);
  });
});
