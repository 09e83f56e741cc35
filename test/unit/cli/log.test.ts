import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LineSink } from '../../../src/cli/log.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'log-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

describe('LineSink', () => {
  it('writes all lines in order, flush() waits for them', async () => {
    const file = path.join(folder, 'log');
    const fd = fs.openSync(file, 'w');
    const sink = new LineSink(fd);
    for (let i = 0; i < 2000; i++) sink.write(`line ${i} é\n`);
    await sink.flush();
    fs.closeSync(fd);
    expect(fs.readFileSync(file, 'utf8')).toBe(Array.from({ length: 2000 }, (_, i) => `line ${i} é\n`).join(''));
    expect(sink.lost).toBe(0);
  });

  it.skipIf(!fs.existsSync('/dev/full'))('loses lines on a full disk and goes on', async () => {
    const fd = fs.openSync('/dev/full', 'w');
    const sink = new LineSink(fd);
    sink.write('a\n');
    await sink.flush();
    sink.write('b\n');
    await sink.flush();
    fs.closeSync(fd);
    expect(sink.lost).toBe(2);
  });

  it('keeps no more than its limit of what a stuck reader does not take', async () => {
    const file = path.join(folder, 'log');
    const fd = fs.openSync(file, 'w');
    const sink = new LineSink(fd, 100);
    for (let i = 0; i < 10; i++) sink.write(`${'x'.repeat(29)}\n`);
    await sink.flush();
    fs.closeSync(fd);
    expect(sink.lost).toBe(7);
    expect(fs.readFileSync(file, 'utf8')).toHaveLength(90);
  });
});
