/**
 * A component as a module: its functions in the KEMI table, its parameters, its timers; and what keeps the server going when it fails: a new instance behind
 * a trap, rests between failures, generations across a reload.
 */
import * as L from '../core/gen/layout.gen.ts';
import { type ByteStr, type ByteText, utf8Of } from '../core/memory.ts';
import { KemiError } from '../errors.ts';
import type { ModuleHost, Timer } from '../kemi/host.ts';
import type { XVal } from '../kemi/table.ts';
import type { Outcome, Value } from './canonical.ts';
import { type Caller, capabilityOf, type Grant, INTERFACES } from './capabilities.ts';
import { type Description, describe, type Row } from './describe.ts';
import { type Component, Instance } from './instance.ts';
import { Malformed } from './reader.ts';
import { wasiFunction } from './wasi.ts';

export interface ComponentLimits {
  /** pages of 64 KiB of each of its memories, 1..65536 */
  readonly memoryPages: number;
  /** steps of one call, 1000..2000000000: see src/components/meter.ts */
  readonly steps: number;
}

/** One modparam, in the order of the config. */
export interface Setting {
  readonly name: string;
  readonly value: number | ByteStr;
}

/** What an extension is made of: src/components/module.ts makes it of the options and modparams. */
export interface Setup {
  readonly name: string;
  /** where it came from, for messages */
  readonly file: string;
  readonly component: Component;
  readonly description: Description;
  readonly grants: readonly Grant[];
  readonly limits: ComponentLimits;
  readonly settings: readonly Setting[];
  readonly byteText: ByteTexts;
  readonly read: (() => Promise<Component>) | undefined;
}
type ByteTexts = ((buffer: ArrayBuffer) => ByteText) | undefined;

/** A component, and the instance of it that runs; none before the first call behind a failure. */
interface Generation {
  readonly component: Component;
  readonly description: Description;
  /** index in Plan.exports of each row that scripts know */
  readonly places: readonly number[];
  instance: Instance | undefined;
  /** messages up to this one stay with it; Infinity: it is the newest */
  upTo: number;
  retiredMs: number;
  readonly timers: Map<number, Timer>;
}

/** costly failures of one function in a row behind which it rests, and for how long at first and at most */
const FAILURES = 5;
const REST_MS = 1000;
const MAX_REST_MS = 30_000;
/** an instance that is larger is costly to make anew */
const COSTLY_BYTES = 4 << 20;
/** generations that may be alive for messages that began with them, and for how long */
const MAX_OLD = 16;
const OLD_MS = 600_000;
/** how often it is looked whether they still are */
const DROP_MS = 1000;
const MAX_TIMERS = 1000;
const MAX_MS = 0x7fffffff;

export class Extension {
  readonly name: string;
  readonly file: string;
  readonly rows: readonly Row[];
  readonly granted: readonly Grant[];
  readonly limits: ComponentLimits;
  /** reads it again; undefined: it cannot be reloaded */
  readonly read: (() => Promise<Component>) | undefined;
  readonly counters = { calls: 0, failures: 0, instances: 0, rested: 0, errors: 0, reloads: 0 };
  readonly #host: ModuleHost;
  readonly #settings: readonly Setting[];
  readonly #byteText: ByteTexts;
  readonly #caller: Caller;
  #current: Generation;
  /** oldest first */
  #old: Generation[] = [];
  /** generation of the call that runs */
  #running: Generation | undefined;
  /** functions that failed at a cost, by their row; -1: on-timer */
  readonly #tired = new Map<number, { failures: number; untilMs: number }>();
  #lastTimer = 0;
  #dropping = false;
  #closed = false;

