/** One running component: its core modules put together as its plan says, its functions callable, its limits watched. */
import { type ByteText, Memory } from '../core/memory.ts';
import { Breach, type Codec, codecOf, type Flat, type Guest, type Value } from './canonical.ts';
import { PAGES_EXPORT, REFILL_EXPORT, STEPS_EXPORT } from './meter.ts';
import type { CoreItem, CoreRef, Lifted, Lowered, Passing, Plan, WitType } from './plan.ts';
import type { RawFunction } from './wasi.ts';

/** A component that was read and compiled: what an instance is made of. */
export interface Component {
  readonly plan: Plan;
  /** compiled core modules in the order of the plan, with the limits of src/components/meter.ts in them */
  readonly modules: readonly WebAssembly.Module[];
}

/** A host function for one component. @returns undefined: it has no such function, or it was not granted: a call of it throws */
export type Resolve = (from: string, name: string) => ((...args: Value[]) => Value) | undefined;

export interface InstanceOptions {
  readonly resolve: Resolve;
  /** the same for functions whose types are none of ours */
  readonly raw?: (from: string, name: string) => RawFunction | undefined;
  readonly byteText?: ((buffer: ArrayBuffer) => ByteText) | undefined;
  /** pages of 64 KiB of each memory */
  readonly memoryPages: number;
  /** of one call */
  readonly steps: number;
}

/** steps that a call of the host counts as: about 2 microseconds */
const HOST_CALL_STEPS = 1000;
const PAGE = 65536;

/** The component did what it may not: it called what was not granted. */
export class Denied extends Error {}

type CoreFunction = (...args: Flat[]) => Flat | undefined;
type Callable = (a?: Value, b?: Value, c?: Value, d?: Value, e?: Value, f?: Value) => Value;

export class Instance {
  readonly #component: Component;
  readonly #options: InstanceOptions;
  readonly #cores: (Record<string, unknown> | undefined)[] = [];
  readonly #memories = new Map<WebAssembly.Memory, Memory>();
  readonly #steps: WebAssembly.Global[] = [];
  /** they set the steps, one for each module that has code */
  readonly #refill: ((steps: number) => void)[] = [];
  readonly #functions: Callable[];
  /** host calls that the call may still make */
  #hostCalls = 0;
  /** a call is in it: it must not be entered again */
  busy = false;

  /**
   * Instantiates it: its start functions run.
   * @throws Error of any kind: it traps, it needs more memory than it may have
   */
  constructor(component: Component, options: InstanceOptions) {
    this.#component = component;
    this.#options = options;
    this.#hostCalls = Math.ceil(options.steps / HOST_CALL_STEPS);
    for (const i of component.plan.instances.keys()) this.#core(i);
    this.#functions = component.plan.exports.map(e => this.#callable(e));
  }

  /** bytes of its memories */
  get memoryBytes(): number {
    let bytes = 0;
    for (const memory of this.#memories.keys()) bytes += memory.buffer.byteLength;
    return bytes;
  }

  /** whether the last call was stopped because it ran for too long */
  get outOfSteps(): boolean {
    return this.#hostCalls < 0 || this.#steps.some(s => s.value < 0);
  }

  /** whether a memory is as large as it may be */
  get outOfMemory(): boolean {
    return this.memoryBytes > (this.#options.memoryPages - 1) * PAGE;
  }

  /** Calls an export by its place in the plan. @throws what the component throws: then it must not be used again */
  call(index: number, a?: Value, b?: Value, c?: Value, d?: Value, e?: Value, f?: Value): Value {
    if (this.busy) throw new Breach('it was called while it ran');
    this.busy = true;
    const { steps } = this.#options;
    for (const refill of this.#refill) refill(steps);
    this.#hostCalls = Math.ceil(steps / HOST_CALL_STEPS);
    const result = this.#functions[index]!(a, b, c, d, e, f);
    // Not in a finally block: what threw is in no state to be called again.
    this.busy = false;
    return result;
  }

  /** Exports of a core instance; made with those that it needs. */
  #core(index: number): Record<string, unknown> {
    const made = this.#cores[index];
    if (made) return made;
    const { plan, modules } = this.#component;
    const spec = plan.instances[index]!;
    const exports: Record<string, unknown> = {};
    if ('items' in spec) {
      for (const [name, item] of Object.entries(spec.items)) exports[name] = this.#item(item);
    } else {
      const imports: Record<string, Record<string, unknown>> = {};
      for (const [name, from] of Object.entries(spec.imports)) imports[name] = this.#core(from);
      const instance = new WebAssembly.Instance(modules[spec.module]!, imports as WebAssembly.Imports);
      Object.assign(exports, instance.exports);
      this.#limit(exports);
    }
    this.#cores[index] = exports;
    return exports;
  }

  #limit(exports: Record<string, unknown>): void {
    const { memoryPages, steps } = this.#options;
    const left = exports[STEPS_EXPORT];
    const pages = exports[PAGES_EXPORT];
    if (left instanceof WebAssembly.Global) {
      left.value = steps;
      this.#steps.push(left);
      this.#refill.push(exports[REFILL_EXPORT] as (steps: number) => void);
    }
    if (pages instanceof WebAssembly.Global) pages.value = memoryPages;
    for (const value of Object.values(exports)) if (value instanceof WebAssembly.Memory) this.#memory(value);
    if (this.memoryBytes > memoryPages * PAGE)
      throw new Breach(
        `it begins with ${Math.ceil(this.memoryBytes / PAGE)} pages of memory, its limit is ${memoryPages}`,
      );
  }

  #item(item: CoreItem): unknown {
    if ('instance' in item) return this.#ref(item);
    if ('refused' in item)
      return () => {
        throw new Denied(`it used ${item.refused}, which modules do not get`);
      };
    return this.#lowered(item.lowered);
  }

