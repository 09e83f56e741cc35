import { describe, expect, it } from 'vitest';
import { compileRegex, RegexCache } from '../../../src/kemi/posix-regex.ts';

const match = (source: string, text: string, newline = false) => compileRegex(source, { newline }).exec(text);
const whole = (source: string, text: string, newline = false) => match(source, text, newline)?.[0];

describe('compileRegex()', () => {
  it('takes the longest of the leftmost matches, as POSIX says', () => {
    expect(match('(a|ab)(c|bcd)(d*)', 'xabcd')).toEqual([
      [1, 5],
      [1, 2],
      [2, 5],
      [5, 5],
    ]);
    expect(whole('x*|xyz', 'xyz')).toEqual([0, 3]);
  });

  it('reads ".*?" as an optional ".*", not as a lazy one', () => {
    expect(whole('a.*?', 'abcd')).toEqual([0, 4]);
    expect(whole('a**', 'aaa')).toEqual([0, 3]);
  });

  it('keeps "." and negated sets on one line with newline, and lets them cross lines without', () => {
    expect(whole('a.b', 'a\nb', true)).toBeUndefined();
    expect(whole('a[^x]b', 'a\nb', true)).toBeUndefined();
    expect(whole('a.b', 'a\nb')).toEqual([0, 3]);
    expect(whole('^b$', 'a\nb\nc', true)).toEqual([2, 3]);
    expect(whole('^b$', 'a\nb\nc')).toBeUndefined();
  });

  it.each([
    ['[[:digit:]]{5}', 'x12345', [1, 6]],
    ['[]a]+', 'a]', [0, 2]],
    ['[a-]', '-', [0, 1]],
    ['a)', 'a)', [0, 2]],
    ['\\.e', 'a.e', [1, 3]],
    ['\\d', '5d', [1, 2]],
    ['\\<sip\\>', 'tel sip', [4, 7]],
    ['a{,2}b', 'aab', [0, 3]],
    ['\xe9', 'caf\xe9', [3, 4]],
  ])('reads %s as GNU does', (source, text, at) => {
    expect(whole(source, text)).toEqual(at);
  });

  it.each([
    '(',
    '[a',
    'a{2',
    '*a',
    'a|*',
    '(?:a)',
    '\\',
    '(a)\\1',
    'a{2,1}',
    'a{5000}',
    '[[:nope:]]',
    '[b-a]',
    'x'.repeat(5000),
  ])('refuses %s', source => {
    expect(typeof new RegexCache().get(source)).toBe('string');
  });

  it('stays linear where a backtracking engine does not end', () => {
    expect(whole('(a*)*c', 'a'.repeat(5000))).toBeUndefined();
    expect(whole('(x+x+)+y', 'x'.repeat(5000))).toBeUndefined();
  });
});
