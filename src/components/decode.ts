/**
 * Reads a component's binary: follows its core modules, instances, aliases and canonical functions, components within it included, and writes down how to
 * put them together. Nothing is compiled or run here.
 */
import type { CoreInstance, CoreItem, CoreRef, Lifted, Lowered, Passing, Plan } from './plan.ts';
import { Malformed, Reader } from './reader.ts';
import { type Extern, externOf, type TypeEntry, type TypeScope, typeOf } from './types.ts';

type FuncEntry = { readonly lifted: Omit<Lifted, 'name'> } | { readonly imported: Omit<Lowered, 'passing'> };
type Entry =
  | { readonly sort: 'func'; readonly func: FuncEntry }
  | { readonly sort: 'type'; readonly type: TypeEntry }
  | { readonly sort: 'instance'; readonly instance: Instance }
  | { readonly sort: 'component'; readonly component: Nested }
  | { readonly sort: 'module'; readonly module: number };
type Instance = ReadonlyMap<string, Entry>;
/** A component within the component: read when it is instantiated. */
interface Nested {
  readonly reader: Reader;
  readonly parent: Scope;
}

/** Index spaces of one component. */
class Scope implements TypeScope {
  readonly parent: Scope | undefined;
  readonly types: TypeEntry[] = [];
  readonly funcs: FuncEntry[] = [];
  readonly instances: Instance[] = [];
  readonly components: Nested[] = [];
  readonly modules: number[] = [];
  readonly coreInstances: number[] = [];
  readonly coreFuncs: CoreItem[] = [];
  /** tables, memories and globals, by core sort */
  readonly coreItems: CoreItem[][] = [[], [], [], []];
  readonly exports = new Map<string, Entry>();

  constructor(parent?: Scope) {
    this.parent = parent;
  }
}

export interface Decoded {
  readonly plan: Plan;
  /** the core modules' own bytes, in the order of Plan.modules */
  readonly modules: readonly Uint8Array[];
}

/** how deep components may be within each other */
const MAX_DEPTH = 20;
/** core modules and instances of one component, with those within it */
const MAX_PARTS = 200;

/** @throws Malformed saying what the file is instead, or what of it cannot be loaded */
export function decodeComponent(bytes: Uint8Array): Decoded {
  const word = (at: number) => bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  if (bytes.length < 8 || word(0) !== 0x6d736100)
    throw new Malformed('it is no WebAssembly file: build a component, for example with kemi-wasm module build');
  if (word(4) === 1)
    throw new Malformed(
      'it is a core module, not a component: make one of it with kemi-wasm module build, or with wasm-tools component new',
    );
  if (word(4) !== 0x1000d)
    throw new Malformed(
      `it has version 0x${(word(4) >>> 0).toString(16)} of the binary format, only components of version 0x1000d can be loaded`,
    );
  return new Decoder().run(bytes);
}

class Decoder {
  readonly #modules: Uint8Array[] = [];
  readonly #instances: CoreInstance[] = [];
  readonly #imports = new Set<string>();
  readonly #docs = new Map<string, string>();

