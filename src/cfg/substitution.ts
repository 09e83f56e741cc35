/** `#!subst "/regexp/replacement/flags"`: what is replaced inside of the config's strings. */
import type { ByteStr } from '../core/memory.ts';
import { compileRegex, type Regex, RegexError } from '../kemi/posix-regex.ts';

/** Says what is wrong with a substitution. */
export class SubstitutionError extends Error {}

export interface Substitution {
  readonly regex: Regex;
  readonly source: ByteStr;
  /** the replacement, with what is known at start ($env) filled in */
  readonly replacement: ByteStr;
  readonly parts: readonly (ByteStr | number)[];
  readonly global: boolean;
}

/** @param env for $env(NAME)  @throws SubstitutionError */
export function parseSubstitution(text: ByteStr, env: (name: string) => ByteStr | undefined): Substitution {
  const separator = text[0];
  if (separator === undefined || /[\w\s\\]/.test(separator))
    throw new SubstitutionError('it must start with a separator: write "/regexp/replacement/flags"');
  const fields: ByteStr[] = [''];
  for (let i = 1; i < text.length; i++) {
    const c = text[i]!;
    if (c === '\\' && text[i + 1] === separator) fields[fields.length - 1] += text[++i]!;
    else if (c === '\\' && i + 1 < text.length) fields[fields.length - 1] += c + text[++i]!;
    else if (c === separator && fields.length < 3) fields.push('');
    else fields[fields.length - 1] += c;
  }
  const [source, replacement, flags] = fields;
  if (!source) throw new SubstitutionError('the regular expression is empty');
  if (replacement === undefined || flags === undefined)
    throw new SubstitutionError(`a separator "${separator}" is missing: write "/regexp/replacement/flags"`);
  const unknown = /[^gi]/.exec(flags)?.[0];
  if (unknown) throw new SubstitutionError(`flag "${unknown}" is unknown: there are g (all) and i (any case)`);
  let regex: Regex;
  try {
    regex = compileRegex(source, { ignoreCase: flags.includes('i') });
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    throw new SubstitutionError(`the regular expression does not compile: ${error.message}`);
  }
  const parts = replacementParts(replacement, regex.groups, env);
  return { regex, source, parts, replacement: parts.join(''), global: flags.includes('g') };
}

/** The longest string that substitutions may make: a rule that grows what it finds must not fill the memory. */
const MAX_RESULT = 1 << 20;

/** @throws SubstitutionError */
export function substitute(text: ByteStr, { regex, parts, global }: Substitution): ByteStr {
  let out = '';
  let at = 0;
  while (at <= text.length) {
    const match = regex.exec(text, at);
    if (!match) break;
    const [start, end] = match[0]!;
    out += text.slice(at, start);
    for (const part of parts) {
      if (typeof part === 'string') out += part;
      else {
        const [from, to] = match[part] ?? [-1, -1];
        if (from >= 0) out += text.slice(from, to);
      }
    }
    if (out.length > MAX_RESULT) throw new SubstitutionError(`it makes a string of more than ${MAX_RESULT} bytes`);
    // An empty match must not match there again.
    if (end === start) out += text.slice(end, end + 1);
    at = end === start ? end + 1 : end;
    if (!global) break;
  }
  return out + text.slice(at);
}

function replacementParts(
  text: ByteStr,
  groups: number,
  env: (name: string) => ByteStr | undefined,
): (ByteStr | number)[] {
  const parts: (ByteStr | number)[] = [];
  const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\' };
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '\\') {
      const next = text[++i] ?? '';
      if (/\d/.test(next)) {
        if (Number(next) > groups) throw new SubstitutionError(`\\${next} names a group that the expression has not`);
        parts.push(Number(next));
      } else parts.push(ESCAPES[next] ?? `\\${next}`);
    } else if (c === '$') {
      const variable = /\$(?:env\((\w+)\)|\(env\((\w+)\)\))/y;
      variable.lastIndex = i;
      const match = variable.exec(text);
      if (match) {
        const name = match[1] ?? match[2]!;
        const value = env(name);
        if (value === undefined) throw new SubstitutionError(`the environment has no variable ${name}`);
        parts.push(value);
        i += match[0].length - 1;
      } else if (/^\$[\w(]/.test(text.slice(i, i + 2)))
        throw new SubstitutionError(`only $env(NAME) has a value here, "${text.slice(i, i + 12)}" has none`);
      else parts.push('$');
    } else parts.push(c);
  }
  return parts;
}
