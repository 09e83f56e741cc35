// Number portability: which carrier has a number, by its longest known prefix.
import { appendHeader } from 'kemi:module/edit@0.1.0';
import { debug } from 'kemi:module/log@0.1.0';
import { header } from 'kemi:module/message@0.1.0';

const carriers = new Map();

/** modparam("numport", "entry", "4930=>carrier-a"): numbers that begin with 4930 are carrier-a's. What is thrown is told to the operator. */
export function configure(name, value) {
  if (name !== 'entry') throw `there is no parameter ${name}, only entry`;
  const [, prefix, carrier] = /^(.+?)=>(.+)$/.exec(value) ?? [];
  if (prefix === undefined) throw `"${value}" is not PREFIX=>CARRIER`;
  carriers.set(prefix, carrier);
}

/** The carrier of a number; nil when it is nobody's. */
export function lookup(number) {
  for (let length = number.length; length > 0; length--) {
    const carrier = carriers.get(number.slice(0, length));
    if (carrier !== undefined) return carrier;
  }
  return undefined;
}

/** Looks up the number in header X-Number, and appends X-Carrier. 1, or -1 when there is no number, or it is nobody's. */
export function mark() {
  const number = header('X-Number', 0);
  const carrier = number === undefined || number === null ? undefined : lookup(number);
  if (carrier === undefined || !appendHeader('X-Carrier', carrier)) return -1;
  debug(`${number} is with ${carrier}`);
  return 1;
}
