import type { ByteStr } from '../../core/memory.ts';
import { type Regex, RegexCache } from '../../kemi/posix-regex.ts';
import type { Call } from '../../kemi/table.ts';
import { Iterators } from './iterators.ts';

export interface State {
  readonly regexes: RegexCache;
  /** key of the iterators in the per-message store: one object per runtime */
  readonly key: object;
}
export type TextCall = Call<State>;

export const createState = (): State => ({ regexes: new RegexCache(), key: {} });

/** The iterators of the message at hand. */
export function iteratorsOf(call: TextCall): Iterators {
  const { perMessage } = call.host;
  let found = perMessage.get(call.state.key) as Iterators | undefined;
  if (!found) {
    found = new Iterators();
    perMessage.set(call.state.key, found);
  }
  return found;
}

/** The expression for header names; undefined (logged) when it is refused. */
export function nameRegex(call: TextCall, source: ByteStr): Regex | undefined {
  const found = call.state.regexes.get(source, { ignoreCase: true, newline: true });
  if (typeof found !== 'string') return found;
  call.host.log.error({ regex: source }, `Cannot compile the expression: ${found}`);
  return undefined;
}
