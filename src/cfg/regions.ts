/** Which parts of a config count: #!ifdef and its like. */
import type { At } from './config.ts';
import type { Diagnostics } from './diagnostics.ts';
import { CONDITION } from './directives.ts';
import type { Scanner } from './scanner.ts';

interface Region {
  readonly at: At;
  /** whether the part being read counts */
  active: boolean;
  /** whether the parts around it count */
  readonly outer: boolean;
}

export class Regions {
  readonly #found: Diagnostics;
  readonly #open: Region[] = [];

  constructor(found: Diagnostics) {
    this.#found = found;
  }

  /** Whether what comes next is left out. */
  get skipping(): boolean {
    return this.#open.at(-1)?.active === false;
  }

  /** Starts a region that counts when the condition holds. */
  open(at: At, holds: boolean): void {
    this.#open.push({ at, active: holds, outer: true });
  }

  /** #!else or #!endif */
  turn(directive: 'else' | 'endif', at: At): void {
    const region = this.#open.at(-1);
    if (!region) {
      if (directive === 'endif') this.#found.error(at, 'this #!endif has no #!ifdef');
      else this.#found.warning(at, 'this #!else has no #!ifdef and does nothing');
      return;
    }
    if (directive === 'endif') this.#open.pop();
    else region.active = !region.active;
  }

  /** Leaves out what does not count: only conditions are looked at, wherever they stand, as Kamailio does. A region may end in another file. */
  skip(source: Scanner): void {
    while (this.skipping) {
      CONDITION.lastIndex = source.at;
      const match = CONDITION.exec(source.text);
      if (!match) {
        source.to(source.text.length);
        return;
      }
      source.to(match.index);
      const at = source.where();
      source.to(match.index + match[0].length);
      source.restOfLine();
      const region = this.#open.at(-1)!;
      if (match[1] === 'endif') this.#open.pop();
      else if (match[1] === 'else') region.active = region.outer && !region.active;
      else this.#open.push({ at, active: false, outer: false });
    }
  }

  /** Tells what was not closed. */
  end(): void {
    for (const { at } of this.#open.splice(0)) this.#found.error(at, 'this #!ifdef has no #!endif');
  }
}
