/** Types in a component's binary: value types, functions, and what interfaces promise. */
import type { WitFunction, WitType } from './plan.ts';
import { Malformed, type Reader } from './reader.ts';

export type TypeEntry =
  | { readonly kind: 'value'; readonly type: WitType }
  | { readonly kind: 'func'; readonly type: WitFunction }
  | { readonly kind: 'instance'; readonly exports: ReadonlyMap<string, Extern> }
  | { readonly kind: 'component' };

/** What an import or an export is said to be. */
export type Extern =
  | { readonly kind: 'func'; readonly type: WitFunction }
  | { readonly kind: 'type'; readonly type: TypeEntry }
  | { readonly kind: 'instance'; readonly exports: ReadonlyMap<string, Extern> }
  | { readonly kind: 'other' };

/** An index space of types, with those around it. */
export interface TypeScope {
  readonly parent: TypeScope | undefined;
  readonly types: TypeEntry[];
}

const PRIMITIVES: Readonly<Record<number, WitType>> = {
  127: 'bool',
  126: 's8',
  125: 'u8',
  124: 's16',
  123: 'u16',
  122: 's32',
  121: 'u32',
  120: 's64',
  119: 'u64',
  118: { other: 'f32' },
  117: { other: 'f64' },
  116: { other: 'char' },
  115: 'string',
  100: { other: 'error-context' },
};

/** A value type: a primitive, or an index. */
function valtype(r: Reader, scope: TypeScope): WitType {
  const code = r.s33();
  if (code < 0) return primitive(code & 0x7f);
  const entry = scope.types[code];
  if (!entry) throw new Malformed(`it refers to type ${code}, which is not there`);
  return entry.kind === 'value' ? entry.type : { other: entry.kind };
}

function primitive(code: number): WitType {
  const type = PRIMITIVES[code];
  if (!type) throw new Malformed(`it uses a type with code 0x${code.toString(16)}, which this version does not know`);
  return type;
}

/** parts of one type */
const MAX_TYPE = 64;

const optional = (r: Reader, scope: TypeScope): WitType | null => (r.byte() === 1 ? valtype(r, scope) : null);

/** Types share their parts: written out, a few lines may be longer than any memory. What is that large is none of ours. */
function bounded(type: WitType): WitType {
  return sizeOf(type) > MAX_TYPE ? { other: 'a type with too many parts' } : type;
}

function sizeOf(type: WitType | null): number {
  if (type === null || typeof type === 'string' || 'other' in type) return 1;
  if ('list' in type) return 1 + sizeOf(type.list);
  if ('option' in type) return 1 + sizeOf(type.option);
  return 1 + sizeOf(type.result[0]) + sizeOf(type.result[1]);
}

/** One entry of a type section. */
export function typeOf(r: Reader, scope: TypeScope): TypeEntry {
  const code = r.byte();
  const value = (type: WitType): TypeEntry => ({ kind: 'value', type });
  switch (code) {
    case 0x40:
      return { kind: 'func', type: functionOf(r, scope) };
    case 0x43:
      functionOf(r, scope);
      return { kind: 'func', type: { params: [], result: { other: 'async' } } };
    case 0x41: {
      const inner = { parent: scope, types: [] };
      r.vec(() => void declaration(r, inner, new Map(), []));
      return { kind: 'component' };
    }
    case 0x42: {
      const inner = { parent: scope, types: [] };
      const exports = new Map<string, Extern>();
      const instances: ReadonlyMap<string, Extern>[] = [];
      r.vec(() => declaration(r, inner, exports, instances));
      return { kind: 'instance', exports };
    }
    case 0x3f:
      // representation, and a destructor
      r.byte();
      if (r.byte() === 1) r.u32();
      return value({ other: 'resource' });
    case 0x70:
      return value(bounded({ list: valtype(r, scope) }));
    case 0x6b:
      return value(bounded({ option: valtype(r, scope) }));
    case 0x6a:
      return value(bounded({ result: [optional(r, scope), optional(r, scope)] }));
    case 0x72:
      r.vec(() => {
        r.name();
        valtype(r, scope);
      });
      return value({ other: 'record' });
    case 0x71:
      r.vec(() => {
        r.name();
        optional(r, scope);
        r.byte();
      });
      return value({ other: 'variant' });
    case 0x6f:
      r.vec(() => void valtype(r, scope));
      return value({ other: 'tuple' });
    case 0x6e:
    case 0x6d:
      r.vec(() => void r.name());
      return value({ other: code === 0x6e ? 'flags' : 'enum' });
    case 0x69:
    case 0x68:
      r.u32();
      return value({ other: code === 0x69 ? 'own' : 'borrow' });
    case 0x67:
      valtype(r, scope);
      r.u32();
      return value({ other: 'list of a fixed length' });
    case 0x66:
    case 0x65:
      optional(r, scope);
      return value({ other: code === 0x66 ? 'stream' : 'future' });
    default:
      return value(primitive(code));
  }
}

