/** Test code as one ES module, for runtimes that read no TypeScript. */
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** @param external what stays an import */
export async function bundleSuites(entry: URL, external: readonly string[] = []): Promise<string> {
  const build = await rolldown({
    input: fileURLToPath(entry),
    platform: 'neutral',
    resolve: { mainFields: ['module', 'main'] },
    external: [...external],
    logLevel: 'silent',
  });
  try {
    const { output } = await build.generate({ format: 'esm' });
    return output[0].code;
  } finally {
    await build.close();
  }
}
