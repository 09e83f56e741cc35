/** `kemi-wasm module` without a compiler: folders that are made, names, projects that are none, tools that are missing. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createModule, rename } from '../../../../src/cli/kit/create.ts';
import { LANGUAGES, openProject } from '../../../../src/cli/kit/project.ts';
import { importPackage, runProgram } from '../../../../src/cli/kit/tools.ts';
import { module } from '../../../../src/cli/module.ts';

let folder: string;
beforeEach(() => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'kit-')));
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(folder, { recursive: true, force: true });
});
const project = (json: unknown, name = 'package.json') => {
  fs.writeFileSync(path.join(folder, name), typeof json === 'string' ? json : JSON.stringify(json));
  return () => openProject(folder);
};

describe('module new', () => {
  it.each(LANGUAGES)('makes a folder of the example in %s that is a project under its new name', language => {
    const dir = path.join(folder, 'made');
    const files = createModule('number-port', language, dir);
    expect(files).toContain('package.json');
    expect(files).toContain('.gitignore');
    expect(files.filter(f => /node_modules|build|dist|\.wasm$/.test(f))).toEqual([]);
    const made = openProject(dir);
    expect([made.name, made.ksr, made.language]).toEqual(['number-port', 'number_port', language]);
    for (const file of files) {
      const text = fs.readFileSync(path.join(dir, file), 'utf8');
      expect(text, file).not.toMatch(/numport/i);
      expect(text, file).not.toMatch(/KSR\.number-port|number-port_|modparam\("number-port/);
    }
  });

  it('does not write into a folder with something in it', () => {
    fs.writeFileSync(path.join(folder, 'mine'), '');
    expect(() => createModule('a', 'c', folder)).toThrow('is no empty folder');
    expect(() => createModule('a', 'c', path.join(folder, 'mine'))).toThrow('is no empty folder');
  });

  it.each(['', 'A', '1a', 'a_b', 'a--b', 'a-1', '../a', 'a'.repeat(41)])('takes no name %j', name => {
    expect(() => createModule(name, 'c', path.join(folder, 'x'))).toThrow('is no name for a module');
  });

  it('renames by what is meant', () => {
    expect(rename('KSR.numport.f numport.wasm struct Numport; numport_f() --grant numport=edit', 'a-b')).toBe(
      'KSR.a_b.f a-b.wasm struct AB; a_b_f() --grant a_b=edit',
    );
  });
});

describe('a folder that is no module', () => {
  it.each([
    ['{', 'is no JSON'],
    [{ name: 'a' }, 'it has no "kemi-wasm"'],
    [{ name: 'A b', 'kemi-wasm': {} }, '"A b" is no name'],
    [{ name: 'a', 'kemi-wasm': { language: 'rustt' } }, 'did you mean rust'],
    [{ name: 'a', 'kemi-wasm': { language: 'c' } }, 'needs "source"'],
    [{ name: 'a', 'kemi-wasm': { language: 'c', source: 'a.c' } }, 'there is no source a.c'],
    [{ name: 'a', 'kemi-wasm': { language: 'c', source: 'package.json' } }, 'needs "wit"'],
  ])('%j', (json, message) => {
    expect(project(json)).toThrow(message);
  });

  it('is named', () => {
    expect(() => openProject(folder)).toThrow('kemi-wasm module new makes a module');
  });

  it('may have a scope in its name', () => {
    expect(
      project({ name: '@acme/a-b', 'kemi-wasm': { language: 'assemblyscript', source: 'package.json' } })().ksr,
    ).toBe('a_b');
  });
});

describe('tools', () => {
  it('are named with what installs them', async () => {
    await expect(importPackage('assemblyscript', folder, undefined, folder)).rejects.toThrow(
      /^assemblyscript is not installed: npm install --save-dev assemblyscript@\d/,
    );
    expect(() => runProgram('no-such-program', [], folder, 'install it')).toThrow(
      'no-such-program is not installed: install it',
    );
    expect(() => runProgram('sh', ['-c', 'echo why >&2; exit 3'], folder, '')).toThrow('sh failed:\nwhy');
  });

  it('of the module come first, and may be broken', async () => {
    fs.mkdirSync(path.join(folder, 'node_modules/componentize-qjs'), { recursive: true });
    fs.writeFileSync(path.join(folder, 'node_modules/componentize-qjs/index.js'), 'throw new Error("no binding");');
    await expect(importPackage('componentize-qjs', path.join(folder))).rejects.toThrow(
      /cannot be used \(no binding\): npm install/,
    );
  });
});

describe('the command line', () => {
  const out = () => vi.spyOn(process.stdout, 'write').mockImplementation(() => true);

  it.each([
    [[], 'nothing to do; write module new, build, test'],
    [['tset'], 'did you mean module test'],
    [['new'], 'which name'],
    [['new', 'a'], 'which language? Write --lang assemblyscript, or --lang javascript'],
    [['new', 'a', '--lang', 'go'], '--lang go is not one of assemblyscript, javascript, c, rust'],
    [['build', '--lang', 'c'], '--lang is an option of module new, not of module build'],
    [['test', '--ahead'], '--ahead is an option of module build'],
    [['build', 'a', 'b'], '"b" is too much'],
  ])('%j', async (args, message) => {
    await expect(module(args)).rejects.toThrow(message);
  });

  it('makes a module and says what comes next', async () => {
    const write = out();
    const dir = path.join(folder, 'x');
    expect(await module(['new', 'my-mod', '--lang', 'c', '--dir', dir])).toBe(0);
    expect(write.mock.calls.map(c => c[0]).join('')).toContain(`Next: cd ${dir} && npm install && npm run build`);
    expect(await module(['--help'])).toBe(0);
  });
});
