/** The runner of the contract suites: what it makes of cases that fail, hang, or are skipped. */
import { expect, test } from 'vitest';
import { contains, equal, rejects, throws } from '../runtime/contract/check.ts';
import { runSuites, type Suite } from '../runtime/contract/suite.ts';

test('runSuites() tells passed, failed, late and skipped, and goes on behind each', async () => {
  const suite: Suite = {
    name: 's',
    ability: 'SQLite',
    cases: [
      { name: 'passes', run: () => {} },
      { name: 'throws', run: () => equal(1, 2, 'number') },
      { name: 'rejects', run: async () => Promise.reject('text') },
      { name: 'hangs', run: () => new Promise(() => {}) },
      { name: 'is skipped', skip: 'not here', run: () => equal(1, 2) },
    ],
  };
  const [result] = await runSuites([suite], 30);
  expect(result!.cases.map(c => [c.name, c.outcome])).toEqual([
    ['passes', 'passed'],
    ['throws', 'failed'],
    ['rejects', 'failed'],
    ['hangs', 'failed'],
    ['is skipped', 'skipped'],
  ]);
  const why = result!.cases.map(c => c.why?.split('\n')[0]);
  expect(why).toEqual([
    undefined,
    'Error: number: expected 2, got 1',
    'text',
    'Error: not done after 30 ms',
    'not here',
  ]);
});

test('the checks see what differs', async () => {
  for (const [a, b] of [
    [1, '1'],
    [[1, 2], [1]],
    [{ a: 1 }, { a: 1, b: undefined }],
    [new Uint8Array([1]), new Uint8Array([2])],
    [null, {}],
  ])
    expect(() => equal(a, b)).toThrow(/expected/);
  for (const value of [NaN, [1, [2]], { a: { b: [] } }, new Uint8Array([1, 2])]) equal(structuredClone(value), value);
  expect(() => contains('abc', 'd')).toThrow('expected "d" in "abc"');
  expect(() => throws(() => {})).toThrow('nothing was thrown');
  await expect(rejects(Promise.reject(Object.assign(new Error('x'), { code: 'A' })), 'B')).rejects.toThrow(
    'expected B, got "A": x',
  );
});
