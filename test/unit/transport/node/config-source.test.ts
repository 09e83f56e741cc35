import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ConfigSource } from '../../../../src/transport/node/script-source.ts';

test('ConfigSource reads and watches the scripts of lua_run() in their own folder, and what they require', () => {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'config-source-')));
  try {
    fs.mkdirSync(path.join(folder, 'cfg'));
    fs.mkdirSync(path.join(folder, 'lua'));
    fs.writeFileSync(path.join(folder, 'lua/a.lua'), '-- a');
    fs.writeFileSync(path.join(folder, 'lua/b.lua'), '-- b');
    fs.writeFileSync(path.join(folder, 'c.lua'), '-- c');
    const config = path.join(folder, 'cfg/k.cfg');
    const { files } = new ConfigSource(config, [config], [path.join(folder, 'lua/a.lua')]);
    expect(files.asked).toEqual([config, path.join(folder, 'lua/a.lua')]);
    expect(files.read(path.join(folder, 'lua/b.lua'))).toBeDefined();
    expect(files.read(path.join(folder, 'c.lua'))).toBeUndefined();
    expect(files.asked).toContain(path.join(folder, 'lua/b.lua'));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
