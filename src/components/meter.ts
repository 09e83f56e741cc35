/**
 * Puts limits into a core module: it counts its steps and stops where there are too many, its memories grow up to a limit that is set from outside, its tables
 * up to a fixed one. Two globals are added behind its own, so no index of the module changes; and only plain bytes are rewritten, so it needs no compiler.
 *
 * A step is about eight bytes of code. They are counted where code can run again: at the head of each loop and of each function. Behind that the module
 * traps, which it cannot catch.
 * Above 500 lines: one pass over one format, all of whose instructions it has to know.
 */
import { Malformed, Reader } from './reader.ts';

/** Export of the global that holds the steps left; below 0 behind a stop. */
export const STEPS_EXPORT = 'kemi:steps';
/** Export of the global that holds the most pages of a memory. */
export const PAGES_EXPORT = 'kemi:pages';
/** Export of the function that sets the steps: an engine calls it in a third of the time that setting a global takes. */
export const REFILL_EXPORT = 'kemi:refill';
/** what a module has before somebody sets the globals: while it is instantiated */
export const FIRST_STEPS = 200_000_000;
export const FIRST_PAGES = 1024;

/** most elements of a table */
const MAX_TABLE = 100_000;
const BYTES_PER_STEP = 8;
/** memory.fill and its like: bytes that count as one step, as a shift */
const BULK_SHIFT = 4;
/** memory.init copy fill, table.init copy grow fill */
const BULK = [8, 10, 11, 12, 14, 15, 17];
const I32 = 0x7f;

interface Shape {
  /** parameters of each function type */
  readonly params: number[];
  /** type of each function that has a body */
  readonly types: number[];
  /** globals, imported ones first */
  globals: number;
  /** functions that it imports */
  importedFunctions: number;
}

/** @throws Malformed for what no limit would hold: shared memories, threads, garbage collected objects */
export function meter(module: Uint8Array): Uint8Array<ArrayBuffer> {
  // Without code there is nothing to count: it only fills tables and memories of others.
  if (!hasCode(module)) return module.slice();
  const r = new Reader(module, 8);
  const shape: Shape = { params: [], types: [], globals: 0, importedFunctions: 0 };
  const out = new Bytes(module.length + (module.length >> 2) + 256);
  out.copy(module, 0, 8);
  let needsGlobals = true;
  let needsExports = true;
  const before = (id: number) => {
    if (needsGlobals && order(id) > order(6)) {
      needsGlobals = false;
      out.section(6, body => addGlobals(body, 0));
    }
    if (needsExports && order(id) > order(7)) {
      needsExports = false;
      out.section(7, body => addExports(body, shape, 0));
    }
  };
  while (!r.done) {
    const from = r.at;
    const id = r.byte();
    const part = r.part(r.u32());
    if (id !== 0) before(id);
    switch (id) {
      case 1: {
        const from = part.at;
        readTypes(part, shape);
        whole(part);
        out.section(1, body => addType(body, module.subarray(from, part.end), shape));
        continue;
      }
      case 2:
        readImports(part, shape);
        break;
      case 3:
        shape.types.push(...part.vec(() => part.u32()));
        whole(part);
        out.section(3, body => {
          body.leb(shape.types.length + 1);
          for (const type of shape.types) body.leb(type);
          body.leb(shape.params.length);
        });
        continue;
      case 4:
        out.section(4, body => limitTables(part, body));
        whole(part);
        continue;
      case 5:
        part.vec(() => memoryLimits(part));
        break;
      case 6: {
        needsGlobals = false;
        const count = part.u32();
        const rest = part.at;
        shape.globals += count;
        out.section(6, body => addGlobals(body, count, module.subarray(rest, part.end)));
        continue;
      }
      case 7: {
        needsExports = false;
        const count = part.u32();
        const rest = part.at;
        for (let i = 0; i < count; i++) {
          const name = part.name();
          part.skip(1);
          part.u32();
          if ([STEPS_EXPORT, PAGES_EXPORT, REFILL_EXPORT].includes(name))
            throw new Malformed('its limits are built in already: load the component as the tools made it');
        }
        out.section(7, body => addExports(body, shape, count, module.subarray(rest, part.end)));
        continue;
      }
      case 10:
        out.section(10, body => meterCode(part, body, shape));
        whole(part);
        continue;
    }
    out.copy(module, from, r.at);
  }
  before(100);
  return out.take();
}