  #ref({ instance, name }: CoreRef): unknown {
    return this.#core(instance)[name];
  }

  #memory(memory: WebAssembly.Memory): Memory {
    let found = this.#memories.get(memory);
    if (!found) this.#memories.set(memory, (found = new Memory(memory, this.#options.byteText)));
    return found;
  }

  #guest({ memory, realloc }: Passing): Guest {
    const allocate =
      realloc && (this.#ref(realloc) as (old: number, size: number, align: number, to: number) => number);
    return {
      mem: memory ? this.#memory(this.#ref(memory) as WebAssembly.Memory) : NO_MEMORY,
      allocate: (align, size) => {
        if (!allocate) throw new Breach('it has no cabi_realloc, and a text was to be passed to it');
        return allocate(0, 0, align, size) >>> 0;
      },
    };
  }

  /** A host function as a core module calls it. */
  #lowered(spec: Lowered): CoreFunction {
    const { from, name, type, passing } = spec;
    const raw = this.#options.raw?.(from, name);
    if (raw) return this.#raw(raw, name, passing);
    const run = this.#options.resolve(from, name);
    if (!run || !type)
      return () => {
        throw new Denied(`it called ${from ? `${from.replace(/@.*/, '')} ` : ''}${name}, which it was not granted`);
      };
    const params = type.params.map(p => codec(p.type));
    const result = type.result === null ? undefined : codec(type.result);
    const flatParams = params.reduce((n, p) => n + p.flat, 0);
    const indirect = result !== undefined && result.flat > 1;
    const lowered: Flat[] = [];
    // Its memory may come from an instance that is made after this function.
    let guest: Guest | undefined;
    return (...flat: Flat[]) => {
      if (--this.#hostCalls < 0) throw new Breach(`it called ${name} too often`);
      guest ??= this.#guest(passing);
      const args: Value[] = [];
      let at = 0;
      for (const p of params) {
        args.push(p.lift(guest, flat, at));
        at += p.flat;
      }
      const value = run(...args);
      if (!result) return undefined;
      if (!indirect) {
        result.lower(guest, value, lowered, 0);
        return lowered[0];
      }
      const to = (flat[flatParams] as number) >>> 0;
      if (to % result.align || to + result.size > guest.mem.u8.length)
        throw new Breach('it asked for a result at an address outside of its memory');
      result.store(guest, to, value);
      return undefined;
    };
  }

  /** A host function that works on core values. */
  #raw(run: RawFunction, name: string, passing: Passing): CoreFunction {
    let guest: Guest | undefined;
    return (...flat: Flat[]) => {
      if (--this.#hostCalls < 0) throw new Breach(`it called ${name} too often`);
      guest ??= this.#guest(passing);
      return run(guest, ...flat);
    };
  }

  /** An export as we call it. */
  #callable({ core, type, passing }: Lifted): Callable {
    const target = this.#ref(core) as CoreFunction;
    const after = passing.postReturn && (this.#ref(passing.postReturn) as CoreFunction);
    const guest = this.#guest(passing);
    const params = type.params.map(p => codec(p.type));
    const result = type.result === null ? undefined : codec(type.result);
    const flat: Flat[] = [];
    const places = params.map((_, i) => params.slice(0, i).reduce((n, p) => n + p.flat, 0));
    const count = params.reduce((n, p) => n + p.flat, 0);
    const invoke = invoker(target, count, flat);
    const direct: Flat[] = [0];
    const finish = (raw: Flat | undefined): Value => {
      let value: Value;
      if (result === undefined) value = undefined;
      else if (result.flat === 1) {
        direct[0] = raw!;
        value = result.lift(guest, direct, 0);
      } else {
        const at = (raw as number) >>> 0;
        if (at % result.align || at + result.size > guest.mem.u8.length)
          throw new Breach('it gave a result outside of its memory');
        value = result.load(guest, at);
      }
      if (after) {
        if (result === undefined) after();
        else after(raw!);
      }
      return value;
    };
    const [first, second] = params;
    if (params.length === 0) return () => finish(invoke());
    if (params.length === 1)
      return a => {
        first!.lower(guest, a, flat, 0);
        return finish(invoke());
      };
    if (params.length === 2)
      return (a, b) => {
        first!.lower(guest, a, flat, 0);
        second!.lower(guest, b, flat, places[1]!);
        return finish(invoke());
      };
    return (...args) => {
      params.forEach((p, i) => {
        p.lower(guest, args[i], flat, places[i]!);
      });
      return finish(invoke());
    };
  }
}

const NO_MEMORY = new Memory(new WebAssembly.Memory({ initial: 0 }));

/** Types were looked at when the component was loaded. */
function codec(type: WitType): Codec {
  const found = codecOf(type);
  if (!found) throw new Breach('it has a function whose types cannot be passed');
  return found;
}

/** Calls with the core values that are at hand; without a spread where they are few. */
function invoker(target: CoreFunction, count: number, flat: readonly Flat[]): () => Flat | undefined {
  if (count === 0) return () => target();
  if (count === 1) return () => target(flat[0]!);
  if (count === 2) return () => target(flat[0]!, flat[1]!);
  if (count === 3) return () => target(flat[0]!, flat[1]!, flat[2]!);
  if (count === 4) return () => target(flat[0]!, flat[1]!, flat[2]!, flat[3]!);
  return () => target(...flat.slice(0, count));
}
