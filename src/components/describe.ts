/** Looks at a plan: which functions of KEMI its exports become, and whether its imports are ours. Every complaint is one line that says what to do. */
import type { NativeForm, ParamType, ReturnType, XVal } from '../kemi/table.ts';
import { codecOf, type Outcome, type Value } from './canonical.ts';
import { capabilityOf, GRANTS, type Grant, INTERFACES, WIT_PACKAGE, WIT_VERSION } from './capabilities.ts';
import { type Lifted, type Plan, signatureText, type WitFunction, type WitType, witText } from './plan.ts';
import { Malformed } from './reader.ts';

/** What a call gives when the component failed: it trapped, was stopped, or rests. Functions that give no number give false or nil then. */
export const FAILED = -255;

/** One function as the KEMI table has it. */
export interface Row {
  /** index in Plan.exports */
  readonly index: number;
  readonly name: string;
  readonly params: readonly ParamType[];
  readonly returns: ReturnType;
  /** its type as WIT writes it */
  readonly type: string;
  readonly doc?: string;
  /** an argument of KEMI as the component takes it, where they differ */
  readonly take: readonly (((value: number | string) => Value) | undefined)[];
  /** what the component gave, as KEMI takes it; `complain` hears the text of an error */
  readonly give: (value: Value, complain: (text: string) => void) => XVal | boolean | undefined;
  /** what a failure gives */
  readonly failed: XVal | boolean | undefined;
}

export interface Description {
  readonly rows: readonly Row[];
  /** indices in Plan.exports of what the host itself calls; -1 where there is none */
  readonly configure: number;
  readonly start: number;
  readonly onTimer: number;
  /** capabilities that it imports */
  readonly wants: readonly Grant[];
  /** what else it imports: it cannot be called */
  readonly others: readonly string[];
}

/** What functions of resources are called in a plan. */
export const RESOURCE = 'a resource';

/** most functions of one component: the KEMI table has an end */
const MAX_ROWS = 200;

/** Exports that are no functions of scripts. */
const HOOKS = {
  configure: 'func(string, string) -> result<_, string>',
  start: 'func() -> result<_, string>',
  'on-timer': 'func(u32)',
} as const;

const PARAMS = 's32, u32, bool, string or list<u8>';
const RESULTS = 's32, u32, bool, string, list<u8>, option<...> of them, result<..., string>, or nothing';

/** @throws Malformed */
export function describe(plan: Plan): Description {
  if (plan.version !== 1)
    throw new Malformed('it was built for another version of kemi-wasm: build it again with kemi-wasm module build');
  const wants = new Set<Grant>();
  for (const name of plan.imports) {
    checkInterface(name);
    const grant = capabilityOf(name);
    if (grant) wants.add(grant);
  }
  for (const instance of plan.instances)
    if ('items' in instance)
      for (const item of Object.values(instance.items))
        if ('lowered' in item) checkFunction(item.lowered.from, item.lowered.name, item.lowered.type);
  const hook = (name: keyof typeof HOOKS): number => {
    const index = plan.exports.findIndex(e => e.name === name && e.from === undefined);
    const found = plan.exports[index];
    if (found && signatureText(found.type) !== HOOKS[name])
      throw new Malformed(`its ${name} is ${signatureText(found.type)}: make it ${HOOKS[name]}, as in wit/kemi.wit`);
    return index;
  };
  const hooks = { configure: hook('configure'), start: hook('start'), onTimer: hook('on-timer') };
  const rows: Row[] = [];
  plan.exports.forEach((lifted, index) => {
    if (Object.values(hooks).includes(index) || isLeftover(lifted)) return;
    const row = rowOf(lifted, index);
    if (rows.some(r => r.name === row.name)) throw new Malformed(`it exports ${row.name} twice: rename one of them`);
    rows.push(row);
  });
  if (rows.length > MAX_ROWS) throw new Malformed(`it exports ${rows.length} functions, ${MAX_ROWS} are the most`);
  if (rows.length === 0)
    throw new Malformed(
      'it exports no function: its world needs at least one line like "export lookup: func(s: string) -> string"',
    );
  const others = new Set(plan.imports.filter(i => !i.startsWith(`${WIT_PACKAGE}/`)));
  for (const instance of plan.instances)
    if ('items' in instance)
      for (const item of Object.values(instance.items))
        if ('refused' in item && item.refused !== RESOURCE) others.add(item.refused);
  return { rows, ...hooks, wants: [...wants], others: [...others] };
}

/** What componentize-qjs used when it made the component. */
const isLeftover = ({ name, from, type }: Lifted): boolean =>
  from === undefined &&
  name === 'init' &&
  signatureText(type) === 'func(string, string, option<string>, bool) -> result<_, string>';

