/** SIPp, the field's load generator, against the built-in script. */
import { expect, test } from 'vitest';
import { needs } from './needs.ts';
import { startServer } from './server.ts';
import { sipp } from './sipp.ts';

const PORT = 20620;
const SCENARIO = new URL('../fixtures/sipp/options.xml', import.meta.url).pathname;

test.skipIf(needs('sipp'))(
  'SIPp makes 1,000 calls of one OPTIONS, none of them fails',
  { timeout: 60_000 },
  async () => {
    const server = await startServer(['--listen', `udp:127.0.0.1:${PORT}`, '--no-ctl', '--log-level', 'warn'], PORT);
    try {
      const rate = ['-m', '1000', '-r', '500', '-p', String(PORT + 1), `127.0.0.1:${PORT}`];
      const result = await sipp(['-sf', SCENARIO, ...rate], 40_000);
      expect([result.successful, result.failed, result.code], result.detail).toEqual([1_000, 0, 0]);
    } finally {
      await server.stop();
    }
  },
);
