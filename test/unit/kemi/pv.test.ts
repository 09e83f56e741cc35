import { describe, expect, test } from 'vitest';
import type { Core } from '../../../src/core/load.ts';
import { MAX_FORMATS, PvFormats } from '../../../src/kemi/format.ts';
import { MAX_CACHED_PVS, MAX_CACHED_TEXT, PvRegistry, TRANSIENT_PVS } from '../../../src/kemi/pv.ts';
import { MAX_PV_DEPTH, MAX_PV_TEXT } from '../../../src/kemi/pv-parse.ts';
import type { PvClass, Transformation } from '../../../src/kemi/pv-types.ts';
import type { Call, XVal } from '../../../src/kemi/table.ts';

function registry(message = true) {
  const vars = new Map<string, XVal>();
  const errors: string[] = [];
  const list: XVal[] = ['one', 'two', 'three'];
  const pvs: PvClass[] = [
    { name: 'ru', get: () => 'sip:bob@b.example', set: () => false, doc: '' },
    { name: 'rU', get: () => 'bob', doc: '' },
    { name: 'n', aliases: ['number'], get: () => 3, doc: '' },
    { name: 'none', get: () => null, anytime: true, doc: '' },
    {
      name: 'var',
      inner: 'required',
      innerAs: 'raw',
      anytime: true,
      get: (_c, { inner }) => vars.get(inner) ?? 0,
      set: (_c, { inner }, value) => {
        vars.set(inner, value);
        return undefined;
      },
      doc: '',
    },
    {
      name: 'hdr',
      inner: 'required',
      innerAs: 'pv',
      indexed: true,
      check: inner => (inner.includes(' ') ? 'blanks in a header name' : undefined),
      get: (_c, { inner, innerValue, index }) =>
        index === '*' ? list.join('/') : `${inner}:${typeof innerValue}:${index ?? '-'}`,
      doc: '',
    },
    { name: 'sht', inner: 'required', get: (_c, { inner }) => inner, doc: '' },
    { name: 'opt', inner: 'optional', get: (_c, { inner }) => `<${inner}>`, doc: '' },
    { name: 'fast', wasm: 'pvFast', doc: '' },
  ];
  const transformations: Transformation[] = [
    { class: 's', name: 'len', run: v => String(v).length, doc: '' },
    { class: 's', name: 'rep', args: ['str', 'str?'], run: (v, [a, b]) => `${v}|${a}|${b ?? '-'}`, doc: '' },
    { class: 's', name: 'cut', args: ['int'], run: (v, [n]) => String(v).slice(n as number), doc: '' },
    { class: 's', name: 'raw', args: ['int', 'raw'], run: (v, [n, r]) => `${v}|${n}|${r}`, doc: '' },
    { class: 'val', name: 'n0', onNull: 0, run: v => v, doc: '' },
  ];
  const r = new PvRegistry({
    sources: [{ call: {} as Call, pvs, transformations }],
    host: { core: {} as Core, md5: x => x, sha256: x => x, format: x => x },
    hasMessage: () => message,
    callWasm: name => `wasm ${name}`,
    error: text => errors.push(text),
    elsewhere: new Map([['dlg', 'dialog']]),
  });
  return { r, vars, errors, get: (spec: string) => r.compile(spec)?.get() };
}

