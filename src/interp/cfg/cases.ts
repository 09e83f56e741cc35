/** The cases of a switch. */
import { compileRegex, RegexError } from '../../kemi/posix-regex.ts';
import type { Case } from './ast.ts';
import type { ExpressionCompiler } from './compile-expression.ts';
import { isConstant } from './facts.ts';
import { NOBODY } from './machine.ts';
import { Mistake } from './token-list.ts';
import { equal, toStr, type Value } from './values.ts';

/** A test for each case, undefined for default. @throws Mistake */
export function caseTests(
  cases: readonly Case[],
  expressions: ExpressionCompiler,
): (((value: Value) => boolean) | undefined)[] {
  const seen = new Set<unknown>();
  let type: 'int' | 'str' | undefined;
  let others = 0;
  return cases.map(({ value, regex, at }) => {
    if (!value) {
      if (++others > 1) throw new Mistake(at, 'this switch has a second default');
      return undefined;
    }
    const mine = expressions.typeOf(value);
    if (!isConstant(value)) throw new Mistake(value.at, 'a case is a constant');
    if (type && mine !== type)
      throw new Mistake(value.at, `the cases above are ${type === 'int' ? 'numbers' : 'texts'}: this is another type`);
    type = mine;
    const constant = expressions.closure(value, 'any')(NOBODY);
    if (regex) {
      try {
        const compiled = compileRegex(toStr(constant), { ignoreCase: true });
        return v => compiled.test(toStr(v));
      } catch (error) {
        if (!(error instanceof RegexError)) throw error;
        throw new Mistake(value.at, `this regular expression makes no sense: ${error.message}`);
      }
    }
    if (seen.has(constant)) throw new Mistake(value.at, `this case is there already: ${constant}`);
    seen.add(constant);
    return v => (typeof constant === 'string' ? toStr(v) === constant : equal(constant, v));
  });
}

/** The cases of a switch over numbers; undefined where one is no number. */
export function numbersOf(cases: readonly Case[]): number[] | undefined {
  const out: number[] = [];
  for (const { value, regex } of cases) {
    if (!value) continue;
    if (value.kind !== 'int' || regex) return undefined;
    out.push(value.value);
  }
  return out;
}
