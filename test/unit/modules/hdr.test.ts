import { describe, expect, it } from 'vitest';
import hdr from '../../../src/modules/hdr/index.ts';
import { MessageBench, replayMessages } from './message-golden.ts';

const OURS = new Set(hdr.functions.map(f => `hdr.${f.name}`));

describe('hdr', () => {
  it('does with headers what the real server did', () => {
    const bench = new MessageBench([hdr]);
    const differences = replayMessages(
      bench,
      'hdr',
      /^hdr\./,
      c =>
        c.calls.some(call => !OURS.has(call[0]) || call[2] === 'ne') ||
        c.calls.some(call => /^hdr\.(append|insert)$/.test(call[0]) && call[1] === ''),
    );
    expect(differences).toEqual([]);
  });
});