describe('PvRegistry.compile()', () => {
  test.each([
    ['$ru', 'sip:bob@b.example'],
    ['$(ru)', 'sip:bob@b.example'],
    ['$$', '$'],
    ['$number', 3],
    ['$none', null],
    ['$fast', 'wasm pvFast'],
    ['$var(a)', 0],
    ['$hdr(X-A)', 'X-A:undefined:-'],
    ['$(hdr(X-A)[1])', 'X-A:undefined:1'],
    ['$(hdr(X-A)[-2])', 'X-A:undefined:-2'],
    ['$(hdr(X-A)[*])', 'one/two/three'],
    ['$(hdr(X-A)[$n])', 'X-A:undefined:3'],
    ['$(hdr(X-A)[$rU])', null],
    ['$hdr($rU)', 'bob:string:-'],
    ['$hdr($n)', '3:number:-'],
    ['$hdr($none)', null],
    ['$hdr($(rU{s.cut,1}))', 'ob:string:-'],
    ['$sht(t=>$rU-$none)', 't=>bob-<null>'],
    ['$sht(a(b)c)', 'a(b)c'],
    ['$opt', '<>'],
    ['$opt(x)', '<x>'],
    ['$(ru{s.len})', 17],
    ['$(ru{s.len}{s.len})', 2],
    ['$(ru{s.len }{s.len} )', 2],
    ['$(none{s.len})', null],
    ['$(none{val.n0}{s.len})', 1],
    ['$(rU{s.rep,a})', 'bob|a|-'],
    ['$(rU{s.rep, a ,b})', 'bob| a |b'],
    ['$(rU{s.rep,$rU,$(ru{s.cut,14})})', 'bob|bob|ple'],
    ['$(rU{s.rep,$n})', 'bob|3|-'],
    ['$(rU{s.rep,$none})', null],
    ['$(rU{s.cut, 1 })', 'ob'],
    ['$(ru{s.cut,$n})', ':bob@b.example'],
    ['$(ru{s.cut,$rU})', null],
    ['$(rU{s.raw,1,,})', 'bob|1|,'],
    ['$(rU{s.raw,1,/a{2},$/})', 'bob|1|/a{2},$/'],
  ])('%s is %j', (spec, value) => {
    const { get, errors } = registry();
    expect(get(spec)).toBe(value);
    expect(errors).toEqual([]);
  });

  test.each([
    ['', 'does not start with $'],
    ['ru', 'does not start with $'],
    ['$', 'name is missing'],
    ['$(', 'name is missing'],
    ['$( ru)', 'name is missing'],
    ['$ru x', 'more after the pseudo-variable (offset 3)'],
    ['$ru$rU', 'more after'],
    ['$hdr(X)[1]', 'more after'],
    ['$nosuch', 'there is no pseudo-variable $nosuch'],
    ['$nuber', 'did you mean $number?'],
    ['$ru.', 'no pseudo-variable $ru.'],
    ['$dlg', '$dlg belongs to module dialog, which is not loaded or not available'],
    ['$ru(x)', '$ru takes no name in parentheses (offset 3)'],
    ['$(ru(x))', '$ru takes no name'],
    ['$hdr', '$hdr needs a name'],
    ['$hdr()', 'the name in $hdr() is empty'],
    ['$hdr(a b)', 'blanks in a header name'],
    ['$hdr(X-$rU)', 'does not start with $ (offset 5)'],
    ['$hdr($rUx)', 'no pseudo-variable $rUx'],
    ['$var(x', '")" is missing'],
    ['$(ru', '")" is missing'],
    ['$(ru )', '")" is missing'],
    ['$(ru[0])', '$ru takes no index'],
    ['$(hdr(X)[x])', 'the index "x" is not a number'],
    ['$(hdr(X)[99999999999])', 'is not a number'],
    ['$(hdr(X)[1)', '"]" is missing'],
    ['$(hdr(X) [1])', '")" is missing'],
    ['$(ru{s.len)', '"}" is missing'],
    ['$(ru{s.lem})', 'no transformation {s.lem}; did you mean {s.len}?'],
    ['$(ru{ s.len})', 'no transformation'],
    ['$(ru{})', 'no transformation {}'],
    ['$(ru{s.len}x)', '")" is missing'],
    ['$(ru{s.len,1})', '{s.len} takes 0 arguments'],
    ['$(ru{s.cut})', '{s.cut} takes 1 argument (offset'],
    ['$(ru{s.cut,1,2})', '{s.cut} takes 1 argument'],
    ['$(ru{s.cut,x})', 'the argument "x" is not a number'],
    ['$(ru{s.rep})', '{s.rep} takes 1 to 2 arguments'],
    ['$(ru{s.rep,$rU x})', 'more after the pseudo-variable (offset 14)'],
  ])('%s is an error: %s', (spec, text) => {
    const { r, errors } = registry();
    expect(r.compile(spec)).toBeUndefined();
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(text);
  });

  test('gives one reference and one number for one text', () => {
    const { r } = registry();
    const ru = r.compile('$ru')!;
    expect(ru.id).toBe(1);
    expect(r.compile('$ru')).toBe(ru);
    expect(r.compile('$rU')!.id).toBe(2);
    expect(r.byId(1)).toBe(ru);
    expect(r.byId(0)).toBeUndefined();
    expect(r.byId(3)).toBeUndefined();
    expect(ru.plain).toBe(true);
    expect(r.compile('$var(x)')!.plain).toBe(false);
    expect(r.compile('$(ru{s.len})')!.plain).toBe(false);
  });

  test('keeps a bounded number of references, the others are short-lived', () => {
    const { r, vars } = registry();
    for (let i = 1; i <= MAX_CACHED_PVS; i++) expect(r.compile(`$var(v${i})`)!.id).toBe(i);
    vars.set('late', 'x');
    const late = r.compile('$var(late)')!;
    expect(late.id).toBeGreaterThan(MAX_CACHED_PVS);
    expect(r.byId(late.id)!.get()).toBe('x');
    for (let i = 0; i < TRANSIENT_PVS * 2; i++)
      expect(r.compile(`$var(w${i})`)!.id).toBeLessThanOrEqual(MAX_CACHED_PVS + TRANSIENT_PVS);
    expect(r.byId(late.id)!.spec).not.toBe('$var(late)');
    expect(r.compile('$var(v7)')!.id).toBe(7);
  });

  test('does not keep long references and texts', () => {
    const { r } = registry();
    const long = `$var(${'x'.repeat(MAX_CACHED_TEXT)})`;
    expect(r.compile(long)!.id).toBeGreaterThan(MAX_CACHED_PVS);
    expect(r.compile(long)!.get()).toBe(0);
    expect(r.compile('$ru')!.id).toBe(1);
    const formats = new PvFormats(r);
    const text = `$rU ${'x'.repeat(MAX_CACHED_TEXT)}`;
    expect(formats.compile(text)).not.toBe(formats.compile(text));
    expect(formats.format(text)).toBe(`bob ${'x'.repeat(MAX_CACHED_TEXT)}`);
  });

  test('refuses nesting and text beyond its limits without overflowing the stack', () => {
    const { r, errors } = registry();
    const nested = (n: number) => `${'$hdr('.repeat(n)}x${')'.repeat(n)}`;
    expect(r.compile(nested(MAX_PV_DEPTH + 1))).toBeDefined();
    expect(r.compile(nested(MAX_PV_DEPTH + 2))).toBeUndefined();
    expect(r.compile(nested(10_000))).toBeUndefined();
    expect(r.compile(`$var(${'x'.repeat(MAX_PV_TEXT)})`)).toBeUndefined();
    expect(r.compile(`$var(${'('.repeat(60_000)}`)).toBeUndefined();
    expect(errors.every(e => e.length < 600)).toBe(true);
  });

  test('set() writes the variable, reports a refusal and ignores what is read-only', () => {
    const { r, vars } = registry();
    expect(r.compile('$var(x)')!.set('a\0\xff')).toBe(true);
    expect(vars.get('x')).toBe('a\0\xff');
    expect(r.compile('$(var(x){s.len})')!.set('b')).toBe(true);
    expect(vars.get('x')).toBe('b');
    expect(r.compile('$ru')!.set('x')).toBe(false);
    expect(r.compile('$rU')!.set('x')).toBe(true);
    expect(r.compile('$rU')!.writable).toBe(false);
  });

  test('outside of a route only variables that need no message have a value', () => {
    const { get, r } = registry(false);
    expect(get('$ru')).toBeNull();
    expect(get('$fast')).toBeNull();
    expect(get('$var(x)')).toBe(0);
    expect(r.compile('$ru')!.set('x')).toBe(false);
  });
});

