/** SIPp, the field's load generator, against the built-in script. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { needs } from './needs.ts';
import { startServer } from './server.ts';

const PORT = 20620;
const SCENARIO = new URL('../fixtures/options.sipp.xml', import.meta.url).pathname;

test.skipIf(needs('sipp'))(
  'SIPp makes 1,000 calls of one OPTIONS, none of them fails',
  { timeout: 60_000 },
  async () => {
    const server = await startServer(['--listen', `udp:127.0.0.1:${PORT}`, '--no-ctl', '--log-level', 'warn'], PORT);
    const dir = mkdtempSync(join(tmpdir(), 'sipp-'));
    try {
      const args = ['-sf', SCENARIO, '-m', '1000', '-r', '500', '-i', '127.0.0.1', '-p', String(PORT + 1), '-nostdin'];
      const options = { cwd: dir, encoding: 'utf8', timeout: 40_000, maxBuffer: 1 << 26 } as const;
      const run = spawnSync('sipp', [...args, `127.0.0.1:${PORT}`], options);
      const count = (what: string) => Number(new RegExp(`${what}\\s*\\|[^|]*\\|\\s*(\\d+)`).exec(run.stdout)?.[1]);
      expect(run.status, `${run.stdout.slice(-2_000)}${run.stderr}`).toBe(0);
      expect(count('Successful call')).toBe(1_000);
      expect(count('Failed call')).toBe(0);
    } finally {
      rmSync(dir, { recursive: true, force: true });
      await server.stop();
    }
  },
);
