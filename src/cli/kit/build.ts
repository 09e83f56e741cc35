/** `kemi-wasm module build`: from the folder of a module to its component. */
import fs from 'node:fs';
import path from 'node:path';
import { aheadOfTime } from '../../components/ahead.ts';
import { takeApart } from '../../components/load.ts';
import { buildAssemblyScript } from './assemblyscript.ts';
import { buildC } from './c.ts';
import { buildJavaScript } from './javascript.ts';
import type { Language, Project } from './project.ts';
import { buildRust } from './rust.ts';

const BUILD: Readonly<Record<Language, (project: Project) => Promise<Uint8Array>>> = {
  assemblyscript: buildAssemblyScript,
  javascript: buildJavaScript,
  c: buildC,
  rust: buildRust,
};

/** A file that was written. */
export interface Built {
  readonly file: string;
  readonly bytes: number;
}

/** The component's file of a module. */
export const componentFile = (project: Project): string => path.join(project.dir, `${project.name}.wasm`);

/**
 * Writes NAME.wasm, and looks whether a server would load it.
 * @param ahead also writes dist/ for runtimes that may not compile
 * @throws KitError, KemiError KEMI_ERR_COMPONENT
 */
export async function buildModule(project: Project, ahead: boolean): Promise<Built[]> {
  const bytes = await BUILD[project.language](project);
  const file = componentFile(project);
  const parts = takeApart(bytes, file);
  const files: Record<string, string | Uint8Array> = { [file]: bytes };
  if (ahead)
    for (const [name, data] of Object.entries(aheadOfTime(parts, project.name)))
      files[path.join(project.dir, 'dist', name)] = data;
  return Object.entries(files).map(([name, data]) => {
    fs.mkdirSync(path.dirname(name), { recursive: true });
    // beside it and swapped in: a server that watches the file never reads half of it
    fs.writeFileSync(`${name}.new`, data);
    fs.renameSync(`${name}.new`, name);
    return { file: name, bytes: typeof data === 'string' ? Buffer.byteLength(data) : data.length };
  });
}