function hasCode(module: Uint8Array): boolean {
  const r = new Reader(module, 8);
  while (!r.done) {
    const id = r.byte();
    r.skip(r.u32());
    if (id === 10) return true;
  }
  return false;
}

/** What is written anew must have been read to its end. */
function whole(part: Reader): void {
  if (!part.done) throw new Malformed('a section of it is longer than what is in it', part.at);
}

/** place of a section: tags are between memories and globals, the count of data segments is in front of the code */
function order(id: number): number {
  return id === 13 ? 5.5 : id === 12 ? 9.5 : id;
}

function readTypes(r: Reader, shape: Shape): void {
  r.vec(() => {
    if (r.byte() !== 0x60) throw new Malformed('it uses garbage collected types, whose memory nothing would limit');
    shape.params.push(r.vec(() => skipType(r)).length);
    r.vec(() => skipType(r));
  });
}

function skipType(r: Reader): void {
  const code = r.byte();
  if (code === 0x63 || code === 0x64) r.skipLeb();
}

function readImports(r: Reader, shape: Shape): void {
  r.vec(() => {
    r.name();
    r.name();
    const kind = r.byte();
    if (kind === 0) {
      r.u32();
      shape.importedFunctions++;
    } else if (kind === 1) {
      skipType(r);
      tableLimits(r);
    } else if (kind === 2) memoryLimits(r);
    else if (kind === 3) {
      skipType(r);
      r.skip(1);
      shape.globals++;
    } else {
      r.skip(1);
      r.u32();
    }
  });
}

function memoryLimits(r: Reader): void {
  const flags = r.byte();
  if (flags & 2)
    throw new Malformed('it uses shared memory, which this version does not give: build it without threads');
  if (flags & ~1) throw new Malformed('it uses a 64-bit memory, which this version does not give: build it for wasm32');
  r.u32();
  if (flags & 1) r.u32();
}

function tableLimits(r: Reader): { least: number; most: number } {
  const flags = r.byte();
  if (flags & ~1)
    throw new Malformed('it uses a table that is shared or has 64 bits, which this version does not give');
  const least = r.u32();
  return { least, most: flags & 1 ? r.u32() : 0xffffffff };
}

/** A table without a limit gets one. */
function limitTables(r: Reader, out: Bytes): void {
  const count = r.u32();
  out.leb(count);
  for (let i = 0; i < count; i++) {
    const from = r.at;
    const initialised = r.peek() === 0x40;
    if (initialised) r.skip(2);
    skipType(r);
    out.copy(r.bytes, from, r.at);
    const { least, most } = tableLimits(r);
    if (least > MAX_TABLE) throw new Malformed(`it has a table of ${least} elements, ${MAX_TABLE} is the most`);
    out.byte(1);
    out.leb(least);
    out.leb(Math.min(most, MAX_TABLE));
    if (initialised) {
      const start = r.at;
      skipExpression(r);
      out.copy(r.bytes, start, r.at);
    }
  }
}

/** A constant expression, up to its end. */
function skipExpression(r: Reader): void {
  for (;;) {
    const op = r.byte();
    if (op === 0x0b) return;
    skipImmediates(r, op);
  }
}

function addGlobals(out: Bytes, count: number, rest?: Uint8Array): void {
  out.leb(count + 2);
  if (rest) out.copy(rest, 0, rest.length);
  for (const first of [FIRST_STEPS, FIRST_PAGES]) {
    out.byte(I32);
    out.byte(1);
    out.const(first);
    out.byte(0x0b);
  }
}

function addExports(out: Bytes, shape: Shape, count: number, rest?: Uint8Array): void {
  out.leb(count + 3);
  if (rest) out.copy(rest, 0, rest.length);
  const add = (name: string, kind: number, index: number) => {
    const bytes = new TextEncoder().encode(name);
    out.leb(bytes.length);
    out.copy(bytes, 0, bytes.length);
    out.byte(kind);
    out.leb(index);
  };
  add(STEPS_EXPORT, 3, shape.globals);
  add(PAGES_EXPORT, 3, shape.globals + 1);
  add(REFILL_EXPORT, 0, shape.importedFunctions + shape.types.length);
}

/** The type of the function that sets the steps, behind the module's own. @param types the section as it was */
function addType(out: Bytes, types: Uint8Array, shape: Shape): void {
  const count = new Reader(types);
  count.u32();
  out.leb(shape.params.length + 1);
  out.copy(types, count.at, types.length);
  for (const byte of [0x60, 1, I32, 0]) out.byte(byte);
}

