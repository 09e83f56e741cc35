/** How items are selected: by operator (sht_rm_name, sht_match_name) and by expression ($shtcn, $shtcv). */
import { RE2JS } from 're2js';
import type { ByteStr } from '../../core/memory.ts';

export type Test = (text: ByteStr) => boolean;

const compiled = new Map<ByteStr, RE2JS | undefined>();
const MAX_COMPILED = 256;

/** A regular expression as Kamailio's regcomp takes it here: case does not matter. Linear time. @returns undefined when it does not compile */
export function regexTest(source: ByteStr): Test | undefined {
  if (!source) return undefined;
  let re = compiled.get(source);
  if (!re && !compiled.has(source)) {
    try {
      re = RE2JS.compile(source, RE2JS.CASE_INSENSITIVE | RE2JS.DOTALL);
    } catch {
      // the caller says so
    }
    if (compiled.size >= MAX_COMPILED) compiled.clear();
    compiled.set(source, re);
  }
  const found = re;
  return found && (text => found.matcher(text).find());
}

/**
 * @param op 're', 'sw', 'ew', 'in', and with `equality` also 'eq' and 'ne'
 * @returns undefined for an unknown operator, an empty value or a broken regular expression
 */
export function operatorTest(op: ByteStr, value: ByteStr, equality: boolean): Test | undefined {
  if (!value) return undefined;
  switch (op) {
    case 're':
      return regexTest(value);
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
export function expressionTest(expression: ByteStr): (value: number | ByteStr) => boolean {
  const rest = expression.slice(2);
  const onText = (test: Test | undefined) => (value: number | ByteStr) =>
    typeof value === 'string' && (test?.(value) ?? false);
  switch (expression.slice(0, 2)) {
    case '**':
      return () => true;
    case '~~':
      return onText(regexTest(rest));
    case '%~':
      return onText(text => text.startsWith(rest));
    case '~%':
      return onText(text => text.endsWith(rest));
    case '==':
      return onText(text => text === rest);
    case 'eq':
      if (/^[+-]?\d+$/.test(rest)) return value => value === Number(rest);
      return onText(regexTest(expression));
    default:
      return onText(regexTest(expression));
  }
}
