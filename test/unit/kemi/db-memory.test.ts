import { expect, test } from 'vitest';
import { openMemoryDatabase } from '../../../src/kemi/db-memory.ts';
import { databaseContract } from './db-contract.ts';

databaseContract('The database in memory', () => openMemoryDatabase('memory://test'));

test('only memory:// can be opened', () => {
  expect(() => openMemoryDatabase('sqlite:///tmp/x')).toThrow(
    expect.objectContaining({ code: 'KEMI_ERR_CONFIG', message: expect.stringContaining('memory://NAME') }),
  );
});
