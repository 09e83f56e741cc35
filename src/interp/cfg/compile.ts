/** Statements into instructions. */
import type { At, RouteBlock } from '../../cfg/config.ts';
import { type ByteStr, utf8Of } from '../../core/memory.ts';
import type { NativeRoute } from '../../kemi/table.ts';
import { MAX_WORDS } from './assemble.ts';
import type { CallExpr, Expr, Statement } from './ast.ts';
import { caseTests, numbersOf } from './cases.ts';
import { type Command, type CompiledCall, compileCommand } from './commands.ts';
import { type CallInExpression, type Evaluate, ExpressionCompiler } from './compile-expression.ts';
import { type Context, pvOf } from './context.ts';
import type { CoreCode, Place, Test } from './core-code.ts';
import { cellOf, testOf } from './core-test.ts';
import { isConstant, mayFail, RC } from './facts.ts';
import { compileKeyword, isKeyword } from './keywords.ts';
import { type Code, type Instruction, type Machine, NOBODY } from './machine.ts';
import { Mistake } from './token-list.ts';
import { NoValue, toStr } from './values.ts';

/** KSR_* of the kinds of blocks; what runs in a block route[..] depends on who calls it. */
const KINDS: Readonly<Record<string, NativeRoute | 'any'>> = {
  request_route: 'request',
  failure_route: 'failure',
  branch_route: 'branch',
  onreply_route: 'onreply',
  reply_route: 'reply',
  event_route: 'event',
  onsend_route: 'onsend',
};

/** Commands whose first parameter names a block. */
const NAMES_BLOCK: Readonly<Record<string, (name: string) => string>> = {
  t_on_branch: name => `branch_route[${name}]`,
  t_on_failure: name => `failure_route[${name}]`,
  t_on_reply: name => `onreply_route[${name}]`,
  t_on_branch_failure: name => `event_route[tm:branch-failure:${name}]`,
};

export type Blocks = ReadonlyMap<string, Code>;

/** Fills a block's code; what is wrong goes to cx.found. */
export class BlockCompiler {
  readonly #cx: Context;
  readonly #commands: ReadonlyMap<string, readonly Command[]>;
  readonly #blocks: Blocks;
  readonly #expressions: ExpressionCompiler;
  readonly #code: Code;
  readonly #kind: NativeRoute | 'any';
  /** places behind the loop or switch that a break leaves */
  readonly #breaks: Place[] = [];
  /** calls are looked at more than once; each is compiled once */
  readonly #calls = new Map<CallExpr, CallInExpression>();
  #loops = 0;

  constructor(
    cx: Context,
    commands: ReadonlyMap<string, readonly Command[]>,
    blocks: Blocks,
    block: RouteBlock,
    code: Code,
  ) {
    this.#commands = commands;
    this.#blocks = blocks;
    this.#code = code;
    this.#kind = block.kind === 'onreply_route' && block.name === '' ? 'reply' : (KINDS[block.kind] ?? 'any');
    this.#cx = this.#kind === 'onsend' ? { ...cx, sending: true } : cx;
    this.#expressions = new ExpressionCompiler(this.#cx, { inExpression: call => this.#inExpression(call) });
  }

  statements(list: readonly Statement[]): void {
    let left: Statement | undefined;
    for (const statement of list) {
      if (left) {
        this.#cx.found.warning(statement.at, `this never runs: ${left.kind} above leaves`);
        left = undefined;
      }
      try {
        this.#statement(statement);
      } catch (error) {
        if (!(error instanceof Mistake)) throw error;
        this.#cx.found.error(error.at, error.message);
      }
      if (['return', 'exit', 'drop', 'break'].includes(statement.kind)) left = statement;
    }
  }

