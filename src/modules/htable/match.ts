/** How items are selected: by operator (sht_rm_name, sht_match_name) and by expression ($shtcn, $shtcv). */
import { RE2JS } from 're2js';
import type { ByteStr } from '../../core/memory.ts';

export type Test = (text: ByteStr) => boolean;

const MAX_COMPILED = 256;

/** The regular expressions of one runtime, compiled once each. */
export class Patterns {
  readonly #compiled = new Map<ByteStr, RE2JS | undefined>();

  /** A regular expression as Kamailio's regcomp takes it here: case does not matter. Linear time. @returns undefined when it does not compile */
  test(source: ByteStr): Test | undefined {
    if (!source) return undefined;
    let re = this.#compiled.get(source);
    if (!re && !this.#compiled.has(source)) {
      try {
        re = RE2JS.compile(source, RE2JS.CASE_INSENSITIVE | RE2JS.DOTALL);
      } catch {
        // the caller says so
      }
      if (this.#compiled.size >= MAX_COMPILED) this.#compiled.clear();
      this.#compiled.set(source, re);
    }
    const found = re;
    return found && (text => found.matcher(text).find());
  }
}

/**
 * @param op 're', 'sw', 'ew', 'in', and with `equality` also 'eq' and 'ne'
 * @returns undefined for an unknown operator, an empty value or a broken regular expression
 */
export function operatorTest(patterns: Patterns, op: ByteStr, value: ByteStr, equality: boolean): Test | undefined {
  if (!value) return undefined;
  switch (op) {
    case 're':
      return patterns.test(value);
    case 'sw':
      return text => text.startsWith(value);
    case 'ew':
      return text => text.endsWith(value);
    case 'in':
      return text => text.includes(value);
    case 'eq':
      return equality ? text => text === value : undefined;
    case 'ne':
      return equality ? text => text !== value : undefined;
    default:
      return undefined;
  }
}

/**
 * The expression of $shtcn and $shtcv: `**` all, `~~re` or no prefix a regular expression, `%~x` begins with, `~%x` ends with, `==x` equals,
 * `eqN` the integer N (values only).
 */
export function expressionTest(patterns: Patterns, expression: ByteStr): (value: number | ByteStr) => boolean {
  const rest = expression.slice(2);
  const onText = (test: Test | undefined) => (value: number | ByteStr) =>
    typeof value === 'string' && (test?.(value) ?? false);
  switch (expression.slice(0, 2)) {
    case '**':
      return () => true;
    case '~~':
      return onText(patterns.test(rest));
    case '%~':
      return onText(text => text.startsWith(rest));
    case '~%':
      return onText(text => text.endsWith(rest));
    case '==':
      return onText(text => text === rest);
    case 'eq':
      if (/^[+-]?\d+$/.test(rest)) return value => value === Number(rest);
      return onText(patterns.test(expression));
    default:
      return onText(patterns.test(expression));
  }
}
