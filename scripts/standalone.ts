/** build/kemi-wasm.js: one ES module of src/standalone.ts and all it imports, packages included. */
import { readFileSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { rolldown } from 'rolldown';

/** @param root folder that has build/, with the JavaScript in it */
export async function bundle(root: string): Promise<void> {
  const build = await rolldown({
    input: path.join(root, 'build/standalone.js'),
    platform: 'neutral',
    // packages of CommonJS have nothing else
    resolve: { mainFields: ['module', 'main'] },
    external: id => isBuiltin(id),
  });
  const file = path.join(root, 'build/kemi-wasm.js');
  const { output } = await build.write({
    file,
    format: 'esm',
    // names stay: a stack in a log is to be read
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
    comments: { legal: true },
  });
  await build.close();
  const [chunk, ...others] = output.filter(o => o.type === 'chunk');
  if (!chunk || others.length > 0 || chunk.imports.length > 0)
    throw new Error(`build/kemi-wasm.js must stand alone, but needs ${chunk?.imports.join(', ')}`);
  // what is in it keeps its licence
  const packages = new Set(chunk.moduleIds.flatMap(id => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []));
  const licences = [...packages].map(name => {
    const folder = path.join(root, 'node_modules', name);
    const { version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { version: string };
    return `${name} ${version}\n\n${readFileSync(path.join(folder, 'LICENSE'), 'utf8').trim()}\n`;
  });
  writeFileSync(
    path.join(root, 'build/kemi-wasm.LICENSES.txt'),
    `build/kemi-wasm.js has these packages in it:\n\n${licences.join('\n---\n\n')}`,
  );
}
