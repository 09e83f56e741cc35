import { describe, expect, it } from 'vitest';
import siputils from '../../../src/modules/siputils/index.ts';
import textopsx from '../../../src/modules/textopsx/index.ts';
import { MessageBench, replayMessages, unexplained } from './message-golden.ts';

const bench = new MessageBench([siputils, textopsx]);
const OURS = new Set([siputils, textopsx].flatMap(m => m.functions.map(f => `${m.name}.${f.name}`)));

describe('siputils', () => {
  it('does with messages what the real server did, but for what docs/differences.md lists', () => {
    const differences = replayMessages(
      bench,
      'siputils',
      /^siputils\./,
      c =>
        !c.calls.every(call => OURS.has(call[0]) || call[0] === 'pv.get') ||
        c.calls.some(call => call[0] === 'siputils.hdr_date_check' && c.results.includes(1)),
    );
    expect(unexplained(differences, {})).toEqual([]);
  });
});