function functionOf(r: Reader, scope: TypeScope): WitFunction {
  const params = r.vec(() => ({ name: r.name(), type: valtype(r, scope) }));
  const form = r.byte();
  if (form === 0) return { params, result: valtype(r, scope) };
  if (form !== 1 || r.byte() !== 0) throw new Malformed('a function has several results');
  return { params, result: null };
}

/** One line of the type of an interface or a component. */
function declaration(
  r: Reader,
  scope: TypeScope,
  exports: Map<string, Extern>,
  instances: ReadonlyMap<string, Extern>[],
): void {
  const kind = r.byte();
  switch (kind) {
    case 0:
      throw new Malformed('it uses types of core modules, which this version does not read');
    case 1:
      scope.types.push(typeOf(r, scope));
      return;
    case 2: {
      const sort = r.byte();
      if (sort === 0) r.byte();
      const target = r.byte();
      const first = r.u32();
      if (target === 0) {
        const name = r.name();
        const found = instances[first]?.get(name);
        if (sort === 3)
          scope.types.push(found?.kind === 'type' ? found.type : { kind: 'value', type: { other: name } });
        return;
      }
      if (target !== 2) throw new Malformed(`an alias is of kind ${target}`);
      let outer: TypeScope | undefined = scope;
      for (let n = first; n > 0; n--) outer = outer?.parent;
      const index = r.u32();
      const found = outer?.types[index];
      if (sort !== 3) return;
      if (!found) throw new Malformed(`it refers to type ${index} outside of it, which is not there`);
      scope.types.push(found);
      return;
    }
    case 3:
    case 4: {
      const form = r.byte();
      const name = r.name();
      if (form === 2) r.name();
      const found = externOf(r, scope);
      if (found.kind === 'type') scope.types.push(found.type);
      if (found.kind === 'instance') instances.push(found.exports);
      if (kind === 4) exports.set(name, found);
      return;
    }
    default:
      throw new Malformed(`a type has a line of kind ${kind}`);
  }
}

/** What stands behind the name of an import or an export. */
export function externOf(r: Reader, scope: TypeScope): Extern {
  const kind = r.byte();
  switch (kind) {
    case 0: {
      r.byte();
      r.u32();
      return { kind: 'other' };
    }
    case 1: {
      const entry = scope.types[r.u32()];
      if (entry?.kind !== 'func') throw new Malformed('a function has a type that is none of a function');
      return { kind: 'func', type: entry.type };
    }
    case 3: {
      if (r.byte() === 1) return { kind: 'type', type: { kind: 'value', type: { other: 'resource' } } };
      const entry = scope.types[r.u32()];
      if (!entry) throw new Malformed('it refers to a type that is not there');
      return { kind: 'type', type: entry };
    }
    case 5: {
      const entry = scope.types[r.u32()];
      if (entry?.kind !== 'instance') throw new Malformed('an interface has a type that is none of an interface');
      return { kind: 'instance', exports: entry.exports };
    }
    case 4:
      r.u32();
      return { kind: 'other' };
    default:
      throw new Malformed(`an import or export is of kind ${kind}`);
  }
}