function meterCode(r: Reader, out: Bytes, shape: Shape): void {
  const count = r.u32();
  if (count !== shape.types.length) throw new Malformed('it has bodies for other functions than it declares');
  out.leb(count + 1);
  const code = new Bytes(4096);
  for (let i = 0; i < count; i++) {
    const part = r.part(r.u32());
    const params = shape.params[shape.types[i]!];
    if (params === undefined) throw new Malformed('a function has a type that is not there');
    code.clear();
    meterFunction(part, code, params, shape.globals);
    out.leb(code.length);
    out.copy(code.bytes, 0, code.length);
  }
  // steps = argument
  code.clear();
  code.byte(0);
  code.op(0x20, 0);
  code.op(0x24, shape.globals);
  code.byte(0x0b);
  out.leb(code.length);
  out.copy(code.bytes, 0, code.length);
}

/** @param steps index of the global of steps; that of pages follows */
function meterFunction(r: Reader, out: Bytes, params: number, steps: number): void {
  const start = r.at;
  const groups = r.u32();
  const firstGroup = r.at;
  let locals = params;
  for (let i = 0; i < groups; i++) {
    locals += r.u32();
    skipType(r);
  }
  if (locals > 50_000) throw new Malformed('a function has more than 50000 local variables');
  // one more local variable, for what is looked at in passing
  out.leb(groups + 1);
  out.copy(r.bytes, firstGroup, r.at);
  out.leb(1);
  out.byte(I32);
  const spare = locals;
  /** loops that are open: where their cost is written, and where they began; 0 for other blocks */
  const open: { cost: number; from: number }[] = [];
  const bodyCost = charge(out, steps);
  while (!r.done) {
    const from = r.at;
    const op = r.byte();
    if (op === 0x03) {
      blockType(r);
      out.copy(r.bytes, from, r.at);
      open.push({ cost: charge(out, steps), from: r.at });
      continue;
    }
    if (op === 0x40) {
      r.u32();
      limitGrow(out, r.bytes.subarray(from, r.at), spare, steps + 1);
      continue;
    }
    const sub = skipImmediates(r, op);
    if (op === 0x02 || op === 0x04 || op === 0x06 || op === 0x1f) open.push({ cost: 0, from: 0 });
    else if (op === 0x0b || op === 0x18) {
      const block = open.pop();
      if (block?.cost) out.patch(block.cost, 1 + Math.floor((r.at - block.from) / BYTES_PER_STEP));
    } else if (op === 0xfc && BULK.includes(sub)) chargeBulk(out, spare, steps);
    out.copy(r.bytes, from, r.at);
  }
  out.patch(bodyCost, 1 + Math.floor((r.at - start) / BYTES_PER_STEP));
}

/** steps -= cost; if below 0: trap. @returns where the cost is written */
function charge(out: Bytes, steps: number): number {
  out.op(0x23, steps);
  const at = out.length + 1;
  out.byte(0x41);
  for (let i = 0; i < 4; i++) out.byte(0x80);
  out.byte(0);
  out.byte(0x6b);
  out.op(0x24, steps);
  out.op(0x23, steps);
  out.const(0);
  out.byte(0x48);
  out.byte(0x04);
  out.byte(0x40);
  out.byte(0x00);
  out.byte(0x0b);
  return at;
}

/** What works on many bytes at once costs by their number, which is on top of the stack. Looked at by the next check. */
function chargeBulk(out: Bytes, spare: number, steps: number): void {
  out.op(0x22, spare);
  out.op(0x23, steps);
  out.op(0x20, spare);
  out.const(BULK_SHIFT);
  out.byte(0x76);
  out.byte(0x6b);
  out.op(0x24, steps);
}

/** memory.grow gives -1 where the memory would have more pages than the limit. */
function limitGrow(out: Bytes, grow: Uint8Array, spare: number, pages: number): void {
  out.op(0x22, spare);
  // memory.size of the same memory
  out.byte(0x3f);
  out.copy(grow, 1, grow.length);
  out.byte(0x6a);
  out.op(0x23, pages);
  out.byte(0x4b);
  out.byte(0x04);
  out.byte(I32);
  out.const(-1);
  out.byte(0x05);
  out.op(0x20, spare);
  out.copy(grow, 0, grow.length);
  out.byte(0x0b);
}

