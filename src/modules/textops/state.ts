import type { ByteStr } from '../../core/memory.ts';
import { type Regex, RegexCache, type RegexOptions } from '../../kemi/posix-regex.ts';
import type { Call } from '../../kemi/table.ts';
import { type Subst, SubstCache } from './subst.ts';

export interface State {
  readonly regexes: RegexCache;
  readonly substs: SubstCache;
}
export type TextCall = Call<State>;

export const createState = (): State => {
  const regexes = new RegexCache();
  return { regexes, substs: new SubstCache(regexes) };
};

/** REG_EXTENDED|REG_ICASE|REG_NEWLINE, what most functions compile with */
export const LINES: RegexOptions = { ignoreCase: true, newline: true };

/** @returns undefined (logged) when the expression is refused */
export function regexOf(call: TextCall, source: ByteStr, options: RegexOptions = LINES): Regex | undefined {
  const found = call.state.regexes.get(source, options);
  if (typeof found !== 'string') return found;
  call.host.log.error({ regex: source }, `Cannot compile the expression: ${found}`);
  return undefined;
}

/** @returns undefined (logged) when the substitution does not parse */
export function substOf(call: TextCall, source: ByteStr): Subst | undefined {
  const found = call.state.substs.get(source, spec => call.host.pv(spec));
  if (typeof found !== 'string') return found;
  if (source) call.host.log.error({ subst: source }, `Cannot compile the substitution: ${found}`);
  return undefined;
}
