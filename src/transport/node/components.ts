/** Components from files: read, compiled, and read again when they are reloaded. */
import fs from 'node:fs';
import path from 'node:path';
import type { ConfigOptions } from '../../cfg/resolve.ts';
import type { Grant } from '../../components/capabilities.ts';
import type { ComponentLimits } from '../../components/extension.ts';
import { loadComponent } from '../../components/load.ts';
import type { ComponentOptions } from '../../components/module.ts';
import { ConfigError, KemiError } from '../../errors.ts';

/** A component to load from a file. */
export interface ComponentFile {
  /** path of the .wasm file */
  readonly file: string;
  /** KSR.<name>; default: the file's name up to its first dot, with _ for - */
  readonly name?: string;
  readonly grants?: readonly Grant[];
  readonly limits?: Partial<ComponentLimits>;
}

/** More than any component; a device or a log is not read by mistake. */
const MAX_BYTES = 256 << 20;

/** acme of ./modules/acme.component.wasm */
export function componentName(file: string): string {
  return path.basename(file).replace(/\..*$/, '').replaceAll('-', '_');
}

/**
 * Reads and compiles components: those of the config, then the given ones.
 * @param grants by the component's name
 * @throws KemiError KEMI_ERR_COMPONENT naming the file, KEMI_ERR_CONFIG a grant for what is not loaded; ConfigError naming the line of the config
 */
export async function readComponents(
  given: readonly ComponentFile[],
  grants: Readonly<Record<string, readonly Grant[]>> = {},
  config?: Pick<ConfigOptions, 'components'>,
): Promise<ComponentOptions[]> {
  const out: ComponentOptions[] = [];
  for (const { name, file, at } of config?.components ?? []) {
    // As an include: as it is written, or below the folder of the file that names it.
    const found = fs.existsSync(file) ? file : path.join(path.dirname(at.file), file);
    try {
      out.push(await one({ name, file: found }));
    } catch (error) {
      if (!(error instanceof KemiError)) throw error;
      throw new ConfigError([{ severity: 'error', ...at, message: error.message }]);
    }
  }
  for (const component of given) out.push(await one(component));
  for (const name of Object.keys(grants))
    if (!out.some(c => c.name === name))
      throw new KemiError(
        'KEMI_ERR_CONFIG',
        `Cannot grant anything to ${name}: no component ${name} is loaded: write --module ${name}=FILE, or loadmodule "${name}.wasm"`,
      );
  return out.map(c => ({ ...c, grants: [...(c.grants ?? []), ...(grants[c.name] ?? [])] }));
}

async function one({ file, name = componentName(file), grants, limits }: ComponentFile): Promise<ComponentOptions> {
  const read = () => loadComponent(readBytes(file), file);
  return { name, file, component: await read(), read, ...(grants && { grants }), ...(limits && { limits }) };
}

/** @throws KemiError KEMI_ERR_COMPONENT */
function readBytes(file: string): Uint8Array {
  let why: string;
  try {
    const stat = fs.statSync(file);
    if (stat.isDirectory()) why = 'it is a folder: give the .wasm file in it';
    else if (!stat.isFile()) why = 'it is no plain file';
    else if (stat.size > MAX_BYTES) why = `it is larger than ${MAX_BYTES >> 20} MiB`;
    else return fs.readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    why = code === 'ENOENT' ? 'no such file' : `cannot read it: ${message}`;
  }
  throw new KemiError('KEMI_ERR_COMPONENT', `Cannot load component ${file}: ${why}`);
}
