/** Pseudo-variables by name: compiles references once, gives them numbers that wasm can hold, evaluates them against the message being routed. */
import { MAX_KEPT_PVS } from '../core/gen/layout.gen.ts';
import type { ByteStr } from '../core/memory.ts';
import { utf8Of } from '../core/memory.ts';
import { argsOf, evalPv, evalText, type PvContext } from './pv-eval.ts';
import { PV_MODULES } from './pv-modules.ts';
import {
  type BoundClass,
  type PvNode,
  PvSyntaxError,
  type PvTables,
  parseText,
  parseWhole,
  type TextNode,
} from './pv-parse.ts';
import type { BoundPv, Pv, PvClass, Transformation } from './pv-types.ts';
import type { Call, XVal } from './table.ts';

/** references that are kept; their numbers run from 1 and never change */
export const MAX_CACHED_PVS = MAX_KEPT_PVS;
/** bytes of the longest text that is kept: longer ones are made up from data, and would fill the memory */
export const MAX_CACHED_TEXT = 1024;
/** short-lived references that are known at one time; their numbers are above MAX_CACHED_PVS */
export const TRANSIENT_PVS = 256;

/** What one loaded module brings. */
export interface PvSource {
  readonly call: Call;
  readonly pvs: readonly PvClass[];
  readonly transformations: readonly Transformation[];
}

export interface PvRegistryOptions extends PvContext {
  readonly sources: readonly PvSource[];
  /** hears why a reference or a text does not compile */
  error(text: string): void;
  /** PV names with the module they belong to, for the error about one that is not loaded; default Kamailio's */
  readonly elsewhere?: ReadonlyMap<string, string>;
}

/** Text compiled by PvRegistry.text(): `$ru`, `$(hdr(X)[0])`, `$$` in it are replaced at each eval(). */
export interface PvText {
  readonly text: ByteStr;
  eval(): ByteStr;
}

export class PvRegistry {
  readonly #tables: PvTables & { classes: Map<string, BoundClass>; transformations: Map<string, Transformation> };
  readonly #cx: PvRegistryOptions;
  readonly #bySpec = new Map<ByteStr, Pv>();
  readonly #byId: Pv[] = [];
  readonly #transient: Pv[] = [];
  #transients = 0;

  /** A name that two modules declare belongs to the first. */
  constructor(options: PvRegistryOptions) {
    this.#cx = options;
    this.#tables = { classes: new Map(), transformations: new Map(), elsewhere: options.elsewhere ?? PV_MODULES };
    const { classes, transformations } = this.#tables;
    for (const { call, pvs, transformations: trs } of options.sources) {
      for (const cls of pvs)
        for (const name of [cls.name, ...(cls.aliases ?? [])]) if (!classes.has(name)) classes.set(name, { cls, call });
      for (const tr of trs) {
        const name = `${tr.class}.${tr.name}`;
        if (!transformations.has(name)) transformations.set(name, tr);
      }
    }
  }

