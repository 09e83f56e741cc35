/** Module parameters: what the config gave, checked against what the module declares. */
import { KemiError } from '../errors.ts';
import { closest } from '../kemi/suggest.ts';
import type { AnyModule, ModParam, ModParamValues } from '../kemi/table.ts';
import type { ModParamSetting } from './options.ts';

/**
 * The values a module's create() gets: defaults, then the settings in order (the last wins; a `repeat` parameter collects all).
 * @param db the runtime's database, for modparams that depend on it
 * @throws KemiError KEMI_ERR_CONFIG naming module, parameter, and what would be right
 */
export function paramValues(definition: AnyModule, settings: readonly ModParamSetting[], db?: string): ModParamValues {
  const values: ModParamValues = {};
  if (definition.anyModparam) return values;
  for (const [name, param] of Object.entries(definition.modparams)) {
    const value =
      (db === undefined || param.withDb === null ? undefined : withDatabase(name, param, db)) ?? param.default;
    if (param.repeat) values[name] = value === undefined ? [] : [value];
    else values[name] = value;
  }
  const given = new Set<string>();
  for (const { module, name, value } of settings) {
    if (module !== definition.name) continue;
    const param = definition.modparams[name];
    if (!param) {
      const near = closest(name, Object.keys(definition.modparams));
      throw new KemiError(
        'KEMI_ERR_CONFIG',
        `Cannot set modparam ${module}.${name}: module ${module} has no such parameter${near ? `, did you mean ${near}` : ''}`,
      );
    }
    const checked = check(module, name, param, value);
    const list = values[name];
    if (!param.repeat) values[name] = checked;
    else if (given.has(name) && Array.isArray(list)) list.push(checked);
    else values[name] = [checked];
    given.add(name);
  }
  return values;
}

/** The default that goes with the runtime's database. */
function withDatabase(name: string, param: ModParam, db: string): ModParam['default'] {
  return param.withDb ?? (name === 'db_url' && param.type === 'str' ? db : undefined);
}

function check(module: string, name: string, param: ModParam, value: number | string): number | string {
  if (param.type === 'any') return value;
  if (param.type === 'str') return String(value);
  const number = typeof value === 'number' ? value : /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
  const { min = -0x80000000, max = 0x7fffffff } = param;
  if (!Number.isInteger(number) || number < min || number > max)
    throw new KemiError(
      'KEMI_ERR_CONFIG',
      `Cannot set modparam ${module}.${name} to "${value}": it must be a whole number from ${min} to ${max}`,
    );
  return number;
}
