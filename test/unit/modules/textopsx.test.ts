import { describe, expect, it } from 'vitest';
import * as L from '../../../src/core/gen/layout.gen.ts';
import hdr from '../../../src/modules/hdr/index.ts';
import textops from '../../../src/modules/textops/index.ts';
import { fnmatch } from '../../../src/modules/textopsx/fnmatch.ts';
import textopsx from '../../../src/modules/textopsx/index.ts';
import { MessageBench, readGolden, replayMessages, unexplained } from './message-golden.ts';

const bench = new MessageBench([hdr, textops, textopsx]);
const { messages } = readGolden('textopsx');
const OURS = new Set([hdr, textops, textopsx].flatMap(m => m.functions.map(f => `${m.name}.${f.name}`)));
const KNOWN = (name: string) => OURS.has(name) || name.startsWith('pv.');

describe('textopsx', () => {
  it('does with messages what the real server did, but for what docs/differences.md lists', () => {
    const differences = replayMessages(bench, 'textopsx', /^textopsx\./, c => !c.calls.every(call => KNOWN(call[0])));
    expect(
      unexplained(differences, {
        'a message that is not valid any more is not applied':
          /^text: (textopsx\.msg_apply_changes\(\): theirs 1, ours 0|hdr\.remove\("To"\)|textops\.replace_all\("SIP|pv\.get\("\$r[bu]"\))/,
        'remove_body leaves nothing and says so': /textopsx\.remove_body\(\): theirs \[/,
        'fnmatch_ex knows the flag i': /fnmatch_ex\(/,
        'a value in an empty header needs no comma': /\("X-E/,
        'iterators belong to one message and are free when they end':
          /^(nobody|text): textopsx\.[hb][fl]_iterator_\w+\("[eij]"\)/,
        'the last line of a body has no NUL': /theirs "(last line|c)\\u0000"/,
      }),
    ).toEqual([]);
  });

  it('msg_apply_changes() reads a longer and a shorter message anew, many times', () => {
    const msg = bench.open(messages.get('text')!);
    for (let i = 0; i < 60; i++) {
      bench.call('hdr.append', `X-Long: ${'x'.repeat(3000)}\r\n`);
      expect(bench.call('textopsx.msg_apply_changes')).toBe(1);
      expect(msg.named('X-Long')).toHaveLength(1);
      bench.call('hdr.remove', 'X-Long');
      expect(bench.call('textopsx.msg_apply_changes')).toBe(1);
    }
    expect(bench.written()).toBe(messages.get('text'));
  });

  it('msg_apply_changes() keeps flags and destination, and drops what was added to the reply', () => {
    const msg = bench.open(messages.get('text')!);
    msg.setU32(L.M_SFLAGS, 8);
    msg.dstUri = 'sip:192.0.2.7';
    msg.ruri = 'sip:new@h';
    bench.call('hdr.append_to_reply', 'X-R: 1\r\n');
    expect(bench.call('textopsx.msg_apply_changes')).toBe(1);
    expect(msg.originalUri).toBe('sip:new@h');
    expect(msg.u32(L.M_NEWURI)).toBe(0);
    expect(msg.u32(L.M_SFLAGS)).toBe(8);
    expect(msg.dstUri).toBe('sip:192.0.2.7');
    expect(bench.additions()).toBe('');
  });

  it('msg_set_buffer() leaves the old message when the new one is none', () => {
    const old = messages.get('text')!;
    const reply = messages.get('reply')!;
    for (const bad of ['garbage', '\r\n\r\n', 'INVITE sip:a SIP/2.0\r\n\r\n', reply, `${old.slice(0, 90)}\r\n\r\n`]) {
      const msg = bench.open(old);
      expect(bench.call('textopsx.msg_set_buffer', bad)).toBe(0);
      expect(msg.raw).toBe(old);
      expect(msg.callId).toBe('a84b4c76e66710');
    }
    bench.open(old);
    expect(bench.call('textopsx.msg_set_buffer', '')).toBe(-1);
    expect(bench.call('textopsx.msg_set_buffer', 'x'.repeat(65536))).toBe(-1);
  });

  it('iterators stand on nothing after the message was read anew', () => {
    bench.open(messages.get('text')!);
    bench.call('textopsx.hf_iterator_start', 'i');
    bench.call('textopsx.hf_iterator_next', 'i');
    expect(bench.call('textopsx.hf_iterator_hname', 'i')).toBe('Via');
    bench.call('textopsx.msg_apply_changes');
    expect(bench.call('textopsx.hf_iterator_hname', 'i')).toBe(null);
    expect(bench.call('textopsx.hf_iterator_rm', 'i')).toBe(-1);
  });

  it('change_reply_status() puts no line ends into the status line', () => {
    bench.open(messages.get('r486')!);
    expect(bench.call('textopsx.change_reply_status', 404, 'Not\r\nFound')).toBe(1);
    expect(bench.written()).toMatch(/^SIP\/2\.0 404 Not {2}Found\r\n/);
  });

  it('remove_hf_value2() and assign_hf_value2() find parameters without a scheme too', () => {
    bench.open(messages.get('list')!);
    expect(bench.call('textopsx.assign_hf_value2', 'foo[1].nope', 'x')).toBe(1);
    expect(bench.call('textopsx.remove_hf_value2', 'foo[1].p')).toBe(-1);
    bench.open(messages.get('list')!);
    expect(bench.call('textopsx.remove_hf_value2', 'Authorization.username')).toBe(1);
    expect(bench.written()).toContain('Authorization: Digest  realm="x y",nonce=abc');
  });
});

describe('fnmatch()', () => {
  it.each([
    ['abc', 'a[b-', false],
    ['a[b-', 'a[b-', true],
    ['a]', 'a[]]', true],
    ['b', '[!]a]', true],
    ['x'.repeat(2000), `${'*x'.repeat(200)}y`, false],
    ['', '[a]', false],
    ['a', '', false],
  ])('%s against %s', (value, pattern, expected) => {
    expect(fnmatch(value, pattern, false)).toBe(expected);
  });
});
