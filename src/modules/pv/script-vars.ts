/** $var: values by name, some of them where the core reads and writes numbers itself (PvClass.cell). */
import * as L from '../../core/gen/layout.gen.ts';
import type { Core } from '../../core/load.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { ScalarStore } from './api.ts';

type Scalar = number | ByteStr;

/** A value whose number, when it is one of 32 bits, is in the core's memory. */
class Cell {
  readonly at: number;
  readonly #core: Core;
  #other: Scalar = 0;

  constructor(core: Core, at: number, value: Scalar | undefined) {
    this.#core = core;
    this.at = at;
    this.value = value;
  }

  get value(): Scalar | undefined {
    const { mem } = this.#core;
    const tag = mem.u32(this.at);
    if (tag === L.CELL_INT) return mem.i32(this.at + 4);
    return tag === L.CELL_UNSET ? undefined : this.#other;
  }

  set value(value: Scalar | undefined) {
    const { mem } = this.#core;
    if (typeof value === 'number' && (value | 0) === value) {
      mem.setU32(this.at, L.CELL_INT);
      mem.setU32(this.at + 4, value);
    } else if (value === undefined) mem.setU32(this.at, L.CELL_UNSET);
    else {
      this.#other = value;
      mem.setU32(this.at, L.CELL_OTHER);
    }
  }
}

export class ScriptVars implements ScalarStore {
  readonly #core: Core;
  readonly #values: Map<ByteStr, Scalar | Cell>;

  constructor(core: Core, values: Iterable<readonly [ByteStr, Scalar]>) {
    this.#core = core;
    this.#values = new Map(values);
  }

  get(name: ByteStr): Scalar | undefined {
    const value = this.#values.get(name);
    return value instanceof Cell ? value.value : value;
  }

  set(name: ByteStr, value: Scalar): void {
    const known = this.#values.get(name);
    if (known instanceof Cell) known.value = value;
    else this.#values.set(name, value);
  }

  delete(name: ByteStr): void {
    const known = this.#values.get(name);
    if (known instanceof Cell) known.value = undefined;
    else this.#values.delete(name);
  }

  *[Symbol.iterator](): Generator<[ByteStr, Scalar]> {
    for (const name of this.#values.keys()) {
      const value = this.get(name);
      if (value !== undefined) yield [name, value];
    }
  }

  /** Kept for the life of the runtime: only names that stand in a config get one. */
  cell(name: ByteStr): number {
    const known = this.#values.get(name);
    if (known instanceof Cell) return known.at;
    const at: number = this.#core.lua.malloc(8);
    if (at) this.#values.set(name, new Cell(this.#core, at, known));
    return at;
  }
}
