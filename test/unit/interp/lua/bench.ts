/** One Lua engine with the fake KSR tree, on a given lane. */
import type { InterpreterOptions, Program, RunResult } from '../../../../src/interp/interpreter.ts';
import { type Lane, LuaInterpreter } from '../../../../src/interp/lua/lua.ts';
import { type Fake, type FakeFunction, fake, source } from '../fake-ksr.ts';

export const LANES: readonly Lane[] = ['api', 'inplace'];

export interface LuaBench extends Fake {
  engine: LuaInterpreter;
  load: (script: string, name?: string) => Program;
  /** Runs `return <expression>` as a route, with a message. @returns what print() makes of its values */
  value: (expression: string) => string | undefined;
  /** Runs statements as a route of a fresh program; throws when they fail. @returns what they printed */
  script: (statements: string) => string[];
  /** Runs statements that must fail. */
  error: (statements: string) => NonNullable<RunResult['error']>;
}

export function luaBench(
  lane: Lane,
  more: FakeFunction[] = [],
  limits?: InterpreterOptions['limits'],
  maxPages?: number,
): LuaBench {
  const f = fake(more, limits, maxPages);
  const engine = new LuaInterpreter({ ...f.options, lane });
  const load = (script: string, name = 'test.lua') => engine.load(source(script), name);
  const run = (statements: string) => {
    const program = load(`function go()\n${statements}\nend`);
    const result = program.run('go', 4711);
    program.dispose();
    return result;
  };
  const script = (statements: string) => {
    f.printed.length = 0;
    const result = run(statements);
    if (result.error) throw new Error(`${result.error.message}\n${result.error.traceback}`);
    return [...f.printed];
  };
  return {
    ...f,
    engine,
    load,
    script,
    value: expression => script(`print(${expression})`)[0],
    error: statements => {
      const { error } = run(statements);
      if (!error) throw new Error('the script did not fail');
      return error;
    },
  };
}
