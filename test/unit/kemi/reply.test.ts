import { describe, expect, it } from 'vitest';
import { request, testRuntime } from '../../support/runtime.ts';

/** sanity's 400 is the reply of a module that answers by itself */
const SANITY = 'function ksr_request_route() KSR.sanity.sanity_check(256, 0) KSR.sl.sl_reply_error() end';
const BAD = request('INVITE', 'sip:bob@example.com', ['Expires: soon']);

describe('sendReply()', () => {
  it('is counted as KSR.sl.sl_send_reply() is, and is the final reply', () => {
    const t = testRuntime(SANITY);
    const sent = t.receive(BAD);
    expect(sent.map(s => s.text.split('\r\n')[0])).toEqual(['SIP/2.0 400 Expires value is illegal']);
    const sl = (name: string) => t.runtime.stats.get('sl', name);
    expect([sl('sent_replies'), sl('sent_err_replies'), sl('400_replies')]).toEqual([1, 1, 1]);
  });

  it('has its ACK filtered', () => {
    const t = testRuntime(SANITY);
    const [reply] = t.receive(BAD);
    const to = /\r\n(To: [^\r]*)/.exec(reply!.text)![1]!;
    const ack = request('ACK').replace(/To: [^\r]*/, to);
    t.receive(ack);
    expect(t.runtime.counters.filteredAcks).toBe(1);
    expect(t.runtime.stats.get('sl', 'received_ACKs')).toBe(1);
  });
});
