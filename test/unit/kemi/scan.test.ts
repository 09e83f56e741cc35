import { describe, expect, it } from 'vitest';
import { splitOutside, trimEndOf, trimOf } from '../../../src/kemi/scan.ts';

describe('splitOutside()', () => {
  it('cuts outside of quotes and angle brackets only', () => {
    expect(splitOutside('a;"b;c\\";d";<e;f>;', ';').map(p => p.text)).toEqual(['a', '"b;c\\";d"', '<e;f>', '']);
    expect(splitOutside('', ',')).toEqual([{ at: 0, text: '' }]);
    expect(splitOutside('x, y', ',')).toEqual([
      { at: 0, text: 'x' },
      { at: 2, text: ' y' },
    ]);
  });

  it('ends with an open quote, an open bracket and a last backslash', () => {
    for (const text of ['"a;b', '<a;b', '"a\\', '\\']) expect(splitOutside(text, ';')).toHaveLength(1);
  });
});

describe('trimOf() and trimEndOf()', () => {
  it('take their characters off the ends, long runs inside in one pass', () => {
    expect(trimOf('  a b  ', ' ')).toBe('a b');
    expect(trimEndOf('a==', '=')).toBe('a');
    expect(trimEndOf('===', '=')).toBe('');
    const long = `${' '.repeat(60000)}x${' '.repeat(60000)}`;
    expect(trimOf(long, ' ')).toBe('x');
  });
});
