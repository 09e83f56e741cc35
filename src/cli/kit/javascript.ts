/** Modules in JavaScript: QuickJS with the source in it, by componentize-qjs. */
import fs from 'node:fs';
import path from 'node:path';
import type { Project } from './project.ts';
import { importPackage, KitError } from './tools.ts';
import { writeWit } from './wit.ts';

interface Componentize {
  componentize(options: {
    witPath: string;
    jsSource: string;
    jsPath: string;
    sync: boolean;
    optSize: boolean;
  }): Promise<{ component: Uint8Array }>;
}

/** @throws KitError with what the tool says */
export async function buildJavaScript(project: Project): Promise<Uint8Array> {
  const { componentize } = await importPackage<Componentize>('componentize-qjs', project.dir);
  const { file } = writeWit(project);
  const source = path.join(project.dir, project.source);
  try {
    const { component } = await componentize({
      witPath: file,
      jsSource: fs.readFileSync(source, 'utf8'),
      jsPath: source,
      // The other form is of the asynchronous ABI, which waits in the middle of a call.
      sync: true,
      optSize: false,
    });
    return component;
  } catch (error) {
    throw new KitError(`${project.source}: ${error instanceof Error ? error.message : error}`);
  }
}