  run(bytes: Uint8Array): Decoded {
    const scope = this.#component(new Reader(bytes, 8), undefined, undefined, 0);
    const exports: Lifted[] = [];
    for (const [name, entry] of scope.exports) {
      if (entry.sort === 'func') exports.push(this.#lifted(name, entry.func));
      else if (entry.sort === 'instance' && !name.startsWith('wasi:'))
        for (const [inner, item] of entry.instance)
          if (item.sort === 'func') exports.push({ ...this.#lifted(inner, item.func), from: name });
    }
    return {
      plan: {
        version: 1,
        modules: this.#modules.length,
        instances: this.#instances,
        exports,
        imports: [...this.#imports],
      },
      modules: this.#modules,
    };
  }

  #lifted(name: string, func: FuncEntry): Lifted {
    if (!('lifted' in func)) throw new Malformed(`its export ${name} is a function of the host, not one of its own`);
    const doc = this.#docs.get(name);
    return { name, ...func.lifted, ...(doc !== undefined && { doc }) };
  }

  /** @param args what the component is instantiated with; absent for the outermost one, whose imports are the host's */
  #component(reader: Reader, parent: Scope | undefined, args: Instance | undefined, depth: number): Scope {
    if (depth > MAX_DEPTH) throw new Malformed(`its components are more than ${MAX_DEPTH} deep within each other`);
    const scope = new Scope(parent);
    while (!reader.done) {
      const id = reader.byte();
      const part = reader.part(reader.u32());
      const each = (read: () => void) => void part.vec(read);
      switch (id) {
        case 0:
          if (depth === 0) this.#custom(part);
          break;
        case 1:
          this.#limit();
          scope.modules.push(this.#modules.length);
          this.#modules.push(part.bytes.subarray(part.at, part.end));
          break;
        case 2:
          each(() => this.#coreInstance(part, scope));
          break;
        case 3:
          // types of core modules: nothing that we load refers to them
          break;
        case 4:
          part.skip(8);
          scope.components.push({ reader: part, parent: scope });
          break;
        case 5:
          each(() => void scope.instances.push(this.#instance(part, scope, depth)));
          break;
        case 6:
          each(() => this.#alias(part, scope));
          break;
        case 7:
          each(() => void scope.types.push(typeOf(part, scope)));
          break;
        case 8:
          each(() => this.#canon(part, scope));
          break;
        case 10:
          each(() => this.#import(part, scope, args));
          break;
        case 11:
          each(() => this.#export(part, scope));
          break;
        default:
          throw new Malformed(`it has a section of kind ${id}, which this version does not know`, part.at);
      }
    }
    return scope;
  }

  #limit(): void {
    if (this.#modules.length + this.#instances.length >= MAX_PARTS)
      throw new Malformed(`it has more than ${MAX_PARTS} core modules and instances`);
  }

  /** Documentation, when the tool that made the component kept it. */
  #custom(part: Reader): void {
    if (part.name() !== 'package-docs') return;
    try {
      const json = new TextDecoder().decode(part.bytes.subarray(part.at + 1, part.end));
      const { worlds = {}, interfaces = {} } = JSON.parse(json) as Record<string, Record<string, Docs>>;
      for (const docs of [...Object.values(worlds), ...Object.values(interfaces)])
        for (const [name, doc] of Object.entries({ ...docs.func_exports, ...docs.funcs })) {
          const text = typeof doc === 'string' ? doc : doc?.docs;
          if (typeof text === 'string') this.#docs.set(name, text);
        }
    } catch {
      // It is for people: a component without it works all the same.
    }
  }

  #coreInstance(r: Reader, scope: Scope): void {
    this.#limit();
    const kind = r.byte();
    let instance: CoreInstance;
    if (kind === 0) {
      const module = at(scope.modules, r.u32(), 'core module');
      const imports: Record<string, number> = {};
      r.vec(() => {
        const name = key(r);
        if (r.byte() !== 0x12)
          throw new Malformed('a core module is instantiated with something else than an instance');
        imports[name] = at(scope.coreInstances, r.u32(), 'core instance');
      });
      instance = { module, imports };
    } else if (kind === 1) {
      const items: Record<string, CoreItem> = {};
      r.vec(() => {
        const name = key(r);
        const sort = r.byte();
        const list = sort === 0 ? scope.coreFuncs : sort < 4 ? scope.coreItems[sort] : undefined;
        items[name] = at(list ?? [], r.u32(), 'core item');
      });
      instance = { items };
    } else throw new Malformed(`a core instance is of kind ${kind}`);
    scope.coreInstances.push(this.#instances.length);
    this.#instances.push(instance);
  }

  #instance(r: Reader, scope: Scope, depth: number): Instance {
    const kind = r.byte();
    const out = new Map<string, Entry>();
    if (kind === 0) {
      const { reader, parent } = at(scope.components, r.u32(), 'component');
      r.vec(() => {
        const name = r.name();
        out.set(name, entryOf(r, scope));
      });
      const inner = new Reader(reader.bytes, reader.at, reader.end);
      return this.#component(inner, parent, out, depth + 1).exports;
    }
    if (kind !== 1) throw new Malformed(`an instance is of kind ${kind}`);
    r.vec(() => {
      const name = externName(r);
      out.set(name, entryOf(r, scope));
    });
    return out;
  }

  #alias(r: Reader, scope: Scope): void {
    const sort = r.byte();
    const coreSort = sort === 0 ? r.byte() : 0;
    const target = r.byte();
    if (target === 0) {
      const instance = at(scope.instances, r.u32(), 'instance');
      const name = r.name();
      const entry = instance.get(name);
      if (!entry) throw new Malformed(`an instance has no export ${name}`);
      add(scope, entry);
    } else if (target === 1) {
      const item: CoreRef = { instance: at(scope.coreInstances, r.u32(), 'core instance'), name: r.name() };
      if (coreSort === 0) scope.coreFuncs.push(item);
      else if (coreSort < 4) scope.coreItems[coreSort]!.push(item);
      else throw new Malformed(`an export of a core module is of kind ${coreSort}`);
    } else if (target === 2) {
      let outer: Scope | undefined = scope;
      for (let n = r.u32(); n > 0; n--) outer = outer?.parent;
      const index = r.u32();
      if (!outer) throw new Malformed('it refers to something outside of it');
      if (sort === 3) scope.types.push(at(outer.types, index, 'type'));
      else if (sort === 4) scope.components.push(at(outer.components, index, 'component'));
      else if (sort === 0 && coreSort === 0x11) scope.modules.push(at(outer.modules, index, 'core module'));
      else if (sort !== 0 || coreSort !== 0x10) throw new Malformed(`it takes something of kind ${sort} from outside`);
    } else throw new Malformed(`an alias is of kind ${target}`);
  }

  #canon(r: Reader, scope: Scope): void {
    const kind = r.byte();
    if (kind === 0 || kind === 1) r.skip(1);
    if (kind === 0) {
      const core = at(scope.coreFuncs, r.u32(), 'core function');
      const passing = options(r, scope);
      const type = at(scope.types, r.u32(), 'type');
      if (type.kind !== 'func' || !('instance' in core))
        throw new Malformed('it exports something that is no function');
      scope.funcs.push({ lifted: { core, type: type.type, passing } });
    } else if (kind === 1) {
      const func = at(scope.funcs, r.u32(), 'function');
      const passing = options(r, scope);
      // Tools put components beside the module that only their own start needs (QuickJS does): such calls are refused when they come, not before.
      scope.coreFuncs.push(
        'imported' in func
          ? { lowered: { ...func.imported, passing } }
          : { refused: 'a function of another component in it' },
      );
    } else if (kind >= 2 && kind <= 4) {
      r.skipLeb();
      scope.coreFuncs.push({ refused: 'a resource' });
    } else
      throw new Malformed(
        `it uses asynchronous functions or threads of the component model (0x${kind.toString(16)}), which this version does not have: build it for WASI 0.2`,
      );
  }

  #import(r: Reader, scope: Scope, args: Instance | undefined): void {
    const name = externName(r);
    const desc = externOf(r, scope);
    if (args) {
      const entry = args.get(name);
      if (!entry) throw new Malformed(`a component in it is instantiated without ${name}`);
      add(scope, entry);
    } else if (desc.kind === 'instance') {
      this.#imports.add(name);
      scope.instances.push(imported(name, desc.exports));
    } else if (desc.kind === 'func') {
      this.#imports.add(name);
      scope.funcs.push({ imported: { from: '', name, type: desc.type } });
    } else if (desc.kind === 'type') scope.types.push(desc.type);
    else throw new Malformed(`it imports ${name}, which is neither a function nor an interface`);
  }

  #export(r: Reader, scope: Scope): void {
    const name = externName(r);
    const entry = entryOf(r, scope);
    if (r.byte() === 1) externOf(r, scope);
    scope.exports.set(name, entry);
    add(scope, entry);
  }
}

interface Docs {
  readonly func_exports?: Record<string, string>;
  readonly funcs?: Record<string, string | { readonly docs?: string }>;
}

function at<T>(list: readonly T[], index: number, what: string): T {
  const found = list[index];
  if (found === undefined) throw new Malformed(`it refers to ${what} ${index}, which is not there`);
  return found;
}

/** Puts something at the end of its index space. */
function add(scope: Scope, entry: Entry): void {
  if (entry.sort === 'func') scope.funcs.push(entry.func);
  else if (entry.sort === 'type') scope.types.push(entry.type);
  else if (entry.sort === 'instance') scope.instances.push(entry.instance);
  else if (entry.sort === 'component') scope.components.push(entry.component);
  else scope.modules.push(entry.module);
}

/** What a sort and an index refer to. */
function entryOf(r: Reader, scope: Scope): Entry {
  const sort = r.byte();
  if (sort === 0) {
    const core = r.byte();
    if (core !== 0x11) throw new Malformed(`it passes something of core kind ${core} on`);
    return { sort: 'module', module: at(scope.modules, r.u32(), 'core module') };
  }
  const index = r.u32();
  if (sort === 1) return { sort: 'func', func: at(scope.funcs, index, 'function') };
  if (sort === 3) return { sort: 'type', type: at(scope.types, index, 'type') };
  if (sort === 4) return { sort: 'component', component: at(scope.components, index, 'component') };
  if (sort === 5) return { sort: 'instance', instance: at(scope.instances, index, 'instance') };
  throw new Malformed(`it passes something of kind ${sort} on`);
}

/** A name that becomes the key of an object. */
function key(r: Reader): string {
  const name = r.name();
  if (name === '__proto__') throw new Malformed('it has something with the name __proto__');
  return name;
}

/** Names of imports and exports: a byte for the form, the name, and in form 2 a version. */
function externName(r: Reader): string {
  const form = r.byte();
  const name = r.name();
  if (form === 2) r.name();
  else if (form > 2) throw new Malformed(`a name has form ${form}`);
  return name;
}

/** An imported interface: functions of the host. */
function imported(from: string, exports: ReadonlyMap<string, Extern>): Instance {
  const out = new Map<string, Entry>();
  for (const [name, extern] of exports) {
    if (extern.kind === 'func')
      out.set(name, { sort: 'func', func: { imported: { from, name, ...(isKemi(from) && { type: extern.type }) } } });
    else if (extern.kind === 'type') out.set(name, { sort: 'type', type: extern.type });
  }
  return out;
}

/** Types of other interfaces are never needed, and those of WASI are large. */
const isKemi = (name: string): boolean => name.startsWith('kemi:');

function options(r: Reader, scope: Scope): Passing {
  const passing: { -readonly [K in keyof Passing]: Passing[K] } = {};
  const ref = (item: CoreItem): CoreRef => {
    if (!('instance' in item)) throw new Malformed('a function passes its values by something that is not its own');
    return item;
  };
  r.vec(() => {
    const kind = r.byte();
    if (kind === 0) return;
    if (kind === 3) passing.memory = ref(at(scope.coreItems[2]!, r.u32(), 'memory'));
    else if (kind === 4) passing.realloc = ref(at(scope.coreFuncs, r.u32(), 'core function'));
    else if (kind === 5) passing.postReturn = ref(at(scope.coreFuncs, r.u32(), 'core function'));
    else if (kind === 1 || kind === 2)
      throw new Malformed('its texts are UTF-16, which this version does not read: build it with UTF-8');
    else throw new Malformed('it has asynchronous functions, which this version does not call: make them synchronous');
  });
  return passing;
}
