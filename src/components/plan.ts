/**
 * What a component is once it was read: how its core modules are put together, what it exports and what it imports. Plain data, so that it can be made
 * ahead of time and kept as JSON beside the core modules.
 */

/** A type of WIT, as far as functions use it. A type that no function of ours can have is its name. */
export type WitType =
  | 'bool'
  | 's8'
  | 'u8'
  | 's16'
  | 'u16'
  | 's32'
  | 'u32'
  | 's64'
  | 'u64'
  | 'string'
  | { readonly list: WitType }
  | { readonly option: WitType }
  | { readonly result: readonly [ok: WitType | null, error: WitType | null] }
  | { readonly other: string };

export interface WitFunction {
  readonly params: readonly { readonly name: string; readonly type: WitType }[];
  readonly result: WitType | null;
}

/** An export of a core instance. */
export interface CoreRef {
  /** index in Plan.instances */
  readonly instance: number;
  readonly name: string;
}

/** How values pass between a function and its caller: where the core module keeps them. */
export interface Passing {
  readonly memory?: CoreRef;
  readonly realloc?: CoreRef;
  readonly postReturn?: CoreRef;
}

/** A host function as a core module imports it. */
export interface Lowered {
  /** interface with its version, 'kemi:module/log@0.1.0'; '' for a function that the world itself imports */
  readonly from: string;
  readonly name: string;
  /** absent: it cannot be called, whatever is granted */
  readonly type?: WitFunction;
  readonly passing: Passing;
}

export type CoreItem = CoreRef | { readonly lowered: Lowered } | { readonly refused: string };

export type CoreInstance =
  | { readonly module: number; readonly imports: Readonly<Record<string, number>> }
  | { readonly items: Readonly<Record<string, CoreItem>> };

/** A function that the component exports. */
export interface Lifted {
  /** as WIT writes it */
  readonly name: string;
  /** interface that it belongs to; absent for one of the world itself */
  readonly from?: string;
  readonly core: CoreRef;
  readonly type: WitFunction;
  readonly passing: Passing;
  readonly doc?: string;
}

export interface Plan {
  /** of this shape; another number is refused */
  readonly version: 1;
  /** how many core modules there are */
  readonly modules: number;
  readonly instances: readonly CoreInstance[];
  readonly exports: readonly Lifted[];
  /** interfaces it imports, with their versions */
  readonly imports: readonly string[];
}

/** A type as WIT writes it. */
export function witText(type: WitType | null): string {
  if (type === null) return '_';
  if (typeof type === 'string') return type;
  if ('list' in type) return `list<${witText(type.list)}>`;
  if ('option' in type) return `option<${witText(type.option)}>`;
  if ('other' in type) return type.other;
  const [ok, error] = type.result;
  if (ok === null && error === null) return 'result';
  return error === null ? `result<${witText(ok)}>` : `result<${witText(ok)}, ${witText(error)}>`;
}

/** A function's type as WIT writes it; names of parameters do not count. */
export function signatureText({ params, result }: WitFunction): string {
  const list = params.map(p => witText(p.type)).join(', ');
  return `func(${list})${result === null ? '' : ` -> ${witText(result)}`}`;
}