describe('PvFormats', () => {
  test.each([
    ['', ''],
    ['plain', 'plain'],
    ['$rU at $ru: $$5', 'bob at sip:bob@b.example: $5'],
    ['$rU:$n-x', 'bob:3-x'],
    ['$(rU)x$none', 'bobx<null>'],
    ['$var(a)[1](x)', '0[1](x)'],
    ['$$$rU', '$bob'],
    ['\0\xff$rU\xc3\xa9', '\0\xffbob\xc3\xa9'],
  ])('%j gives %j', (text, value) => {
    const { r } = registry();
    expect(new PvFormats(r).format(text)).toBe(value);
  });

  test.each([
    ['$', 'offset 0'],
    ['ab$', 'offset 2'],
    ['$rU $rUx', 'no pseudo-variable $rUx'],
    ['a $sht(x $nosuch) b', 'offset 9'],
    ['$rU(x)', 'takes no name'],
  ])('%j is an error: %s', (text, why) => {
    const { r, errors } = registry();
    expect(new PvFormats(r).format(text)).toBeUndefined();
    expect(errors[0]).toContain(why);
  });

  test('keeps texts in use and forgets those made up once', () => {
    const { r } = registry();
    const formats = new PvFormats(r);
    const used = formats.compile('used $rU');
    for (let i = 0; i < MAX_FORMATS * 3; i++) {
      formats.compile(`made up ${i} $rU`);
      expect(formats.compile('used $rU')).toBe(used);
    }
    const first = formats.compile('made up 0 $rU');
    expect(first!.eval()).toBe('made up 0 bob');
  });
});
