/** Where the program of a server comes from: a script, and what app_lua loads in front of it. */
import fs from 'node:fs';
import path from 'node:path';
import { byteStr, byteStrOf, bytesOf } from '../../core/memory.ts';
import { KemiError, ScriptError } from '../../errors.ts';
import { ScriptFiles } from './script-files.ts';

/** Where a server gets its program from. */
export interface ProgramSource {
  /** what errors and reloads call the program */
  readonly name: string;
  readonly files: { readonly asked: readonly string[]; readonly read: (name: string) => Uint8Array | undefined };
  /** The program as it is now. @throws ScriptError naming the file when it cannot be read */
  read(): Uint8Array;
}

export class ScriptSource implements ProgramSource {
  /** path of the script: what errors and reloads call the program */
  readonly name: string;
  readonly files: ScriptFiles;
  readonly #before: readonly string[];

  /** @param scripts paths in the order in which they run in one Lua state, one at least; the program has the name of the last one */
  constructor(scripts: readonly string[]) {
    this.name = scripts.at(-1)!;
    this.#before = scripts.slice(0, -1);
    this.files = new ScriptFiles(this.name, ...this.#before);
  }

  /** The program as it is now. @throws ScriptError naming the file when it cannot be read */
  read(): Uint8Array {
    for (const name of this.#before) readScript(name);
    const source = readScript(this.name);
    if (this.#before.length === 0) return source;
    // In front of the first line, without an end of line: errors keep their line numbers.
    const prelude = this.#before.map(name => `dofile(${luaString(name)}) `).join('');
    return bytesOf(byteStrOf(prelude) + byteStr(source).replace(/^#[^\n]*/, ''));
  }
}

/** A config whose own routing blocks route: it is read again as a whole. */
export class ConfigSource implements ProgramSource {
  readonly name: string;
  readonly files: ProgramSource['files'];

  /** @param files what it includes, absent files too  @param lua scripts of lua_run() */
  constructor(name: string, files: readonly string[], lua: readonly string[] = []) {
    this.name = name;
    const included = files.map(f => path.resolve(f));
    const scripts = new ScriptFiles(name, ...lua);
    this.files = {
      // what the scripts require is known when they run
      get asked() {
        return [...new Set([...included, ...scripts.asked])];
      },
      read: scripts.read,
    };
  }

  read(): Uint8Array {
    return readFile(this.name);
  }
}

/** @throws ScriptError, KemiError KEMI_ERR_CONFIG for what is no Lua script */
function readScript(name: string): Uint8Array {
  const extension = /\.(\w+)$/.exec(name)?.[1]?.toLowerCase();
  if (extension === 'cfg')
    throw new KemiError(
      'KEMI_ERR_CONFIG',
      `Cannot run ${name}: it is no Lua script (.lua); a kamailio.cfg is given with -f`,
    );
  if (extension && ['py', 'js', 'rb', 'sq'].includes(extension))
    throw new KemiError('KEMI_ERR_CONFIG', `Cannot run ${name}: only Lua scripts (.lua) run in this version`);
  return readFile(name);
}

/** @throws ScriptError naming the file */
function readFile(name: string): Uint8Array {
  try {
    return fs.readFileSync(name);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (cause as Error).message;
    throw new ScriptError([{ severity: 'error', file: name, line: 0, column: 0, message: `cannot read it: ${why}` }]);
  }
}

const luaString = (text: string): string =>
  `"${text.replace(/[\\"\n\r\0]/g, c => `\\${String(c.charCodeAt(0)).padStart(3, '0')}`)}"`;
