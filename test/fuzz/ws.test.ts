import { expect, it } from 'vitest';
import { fuzzFrames } from './ws.ts';

it('frames at random hurt nobody else', { timeout: 30_000 }, async () => {
  const { connections, messages } = await fuzzFrames(7, n => n < 6);
  expect(connections).toBe(150);
  expect(messages).toBeGreaterThan(10);
});
