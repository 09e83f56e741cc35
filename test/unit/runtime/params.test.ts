import { describe, expect, it } from 'vitest';
import type { ModuleDefinition } from '../../../src/kemi/table.ts';
import { checkLimits } from '../../../src/runtime/options.ts';
import { paramValues } from '../../../src/runtime/params.ts';

const definition: ModuleDefinition = {
  name: 'demo',
  modparams: {
    max_limit: { type: 'int', default: 70, min: 0, max: 255, doc: '' },
    table: { type: 'str', repeat: true, doc: '' },
    prefix: { type: 'str', doc: '' },
  },
  create: () => undefined,
  functions: [],
};
const set = (name: string, value: number | string) => ({ module: 'demo', name, value });

describe('paramValues()', () => {
  it('gives defaults, and undefined for what has none', () => {
    expect(paramValues(definition, [])).toEqual({ max_limit: 70, table: [], prefix: undefined });
  });
  it('takes the last of a plain parameter and all of a repeated one', () => {
    expect(
      paramValues(definition, [set('max_limit', 1), set('max_limit', '9'), set('table', 'a'), set('table', 'b')]),
    ).toEqual({
      max_limit: 9,
      table: ['a', 'b'],
      prefix: undefined,
    });
  });
  it('gives the database of the runtime to db_url, and the defaults that go with one', () => {
    const stored: ModuleDefinition = {
      ...definition,
      modparams: {
        db_url: { type: 'str', default: 'own', doc: '' },
        db_mode: { type: 'int', default: 0, withDb: 1, doc: '' },
        size: { type: 'int', default: 9, withDb: null, doc: '' },
      },
    };
    const without = { ...stored, modparams: { db_url: { type: 'str', withDb: null, doc: '' } } } as const;
    expect(paramValues(without, [], 'sqlite:///a')).toEqual({ db_url: undefined });
    expect(paramValues(stored, [])).toEqual({ db_url: 'own', db_mode: 0, size: 9 });
    expect(paramValues(stored, [], 'sqlite:///a')).toEqual({ db_url: 'sqlite:///a', db_mode: 1, size: 9 });
    expect(paramValues(stored, [set('db_url', 'x'), set('db_mode', 2)], 'sqlite:///a')).toEqual({
      db_url: 'x',
      db_mode: 2,
      size: 9,
    });
  });
  it('leaves other modules alone', () => {
    expect(paramValues(definition, [{ module: 'other', name: 'nope', value: 1 }]).max_limit).toBe(70);
  });
  it('names an unknown parameter and the nearest one', () => {
    expect(() => paramValues(definition, [set('max_limits', 1)])).toThrow(
      'Cannot set modparam demo.max_limits: module demo has no such parameter, did you mean max_limit',
    );
  });
  it('refuses values outside the range or of the wrong type', () => {
    expect(() => paramValues(definition, [set('max_limit', 256)])).toThrow(
      'Cannot set modparam demo.max_limit to "256": it must be a whole number from 0 to 255',
    );
    expect(() => paramValues(definition, [set('max_limit', 'ten')])).toThrow('to "ten"');
  });
});

describe('checkLimits()', () => {
  it('fills in defaults', () => {
    expect(checkLimits({ messages: 5 })).toMatchObject({
      messages: 5,
      messageBytes: 65535,
      instructions: 0,
      loadInstructions: 500_000_000,
    });
  });
  it('names the limit and its range', () => {
    expect(() => checkLimits({ messageBytes: 70000 })).toThrow(
      'Cannot use limit messageBytes=70000: it must be a whole number from 64 to 65535',
    );
    expect(() => checkLimits({ memoryPages: 1.5 })).toThrow('memoryPages=1.5');
  });
});