/** Steps over what follows an opcode. @returns the number behind a prefix, else 0  @throws Malformed for one that is not known or not allowed */
function skipImmediates(r: Reader, op: number): number {
  if (op >= 0x45 && op <= 0xc4) return 0;
  if (op >= 0x28 && op <= 0x3e) return memarg(r);
  switch (op) {
    case 0x00:
    case 0x01:
    case 0x05:
    case 0x0a:
    case 0x0b:
    case 0x0f:
    case 0x19:
    case 0x1a:
    case 0x1b:
    case 0xd1:
    case 0xd3:
    case 0xd4:
      return 0;
    case 0x02:
    case 0x03:
    case 0x04:
    case 0x06:
      blockType(r);
      return 0;
    case 0x07:
    case 0x08:
    case 0x09:
    case 0x0c:
    case 0x0d:
    case 0x10:
    case 0x12:
    case 0x14:
    case 0x15:
    case 0x18:
    case 0x20:
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x24:
    case 0x25:
    case 0x26:
    case 0x3f:
    case 0x40:
    case 0x41:
    case 0x42:
    case 0xd0:
    case 0xd2:
    case 0xd5:
    case 0xd6:
      r.skipLeb();
      return 0;
    case 0x11:
    case 0x13:
      r.skipLeb();
      r.skipLeb();
      return 0;
    case 0x0e:
      r.vec(() => r.skipLeb());
      r.skipLeb();
      return 0;
    case 0x1c:
      r.vec(() => skipType(r));
      return 0;
    case 0x1f:
      blockType(r);
      r.vec(() => {
        if (r.byte() < 2) r.skipLeb();
        r.skipLeb();
      });
      return 0;
    case 0x43:
      r.skip(4);
      return 0;
    case 0x44:
      r.skip(8);
      return 0;
    case 0xfc:
      return bulk(r);
    case 0xfd:
      return simd(r);
    case 0xfb:
      throw new Malformed('it uses garbage collected objects, whose memory nothing would limit');
    case 0xfe:
      throw new Malformed('it uses instructions for threads, which this version does not have: build it without them');
    default:
      throw new Malformed(`it has an instruction 0x${op.toString(16)}, which this version does not know`, r.at - 1);
  }
}

/** A block's type: nothing, an index, or a type, which may be a reference of two parts. */
function blockType(r: Reader): void {
  const code = r.peek();
  if (code === 0x63 || code === 0x64) skipType(r);
  else r.skipLeb();
}

function memarg(r: Reader): number {
  if (r.u32() & 0x40) r.u32();
  r.skipLeb();
  return 0;
}

function bulk(r: Reader): number {
  const sub = r.u32();
  if (sub > 17)
    throw new Malformed(`it has an instruction 0xfc 0x${sub.toString(16)}, which this version does not know`);
  if (sub === 8 || sub === 10 || sub === 12 || sub === 14) r.skipLeb();
  if (sub >= 8) r.skipLeb();
  return sub;
}

function simd(r: Reader): number {
  const sub = r.u32();
  if (sub <= 11 || sub === 92 || sub === 93) memarg(r);
  else if (sub === 12 || sub === 13) r.skip(16);
  else if (sub >= 21 && sub <= 34) r.skip(1);
  else if (sub >= 84 && sub <= 91) {
    memarg(r);
    r.skip(1);
  }
  return sub;
}

/** Bytes that grow. */
class Bytes {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  clear(): void {
    this.length = 0;
  }

  byte(value: number): void {
    this.#room(1);
    this.bytes[this.length++] = value;
  }

  leb(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** An instruction with an index. */
  op(code: number, index: number): void {
    this.byte(code);
    this.leb(index);
  }

  /** i32.const */
  const(value: number): void {
    this.byte(0x41);
    let rest = value | 0;
    for (;;) {
      const byte = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && !(byte & 0x40)) || (rest === -1 && byte & 0x40)) {
        this.byte(byte);
        return;
      }
      this.byte(byte | 0x80);
    }
  }

  /** Writes a number of 0 up to 2^31 - 1 into five bytes that were left for it. */
  patch(at: number, value: number): void {
    for (let i = 0; i < 4; i++) this.bytes[at + i] = ((value >>> (7 * i)) & 0x7f) | 0x80;
    this.bytes[at + 4] = (value >>> 28) & 0x07;
  }

  copy(from: Uint8Array, start: number, end: number): void {
    this.#room(end - start);
    this.bytes.set(from.subarray(start, end), this.length);
    this.length += end - start;
  }

  /** A section whose size is written when it is known. */
  section(id: number, write: (body: Bytes) => void): void {
    const body = new Bytes(1024);
    write(body);
    this.byte(id);
    this.leb(body.length);
    this.copy(body.bytes, 0, body.length);
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }

  #room(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
