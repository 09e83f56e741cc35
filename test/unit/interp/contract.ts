/**
 * What every engine must do, whatever its language: test files of an engine call interpreterContract() with the same routes written in its own language.
 */
import { describe, expect, it } from 'vitest';
import type { ByteStr } from '../../../src/core/memory.ts';
import { ScriptError } from '../../../src/errors.ts';
import type { Interpreter, InterpreterOptions, Program } from '../../../src/interp/interpreter.ts';
import { type Deferred, deferred, type FakeFunction, fake, STANDARD, source } from './fake-ksr.ts';

/** The routes of the contract in one language. */
export interface ContractScripts {
  /** name of the script file, with its extension */
  file: string;
  /** route `go`: returns without doing anything */
  empty: string;
  /** route `go`: KSR.c.note(KSR.t.int(5)), then KSR.c.note(KSR.t.str("abc")) */
  calls: string;
  /** route `go`: KSR.c.note(1), KSR.x.exit(), KSR.c.note(2) */
  exits: string;
  /** route `go`, one argument: KSR.c.text(argument); absent: routes of this language take none */
  argument?: string;
  /** route `go`: raises an error with the text 'boom' on line 3 of the file (KSR.c.boom() does); route `good` returns */
  fails: string;
  /** does not parse because of line 3 */
  syntax: string;
  /** raises an error with the text 'boom' on line 2 while it loads; absent: nothing runs then */
  topLevelFails?: string;
  /** route `go`: KSR.c.note(KSR.c.wait(1)), KSR.c.note(KSR.t.msg()) */
  waits: string;
  /** route `go`: runs for ever; route `good` returns */
  loop: string;
  /** route `go` calls KSR.t.intt(1) on line 2; route `gone` calls KSR.dispatcher.ds_select_dst(1, 2); absent: that does not load */
  unknown?: string;
  /** route `outer`: KSR.c.note(KSR.t.msg()), KSR.c.nested(), KSR.c.note(KSR.t.msg()); route `inner`: KSR.c.note(KSR.t.msg()) */
  nested: string;
}

interface Bench {
  engine: Interpreter;
  load: (script: string) => Program;
  notes: number[];
  texts: ByteStr[];
  /** promises that KSR.c.wait() gave out, oldest first */
  waits: Deferred[];
  /** what KSR.c.nested() does */
  nested: () => void;
}

