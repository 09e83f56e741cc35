/** Several runtimes that share their state, in one thread: what one hands over the other receives at once. */
import { createSharedMemory, SharedMemory } from '../../src/kemi/shared/memory.ts';
import type { RuntimeOptions } from '../../src/runtime/options.ts';
import { testRuntime } from './runtime.ts';

/** @param count how many  @param sharedMiB of their memory */
export function workerRuntimes(
  script: string | undefined,
  options: Partial<RuntimeOptions> = {},
  count = 2,
  sharedMiB = 16,
) {
  const buffer = createSharedMemory(sharedMiB << 20);
  const handed: { from: number; to: number }[] = [];
  const memories: SharedMemory[] = [];
  const workers: ReturnType<typeof testRuntime>[] = [];
  for (let worker = 0; worker < count; worker++) {
    const shared = new SharedMemory({ buffer, worker, workers: count });
    memories.push(shared);
    workers.push(
      testRuntime(script, {
        shared,
        handOver: (to, bytes, from, socket) => {
          handed.push({ from: worker, to });
          workers[to]!.runtime.receive(bytes.slice(), { ...from, handedOver: true }, socket);
        },
        tell: (to, module, data) => workers[to]!.runtime.told(module, structuredClone(data)),
        ...options,
      }),
    );
  }
  return { workers, memories, handed, a: workers[0]!, b: workers[1]! };
}
