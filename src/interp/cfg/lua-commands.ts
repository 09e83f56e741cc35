/** lua_run(), lua_runstring(), lua_dostring() and lua_dofile(): Lua from routing blocks, as module app_lua of Kamailio has it. */
import { type ByteStr, utf8Of } from '../../core/memory.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import type { Fixup } from '../../kemi/table.ts';
import type { RunResult } from '../interpreter.ts';
import type { Command } from './commands.ts';

/** Lua beside routing blocks. Two states: one of the scripts that app_lua loads, one for lua_dostring() and lua_dofile(). */
export interface LuaStates {
  /** @param what a function of the scripts, or source text in their state, or source text or a file in the other one */
  run(what: 'function' | 'runstring' | 'dostring' | 'dofile', text: ByteStr, args: readonly ByteStr[]): RunResult;
  dispose(): void;
}

/** Opens the states and runs the top levels of the scripts. @throws ScriptError */
export type StartLua = (scripts: readonly string[]) => LuaStates;

const FORMS: readonly (readonly [name: string, what: Parameters<LuaStates['run']>[0], params: readonly Fixup[]])[] = [
  ['lua_run', 'function', ['str']],
  ['lua_run', 'function', ['str', 'str']],
  ['lua_run', 'function', ['str', 'str', 'str']],
  ['lua_run', 'function', ['str', 'str', 'str', 'str']],
  ['lua_runstring', 'runstring', ['str']],
  ['lua_dostring', 'dostring', ['str']],
  ['lua_dofile', 'dofile', ['str']],
];

/** Runs of Lua that wait, and how each is given up. */
export type Waits = WeakMap<Promise<unknown>, (why: string) => void>;

/** The commands of one config. @param states opened when the config is loaded */
export function luaCommands(
  host: ModuleHost,
  states: () => LuaStates | undefined,
  waits: Waits,
): ReadonlyMap<string, readonly Command[]> {
  const out = new Map<string, Command[]>();
  for (const [name, what, params] of FORMS) {
    const run = (_call: unknown, text: ByteStr, ...args: ByteStr[]) => {
      const result = states()?.run(what, text, args);
      if (!result?.settled) return code(host, name, result);
      const settled = result.settled.then(end => code(host, name, end));
      if (result.abandon) waits.set(settled, result.abandon);
      return settled;
    };
    const command: Command = {
      name,
      form: {},
      params,
      bound: {
        path: name,
        module: 'app_lua',
        native: true,
        fn: { name, params: params.map(() => 'str'), returns: 'int', async: true, run },
        // nothing of it is read
        call: {
          state: undefined,
          host,
          get msg(): never {
            throw new Error('no message');
          },
        },
      },
    };
    const known = out.get(name);
    if (known) known.push(command);
    else out.set(name, [command]);
  }
  return out;
}

/** 1 whatever the function gives; -1 when it failed or is not there. KSR.x.exit() ends the function, not the block. */
function code(host: ModuleHost, name: string, result: RunResult | undefined): number {
  if (!result) {
    host.log.error({}, `Cannot run ${name}: module app_lua is not loaded`);
    return -1;
  }
  const { error } = result;
  if (!error) return 1;
  host.log.error(
    { file: error.file, line: error.line, traceback: error.traceback, ...(error.limit && { limit: error.limit }) },
    `${name}: error from Lua: ${utf8Of(error.message)}`,
  );
  return -1;
}
