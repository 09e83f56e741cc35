/** Collects what is wrong with a config: everything of a file at once, not only the first. What is found again at the same place is told once. */
import type { Diagnostic } from '../errors.ts';
import type { At } from './config.ts';

/** One mistake may cause many; nobody reads more than this. */
const MAX_FINDINGS = 200;

export class Diagnostics {
  readonly found: Diagnostic[] = [];
  #left = MAX_FINDINGS;

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
    if (this.#left === 0) return;
    const same = (d: Diagnostic) =>
      d.line === line && d.column === column && d.file === file && d.severity === severity && d.message === message;
    // counted in any case: a reader that finds the same again and again must come to an end
    this.#left--;
    if (!this.found.some(same)) this.found.push({ severity, file, line, column, message });
    if (this.#left === 0)
      this.found.push({ severity: 'error', file, line, column, message: 'too many findings: the rest is not read' });
  }
}