  /** @throws KemiError KEMI_ERR_CONFIG, KEMI_ERR_COMPONENT */
  constructor(setup: Setup, host: ModuleHost) {
    this.name = setup.name;
    this.file = setup.file;
    this.rows = setup.description.rows;
    this.granted = setup.grants;
    this.limits = setup.limits;
    this.read = setup.read;
    this.#host = host;
    this.#settings = setup.settings;
    this.#byteText = setup.byteText;
    this.#caller = {
      name: setup.name,
      host,
      has: grant => this.granted.includes(grant),
      startTimer: (ms, again) => this.#startTimer(Math.min(ms, MAX_MS), again),
      stopTimer: id => this.#stopTimer(id),
    };
    this.#current = this.#generation(setup.component, setup.description);
    this.#begin(this.#current);
    this.#warn();
    for (const name of Object.keys(this.counters) as (keyof Extension['counters'])[])
      host.stats.define(this.name, `component_${name}`, () => this.counters[name]);
    host.stats.define(this.name, 'component_memory_bytes', () => this.memoryBytes);
  }

  /** counts loads from 1 */
  get version(): number {
    return this.counters.reloads + 1;
  }

  /** bytes of its memories; 0 behind a failure, until it is called again */
  get memoryBytes(): number {
    return this.#current.instance?.memoryBytes ?? 0;
  }

  /** One call of a script. @param at place of the row */
  call(at: number, a?: Value, b?: Value, c?: Value, d?: Value, e?: Value, f?: Value): XVal | boolean | undefined {
    const row = this.rows[at]!;
    this.counters.calls++;
    if (this.#tired.size > 0 && this.#rests(at)) return row.failed;
    const generation = this.#old.length === 0 ? this.#current : this.#generationOfMessage();
    if (generation.instance?.busy) return this.#entered(row);
    const before = this.#running;
    this.#running = generation;
    let value: Value;
    try {
      // An instance that failed was thrown away; the next one is made when somebody needs it.
      value = (generation.instance ?? this.#begin(generation)).call(generation.places[at]!, a, b, c, d, e, f);
    } catch (error) {
      this.#failed(generation, at, error);
      return row.failed;
    } finally {
      this.#running = before;
    }
    if (this.#tired.size > 0) this.#tired.delete(at);
    return row.give(value, this.#complain);
  }

  /**
   * Puts another component in its place, between two messages. Messages that are being routed stay with the one that they began with.
   * @throws KemiError KEMI_ERR_COMPONENT, KEMI_ERR_CONFIG: then nothing has changed
   */
  reload(component: Component): void {
    const description = described(this.file, component);
    const there = new Map(description.rows.map(r => [r.name, r.type]));
    for (const { name, type } of this.rows) {
      if (there.get(name) === type) continue;
      const now = there.has(name) ? `its ${name} is ${there.get(name)}, and was ${type}` : `it has no ${name} any more`;
      throw cannotLoad(this.file, `${now}: what scripts call cannot change while they run, start the server anew`);
    }
    const generation = this.#generation(component, description);
    this.#begin(generation);
    const old = this.#current;
    old.upTo = this.#host.core.x.msgLastId() as number;
    old.retiredMs = this.#host.monotonic();
    stopAll(old);
    this.#current = generation;
    this.#old = [...this.#old, old].slice(-MAX_OLD);
    this.#dropOld();
    this.counters.reloads++;
    this.#tired.clear();
    this.#warn();
  }

  close(): void {
    this.#closed = true;
    for (const generation of [...this.#old, this.#current]) stopAll(generation);
    this.#old = [];
  }

  #generation(component: Component, description: Description): Generation {
    const places = this.rows.map(row => description.rows.find(r => r.name === row.name)!.index);
    return {
      component,
      description,
      places,
      instance: undefined,
      upTo: Number.POSITIVE_INFINITY,
      retiredMs: 0,
      timers: new Map(),
    };
  }

  /** The one that the message at hand began with. */
  #generationOfMessage(): Generation {
    const { x, mem } = this.#host.core;
    const at: number = x.currentMsg();
    if (!at) return this.#current;
    const id = mem.u32(at + L.M_ID);
    return this.#old.find(g => id <= g.upTo) ?? this.#current;
  }

  /** Drops generations that no message needs any more; looks again later while there are others. */
  #dropOld(): void {
    const now = this.#host.monotonic();
    const needed = this.#host.core.x.msgLive() !== 0;
    this.#old = needed ? this.#old.filter(g => now - g.retiredMs < OLD_MS) : [];
    if (this.#old.length === 0 || this.#dropping) return;
    this.#dropping = true;
    this.#host.after(DROP_MS, () => {
      this.#dropping = false;
      this.#dropOld();
    });
  }

  /** What it did led back to it (a reply that ran a route, say): it goes on, and the call within is not made. */
  #entered(row: Row): XVal | boolean | undefined {
    this.counters.failures++;
    this.#host.log.error(
      { module: this.name, function: row.name },
      `Cannot call ${this.name}.${row.name}: ${this.name} is in the middle of another call`,
    );
    return row.failed;
  }

  /** Makes an instance, and sets it up. @throws KemiError */
  #begin(generation: Generation): Instance {
    const { component, description } = generation;
    const before = this.#running;
    this.#running = generation;
    let instance: Instance | undefined;
    try {
      instance = new Instance(component, {
        ...this.limits,
        byteText: this.#byteText,
        resolve: (from, name) => this.#resolve(from, name),
        raw: (from, name) => wasiFunction(this.#host, this.granted, from, name),
      });
      for (const { name, value } of this.#settings) {
        const said =
          description.configure < 0
            ? { ok: false, value: 'the component exports no configure function, so it has no parameters' }
            : (instance.call(description.configure, name, String(value)) as Outcome);
        if (!said.ok)
          throw new KemiError(
            'KEMI_ERR_CONFIG',
            `Cannot set modparam ${this.name}.${utf8Of(name)}: ${utf8Of(String(said.value))}`,
          );
      }
      if (description.start >= 0) {
        const said = instance.call(description.start) as Outcome;
        if (!said.ok) throw cannotLoad(this.file, `it does not start: ${utf8Of(String(said.value))}`);
      }
    } catch (error) {
      stopAll(generation);
      if (error instanceof KemiError) throw error;
      throw cannotLoad(this.file, `it fails at its start: ${this.#why(error, instance)}`, error);
    } finally {
      this.#running = before;
    }
    this.counters.instances++;
    generation.instance = instance;
    return instance;
  }

  #resolve(from: string, name: string): ((...args: Value[]) => Value) | undefined {
    const grant = capabilityOf(from);
    if (!grant || !this.granted.includes(grant)) return undefined;
    return INTERFACES[grant][name]!.run.bind(undefined, this.#caller);
  }

  /** Whether a function is not called for now. @param at its row, -1: on-timer */
  #rests(at: number): boolean {
    const tired = this.#tired.get(at);
    if (!tired || this.#host.monotonic() >= tired.untilMs) return false;
    this.counters.rested++;
    return true;
  }

  /**
   * A call failed: the instance is in no known state, another one takes its place. What fails again and again after it took a lot of time or memory is left alone
   * for a while, so that others have the time; what only traps costs next to nothing.
   */
  #failed(generation: Generation, at: number, error: unknown): void {
    const { instance } = generation;
    const why = this.#why(error, instance);
    const costly =
      !instance ||
      error instanceof RangeError ||
      instance.outOfSteps ||
      instance.outOfMemory ||
      instance.memoryBytes > COSTLY_BYTES;
    const hadTimers = generation.timers.size > 0;
    stopAll(generation);
    generation.instance = undefined;
    this.counters.failures++;
    const { log } = this.#host;
    const what = this.rows[at]?.name ?? 'on-timer';
    const fields = { module: this.name, function: what };
    log.error(fields, `${this.name}.${what} failed: ${why}; another instance takes over`);
    let restMs = 0;
    if (costly) {
      const failures = (this.#tired.get(at)?.failures ?? 0) + 1;
      if (failures >= FAILURES) {
        restMs = Math.min(REST_MS * 2 ** (failures - FAILURES), MAX_REST_MS);
        log.error(fields, `${this.name}.${what} failed ${failures} times in a row: it rests for ${restMs / 1000} s`);
      }
      this.#tired.set(at, { failures, untilMs: this.#host.monotonic() + restMs });
    }
    // What lives by its timers alone would never be called again.
    if (hadTimers) this.#host.after(Math.max(restMs, REST_MS), () => this.#revive(generation));
  }

  #revive(generation: Generation): void {
    if (this.#closed || generation.instance || generation !== this.#current) return;
    try {
      this.#begin(generation);
    } catch (error) {
      this.#failed(generation, -1, error);
    }
  }

  #why(error: unknown, instance: Instance | undefined): string {
    if (instance?.outOfSteps) return `it ran for more than ${this.limits.steps} steps`;
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof RangeError) return `its calls were too deep within each other (${message})`;
    if (!(error instanceof WebAssembly.RuntimeError)) return message;
    const full = instance?.outOfMemory ? `, with its memory full (${this.limits.memoryPages * 64} KiB)` : '';
    return `it trapped (${message})${full}`;
  }

  readonly #complain = (text: ByteStr): void => {
    this.counters.errors++;
    this.#host.log.info({ module: this.name }, `${this.name}: ${utf8Of(text)}`);
  };

  /** capabilities that it imports and was not granted */
  get missing(): readonly Grant[] {
    return this.#current.description.wants.filter(w => !this.granted.includes(w));
  }

  /** Says what it will miss. */
  #warn(): void {
    const { missing } = this;
    const { wants, others } = this.#current.description;
    const { log } = this.#host;
    if (wants.includes('kv') && !missing.includes('kv') && this.#host.module('htable') === undefined)
      log.warn({ module: this.name }, `${this.name} uses kv, and module htable is not loaded: it has no tables`);
    if (missing.length > 0)
      log.warn(
        { module: this.name, missing },
        `${this.name} wants ${missing.join(', ')}, which it was not granted: calls of it fail; --grant ${this.name}=${missing.join(',')} grants it`,
      );
    // Tools link what their language might use; few modules call it.
    const works = ['wasi:random', ...(this.granted.includes('clock') ? ['wasi:clocks'] : [])];
    const packages = [...new Set(others.map(name => name.replace(/[/@].*/, '')))].filter(p => !works.includes(p));
    if (packages.length > 0)
      log.info(
        { module: this.name, imports: others },
        `${this.name} imports ${packages.join(', ')}: modules do not get it, calls of it fail`,
      );
  }

  #startTimer(ms: number, again: boolean): number {
    const generation = this.#running ?? this.#current;
    // A generation that was replaced serves its messages and then ends.
    const ends = generation.upTo !== Number.POSITIVE_INFINITY;
    if (ends || generation.description.onTimer < 0 || generation.timers.size >= MAX_TIMERS) return 0;
    this.#lastTimer = (this.#lastTimer % MAX_MS) + 1;
    const id = this.#lastTimer;
    const due = () => {
      if (!again) generation.timers.delete(id);
      this.#onTimer(generation, id);
    };
    generation.timers.set(id, again ? this.#host.every(ms, due) : this.#host.after(ms, due));
    return id;
  }

  #stopTimer(id: number): void {
    const { timers } = this.#running ?? this.#current;
    timers.get(id)?.cancel();
    timers.delete(id);
  }

  #onTimer(generation: Generation, id: number): void {
    const { instance, description } = generation;
    if (this.#closed || !instance || (this.#tired.size > 0 && this.#rests(-1))) return;
    this.counters.calls++;
    this.#running = generation;
    try {
      instance.call(description.onTimer, id);
      if (this.#tired.size > 0) this.#tired.delete(-1);
    } catch (error) {
      this.#failed(generation, -1, error);
    } finally {
      this.#running = undefined;
    }
  }
}

function stopAll(generation: Generation): void {
  for (const timer of generation.timers.values()) timer.cancel();
  generation.timers.clear();
}

const cannotLoad = (file: string, why: string, cause?: unknown): KemiError =>
  new KemiError('KEMI_ERR_COMPONENT', `Cannot load component ${file}: ${why}`, { cause });

/** @throws KemiError KEMI_ERR_COMPONENT with the file's name */
export function described(file: string, { plan }: Component): Description {
  try {
    return describe(plan);
  } catch (error) {
    throw error instanceof Malformed ? cannotLoad(file, error.message, error) : error;
  }
}
