import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BASIC_SCRIPT, loadWasm } from '../../../../src/transport/node/assets.ts';
import { ScriptFiles } from '../../../../src/transport/node/script-files.ts';
import { type Watcher, watchFiles } from '../../../../src/transport/node/watch.ts';

let root: string;
let folder: string;
beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'files-')));
  folder = path.join(root, 'scripts');
  fs.mkdirSync(path.join(folder, 'lib'), { recursive: true });
  fs.writeFileSync(path.join(folder, 'main.lua'), 'main');
  fs.writeFileSync(path.join(folder, 'lib', 'a.lua'), 'a');
  fs.writeFileSync(path.join(root, 'secret.lua'), 'secret');
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

describe('ScriptFiles', () => {
  const read = (name: string, script = path.join(folder, 'main.lua')) => {
    const bytes = new ScriptFiles(script).read(name);
    return bytes && new TextDecoder().decode(bytes);
  };

  it('reads the script and what lies beside and below it', () => {
    expect(read(path.join(folder, 'main.lua'))).toBe('main');
    expect(read(path.join(folder, 'lib/a.lua'))).toBe('a');
    expect(read(path.join(folder, 'lib/../main.lua'))).toBe('main');
  });

  it('reads nothing outside of the folder, by name or by link', () => {
    fs.symlinkSync(path.join(root, 'secret.lua'), path.join(folder, 'link.lua'));
    fs.symlinkSync(root, path.join(folder, 'up'));
    for (const name of ['../secret.lua', 'link.lua', 'up/secret.lua', '/etc/passwd', '', 'lib', '..'])
      expect(read(path.resolve(folder, name))).toBeUndefined();
    expect(read('a\0b')).toBeUndefined();
  });

  it('the script itself may be a link to another folder', () => {
    fs.symlinkSync(path.join(root, 'secret.lua'), path.join(folder, 'route.lua'));
    expect(read(path.join(folder, 'route.lua'), path.join(folder, 'route.lua'))).toBe('secret');
  });

  it('remembers what was asked for, absent files too', () => {
    const files = new ScriptFiles(path.join(folder, 'main.lua'));
    files.read(path.join(folder, 'lib/a.lua'));
    files.read(path.join(folder, 'none.lua'));
    files.read('/etc/passwd');
    expect(files.asked).toEqual(['main.lua', 'lib/a.lua', 'none.lua'].map(f => path.join(folder, f)));
  });
});

describe('watchFiles()', () => {
  const open: Watcher[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map(w => w.close()));
  });
  const start = async (files: string[]) => {
    let changes = 0;
    let wake = () => {};
    const watcher = await watchFiles(
      () => files,
      () => {
        changes++;
        wake();
      },
    );
    open.push(watcher);
    return {
      watcher,
      changes: () => changes,
      next: () => new Promise<void>(resolve => (wake = resolve)),
      quiet: () => new Promise(resolve => setTimeout(resolve, 250)),
    };
  };

  it('tells of a write, of a rename over the file, and of a file that appears', async () => {
    const main = path.join(folder, 'main.lua');
    const w = await start([main, path.join(folder, 'later.lua')]);
    const steps = [
      () => fs.writeFileSync(main, 'changed'),
      () => {
        fs.writeFileSync(`${main}~`, 'replaced');
        fs.renameSync(`${main}~`, main);
      },
      () => fs.writeFileSync(path.join(folder, 'later.lua'), 'new'),
    ];
    for (const step of steps) {
      const changed = w.next();
      step();
      await changed;
    }
    await w.quiet();
    expect(w.changes()).toBe(3);
  });

  it('a burst of changes is told once, another file in the folder not at all', async () => {
    const main = path.join(folder, 'main.lua');
    const w = await start([main]);
    const changed = w.next();
    for (let i = 0; i < 5; i++) fs.writeFileSync(main, `step ${i}`);
    fs.writeFileSync(path.join(folder, 'other.lua'), 'x');
    await changed;
    fs.writeFileSync(path.join(folder, 'other.lua'), 'y');
    await w.quiet();
    expect(w.changes()).toBe(1);
  });

  it('refresh() takes new files in', async () => {
    const files = [path.join(folder, 'main.lua')];
    const w = await start(files);
    files.push(path.join(folder, 'lib', 'a.lua'));
    w.watcher.refresh();
    await w.quiet();
    const changed = w.next();
    fs.writeFileSync(files[1]!, 'changed');
    await changed;
    expect(w.changes()).toBe(1);
  });
});

describe('assets', () => {
  it('loadWasm() compiles both modules', async () => {
    const { lua, core } = await loadWasm();
    expect(lua).toBeInstanceOf(WebAssembly.Module);
    expect(core).toBeInstanceOf(WebAssembly.Module);
  });
  it('the built-in script is in the package', () => {
    expect(fs.readFileSync(BASIC_SCRIPT, 'utf8')).toContain('function ksr_request_route()');
  });
});