  /** every class, for the reference page and the linter */
  get classes(): Iterable<PvClass> {
    return new Set([...this.#tables.classes.values()].map(bound => bound.cls));
  }
  get transformations(): Iterable<Transformation> {
    return this.#tables.transformations.values();
  }

  /**
   * Compiles a text that is exactly one PV. The first MAX_CACHED_PVS different texts are kept; a script that makes up more of them, or long ones,
   * gets short-lived ones, so that memory stays flat.
   * @param report hears why not, in place of the registry's own
   * @returns undefined (and reports why) when it is not exactly one PV
   */
  compile(spec: ByteStr, report?: (why: string) => void): Pv | undefined {
    const known = this.#bySpec.get(spec);
    if (known) return known;
    let node: PvNode;
    try {
      node = parseWhole(this.#tables, spec);
    } catch (error) {
      this.#report('a pseudo-variable', spec, error, report);
      return undefined;
    }
    if (this.#byId.length < MAX_CACHED_PVS && spec.length <= MAX_CACHED_TEXT) {
      const pv = new CompiledPv(spec, this.#byId.length + 1, node, this.#cx);
      this.#byId.push(pv);
      this.#bySpec.set(spec, pv);
      return pv;
    }
    const slot = this.#transients++ % TRANSIENT_PVS;
    const pv = new CompiledPv(spec, MAX_CACHED_PVS + 1 + slot, node, this.#cx);
    this.#transient[slot] = pv;
    return pv;
  }

  /** the PV with this number; undefined for a number never given */
  byId(id: number): Pv | undefined {
    return id <= MAX_CACHED_PVS ? this.#byId[id - 1] : this.#transient[id - MAX_CACHED_PVS - 1];
  }

  /** Compiles text with PVs in it. Not cached: see PvFormats. @returns undefined (and reports why, with the offset) when it does not parse */
  text(text: ByteStr, report?: (why: string) => void): PvText | undefined {
    let node: TextNode;
    try {
      node = parseText(this.#tables, text);
    } catch (error) {
      this.#report('text with pseudo-variables', text, error, report);
      return undefined;
    }
    const only = node.length === 1 ? node[0] : undefined;
    const cx = this.#cx;
    const literal = node.length === 0 ? '' : typeof only === 'string' ? only : undefined;
    return { text, eval: literal === undefined ? () => evalText(node, cx) : () => literal };
  }

  #report(what: string, text: ByteStr, error: unknown, report?: (why: string) => void): void {
    if (!(error instanceof PvSyntaxError)) throw error;
    if (report) {
      report(error.message);
      return;
    }
    const shown = text.length > 200 ? `${text.slice(0, 200)}...` : text;
    this.#cx.error(`Cannot compile ${what} "${utf8Of(shown)}": ${error.message} (offset ${error.offset})`);
  }
}

class CompiledPv implements Pv {
  readonly spec: ByteStr;
  readonly id: number;
  readonly plain: boolean;
  readonly #node: PvNode;
  readonly #cx: PvContext;
  /** how it is read where its name is known; its transformations come after */
  readonly #get: (() => XVal) | undefined;
  readonly #bound: BoundPv | undefined;

  constructor(spec: ByteStr, id: number, node: PvNode, cx: PvContext) {
    const { cls, call, inner, index } = node;
    if (cls.bind && typeof inner === 'string' && index === undefined) this.#bound = cls.bind(call, inner);
    const bound = this.#bound;
    if (bound) this.#get = () => bound.get();
    else if (cls.wasm && !cls.get) this.#get = cx.getterOf?.(cls.wasm);
    this.spec = spec;
    this.id = id;
    this.#node = node;
    this.#cx = cx;
    this.plain = node.inner === '' && node.index === undefined && node.trs.length === 0;
  }

  get cls(): PvClass {
    return this.#node.cls;
  }

  get writable(): boolean {
    return this.#node.cls.set !== undefined;
  }

  get header(): string | undefined {
    if (this.#node.cls.name === 'hdr') return /^\$hdr\(([A-Za-z0-9-]+)\)$/.exec(this.spec)?.[1];
    return this.plain ? this.#node.cls.header : undefined;
  }

  get cell(): number | undefined {
    const { cls, call, inner, index, trs } = this.#node;
    if (!cls.cell || typeof inner !== 'string' || index !== undefined || trs.length > 0) return undefined;
    return cls.cell(call, inner) || undefined;
  }

  get(): XVal {
    const { cls, trs } = this.#node;
    if (!this.#get || trs.length > 0) return evalPv(this.#node, this.#cx);
    return cls.anytime || this.#cx.hasMessage() ? this.#get() : null;
  }

  /** Transformations do not matter: the variable itself is written, as in Kamailio. */
  set(value: XVal): boolean {
    const { cls, call } = this.#node;
    if (!cls.set) return true;
    if (!cls.anytime && !this.#cx.hasMessage()) return false;
    if (this.#bound) return this.#bound.set(value);
    const args = argsOf(this.#node, this.#cx);
    return args !== undefined && cls.set(call, args, value) !== false;
  }
}
