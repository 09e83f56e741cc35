/** Modules of examples/modules/, built as authors build them, in a folder of their own. */
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildModule, componentFile } from '../../src/cli/kit/build.ts';
import { type Language, openProject } from '../../src/cli/kit/project.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/modules/', import.meta.url));

/** Copies an example without what was built of it. */
export function copyExample(language: Language, dir: string): void {
  cpSync(path.join(EXAMPLES, language), dir, {
    recursive: true,
    filter: source => !/\/(node_modules|build|dist|target)$|\.wasm$/.test(source),
  });
}

/** @param more text behind its source  @returns the component */
export async function buildExample(language: Language, more = ''): Promise<Uint8Array<ArrayBuffer>> {
  const dir = mkdtempSync(path.join(tmpdir(), 'kemi-module-'));
  try {
    copyExample(language, dir);
    const project = openProject(dir);
    appendFileSync(path.join(dir, project.source), more);
    await buildModule(project, false);
    return new Uint8Array(readFileSync(componentFile(project)));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
