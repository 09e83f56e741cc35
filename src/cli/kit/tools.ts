/** What modules are built with: packages and programs of the author's machine, looked for when they are needed. A server needs none of them. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A module cannot be made, built or tested as it is; the message says what to do. */
export class KitError extends Error {}

/** npm packages: the file of each that is imported, and the version that this version was tested with. */
const PACKAGES = {
  '@bytecodealliance/jco-transpile': { file: 'dist/wasm-tools.js', version: '0.15.0' },
  assemblyscript: { file: 'dist/asc.js', version: '0.28.20' },
  'componentize-qjs': { file: 'index.js', version: '0.4.5' },
} as const;
export type PackageName = keyof typeof PACKAGES;

/** Root of this package. */
export const HOME = findHome();

/** @param dir folder of the module: what is installed there comes first, then what is beside kemi-wasm  @param other another file of it  @throws KitError saying what to install */
export async function importPackage<T>(name: PackageName, dir: string, other?: string): Promise<T> {
  const { version } = PACKAGES[name];
  const file = other ?? PACKAGES[name].file;
  const folder = findUp(dir, `node_modules/${name}`) ?? findUp(HOME, `node_modules/${name}`);
  if (folder === undefined)
    throw new KitError(`${name} is not installed: npm install --save-dev ${name}@${version} (in ${dir})`);
  try {
    return (await import(pathToFileURL(path.join(folder, file)).href)) as T;
  } catch (error) {
    throw new KitError(
      `${name} of ${folder} cannot be used (${error instanceof Error ? error.message.split('\n')[0] : error}): npm install --save-dev ${name}@${version}`,
      { cause: error },
    );
  }
}

/** Whether npm has put a package where importPackage() finds it. */
export function hasPackage(name: PackageName, dir: string): boolean {
  return (findUp(dir, `node_modules/${name}`) ?? findUp(HOME, `node_modules/${name}`)) !== undefined;
}

/** Runs a program. @param install what to say when it is not there  @throws KitError with what it wrote when it fails */
export function runProgram(program: string, args: readonly string[], cwd: string, install: string): string {
  const { error, status, stdout, stderr, signal } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new KitError(
      code === 'ENOENT' ? `${program} is not installed: ${install}` : `cannot run ${program}: ${error.message}`,
    );
  }
  if (status !== 0)
    throw new KitError(`${program} failed${signal ? ` (${signal})` : ''}:\n${(stderr || stdout).trimEnd()}`);
  return stdout;
}

function findUp(from: string, name: string): string | undefined {
  for (let dir = path.resolve(from); ; dir = path.dirname(dir)) {
    const there = path.join(dir, name);
    if (fs.existsSync(there)) return there;
    if (dir === path.dirname(dir)) return undefined;
  }
}

/** The folder with package.json and wit/ above this file, which runs as src/cli/kit/ and as build/cli/kit/. */
function findHome(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  return path.dirname(path.dirname(findUp(here, 'wit/kemi.wit') ?? path.join(here, '../../../wit/kemi.wit')));
}
