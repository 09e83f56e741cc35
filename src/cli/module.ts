/** `kemi-wasm module`: makes, builds and tests extension modules that are WebAssembly components. */
import path from 'node:path';
import { closest } from '../kemi/suggest.ts';
import { HELP } from './help.ts';
import { buildModule } from './kit/build.ts';
import { createModule } from './kit/create.ts';
import { LANGUAGES, openProject } from './kit/project.ts';
import { testModule } from './kit/test.ts';
import { oneOf, readOptions, text, UsageError } from './usage.ts';

const OPTIONS = {
  lang: { type: 'string' },
  dir: { type: 'string' },
  ahead: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const ACTIONS = ['new', 'build', 'test'] as const;
/** Which action an option is of. */
const ONLY: Readonly<Record<string, (typeof ACTIONS)[number]>> = { lang: 'new', dir: 'new', ahead: 'build' };

/** @returns the exit code */
export async function module(args: readonly string[]): Promise<number> {
  const parsed = readOptions('module', args, OPTIONS);
  if (parsed.values.help) {
    process.stdout.write(HELP.module);
    return 0;
  }
  const [word, given, ...more] = parsed.positionals;
  const action = ACTIONS.find(a => a === word);
  if (!action) {
    const near = word !== undefined && closest(word, ACTIONS);
    throw new UsageError(
      `${word === undefined ? 'nothing to do' : `unknown command module ${word}`}${near ? `, did you mean module ${near}` : ''}; write module ${ACTIONS.join(', ')}`,
    );
  }
  if (more.length > 0) throw new UsageError(`"${more[0]}" is too much; kemi-wasm module --help shows all`);
  for (const [option, of] of Object.entries(ONLY))
    if (parsed.values[option] !== undefined && of !== action)
      throw new UsageError(`--${option} is an option of module ${of}, not of module ${action}`);
  if (action === 'new') {
    if (given === undefined) throw new UsageError('which name? Write module new NAME --lang LANGUAGE');
    if (text(parsed, 'lang') === undefined)
      throw new UsageError(`which language? Write --lang ${LANGUAGES.join(', or --lang ')}`);
    const language = oneOf(parsed, 'lang', LANGUAGES, LANGUAGES[0]);
    const dir = text(parsed, 'dir') ?? given;
    for (const file of createModule(given, language, dir)) say(path.join(dir, file));
    say(`\nNext: cd ${dir} && npm install && npm run build && npm test`);
    return 0;
  }
  const project = openProject(path.resolve(given ?? '.'));
  if (action === 'test') return (await testModule(project, say)) > 0 ? 1 : 0;
  for (const { file, bytes } of await buildModule(project, parsed.values.ahead === true))
    say(`${path.relative('.', file)}  ${bytes} bytes`);
  return 0;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
