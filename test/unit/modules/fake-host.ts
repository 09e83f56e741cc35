/**
 * A host for module tests without an interpreter: the clock is set by hand, PVs are those of the modules under test, calls coerce their arguments as the
 * dispatcher does. Golden files hold what the real Kamailio 5.6.3 answered: ["module.function", [arguments], result], in the order of the calls.
 */
import { readFileSync } from 'node:fs';
import type { Core } from '../../../src/core/load.ts';
import { silentLogger } from '../../../src/core/log.ts';
import type { ByteStr } from '../../../src/core/memory.ts';
import type { SipMsg } from '../../../src/core/sip-msg.ts';
import type { Destination, ModuleHost, Socket } from '../../../src/kemi/host.ts';
import type { Pv, PvArgs, PvClass } from '../../../src/kemi/pv-types.ts';
import { createStatistics } from '../../../src/kemi/statistics.ts';
import type { ModParamValues, ModuleDefinition, XVal } from '../../../src/kemi/table.ts';
import { Targets } from '../../../src/kemi/targets.ts';
import { callWasm } from '../../support/call-wasm.ts';

// biome-ignore lint/suspicious/noExplicitAny: any module can be under test
type AnyModule = ModuleDefinition<any>;
type Golden = [name: string, args?: XVal[] | 'missing', result?: XVal | boolean];

export const SOCKETS: readonly Socket[] = [
  { index: 0, proto: 'udp', ip: '127.0.0.1', port: 20400, name: 'sone' },
  {
    index: 1,
    proto: 'udp',
    ip: '127.0.0.1',
    port: 20401,
    name: 'stwo',
    advertisedIp: '192.0.2.9',
    advertisedPort: 5099,
  },
  { index: 2, proto: 'udp', ip: '::1', port: 20402 },
  { index: 3, proto: 'tcp', ip: '127.0.0.1', port: 20400 },
];

export class FakeHost {
  nowMs = 1_700_000_000_000;
  message: SipMsg | undefined;
  readonly sent: { data: Uint8Array; to: Destination }[] = [];
  readonly routes: string[] = [];
  /** called with the name and argument of each route that runs */
  onRoute: (name: string, arg?: string) => void = () => {};
  readonly logged: string[] = [];
  readonly vars = new Map<string, XVal>();
  /** values of pseudo-variables that belong to no module under test */
  readonly values = new Map<string, () => XVal>();
  readonly states = new Map<string, unknown>();
  readonly host: ModuleHost;
  readonly #timers = new Set<{ at: number; every: number; fn: () => void }>();
  readonly #modules: readonly AnyModule[];
  readonly #pvs = new Map<string, { pv: PvClass; module: string }>();