function checkInterface(name: string): void {
  if (!name.startsWith(`${WIT_PACKAGE}/`)) return;
  const version = name.split('@')[1] ?? 'no version';
  if (capabilityOf(name) === undefined)
    throw new Malformed(
      `it imports ${name}, which is none of ${GRANTS.join(', ')}: build it with the wit/kemi.wit of this version`,
    );
  // Below 1.0 the second number is the one that breaks.
  if (version.split('.').slice(0, 2).join('.') !== WIT_VERSION.split('.').slice(0, 2).join('.'))
    throw new Malformed(
      `it was built for ${WIT_PACKAGE} ${version}, this version has ${WIT_VERSION}: build it again with the wit/kemi.wit of this version`,
    );
}

function checkFunction(from: string, name: string, type: WitFunction | undefined): void {
  const grant = capabilityOf(from);
  if (!grant) return;
  const ours = Object.hasOwn(INTERFACES[grant], name) ? INTERFACES[grant][name]! : undefined;
  if (!ours)
    throw new Malformed(
      `it imports ${grant}.${name}, which is not there: build it with the wit/kemi.wit of this version`,
    );
  const theirs = type && signatureText(type);
  if (theirs !== ours.type)
    throw new Malformed(
      `it takes ${grant}.${name} for ${theirs}, and it is ${ours.type}: build it with the wit/kemi.wit of this version`,
    );
}

function rowOf({ name, type, doc }: Lifted, index: number): Row {
  if (!/^[a-z][a-z0-9-]*$/i.test(name))
    throw new Malformed(`its export ${name} is no plain function: methods and resources cannot be called by scripts`);
  const snake = name.replaceAll('-', '_').toLowerCase();
  if (type.params.length > 6)
    throw new Malformed(`its function ${name} has ${type.params.length} parameters: 6 are the most that KEMI has`);
  const params = type.params.map(p => paramOf(name, p.name, p.type));
  return {
    index,
    name: snake,
    params: params.map(p => p.type),
    take: params.map(p => p.take),
    type: signatureText(type),
    ...resultOf(name, type.result),
    ...(doc !== undefined && { doc }),
  };
}

function paramOf(
  fn: string,
  name: string,
  type: WitType,
): { type: ParamType; take: ((value: number | string) => Value) | undefined } {
  if (type === 's32') return { type: 'int', take: undefined };
  if (type === 'u32') return { type: 'int', take: undefined };
  if (type === 'bool') return { type: 'int', take: value => value !== 0 };
  if (type === 'string' || (typeof type === 'object' && 'list' in type && type.list === 'u8'))
    return { type: 'str', take: undefined };
  throw new Malformed(
    `parameter ${name} of its function ${fn} is ${witText(type)}, which KEMI cannot carry: make it ${PARAMS}`,
  );
}

function resultOf(fn: string, type: WitType | null): Pick<Row, 'returns' | 'give' | 'failed'> {
  const plain = { give: (value: Value) => value as XVal };
  if (type === null) return { returns: 'none', give: () => undefined, failed: undefined };
  if (type === 's32') return { returns: 'int', ...plain, failed: FAILED };
  if (type === 'bool') return { returns: 'bool', give: value => value as boolean, failed: false };
  if (isText(type)) return { returns: 'xval', ...plain, failed: null };
  if (typeof type === 'object' && 'option' in type && isText(type.option))
    return { returns: 'xval', ...plain, failed: null };
  if (typeof type === 'object' && 'result' in type) {
    const [ok, error] = type.result;
    if ((error === null || error === 'string') && codecOf(type)) {
      const inner = ok === null ? undefined : resultOf(fn, ok);
      const returns = inner?.returns ?? 'int';
      const failure = returns === 'int' ? -1 : returns === 'bool' ? false : null;
      return {
        returns,
        failed: inner ? inner.failed : FAILED,
        give: (value, complain) => {
          const { ok: good, value: held } = value as Outcome;
          if (good) return inner ? inner.give(held, complain) : 1;
          if (typeof held === 'string') complain(held);
          return failure;
        },
      };
    }
  }
  throw new Malformed(`its function ${fn} gives ${witText(type)}, which KEMI cannot carry: make it ${RESULTS}`);
}

/** What KEMI carries as a value that may be nil. */
const isText = (type: WitType): boolean =>
  type === 'string' ||
  type === 's32' ||
  type === 'u32' ||
  (typeof type === 'object' && 'list' in type && type.list === 'u8');

/**
 * The native command of a function: name of the module, name of the function. What gives a value has one more parameter, the variable that takes it.
 */
export function nativeForm(
  module: string,
  { name, params, returns }: Pick<Row, 'name' | 'params' | 'returns'>,
): NativeForm {
  return {
    name: `${module}_${name}`,
    params: params.map(p => (p === 'int' ? 'int' : 'str')),
    ...(returns === 'xval' && { into: true }),
  };
}
