/** Components as module definitions: what createRuntime({ components }) puts into the KEMI table. */
import type { ByteStr, ByteText } from '../core/memory.ts';
import { KemiError } from '../errors.ts';
import { closest } from '../kemi/suggest.ts';
import { type AnyModule, type Call, defineModule, type KemiFunction } from '../kemi/table.ts';
import { DEFAULT_GRANTS, GRANTS, type Grant } from './capabilities.ts';
import { nativeForm, type Row } from './describe.ts';
import { type ComponentLimits, described, Extension, type Setting } from './extension.ts';
import type { Component } from './instance.ts';

/** One component to load. */
export interface ComponentOptions {
  /** KSR.<name>: a letter, then letters, digits and _ */
  readonly name: string;
  readonly component: Component;
  /** where it came from, for messages */
  readonly file?: string;
  /** what it may call besides message and log; modparam component_grants adds to it */
  readonly grants?: readonly Grant[];
  readonly limits?: Partial<ComponentLimits>;
  /** reads and compiles it again, for module.reload; absent: it cannot be reloaded */
  readonly read?: () => Promise<Component>;
}

export const DEFAULT_COMPONENT_LIMITS: ComponentLimits = { memoryPages: 512, steps: 100_000_000 };

const PAGES_PER_MIB = 16;
const RANGES: Readonly<Record<keyof ComponentLimits, readonly [number, number]>> = {
  memoryPages: [1, 65536],
  steps: [1000, 2_000_000_000],
};

/**
 * @param taken names of the other modules, and of functions of KSR itself
 * @param settings modparams of this component, in the order of the config
 * @throws KemiError KEMI_ERR_CONFIG, KEMI_ERR_COMPONENT
 */
export function componentModule(
  options: ComponentOptions,
  taken: readonly string[],
  settings: readonly Setting[],
  byteText: ((buffer: ArrayBuffer) => ByteText) | undefined,
): AnyModule {
  const { name, component, read } = options;
  const file = options.file ?? name;
  if (!/^[A-Za-z]\w*$/.test(name))
    throw new KemiError(
      'KEMI_ERR_CONFIG',
      `Cannot load component ${file}: "${name}" is no name for a module, it has letters, digits and _: give one, for example --module acme=${file}`,
    );
  if (taken.includes(name))
    throw new KemiError(
      'KEMI_ERR_CONFIG',
      `Cannot load component ${file}: KSR.${name} is there already: give it another name, for example --module my_${name}=${file}`,
    );
  const description = described(file, component);
  const own: Setting[] = [];
  const grants = new Set<Grant>(DEFAULT_GRANTS);
  const limits = { ...DEFAULT_COMPONENT_LIMITS, ...options.limits };
  for (const grant of options.grants ?? []) grants.add(grantOf(name, grant));
  for (const setting of settings) {
    const { value } = setting;
    if (setting.name === 'component_grants')
      for (const grant of String(value).split(/[\s,]+/)) grant && grants.add(grantOf(name, grant));
    else if (setting.name === 'component_memory') limits.memoryPages = Number(value) * PAGES_PER_MIB;
    else if (setting.name === 'component_steps') limits.steps = Number(value);
    else own.push(setting);
  }
  checkLimits(name, limits);
  const setup = { name, file, component, description, grants: [...grants], limits, settings: own, byteText, read };
  return defineModule<Extension>({
    name,
    modparams: {},
    anyModparam: true,
    create: host => new Extension(setup, host),
    functions: description.rows.map((row, at) => functionOf(name, row, at)),
    dispose: extension => extension.close(),
  });
}

/** @throws KemiError KEMI_ERR_CONFIG */
function grantOf(name: string, grant: string): Grant {
  const found = GRANTS.find(g => g === grant);
  if (found) return found;
  const near = closest(grant, GRANTS);
  throw new KemiError(
    'KEMI_ERR_CONFIG',
    `Cannot grant ${grant} to ${name}: the grants are ${GRANTS.join(', ')}${near ? `, did you mean ${near}` : ''}`,
  );
}

function checkLimits(name: string, limits: ComponentLimits): void {
  for (const [limit, [least, most]] of Object.entries(RANGES) as [keyof ComponentLimits, readonly [number, number]][]) {
    const value = limits[limit];
    if (!Number.isInteger(value) || value < least || value > most)
      throw new KemiError(
        'KEMI_ERR_CONFIG',
        `Cannot limit ${name} to ${limit}=${value}: it must be a whole number from ${least} to ${most}`,
      );
  }
}

type C = Call<Extension>;
type Argument = number | ByteStr;

function functionOf(module: string, row: Row, at: number): KemiFunction {
  const { params, returns, take } = row;
  const same = take.every(t => t === undefined);
  const all = (call: C, ...args: Argument[]) => {
    const [a, b, c, d, e, f] = args.map((arg, i) => take[i]?.(arg) ?? arg);
    return call.state.call(at, a, b, c, d, e, f);
  };
  let run: NonNullable<KemiFunction['run']> = all;
  if (params.length === 0) run = (call: C) => call.state.call(at);
  // most have two parameters at most: no list for them
  else if (same && params.length === 1) run = (call: C, a: Argument) => call.state.call(at, a);
  else if (same && params.length === 2) run = (call: C, a: Argument, b: Argument) => call.state.call(at, a, b);
  return { name: row.name, params, returns, anytime: true, native: nativeForm(module, row), run };
}
