/** Which modules a runtime loads: those that were asked for, or all there are. */
import { componentModule } from '../components/module.ts';
import type { Logger } from '../core/log.ts';
import { KemiError } from '../errors.ts';
import { closest } from '../kemi/suggest.ts';
import type { AnyModule } from '../kemi/table.ts';
import { MODULES } from '../modules/index.ts';
import type { RuntimeOptions } from './options.ts';

/** Modules in load order. @throws KemiError KEMI_ERR_CONFIG, KEMI_ERR_COMPONENT */
export function modulesFor(options: RuntimeOptions, log: Logger): readonly AnyModule[] {
  const { modules, extraModules = [], components = [], modparams = [], wasm } = options;
  const definitions = [...chosenModules(modules), ...extraModules];
  for (const component of components) {
    const settings = modparams.filter(p => p.module === component.name);
    const taken = ['x', ...definitions.flatMap(d => (d.name ? [d.name] : d.functions.map(f => f.name)))];
    definitions.push(componentModule(component, taken, settings, wasm.byteText));
  }
  return sharing(options, definitions, log);
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
function sharing(options: RuntimeOptions, all: AnyModule[], log: Logger): AnyModule[] {
  const { shared, modules = [], extraModules = [], components = [] } = options;
  if (!shared) return all;
  const asked = new Set([...modules, ...[...extraModules, ...components].map(m => m.name)]);
  const left: string[] = [];
  for (const { name, shares } of all) {
    if (shares) continue;
    if (asked.has(name))
      throw new KemiError(
        'KEMI_ERR_CONFIG',
        `Cannot start: module ${name} keeps its state per worker, so it cannot be used with ${shared.workers} workers; use --workers 1`,
      );
    left.push(name);
  }
  if (left.length > 0 && shared.worker === 0)
    log.info(
      { modules: left },
      `Left out with ${shared.workers} workers, because they keep their state per worker: ${left.join(', ')}`,
    );
  return all.filter(module => module.shares);
}
