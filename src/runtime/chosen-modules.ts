/** Which modules a runtime loads: those that were asked for, or all there are. */
import type { Logger } from '../core/log.ts';
import { KemiError } from '../errors.ts';
import { closest } from '../kemi/suggest.ts';
import type { AnyModule } from '../kemi/table.ts';
import { MODULES } from '../modules/index.ts';
import type { RuntimeOptions } from './options.ts';

/** @throws KemiError KEMI_ERR_CONFIG for one that is not there, or cannot be used with several workers */
export function modulesFor(options: RuntimeOptions, log: Logger): readonly AnyModule[] {
  return sharing(options, [...chosenModules(options.modules), ...(options.extraModules ?? [])], log);
}

function chosenModules(names: readonly string[] | undefined): readonly AnyModule[] {
  if (!names) return MODULES;
  const known = MODULES.map(m => m.name);
  for (const name of names) {
    if (known.includes(name)) continue;
    const near = closest(name, known);
    throw new KemiError(
      'KEMI_ERR_CONFIG',
      `Cannot load module ${name}: it is not available in this version${near ? `, did you mean ${near}` : ''}`,
    );
  }
  return MODULES.filter(m => m.name === '' || names.includes(m.name));
}

/** The modules that several runtimes may have; a module that was asked for by name must be one of them. */
function sharing({ shared, modules, extraModules }: RuntimeOptions, all: AnyModule[], log: Logger): AnyModule[] {
  if (!shared) return all;
  const out = all.filter(module => !module.shares);
  for (const { name } of out) {
    const why = `module ${name} keeps its state per worker, so it cannot be used with ${shared.workers} workers`;
    if (modules?.includes(name) || extraModules?.some(m => m.name === name))
      throw new KemiError('KEMI_ERR_CONFIG', `Cannot start: ${why}; use --workers 1`);
    if (shared.worker === 0) log.warn({ module: name }, `Left out: ${why}`);
  }
  return all.filter(module => module.shares);
}