export function interpreterContract(
  title: string,
  scripts: ContractScripts,
  create: (options: InterpreterOptions, functions: readonly FakeFunction[]) => Interpreter,
): void {
  const bench = (limits?: InterpreterOptions['limits']): Bench => {
    const notes: number[] = [];
    const texts: ByteStr[] = [];
    const waits: Deferred[] = [];
    const functions: FakeFunction[] = [
      { path: 'c.note', params: ['int'], run: n => notes.push(n as number), anytime: true },
      { path: 'c.text', params: ['str'], run: s => texts.push(s as ByteStr) },
      {
        path: 'c.wait',
        params: ['int'],
        async: true,
        run: () => {
          const wait = deferred();
          waits.push(wait);
          return wait.promise;
        },
      },
      {
        path: 'c.boom',
        run: () => {
          throw new Error('boom');
        },
      },
      {
        path: 'c.nested',
        run: () => {
          b.nested();
          return 1;
        },
      },
    ];
    const f = fake(functions, limits);
    const engine = create(f.options, [...STANDARD, ...functions]);
    const b: Bench = {
      engine,
      load: script => engine.load(source(script), scripts.file),
      notes,
      texts,
      waits,
      nested: () => {},
    };
    return b;
  };

  describe(`interpreter contract: ${title}`, () => {
    it('run() says done, exit and missing with shared frozen results', () => {
      const b = bench();
      const empty = b.load(scripts.empty);
      expect(empty.run('go', 1)).toBe(empty.run('go', 2));
      expect(empty.run('go', 1)).toEqual({ state: 'done' });
      expect(empty.run('nowhere', 1)).toEqual({ state: 'missing' });
      expect(Object.isFrozen(empty.run('go', 1))).toBe(true);
      const exits = b.load(scripts.exits);
      expect(exits.run('go', 1)).toEqual({ state: 'exit' });
      expect(b.notes).toEqual([1]);
      expect(empty.inFlight + exits.inFlight).toBe(0);
    });

    it('has() knows the callbacks of the script', () => {
      const program = bench().load(scripts.empty);
      expect(program.has('go')).toBe(true);
      expect(program.has('nowhere')).toBe(false);
    });

    it('a route calls KSR functions with values of both types', () => {
      const b = bench();
      expect(b.load(scripts.calls).run('go', 1).state).toBe('done');
      expect(b.notes).toEqual([5, 3]);
    });

    it.skipIf(scripts.argument === undefined)('run() hands its argument to the callback, bytes unchanged', () => {
      const b = bench();
      const program = b.load(scripts.argument!);
      for (const text of ['tm:local-request', '', 'a\0b', '\xff\xfe']) program.run('go', 1, text);
      expect(b.texts).toEqual(['tm:local-request', '', 'a\0b', '\xff\xfe']);
    });

    it('an error in a callback names file and line, and costs only that run', () => {
      const program = bench().load(scripts.fails);
      for (let i = 0; i < 3; i++) {
        const { state, error } = program.run('go', 1);
        expect(state).toBe('error');
        expect(error).toMatchObject({ file: scripts.file, line: 3 });
        expect(error!.message).toMatch(/:3:.*boom/);
        expect(error!.traceback).toContain(scripts.file);
        expect(program.run('good', 1).state).toBe('done');
      }
      expect(program.inFlight).toBe(0);
    });

    it('load() throws a ScriptError that names file and line for what does not parse', () => {
      const b = bench();
      expect(() => b.load(scripts.syntax)).toThrow(ScriptError);
      try {
        b.load(scripts.syntax);
      } catch (error) {
        expect((error as ScriptError).diagnostics[0]).toMatchObject({
          severity: 'error',
          file: scripts.file,
          line: 3,
        });
      }
    });

    it.skipIf(scripts.topLevelFails === undefined)('load() throws a ScriptError for a top level that fails', () => {
      const b = bench();
      try {
        b.load(scripts.topLevelFails!);
        expect.unreachable();
      } catch (error) {
        expect((error as ScriptError).diagnostics[0]).toMatchObject({ file: scripts.file, line: 2 });
        expect((error as ScriptError).diagnostics[0]!.message).toContain('boom');
      }
    });

    it('versions count the loads that worked', () => {
      const b = bench();
      expect(b.load(scripts.empty).version).toBe(1);
      expect(() => b.load(scripts.syntax)).toThrow();
      expect(b.load(scripts.calls).version).toBe(2);
    });

    it.skipIf(scripts.unknown === undefined)(
      'a misspelt function names itself and the closest one, an absent module says so',
      () => {
        const program = bench().load(scripts.unknown!);
        const { error } = program.run('go', 1);
        expect(error!.message).toMatch(/KSR\.t\.intt does not exist, did you mean KSR\.t\.int\?/);
        expect(error).toMatchObject({ file: scripts.file, line: 2 });
        expect(program.run('gone', 1).error!.message).toContain(
          'KSR.dispatcher.ds_select_dst: module dispatcher is not available in this version',
        );
      },
    );

    it('two runs that wait interleave, each with its own message', async () => {
      const b = bench();
      const program = b.load(scripts.waits);
      const first = program.run('go', 101);
      const second = program.run('go', 202);
      expect([first.state, second.state, program.inFlight]).toEqual(['suspended', 'suspended', 2]);
      b.waits[1]!.resolve(22);
      expect(await second.settled).toEqual({ state: 'done' });
      expect(b.notes).toEqual([22, 202]);
      b.waits[0]!.resolve(11);
      expect(await first.settled).toEqual({ state: 'done' });
      expect(b.notes).toEqual([22, 202, 11, 101]);
      expect(program.inFlight).toBe(0);
    });

    it('a rejected wait is an error at the call in the script', async () => {
      const b = bench();
      const run = b.load(scripts.waits).run('go', 1);
      b.waits[0]!.reject(new Error('no such host'));
      const { state, error } = (await run.settled)!;
      expect(state).toBe('error');
      expect(error!.message).toContain('no such host');
      expect(b.notes).toEqual([]);
    });

    it('abandon() ends a run that waits, and what it waited for is forgotten', async () => {
      const b = bench();
      const program = b.load(scripts.waits);
      const run = program.run('go', 1);
      run.abandon!('timed out');
      expect(await run.settled).toMatchObject({ state: 'error', error: { message: 'timed out' } });
      run.abandon!('again');
      b.waits[0]!.resolve(1);
      await new Promise(resolve => setTimeout(resolve, 1));
      expect(b.notes).toEqual([]);
      expect(program.inFlight).toBe(0);
    });

    it('dispose() lets runs in flight finish and refuses new ones', async () => {
      const b = bench();
      const program = b.load(scripts.waits);
      const run = program.run('go', 7);
      program.dispose();
      expect(program.memoryBytes()).toBeGreaterThan(0);
      expect(program.run('go', 8)).toMatchObject({ state: 'error' });
      b.waits[0]!.resolve(5);
      expect(await run.settled).toEqual({ state: 'done' });
      expect(b.notes).toEqual([5, 7]);
      expect(program.memoryBytes()).toBe(0);
      expect(program.has('go')).toBe(false);
      program.dispose();
    });

    it('runs nest, and the outer one has its message back afterwards', () => {
      const b = bench();
      const program = b.load(scripts.nested);
      b.nested = () => program.run('inner', 2);
      expect(program.run('outer', 1).state).toBe('done');
      expect(b.notes).toEqual([1, 2, 1]);
    });

    it('two programs live side by side', () => {
      const b = bench();
      const one = b.load(scripts.exits);
      const two = b.load(scripts.calls);
      one.run('go', 1);
      two.run('go', 1);
      one.dispose();
      expect(two.run('go', 1).state).toBe('done');
      expect(b.notes).toEqual([1, 5, 3, 5, 3]);
    });

    it('the instruction limit stops an endless loop, and only that run', () => {
      const program = bench({ instructions: 200_000 }).load(scripts.loop);
      for (let i = 0; i < 3; i++) {
        expect(program.run('go', 1)).toMatchObject({ state: 'error', error: { limit: 'instructions' } });
        expect(program.run('good', 1)).toEqual({ state: 'done' });
      }
    });
  });
}
