/** Modules in JavaScript: QuickJS with the source in it, by componentize-qjs. */
import fs from 'node:fs';
import path from 'node:path';
import { takeApart } from '../../components/load.ts';
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
  const text = fs.readFileSync(source, 'utf8');
  let component: Uint8Array;
  try {
    ({ component } = await componentize({
      witPath: file,
      jsSource: text,
      jsPath: source,
      // The other form is of the asynchronous ABI, which waits in the middle of a call.
      sync: true,
      optSize: false,
    }));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new KitError(`${project.source}: ${why.replace(/^: /, '').trimEnd()}`);
  }
  // A function that is not there would fail when it is called, and say nothing of use.
  for (const { name, from } of takeApart(component, source).plan.exports)
    if (from === undefined && name !== 'init' && !exportsFunction(text, name))
      throw new KitError(`${project.source} does not export ${camel(name)}(), which ${project.wit} has as ${name}`);
  return component;
}

const camel = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/** Whether a source says so: it is not run, for it imports what only a server has. */
function exportsFunction(source: string, name: string): boolean {
  const word = camel(name);
  return new RegExp(
    `\\bexport\\s+(async\\s+)?(function\\s*\\*?|const|let|var)\\s+${word}\\b|\\bexport\\s*\\{[^}]*\\b${word}\\b|\\bexport\\s*\\*`,
  ).test(source);
}
