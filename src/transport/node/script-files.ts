/**
 * The files that a script may read: those of its own folder and below, nothing else. Remembers what was read, so that a watcher knows what to look at.
 */
import fs from 'node:fs';
import path from 'node:path';

/** Larger than any script; a device or a log is not read by mistake. */
const MAX_FILE_BYTES = 16 << 20;

export class ScriptFiles {
  readonly #folders: readonly string[];
  readonly #scripts: readonly string[];
  readonly #asked: Set<string>;

  /** @param scripts paths of the scripts: one, or several that run in one state */
  constructor(...scripts: readonly string[]) {
    this.#scripts = scripts.map(s => path.resolve(s));
    this.#folders = [...new Set(this.#scripts.map(s => path.dirname(s)))];
    this.#asked = new Set(this.#scripts);
  }

  /** Absolute paths of the script and of what it asked for, absent files too. */
  get asked(): readonly string[] {
    return [...this.#asked];
  }

  /** @returns undefined when the file is absent, outside of the folder (symbolic links followed), or no plain file */
  readonly read = (name: string): Uint8Array | undefined => {
    const file = path.resolve(name);
    if (!this.#folders.some(f => inside(f, file))) return undefined;
    this.#asked.add(file);
    try {
      const real = fs.realpathSync(file);
      // The script itself may be a link to anywhere: its owner chose it. What it asks for may not lead out.
      if (!this.#folders.some(f => inside(fs.realpathSync(f), real)) && !this.#isScriptTarget(real)) return undefined;
      const stat = fs.statSync(real);
      return stat.isFile() && stat.size <= MAX_FILE_BYTES ? fs.readFileSync(real) : undefined;
    } catch {
      return undefined;
    }
  };

  #isScriptTarget(real: string): boolean {
    return this.#scripts.some(s => fs.existsSync(s) && fs.realpathSync(s) === real);
  }
}

function inside(folder: string, file: string): boolean {
  const relative = path.relative(folder, file);
  return relative !== '' && relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}
