/** The native engine against the contract of all engines. */
import { silentLogger } from '../../../../src/core/log.ts';
import { NativeInterpreter } from '../../../../src/interp/cfg/native.ts';
import type { BoundFunction } from '../../../../src/kemi/bridge.ts';
import type { ModuleHost } from '../../../../src/kemi/host.ts';
import { PvRegistry } from '../../../../src/kemi/pv.ts';
import type { Call } from '../../../../src/kemi/table.ts';
import { interpreterContract } from '../contract.ts';

interpreterContract(
  'native',
  {
    file: 'test.cfg',
    empty: 'route[go] { return; }',
    calls: 'route[go] { int(5); note($rc); str("abc"); note($rc); }',
    exits: 'route[go] { note(1); exit; note(2); }',
    fails: 'route[good] { return; }\nroute[go] {\n\tboom();\n}',
    syntax: 'route[go] {\n\tnote(1);\n\tnote(;\n}',
    waits: 'route[go] { wait(1); note($rc); msg(); note($rc); }',
    loop: 'max_while_loops=2000000000\nroute[go] { while (1==1) { one(); } }\nroute[good] { return; }',
    nested: 'route[outer] { msg(); note($rc); nested(); msg(); note($rc); }\nroute[inner] { msg(); note($rc); }',
  },
  ({ core, limits }, fakes) => {
    const functions: BoundFunction[] = fakes.map(({ path, params = [], returns = 'int', wasm, run, ...more }) => ({
      path,
      module: path.split('.')[0]!,
      call: {} as Call,
      native: true,
      fn: {
        name: path.split('.').at(-1)!,
        params,
        returns,
        ...more,
        ...(wasm ? { wasm } : { run: (_call, ...args) => run!(...args) }),
      },
    }));
    const host = { log: silentLogger } as ModuleHost;
    const bridge = {
      functions,
      commands: [],
      invoke: ({ fn, call }: BoundFunction, args: readonly (number | string)[]) => fn.run!(call, ...args),
      whereIs: () => undefined,
    };
    const pvs = new PvRegistry({
      sources: [],
      host: host,
      hasMessage: () => core.x.currentMsg() !== 0,
      callWasm: () => null,
      error: () => {},
    });
    return new NativeInterpreter({
      core,
      bridge,
      pvs,
      host,
      config: { readFile: () => undefined },
      ...(limits && { limits }),
    });
  },
);
