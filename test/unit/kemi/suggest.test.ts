import { describe, expect, it } from 'vitest';
import { closest } from '../../../src/kemi/suggest.ts';

const names = ['sl_send_reply', 'send_reply', 'sl_reply_error', 'process_maxfwd', 'is_INVITE'];

describe('closest()', () => {
  it('finds the name a slip away', () => {
    expect(closest('sl_send_replyy', names)).toBe('sl_send_reply');
    expect(closest('is_invite', names)).toBe('is_INVITE');
    expect(closest('proces_maxfwd', names)).toBe('process_maxfwd');
    expect(closest('sl_sned_reply', names)).toBe('sl_send_reply');
  });
  it('finds nothing when nothing is near', () => {
    expect(closest('record_route', names)).toBeUndefined();
    expect(closest('', names)).toBeUndefined();
  });
});