  readonly #emit = (instruction: Instruction, at: At, core?: CoreCode): void => {
    this.#code.run.push(instruction);
    this.#code.places.push(at);
    this.#code.core.push(core);
  };

  get #here(): number {
    return this.#code.run.length;
  }

  #statement(s: Statement): void {
    switch (s.kind) {
      case 'call':
        this.#call(s.call);
        return;
      case 'assign':
        this.#assign(s.spec, s.value, s.at);
        return;
      case 'if':
        this.#if(s);
        return;
      case 'while':
        this.#while(s);
        return;
      case 'switch':
        this.#switch(s);
        return;
      case 'return':
        this.#return(s.value, s.at);
        return;
      case 'exit':
        this.#emit(exit, s.at, { kind: 'exit' });
        return;
      case 'drop': {
        const { core } = this.#cx;
        this.#emit(m => {
          if (m.msg) core.x[DROP]();
          m.ended = true;
        }, s.at);
        return;
      }
      default:
        this.#break(s.at);
    }
  }

  #break(at: At): void {
    const target = this.#breaks.at(-1);
    // outside of a loop it leaves the block, with 0 that ends nothing
    this.#emit(
      target
        ? m => {
            m.last = 0;
            m.pc = target.at;
          }
        : m => m.leave(0, false),
      at,
      target ? { kind: 'jump', target, last: 0 } : { kind: 'leave', value: 0, asked: false },
    );
  }

  #return(value: Expr | undefined, at: At): void {
    if (!value) {
      this.#emit(m => m.leave(1, true), at, { kind: 'leave', value: 1, asked: true });
      return;
    }
    if (this.#expressions.typeOf(value) === 'str') throw new Mistake(value.at, 'return needs a number, this is a text');
    const core = (): CoreCode | undefined => {
      const test = this.#test(value, false);
      if (test?.kind === 'int') return { kind: 'leave', value: test.value, asked: true };
      if (test?.kind !== 'call') return test && { kind: 'return', value: test };
      // as an operand: 1 or 0
      return { kind: 'return', value: { kind: 'not', of: { kind: 'not', of: test } } };
    };
    this.#value(value, 'int', false, at, (m, code) => m.leave(code as number, true), undefined, core);
  }

  #assign(spec: ByteStr, value: Expr, at: At): void {
    if (RC.test(spec)) throw new Mistake(at, `${utf8Of(spec)} cannot be written`);
    const pv = pvOf(this.#cx, spec, at);
    if (!pv.writable) throw new Mistake(at, `${utf8Of(spec)} cannot be written`);
    const { host } = this.#cx;
    const refused = (m: Machine) =>
      host.log.error(
        { file: at.file, line: at.line, rc: m.rc },
        `Cannot assign to ${utf8Of(spec)}: it does not take this value`,
      );
    const set = (m: Machine, got: ReturnType<Evaluate>): number => {
      if (!pv.set(got)) refused(m);
      m.last = 1;
      return 1;
    };
    const core = (): CoreCode => {
      const cell = cellOf(this.#cx, { kind: 'pv', spec, at });
      const number = value.kind === 'pv' ? RC.test(value.spec) : this.#expressions.typeOf(value) === 'int';
      const test = cell && number ? this.#test(value, true) : undefined;
      if (cell && test) return { kind: 'set', cell, value: test };
      const get = this.#expressions.closure(value, 'any', true);
      if (value.kind === 'int' || value.kind === 'str') {
        const constant = value.value;
        return { kind: 'do', host: m => set(m, constant) };
      }
      return {
        kind: 'do',
        host: m => {
          const got = get(m);
          return m.ended ? 1 : set(m, got);
        },
      };
    };
    this.#value(value, 'any', true, at, set, undefined, core);
  }

  /**
   * Evaluates, then goes on with the value.
   * @param none what happens where it has no value (a division by 0): the statement is left out unless it says more
   * @param core what it is for the core; not asked where it may wait, or have no value
   */
  #value(
    expr: Expr,
    mode: 'any' | 'int',
    whole: boolean,
    at: At,
    then: (m: Machine, value: ReturnType<Evaluate>) => void,
    none: (m: Machine) => void = () => {},
    core: () => CoreCode | undefined = () => undefined,
  ): void {
    if (this.#expressions.waits(expr)) {
      this.#expressions.emit(expr, mode, whole, this.#code.run, this.#emit);
      this.#emit(m => then(m, m.stack.pop()!), at);
      return;
    }
    const get = this.#expressions.closure(expr, mode, whole);
    if (!mayFail(expr)) {
      const run: Instruction = m => {
        const value = get(m);
        if (!m.ended) then(m, value);
      };
      this.#emit(run, at, core());
      return;
    }
    const { host } = this.#cx;
    this.#emit(m => {
      let value: ReturnType<Evaluate>;
      try {
        value = get(m);
      } catch (error) {
        if (!(error instanceof NoValue)) throw error;
        host.log.error({ file: at.file, line: at.line }, `Cannot evaluate an expression: ${error.message}`);
        none(m);
        return;
      }
      if (!m.ended) then(m, value);
    }, at);
  }

  /** A condition or a number for the core; undefined where a call in it may have to wait, or a division may have no result. */
  #test(expr: Expr, whole: boolean): Test | undefined {
    if (mayFail(expr)) return undefined;
    return testOf(
      this.#cx,
      {
        closure: (of, mode, all) => this.#expressions.closure(of, mode, all),
        call: call => this.#inExpression(call).test?.(),
        waits: of => this.#expressions.waits(of),
        typeOf: of => this.#expressions.typeOf(of),
      },
      expr,
      whole,
    );
  }

  /** Goes to a place when the condition is not true: it is a number above 0. */
  #unless(test: Expr, target: Place, at: At): void {
    const start = this.#here;
    this.#value(
      test,
      'int',
      true,
      at,
      (m, value) => {
        m.last = 1;
        if ((value as number) <= 0) m.pc = target.at;
      },
      m => {
        m.last = 1;
        m.pc = target.at;
      },
    );
    const core = this.#test(test, true);
    if (core) this.#code.core[start] = { kind: 'unless', test: core, target, span: this.#here - start };
  }

  #if(s: Statement & { kind: 'if' }): void {
    const otherwise = { at: 0 };
    const end = { at: 0 };
    this.#unless(s.test, otherwise, s.at);
    this.statements(s.then);
    if (s.else.length > 0) this.#emit(m => (m.pc = end.at), s.at, { kind: 'jump', target: end });
    otherwise.at = this.#here;
    this.statements(s.else);
    end.at = this.#here;
  }

  #while(s: Statement & { kind: 'while' }): void {
    const loop = this.#loops++;
    const end = { at: 0 };
    const { host, maxRounds } = this.#cx;
    this.#emit(m => ((m.counters ??= [])[loop] = 0), s.at);
    const start = this.#here;
    this.#unless(s.test, end, s.at);
    this.#emit(m => {
      if (++m.counters![loop]! <= maxRounds) return;
      host.log.error({ file: s.at.file, line: s.at.line }, `This loop has gone round ${maxRounds} times: it is left`);
      m.pc = end.at;
    }, s.at);
    this.#breaks.push(end);
    this.statements(s.body);
    this.#breaks.pop();
    this.#emit(m => (m.pc = start), s.at, { kind: 'jump', target: { at: start } });
    end.at = this.#here;
  }

  #switch(s: Statement & { kind: 'switch' }): void {
    const tests = caseTests(s.cases, this.#expressions);
    const end = { at: 0 };
    const targets: Place[] = s.cases.map(() => ({ at: 0 }));
    const other = s.cases.findIndex(c => !c.value);
    const miss = other < 0 ? end : targets[other]!;
    const mode = s.cases.some(c => c.value && this.#expressions.typeOf(c.value) === 'str') ? 'any' : 'int';
    // as an operand: a command is 1 or 0
    const which = (value: ReturnType<Evaluate>): number => tests.findIndex(test => test?.(value));
    const start = this.#here;
    this.#value(s.on, mode, false, s.at, (m, value) => {
      m.last = 1;
      const hit = which(value);
      m.pc = (hit < 0 ? miss : targets[hit]!).at;
    });
    if (!this.#expressions.waits(s.on) && !mayFail(s.on)) {
      const values = numbersOf(s.cases);
      if (values && s.on.kind !== 'call') {
        const on = this.#test(s.on, false)!;
        const to = [...s.cases.flatMap((c, i) => (c.value ? [targets[i]!] : [])), miss];
        this.#code.core[start] = { kind: 'switch', on, values, targets: to };
      } else {
        const get = this.#expressions.closure(s.on, mode, false);
        const on: Test = { kind: 'host', host: m => which(get(m)) };
        // what no case takes is -1, and as a number without sign beyond all targets
        this.#code.core[start] = { kind: 'choose', on, targets: [...targets, miss] };
      }
    }
    this.#breaks.push(end);
    for (const [i, one] of s.cases.entries()) {
      targets[i]!.at = this.#here;
      this.statements(one.body);
    }
    this.#breaks.pop();
    end.at = this.#here;
  }

  // ---- calls

  /** A call as a statement: its code is $rc; 0 ends the run. */
  #call(call: CallExpr): void {
    if (call.name === 'route') {
      this.#mayRoute(call.at);
      const code = this.#routed(call);
      this.#emit(this.#route(call, false), call.at, code && { kind: 'enter', code });
      return;
    }
    if (isKeyword(call.name)) {
      const run = compileKeyword(this.#cx, this.#commands, call, this.#kind, expr =>
        this.#expressions.closure(expr, 'any'),
      );
      if (run.waits) {
        this.#emit(m => this.#start(m, run, code => (m.last = code)), call.at);
        return;
      }
      this.#emit(
        m => {
          m.last = run.invoke(m) as number;
        },
        call.at,
        { kind: 'call', call: inCore(run, false) },
      );
      return;
    }
    const run = this.#command(call);
    const ends = (m: Machine, code: number) => {
      m.rc = m.last = code;
      if (code === 0) m.ended = true;
    };
    this.#emit(
      run.waits ? m => this.#start(m, run, code => ends(m, code)) : m => ends(m, run.invoke(m) as number),
      call.at,
      run.waits ? undefined : { kind: 'call', call: inCore(run, true) },
    );
  }

  /** Starts what may have to wait. */
  #start(m: Machine, run: CompiledCall, then: (code: number) => void): void {
    const result = run.invoke(m);
    if (typeof result === 'number') {
      then(result);
      return;
    }
    m.pending = result;
    m.settle = value => then(run.code(value));
  }

  #inExpression(call: CallExpr): CallInExpression {
    let known = this.#calls.get(call);
    if (!known) this.#calls.set(call, (known = this.#compileInExpression(call)));
    return known;
  }

  #compileInExpression(call: CallExpr): CallInExpression {
    if (call.name === 'route') {
      this.#mayRoute(call.at);
      const emit = this.#route(call, true);
      const code = this.#routed(call);
      // asked when its instruction stands
      const test = (): Test | undefined => code && { kind: 'route', code, index: this.#code.run.lastIndexOf(emit) };
      return { waits: true, emit, test };
    }
    const keyword = isKeyword(call.name);
    const run = keyword
      ? compileKeyword(this.#cx, this.#commands, call, this.#kind, expr => this.#expressions.closure(expr, 'any'))
      : this.#command(call);
    const took = (m: Machine, code: number): number => {
      if (keyword) return code;
      m.rc = code;
      if (code === 0) m.ended = true;
      return code;
    };
    if (!run.waits) {
      const evaluate = (m: Machine) => took(m, run.invoke(m) as number);
      return { waits: false, evaluate, test: () => inCore(run, !keyword) };
    }
    return { waits: true, emit: m => this.#start(m, run, code => m.stack.push(took(m, code))) };
  }

  #command(call: CallExpr): CompiledCall {
    const named = NAMES_BLOCK[call.name];
    const [first] = call.args;
    if (named && first?.kind === 'str') {
      if (first.value.includes('$')) this.#cx.usesAny();
      else this.#cx.uses(named(utf8Of(first.value)), first.at);
    }
    return compileCommand(this.#cx, this.#commands, call, this.#kind, expr => this.#expressions.closure(expr, 'any'));
  }

  #mayRoute(at: At): void {
    if (this.#kind === 'onsend') throw new Mistake(at, 'route cannot be used in onsend_route');
  }

  /** The block of route(NAME) where its name is known. */
  #routed({ args: [name] }: CallExpr): Code | undefined {
    if (name?.kind !== 'word' && name?.kind !== 'str') return undefined;
    return this.#blocks.get(`route[${utf8Of(name.value)}]`);
  }

  /** route(NAME): a block whose name is known is looked up once. @param wanted whether its value is pushed */
  #route(call: CallExpr, wanted: boolean): Instruction {
    const [name, more] = call.args;
    if (!name || more) throw new Mistake(call.at, 'route takes one name');
    const constant = isConstant(name) || name.kind === 'word';
    if (constant) {
      const text = name.kind === 'word' ? name.value : toStr(this.#expressions.closure(name, 'any')(NOBODY));
      const block = `route[${utf8Of(text)}]`;
      const code = this.#blocks.get(block);
      if (!code) throw new Mistake(name.at, `there is no ${block}${near(block, this.#blocks)}`);
      this.#cx.uses(block, name.at);
      return m => m.enter(code, wanted);
    }
    this.#cx.usesAny();
    const get = this.#expressions.closure(name, 'str');
    const { host } = this.#cx;
    return m => {
      const block = `route[${utf8Of(get(m) as ByteStr)}]`;
      const code = this.#blocks.get(block);
      if (code) m.enter(code, wanted);
      else {
        host.log.error({ file: call.at.file, line: call.at.line }, `Cannot run ${block}: there is no such block`);
        if (wanted) m.stack.push(-1);
      }
    };
  }
}

/** A call for the core; what does not go there runs as a closure that the core calls. */
function inCore({ core, invoke }: CompiledCall, command: boolean): Test & { kind: 'call' } {
  const fits = core !== undefined && core.words.length <= MAX_WORDS;
  return { kind: 'call', core: fits ? core : undefined, host: m => invoke(m) as number, command };
}

/** The core's own drop(): refused where a block cannot drop. */
const DROP = 'setDrop';

const exit: Instruction = m => {
  m.ended = true;
};

function near(block: string, blocks: Blocks): string {
  const lower = block.toLowerCase();
  for (const name of blocks.keys()) if (name.toLowerCase() === lower) return `, did you mean ${name}`;
  return '';
}
