/** Collects what is wrong with a config: everything of a file at once, not only the first. */
import type { Diagnostic } from '../errors.ts';
import type { At } from './config.ts';

/** One mistake may cause many; nobody reads more than this. */
const MAX_FINDINGS = 200;

export class Diagnostics {
  readonly found: Diagnostic[] = [];
  #left = MAX_FINDINGS;
  readonly #said = new Set<string>();

  error(at: At, message: string): void {
    this.#add('error', at, message);
  }

  warning(at: At, message: string): void {
    this.#add('warning', at, message);
  }

  /** Whether nothing more is taken: reading on is of no use. */
  get full(): boolean {
    return this.#left === 0;
  }

  #add(severity: Diagnostic['severity'], { file, line, column }: At, message: string): void {
    // what is compiled in two forms is looked at twice
    const finding = `${severity} ${line}:${column} ${file} ${message}`;
    if (this.#left === 0 || this.#said.has(finding)) return;
    this.#said.add(finding);
    this.#left--;
    this.found.push({ severity, file, line, column, message });
    if (this.#left === 0)
      this.found.push({ severity: 'error', file, line, column, message: 'too many findings: the rest is not read' });
  }
}
