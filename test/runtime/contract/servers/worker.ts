/** A runtime in a worker thread, beside one in the main thread. */
import { Worker } from 'node:worker_threads';
import { equal } from '../check.ts';
import type { Suite } from '../suite.ts';

export function workerContract(): Suite {
  return {
    name: 'a runtime in a worker thread',
    ability: 'worker threads',
    cases: [
      {
        name: 'loads, routes and ends; errors of its scripts stay in it',
        async run() {
          const worker = new Worker(new URL('./worker-thread.ts', import.meta.url));
          const next = () =>
            new Promise<unknown>((resolve, reject) => {
              worker.once('message', resolve);
              worker.once('error', reject);
            });
          try {
            const loaded = next();
            equal(await loaded, 'loaded');
            for (const [name, expected] of [
              ['alice', ['200 Hello alice']],
              ['fail', []],
              ['bob', ['200 Hello bob']],
            ] as const) {
              const answered = next();
              worker.postMessage(name);
              equal(await answered, expected);
            }
          } finally {
            await worker.terminate();
          }
        },
      },
    ],
  };
}
