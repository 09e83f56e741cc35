/**
 * build/*.js: the files of src/, one for one, without types and with constants in the place of their names. src/core/gen has some hundreds of them, offsets of records in
 * linear memory; a name of another module costs V8 a lookup at each use until its slowest compiler has been there, so that a young server needs a fifth more time for a call.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';

/** @param root folder that has src/ and build/ */
export async function compile(root: string): Promise<void> {
  const source = path.join(root, 'src');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(file => /(?<!\.d)\.ts$/.test(file));
  const build = await rolldown({
    input: Object.fromEntries(files.map(file => [file.slice(0, -'.ts'.length), path.join(source, file)])),
    platform: 'neutral',
    // only what is in src/ is compiled
    external: id => !id.startsWith('.') && !path.isAbsolute(id),
    optimization: { inlineConst: { mode: 'all' } },
    transform: { target: 'es2023' },
  });
  await build.write({
    dir: path.join(root, 'build'),
    format: 'esm',
    preserveModules: true,
    preserveModulesRoot: source,
    sourcemap: true,
  });
  await build.close();
}
