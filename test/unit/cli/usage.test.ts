import { describe, expect, it } from 'vitest';
import { formatDiagnostic } from '../../../src/cli/check.ts';
import { formatResult, readArgument } from '../../../src/cli/ctl.ts';
import {
  limitsHelp,
  list,
  oneOf,
  readDefines,
  readGrants,
  readLimits,
  readModparams,
  readModules,
  readOptions,
  readWorkers,
  UsageError,
} from '../../../src/cli/usage.ts';

const OPTIONS = {
  listen: { type: 'string', multiple: true },
  define: { type: 'string', short: 'A', multiple: true },
  watch: { type: 'boolean' },
  format: { type: 'string' },
} as const;
const read = (...args: string[]) => readOptions('run', args, OPTIONS);

describe('readOptions()', () => {
  it('collects what may be given several times', () => {
    const parsed = read('-A', 'X', '-AY=1', '--listen=a', '--listen', 'b', 's.lua', '--watch');
    expect(list(parsed, 'define')).toEqual(['X', 'Y=1']);
    expect(list(parsed, 'listen')).toEqual(['a', 'b']);
    expect(list(parsed, 'modparam')).toEqual([]);
    expect(parsed.positionals).toEqual(['s.lua']);
    expect(parsed.values.watch).toBe(true);
  });

  it.each([
    [['--lisen', 'x'], 'unknown option --lisen, did you mean --listen; kemi-wasm run --help shows all'],
    [['-z'], 'unknown option -z; kemi-wasm run --help shows all'],
    [['--listen'], 'option --listen needs a value'],
    [['-A'], 'option -A, --define needs a value'],
    [['--listen', '--watch'], 'option --listen'],
    [['--watch=1'], 'option --watch takes no value'],
  ])('says what is wrong with %j', (args, message) => {
    expect(() => read(...args)).toThrow(UsageError);
    expect(() => read(...args)).toThrow(message);
  });

  it('oneOf() names the words that would be right', () => {
    expect(oneOf(read(), 'format', ['text', 'json'], 'text')).toBe('text');
    expect(() => oneOf(read('--format', 'xml'), 'format', ['text', 'json'], 'text')).toThrow(
      '--format xml is not one of text, json',
    );
  });
});

describe('readLimits()', () => {
  it('takes several, in one text or in several', () => {
    expect(readLimits(['instructions=5000,load=7000,memory=64', 'message=1500,messages=10,wait=100'])).toEqual({
      instructions: 5000,
      loadInstructions: 7000,
      memoryPages: 1024,
      messageBytes: 1500,
      messages: 10,
      waitMs: 100,
    });
    expect(readLimits([])).toEqual({});
  });

  it.each([
    [
      'foo=1',
      'there is no limit "foo"; the limits are instructions, load, memory, message, messages, transactions, wait',
    ],
    ['toString=1', 'there is no limit "toString"'],
    ['', 'there is no limit ""'],
    ['memory', 'write memory=N, N from 16 to 4096 (MiB)'],
    ['memory=8', 'N from 16 to 4096'],
    ['memory=1e3', 'N from 16 to 4096'],
    ['message=70000', 'N from 64 to 65535'],
    ['instructions=-1', 'N from 0'],
  ])('says what is wrong with %s', (text, message) => {
    expect(() => readLimits([text])).toThrow(UsageError);
    expect(() => readLimits([text])).toThrow(message);
  });

  it('the help shows the defaults in the same units', () => {
    expect(readLimits([limitsHelp()])).toMatchObject({ memoryPages: 4096, messageBytes: 65535 });
  });
});

describe('readModparams()', () => {
  it('takes numbers as numbers, and all behind the first = as the value', () => {
    expect(readModparams(['maxfwd:max_limit=50', 'htable:htable=a=>size=8;', 'x.y='])).toEqual([
      { module: 'maxfwd', name: 'max_limit', value: 50 },
      { module: 'htable', name: 'htable', value: 'a=>size=8;' },
      { module: 'x', name: 'y', value: '' },
    ]);
  });
  it.each(['maxfwd', 'maxfwd:x', ':x=1', '=1'])('says how to write %j', text => {
    expect(() => readModparams([text])).toThrow(/write module:name=value/);
  });
});

