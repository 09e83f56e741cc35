/** WIT of a module, and the tools of the component model around it. */
import fs from 'node:fs';
import path from 'node:path';
import { takeApart } from '../../components/load.ts';
import type { Plan } from '../../components/plan.ts';
import type { Project } from './project.ts';
import { HOME, importPackage, KitError } from './tools.ts';

interface WasmTools {
  componentEmbed(options: { binary?: Uint8Array; dummy?: boolean; witSource: string }): Promise<Uint8Array>;
  componentNew(core: Uint8Array, adapters: [] | null): Promise<Uint8Array>;
}

/** The world of a module with all that it needs in one file: kemi:module is a package within. */
export function wholeWit(world: string): string {
  const kemi = fs.readFileSync(path.join(HOME, 'wit/kemi.wit'), 'utf8');
  const nested = kemi.replace(/^package (kemi:module@[\d.]+);\s*([\s\S]*)$/m, 'package $1 {\n$2}\n');
  return `${world.trimEnd()}\n\n${nested}`;
}

/** Reads the module's .wit, and writes it with all that it needs into build/. @returns its text and its path */
export function writeWit(project: Project, world?: string): { text: string; file: string } {
  const text = wholeWit(world ?? fs.readFileSync(path.join(project.dir, project.wit!), 'utf8'));
  const file = path.join(project.build, `${project.name}.wit`);
  fs.mkdirSync(project.build, { recursive: true });
  fs.writeFileSync(file, text);
  return { text, file };
}

/** A component of a core module and a world. @throws KitError naming what does not fit */
export async function componentOf(core: Uint8Array, wit: string, project: Project): Promise<Uint8Array> {
  const tools = await importPackage<WasmTools>('@bytecodealliance/jco-transpile', project.dir);
  try {
    return await tools.componentNew(await tools.componentEmbed({ binary: core, witSource: wit }), []);
  } catch (error) {
    throw new KitError(`the code and its WIT do not fit: ${reason(error)}`);
  }
}

/** A component of a core module that carries its world already. @throws KitError */
export async function componentOfCore(core: Uint8Array, project: Project): Promise<Uint8Array> {
  const tools = await importPackage<WasmTools>('@bytecodealliance/jco-transpile', project.dir);
  try {
    return await tools.componentNew(core, []);
  } catch (error) {
    throw new KitError(`it cannot be made a component: ${reason(error)}`);
  }
}

/** What a world exports, with its types. @throws KitError when it is no WIT, or KEMI cannot carry one of its types */
export async function planOf(wit: string, project: Project): Promise<Plan> {
  const tools = await importPackage<WasmTools>('@bytecodealliance/jco-transpile', project.dir);
  let bytes: Uint8Array;
  try {
    bytes = await tools.componentNew(await tools.componentEmbed({ dummy: true, witSource: wit }), []);
  } catch (error) {
    throw new KitError(`${project.wit ?? 'its WIT'}: ${reason(error)}`);
  }
  return takeApart(bytes, project.wit ?? `${project.name}.wit`).plan;
}

/** What the tools say, without what only their authors need. */
function reason(error: unknown): string {
  const text =
    typeof error === 'object' && error !== null && 'payload' in error
      ? String(error.payload)
      : error instanceof Error
        ? error.message
        : String(error);
  return text.trim();
}
