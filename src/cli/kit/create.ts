/** `kemi-wasm module new`: a folder to start from. It is the example of that language (examples/modules/), under another name. */
import fs from 'node:fs';
import path from 'node:path';
import { VERSION } from '../../version.ts';
import { checkName, type Language } from './project.ts';
import { HOME, KitError } from './tools.ts';

/** What an example is called, and all of it that is no source. */
const EXAMPLE = 'numport';
const MADE = /^(node_modules|build|dist|target|package-lock\.json|Cargo\.lock|\.gitignore)$|\.wasm$/;
/** npm leaves files of this name out of packages. */
const GITIGNORE = 'node_modules\nbuild\ndist\n*.wasm\n';

/** @param dir the folder to make; it may be there when nothing is in it  @returns files, below dir  @throws KitError */
export function createModule(name: string, language: Language, dir: string): string[] {
  const wrong = checkName(name);
  if (wrong) throw new KitError(wrong);
  if (fs.existsSync(dir) && (!fs.statSync(dir).isDirectory() || fs.readdirSync(dir).length > 0))
    throw new KitError(`${dir} is there already, and is no empty folder: --dir gives another one`);
  const from = path.join(HOME, 'examples/modules', language);
  const files: string[] = [];
  const copy = (below: string): void => {
    for (const entry of fs.readdirSync(path.join(from, below), { withFileTypes: true })) {
      if (MADE.test(entry.name)) continue;
      const file = path.join(below, entry.name);
      if (entry.isDirectory()) copy(file);
      else write(file.replaceAll(EXAMPLE, name), rename(fs.readFileSync(path.join(from, file), 'utf8'), name));
    }
  };
  const write = (file: string, text: string): void => {
    fs.mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
    fs.writeFileSync(path.join(dir, file), text);
    files.push(file);
  };
  copy('');
  write('.gitignore', GITIGNORE);
  return files;
}

/** number-port where WIT and files are meant, number_port in code and scripts, NumberPort for types. */
export function rename(text: string, name: string): string {
  const ksr = name.replaceAll('-', '_');
  const type = name.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return text
    .replaceAll('Numport', type)
    .replace(/(?<=KSR\.|modparam\("|--(?:grant|modparam) )numport\b|numport(?=_)/g, ksr)
    .replaceAll(EXAMPLE, name)
    .replace(/("kemi-wasm": ")[^"]*(?=")/, `$1^${VERSION}`);
}
