/** Pseudo-variables of one runtime: the registry over the loaded modules, and its numbers in the core. */
import { SLACK } from '../core/gen/layout.gen.ts';
import type { Core } from '../core/load.ts';
import type { ByteStr } from '../core/memory.ts';
import type { Bridge, LoadedModule } from '../kemi/bridge.ts';
import { PvFormats } from '../kemi/format.ts';
import { MAX_CACHED_PVS, PvRegistry } from '../kemi/pv.ts';
import type { Pv, TransformationHost } from '../kemi/pv-types.ts';

export class RuntimePvs {
  readonly registry: PvRegistry;
  readonly #formats: PvFormats;

  /** @param error hears why a PV or a text with PVs does not compile */
  constructor(
    core: Core,
    modules: readonly LoadedModule[],
    bridge: Bridge,
    host: TransformationHost,
    error: (text: string) => void,
  ) {
    const { currentMsg } = core.x;
    const registry = new PvRegistry({
      sources: modules.map(({ definition, call }) => ({
        call,
        pvs: definition.pvs ?? [],
        transformations: definition.transformations ?? [],
      })),
      host,
      hasMessage: () => currentMsg() !== 0,
      callWasm: name => bridge.xval(core.x[name]()),
      getterOf: name => {
        const getter = core.x[name];
        return () => bridge.xval(getter());
      },
      error,
    });
    this.registry = registry;
    this.#formats = new PvFormats(registry);
    const known = new Set<number>();
    const getters = new Map<string, number>();
    /** Gives the core the AssemblyScript getter of a PV, once. */
    const adopt = (pv: Pv) => {
      if (known.has(pv.id) || pv.id > MAX_CACHED_PVS) return;
      known.add(pv.id);
      const { header } = pv;
      if (header !== undefined) {
        // Kept for the life of the runtime: never freed.
        const at: number = core.lua.malloc(header.length + SLACK);
        if (!at) return;
        core.mem.putStr(at, header);
        core.x.pvSetHeader(pv.id, at, header.length);
        return;
      }
      const name = pv.plain ? pv.cls.wasm : undefined;
      if (!name) return;
      let index = getters.get(name);
      if (index === undefined) getters.set(name, (index = core.addFunction(core.x[name])));
      core.x.pvSetGetter(pv.id, index);
    };
    core.hooks.pvResolve = (at, length) => {
      const pv = registry.compile(core.mem.str(at, length));
      if (!pv) return 0;
      adopt(pv);
      return pv.id;
    };
    core.hooks.pvGet = id => bridge.encode(registry.byId(id)?.get());
  }

  compile(spec: ByteStr): Pv | undefined {
    return this.registry.compile(spec);
  }

  /** Whether format() would give a text; says why not as format() does. */
  parses(text: ByteStr): boolean {
    return !text.includes('$') || this.#formats.compile(text) !== undefined;
  }

  format(text: ByteStr): ByteStr | undefined {
    return this.#formats.format(text);
  }
}
