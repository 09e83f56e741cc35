/** A folder with the source of one module: its package.json says in which language it is. */
import fs from 'node:fs';
import path from 'node:path';
import { closest } from '../../kemi/suggest.ts';
import { KitError } from './tools.ts';

export const LANGUAGES = ['assemblyscript', 'javascript', 'c', 'rust'] as const;
export type Language = (typeof LANGUAGES)[number];

export interface Project {
  readonly dir: string;
  /** as WIT and the file have it: number-port */
  readonly name: string;
  /** KSR.<ksr>: number_port */
  readonly ksr: string;
  readonly language: Language;
  /** main source file, below dir */
  readonly source: string;
  /** world of the module; undefined where it is made of the source */
  readonly wit?: string;
  /** folder for what comes between source and component */
  readonly build: string;
}

/** What is wrong with a name, if anything. */
export function checkName(name: string): string | undefined {
  if (/^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$/.test(name) && name.length <= 40) return undefined;
  return `"${name}" is no name for a module: write small letters and digits, words with - between them, a letter first in each (40 characters at most)`;
}

/** @throws KitError when there is no module in the folder */
export function openProject(dir: string): Project {
  const file = path.join(dir, 'package.json');
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch {
    throw new KitError(`there is no module in ${dir}: it has no package.json; kemi-wasm module new makes a module`);
  }
  let json: { name?: unknown; 'kemi-wasm'?: { language?: unknown; source?: unknown; wit?: unknown } } | null;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new KitError(`${file} is no JSON: ${error instanceof Error ? error.message : error}`);
  }
  const kit = json?.['kemi-wasm'];
  if (typeof kit !== 'object' || kit === null)
    throw new KitError(`${file} is of no module: it has no "kemi-wasm": { "language": ..., "source": ... }`);
  const name = String(json?.name ?? '').replace(/^@[^/]*\//, '');
  const wrong = checkName(name);
  if (wrong) throw new KitError(`${file}: ${wrong}`);
  const language = LANGUAGES.find(l => l === kit.language);
  if (!language) {
    const near = closest(String(kit.language), LANGUAGES);
    throw new KitError(
      `${file}: language ${JSON.stringify(kit.language)} is none of ${LANGUAGES.join(', ')}${near ? `, did you mean ${near}` : ''}`,
    );
  }
  const at = (key: 'source' | 'wit'): string => {
    const value = kit[key];
    if (typeof value !== 'string') throw new KitError(`${file}: "kemi-wasm" needs "${key}", a file below ${dir}`);
    if (!fs.existsSync(path.join(dir, value))) throw new KitError(`${file}: there is no ${key} ${value}`);
    return value;
  };
  return {
    dir,
    name,
    ksr: name.replaceAll('-', '_'),
    language,
    source: at('source'),
    ...(language !== 'assemblyscript' && { wit: at('wit') }),
    build: path.join(dir, 'build'),
  };
}
