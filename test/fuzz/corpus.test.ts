/** Each input that once broke something: test/corpus/fuzz, found by listing. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { cases } from '../fixtures/requests/index.ts';
import { fuzzed } from './harness.ts';
import { mutate, Random } from './mutate.ts';

const dir = new URL('../corpus/fuzz/', import.meta.url);
const files = existsSync(dir) ? readdirSync(dir).filter(file => file.endsWith('.sip')) : [];
const target = await fuzzed();
afterAll(() => target.close());

test.for(files)('the server takes %s with every function called on it', file => {
  expect(target.feed(readFileSync(new URL(file, dir), 'latin1'))).toBeUndefined();
});

test('the server takes every request of the differential tests with every function called on it', () => {
  for (const { name, send } of cases())
    for (const step of send) if (typeof step === 'string') expect(target.feed(step), name).toBeUndefined();
});

test('mutate() gives the same datagrams for the same seed', () => {
  const corpus = ['OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c\r\n\r\n', 'SIP/2.0 200 OK\r\n\r\n'];
  const some = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 50 }, () => mutate(corpus[0]!, corpus, random));
  };
  expect(some(4)).toEqual(some(4));
  expect(some(4)).not.toEqual(some(5));
});