  constructor(
    modules: readonly AnyModule[],
    params: Record<string, ModParamValues> = {},
    more: Partial<ModuleHost> = {},
  ) {
    this.#modules = modules;
    const log = Object.assign({}, silentLogger, {
      error: (_fields: object, message: string) => void this.logged.push(message),
      warn: (_fields: object, message: string) => void this.logged.push(message),
    });
    const timer = (ms: number, fn: () => void, every: number) => {
      const entry = { at: this.nowMs + ms, every, fn };
      this.#timers.add(entry);
      return { cancel: () => void this.#timers.delete(entry) };
    };
    const fake = this;
    let targets: Targets | undefined;
    this.host = {
      log,
      core: undefined as unknown as Core,
      now: () => this.nowMs,
      monotonic: () => this.nowMs,
      random: () => 0.5,
      sockets: SOCKETS,
      isMyself: (host, port) =>
        (host === '127.0.0.1' && (port === 0 || port === 20400)) || (host === 'example.com' && port !== 1),
      sendFor(_at: number, data: Uint8Array, to: Destination) {
        return this.send(data, to);
      },
      send: (data, to) => {
        this.sent.push({ data: data.slice(), to });
        return true;
      },
      every: (ms, fn) => timer(ms, fn, ms),
      after: (ms, fn) => timer(ms, fn, 0),
      stats: createStatistics(),
      module: name => this.states.get(name) as never,
      get message() {
        return fake.message;
      },
      pv: spec => this.pv(spec),
      format: text => text.replace(/\$var\((\w+)\)/g, (_all, name) => String(this.vars.get(name) ?? 0)),
      defines: new Map(),
      env: new Map(),
      runRoute: (name, arg) => {
        if (!this.routes.includes(name)) return false;
        this.onRoute(name, arg);
        return true;
      },
      hasRoute: name => this.routes.includes(name),
      route: 0,
      runRouteOn: (_at, _kind, name, arg) => {
        if (!this.routes.includes(name)) return 0;
        this.onRoute(name, arg);
        return 1;
      },
      at: () => {
        if (!this.message) throw new Error('no message');
        return this.message;
      },
      keep: () => {},
      release: () => {},
      storeOf: () => fake.host.perMessage,
      makeStore: () => fake.host.perMessage,
      lasting: (_key, make) => {
        const text = make();
        const { core } = this.host;
        const at = core.lua.malloc(text.length + 64);
        core.mem.putStr(at, text);
        return { at, length: text.length };
      },
      viaTexts: [],
      limits: { transactions: 1000 },
      secret: () => new Uint8Array(16).fill(9),
      database: url => {
        throw new Error(`no database: ${url}`);
      },
      perMessage: new Map(),
      version: '0',
      md5: data => data,
      sha256: data => data,
      get targets() {
        return (targets ??= new Targets(fake.host.core));
      },
      ...more,
    };
    for (const module of modules) {
      const values: ModParamValues = {};
      for (const [name, p] of Object.entries(module.modparams)) if (p.default !== undefined) values[name] = p.default;
      this.states.set(module.name, module.create(this.host, { ...values, ...params[module.name] }));
      for (const pv of module.pvs ?? [])
        for (const name of [pv.name, ...(pv.aliases ?? [])]) this.#pvs.set(name, { pv, module: module.name });
    }
  }

  /** Moves the clock and runs the timers that are due. */
  advance(ms: number): void {
    const end = this.nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(t => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.nowMs = due.at;
      if (due.every) due.at += due.every;
      else this.#timers.delete(due);
      due.fn();
    }
    this.nowMs = end;
  }

  /** Whether there is such a function without a module. */
  has(name: string): boolean {
    return this.#modules.some(m => m.name === '' && m.functions.some(f => f.name === name));
  }

  /** Calls "module.function" as a script would; core functions have no module. */
  call(path: string, ...args: (XVal | undefined)[]): unknown {
    const dot = path.indexOf('.');
    const module = this.#modules.find(m => m.name === path.slice(0, Math.max(dot, 0)));
    const fn = module?.functions.find(f => f.name === path.slice(dot + 1));
    if (!module || !fn) throw new Error(`no such function: ${path}`);
    if (fn.wasm) {
      const { core } = this.host;
      core.hooks.isMyself = (at, length, port, proto) =>
        this.host.isMyself(core.mem.str(at, length), port, proto) ? 1 : 0;
      core.x.setMsg(this.message?.at ?? 0);
      return callWasm(core, fn, args);
    }
    const { run } = fn;
    if (!run) throw new Error(`nothing to call: ${path}`);
    const given = fn.params.map((type, i) => {
      const arg = args[i];
      if (type === 'str') return typeof arg === 'string' ? arg : typeof arg === 'number' ? String(arg) : '';
      return (typeof arg === 'string' || typeof arg === 'number') && Number.isFinite(Number(arg))
        ? Math.trunc(Number(arg)) | 0
        : 0;
    });
    return run(this.#call(module.name), ...given);
  }

  rpc(name: string, ...params: unknown[]): unknown {
    for (const module of this.#modules) {
      const command = module.rpc?.find(c => c.name === name);
      if (command) return command.run({ state: this.states.get(module.name), host: this.host }, params);
    }
    throw new Error(`no such command: ${name}`);
  }

  get(spec: ByteStr): XVal | undefined {
    return this.pv(spec)?.get();
  }

  pv(spec: ByteStr): Pv | undefined {
    const match = /^\$(\w+)(?:\((.*)\))?$/s.exec(spec);
    if (!match) return undefined;
    const [, name = '', inner] = match;
    const own = (get: () => XVal, set: (value: XVal) => boolean, writable = true): Pv => ({
      spec,
      id: 1,
      cls: { name, doc: '' },
      plain: inner === undefined,
      get,
      set,
      writable,
    });
    if (name === 'var' || name === 'avp') {
      const key = inner ?? '';
      return own(
        () => this.vars.get(key) ?? null,
        value => {
          this.vars.set(key, value);
          return true;
        },
      );
    }
    const value = this.values.get(name);
    if (value) return own(value, () => true);
    if (name === 'ru')
      return own(
        () => (this.message?.ruriParts ? this.message.ruri : null),
        () => true,
      );
    if (name === 'du')
      return own(
        () => this.message?.dstUri ?? null,
        () => true,
      );
    if (name === 'rm')
      return own(
        () => 'OPTIONS',
        () => true,
        false,
      );
    const found = this.#pvs.get(name);
    if (!found) return undefined;
    const args: PvArgs = { inner: this.host.format(inner ?? '') ?? '', index: undefined };
    if ((found.pv.inner === 'required') !== (inner !== undefined) && found.pv.inner !== 'optional') return undefined;
    if (found.pv.check?.(args.inner) !== undefined) return undefined;
    const call = this.#call(found.module);
    return own(
      () => found.pv.get?.(call, args) ?? null,
      value => (found.pv.set ? found.pv.set(call, args, value) !== false : true),
      found.pv.set !== undefined,
    );
  }

  /**
   * Repeats what a golden file recorded.
   * @param except results that differ on purpose, by JSON of [name, args] -> our result
   * @returns every difference as "call: theirs, ours"
   */
  async replay(file: string, except: Readonly<Record<string, XVal | boolean>> = {}): Promise<string[]> {
    const differences: string[] = [];
    const path = new URL(`../../golden/modules/${file}`, import.meta.url);
    for (const [name, args = [], result] of JSON.parse(readFileSync(path, 'utf8')) as Golden[]) {
      if (args === 'missing') continue;
      const key = JSON.stringify([name, args]);
      let ours: unknown;
      if (name === 'sleep') this.advance(Number(args[0]) * 1000);
      if (name === 'pv') ours = this.get(args[0] as string) ?? null;
      else if (name === 'pvset') ours = this.pv(args[0] as string)?.set(args[1] ?? null) ?? false;
      else if (name.includes('.') || this.has(name)) ours = await this.call(name, ...args);
      else continue;
      const theirs = key in except ? except[key] : result;
      if (ours !== theirs) differences.push(`${key}: ${JSON.stringify(theirs)}, ours ${JSON.stringify(ours)}`);
    }
    return differences;
  }

  #call(module: string) {
    const fake = this;
    return {
      state: this.states.get(module),
      host: this.host,
      get msg(): SipMsg {
        if (!fake.message) throw new Error('no message');
        return fake.message;
      },
    };
  }
}