describe('readDefines()', () => {
  it('takes NAME and NAME=VALUE', () => {
    expect(readDefines(['WITH_X', 'A=b=c'])).toEqual({ WITH_X: '', A: 'b=c' });
  });
  it.each(['', '1X', 'A-B', '=x'])('says how to write %j', text => {
    expect(() => readDefines([text])).toThrow(/write NAME or NAME=VALUE/);
  });
});

describe('readWorkers()', () => {
  it('reads a number, auto and cfg; one worker otherwise, whatever the config says', () => {
    expect(readWorkers(undefined, 8)).toBe(1);
    expect(readWorkers('3', 8)).toBe(3);
    expect(readWorkers('auto', undefined, 6)).toBe(6);
    expect(readWorkers('auto', undefined, 128)).toBe(64);
    expect(readWorkers('cfg', 8)).toBe(8);
    expect(readWorkers('cfg', 1000)).toBe(64);
    expect(readWorkers('cfg', 0)).toBe(1);
  });

  it('refuses anything else', () => {
    for (const text of ['0', '65', '-1', '2.5', 'two', ''])
      expect(() => readWorkers(text, 8)).toThrow('write a number from 1 to 64, auto, or cfg');
    expect(() => readWorkers('cfg', undefined)).toThrow('there is no config that says children=N');
  });
});

describe('ctl', () => {
  it('readArgument() takes JSON as JSON and the rest as strings', () => {
    expect(['5', '-1', 'true', '{"a":1}', '"5"', 'all', 'sl:', ''].map(readArgument)).toEqual([
      5,
      -1,
      true,
      { a: 1 },
      '5',
      'all',
      'sl:',
      '',
    ]);
  });
  it('formatResult() is made for reading', () => {
    expect(formatResult('kemi-wasm 1')).toBe('kemi-wasm 1');
    expect(formatResult(['a = 1', 'b = 2'])).toBe('a = 1\nb = 2');
    expect(formatResult([{ a: 1 }])).toBe('[\n  {\n    "a": 1\n  }\n]');
    expect(formatResult([])).toBe('[]');
    expect(formatResult({})).toBe('{}');
  });
});

it('formatDiagnostic() leaves out what is not known', () => {
  const d = { severity: 'error', file: 's.lua', line: 3, column: 7, message: 'bad' } as const;
  expect(formatDiagnostic(d)).toBe('s.lua:3:7: error: bad');
  expect(formatDiagnostic({ ...d, column: 0 })).toBe('s.lua:3: error: bad');
  expect(formatDiagnostic({ ...d, line: 0 })).toBe('s.lua: error: bad');
});

describe('readModules() and readGrants()', () => {
  it('take a file, with a name or without', () => {
    expect(readModules(['./acme.wasm', 'b=/x/c=d.wasm'])).toEqual([
      { file: './acme.wasm' },
      { file: '/x/c=d.wasm', name: 'b' },
    ]);
    expect(() => readModules(['acme='])).toThrow('--module acme=: write [NAME=]FILE, for example --module ./acme.wasm');
  });

  it('take capabilities by the names of components', () => {
    expect(readGrants(['acme=edit,kv', 'b=clock', 'acme=timer'])).toEqual({
      acme: ['edit', 'kv', 'timer'],
      b: ['clock'],
    });
    expect(() => readGrants(['acme'])).toThrow(
      '--grant acme: write NAME=WHAT[,WHAT...], WHAT one of message, edit, reply, log, kv, timer, clock',
    );
    expect(() => readGrants(['acme=tiemr'])).toThrow(
      'tiemr is none of message, edit, reply, log, kv, timer, clock, did you mean timer',
    );
  });
});
