/** Modules over a core, without a runtime or an engine: PVs and functions on one message, a clock that stands still, two sockets. */
import { createHash } from 'node:crypto';
import * as L from '../../src/core/gen/layout.gen.ts';
import { type ByteStr, byteStr, bytesOf } from '../../src/core/memory.ts';
import { SipMsg } from '../../src/core/sip-msg.ts';
import { loadedModule } from '../../src/kemi/bridge.ts';
import { PvFormats } from '../../src/kemi/format.ts';
import type { ModuleHost, Socket } from '../../src/kemi/host.ts';
import { PvRegistry } from '../../src/kemi/pv.ts';
import type { Pv } from '../../src/kemi/pv-types.ts';
import type { AnyModule, ModParamValues, XVal } from '../../src/kemi/table.ts';
import pvModule from '../../src/modules/pv/index.ts';
import { callWasm, encode, resultOf } from './call-wasm.ts';
import { openCore, output, place } from './core.ts';

export const SOCKETS: readonly Socket[] = [
  { index: 0, proto: 'udp', ip: '127.0.0.1', port: 20200, name: 's1' },
  {
    index: 1,
    proto: 'udp',
    ip: '127.0.0.1',
    port: 20201,
    name: 'adv',
    advertisedIp: '203.0.113.9',
    advertisedPort: 5099,
  },
];

export interface Line {
  readonly level: string;
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

export interface BenchOptions {
  /** besides pv */
  modules?: readonly AnyModule[];
  params?: Readonly<Record<string, ModParamValues>>;
  defines?: Readonly<Record<string, ByteStr>>;
  env?: Readonly<Record<string, ByteStr>>;
}

export function pvBench(options: BenchOptions = {}) {
  const core = openCore();
  const lines: Line[] = [];
  const errors: string[] = [];
  const clock = { ms: Date.UTC(2026, 10, 24, 3, 57, 32, 931) };
  let msg: SipMsg | undefined;
  let perMessage = new Map<unknown, unknown>();
  const log = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields: fields as Record<string, unknown>, message });
  };
  const digest = (name: string) => (data: ByteStr) => createHash(name).update(bytesOf(data)).digest('hex');
  const host = {
    core,
    log: {
      level: 'trace',
      trace: log('trace'),
      debug: log('debug'),
      info: log('info'),
      warn: log('warn'),
      error: log('error'),
      fatal: log('fatal'),
    },
    now: () => clock.ms,
    monotonic: () => clock.ms,
    random: () => 0.5,
    sockets: SOCKETS,
    isMyself: () => false,
    get message() {
      return msg;
    },
    get perMessage() {
      return perMessage;
    },
    pv: (spec: ByteStr): Pv | undefined => registry.compile(spec),
    format: (text: ByteStr) => formats.format(text),
    defines: new Map(Object.entries(options.defines ?? {})),
    env: new Map(Object.entries(options.env ?? {})),
    module: (name: string) => modules.find(m => m.definition.name === name)?.state,
    version: '0.0.0-test',
    md5: digest('md5'),
    sha256: digest('sha256'),
  } as unknown as ModuleHost;
  const modules = [pvModule as AnyModule, ...(options.modules ?? [])].map(definition =>
    loadedModule(
      definition,
      definition.create(host, {
        ...Object.fromEntries(Object.entries(definition.modparams).map(([name, p]) => [name, p.default])),
        ...options.params?.[definition.name],
      }),
      host,
    ),
  );
  const registry = new PvRegistry({
    sources: modules.map(({ definition, call }) => ({
      call,
      pvs: definition.pvs ?? [],
      transformations: definition.transformations ?? [],
    })),
    host,
    hasMessage: () => msg !== undefined,
    callWasm: name => resultOf(core, 'xval', core.x[name]()) as XVal,
    error: text => errors.push(text),
  });
  const formats = new PvFormats(registry);
  core.hooks.pvResolve = (at, length) => registry.compile(core.mem.str(at, length))?.id ?? 0;
  core.hooks.pvGet = id => encode(core, registry.byId(id)?.get() ?? null);

  return {
    core,
    host,
    registry,
    /** why PVs and texts did not compile */
    errors,
    /** what was logged */
    lines,
    clock,
    modules,
    get msg(): SipMsg {
      return msg!;
    },
    /** the value of a PV, undefined when it does not compile */
    get: (spec: ByteStr): XVal | undefined => registry.compile(spec)?.get(),
    set: (spec: ByteStr, value: XVal): boolean => registry.compile(spec)!.set(value),
    /** calls KSR.<path> */
    call(path: string, ...args: (number | ByteStr)[]): unknown {
      const [module, name] = path.split('.');
      const loaded = modules.find(m => m.definition.name === module)!;
      const fn = loaded.definition.functions.find(f => f.name === name)!;
      return fn.wasm ? callWasm(core, fn, args) : fn.run!(loaded.call, ...args);
    },
    /** the next message, with fresh per-message variables; undefined: none is being routed */
    message(text: ByteStr | undefined): number {
      if (msg) core.x.msgFree(msg.at);
      msg = undefined;
      perMessage = new Map();
      core.x.setMsg(0);
      if (text === undefined) return 0;
      const at = place(core, text);
      const status = core.x.msgIndex(at);
      const { mem } = core;
      const ip = core.x.arenaAlloc(at, 9);
      mem.putStr(ip, '127.0.0.1');
      mem.setU32(at + L.M_SRCIP, ip);
      mem.setU32(at + L.M_SRCIP + 4, 9);
      mem.view.setUint16(at + L.M_SRCPORT, 20299, true);
      mem.u8[at + L.M_PROTO] = L.PROTO_UDP;
      mem.u8[at + L.M_AF] = 4;
      mem.view.setFloat64(at + L.M_RECVMS, clock.ms - 1500, true);
      msg = new SipMsg(core, at);
      core.x.setMsg(at);
      return status;
    },
    /** the message with its edits, as it would be sent */
    written: (): ByteStr => output(core, core.x.msgWrite(msg!.at)),
    byteStr,
  };
}
