/** Number portability: which carrier has a number, by its longest known prefix. */
import { edit, log, message } from 'kemi-wasm/module-as';

const carriers = new Map<string, string>();

/** modparam("numport", "entry", "4930=>carrier-a"): numbers that begin with 4930 are carrier-a's. */
export function configure(name: string, value: string): string | null {
  if (name != 'entry') return `there is no parameter ${name}, only entry`;
  const at = value.indexOf('=>');
  if (at < 1 || at + 2 == value.length) return `"${value}" is not PREFIX=>CARRIER`;
  carriers.set(value.substring(0, at), value.substring(at + 2));
  return null;
}

/** The carrier of a number; nil when it is nobody's. */
export function lookup(number: string): string | null {
  for (let length = number.length; length > 0; length--) {
    const prefix = number.substring(0, length);
    if (carriers.has(prefix)) return carriers.get(prefix);
  }
  return null;
}

/** Looks up the number in header X-Number, and appends X-Carrier. 1, or -1 when there is no number, or it is nobody's. */
export function mark(): i32 {
  const number = message.header('X-Number');
  if (number === null) return -1;
  const carrier = lookup(number);
  if (carrier === null || !edit.appendHeader('X-Carrier', carrier)) return -1;
  log.debug(`${number} is with ${carrier}`);
  return 1;
}
