import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkLinks, checkModule } from '../../../scripts/check-docs.ts';
import { apiPage } from '../../../scripts/docs/api-page.ts';
import { luaStubs } from '../../../scripts/docs/lua-stubs.ts';
import { moduleDoc, parseComment, readModules, scanComments } from '../../../scripts/docs/read.ts';
import { createRuntime } from '../../../src/index.ts';
import { defineModule, exportsOf } from '../../../src/kemi/table.ts';
import { loadWasm } from '../../../src/transport/node/index.ts';

const SOURCE = `
const other = 1; /** not about a function */
/**
 * KSR.maxfwd.process_maxfwd(limit): count down Max-Forwards, or add it (RFC 3261 16.6 step 3).
 * A value above modparam max_limit (default 70) is lowered to it.
 * @param limit 0..255; the value written
 *   when the header is missing
 * @returns 1 counted down; 2 added;
 *   -1 already 0
 * Kamailio 6.x manual, module maxfwd, process_maxfwd; deviations: none
 */
kemi('process_maxfwd', { params: ['int'], returns: 'int', wasm: 'processMaxfwd' }),
/** KSR.maxfwd.two(a, b): takes two. @param a first @param b second @returns true */
kemi('two', { params: ['str', 'int'], returns: 'bool', wasm: 'two' }),
`;
const kemi = exportsOf<null>();
const definition = defineModule<null>({
  name: 'maxfwd',
  modparams: { max_limit: { type: 'int', default: 70, min: 1, max: 255, doc: 'The highest value | kept.' } },
  create: () => null,
  functions: [
    kemi('process_maxfwd', { params: ['int'], returns: 'int', wasm: 'processMaxfwd' }),
    kemi('two', { params: ['str', 'int'], returns: 'bool', wasm: 'two' }),
  ],
  pvs: [{ name: 'mf', inner: 'none', doc: 'The value.', get: () => null }],
  rpc: [{ name: 'maxfwd.show', doc: 'Shows it.', run: () => null }],
});
const doc = (source = SOURCE) => moduleDoc(definition, 'maxfwd', [source]);

describe('parseComment()', () => {
  it('takes signature, summary, details, parameters, returns and source apart', () => {
    expect(doc().functions[0]).toEqual({
      path: 'maxfwd.process_maxfwd',
      name: 'process_maxfwd',
      params: [{ name: 'limit', type: 'int', text: '0..255; the value written when the header is missing' }],
      returns: { type: 'int', text: '1 counted down; 2 added; -1 already 0' },
      summary: 'Count down Max-Forwards, or add it (RFC 3261 16.6 step 3).',
      details: 'A value above modparam max_limit (default 70) is lowered to it.',
      source: 'Kamailio 6.x manual, module maxfwd, process_maxfwd; deviations: none',
      anytime: false,
      async: false,
      problems: [],
    });
  });

  it('reads tags that share a line', () => {
    expect(doc().functions[1]).toMatchObject({
      params: [
        { name: 'a', text: 'first' },
        { name: 'b', text: 'second' },
      ],
      returns: { text: 'true' },
      problems: [],
    });
  });

  it('a full stop inside a number or a name does not end the summary', () => {
    expect(parseComment('KSR.f(): uses SIP/2.0 and sl.reply. More.').summary).toBe('Uses SIP/2.0 and sl.reply.');
  });
});

it('scanComments() finds a comment by the function it names when no row follows it', () => {
  expect(scanComments('/** KSR.is_INVITE(): whether it is one. */\nfoo;').get('is_INVITE')?.summary).toBe(
    'Whether it is one.',
  );
});

it('a parameter that is described once in a module is described for all of its functions', () => {
  const source = SOURCE.replace('two(a, b)', 'two(limit, b)').replace('@param a first ', '');
  expect(doc(source).functions[1]).toMatchObject({
    params: [{ name: 'limit', text: '0..255; the value written when the header is missing' }, { name: 'b' }],
    problems: [],
  });
});

it('the comment above a row counts, not one elsewhere that names the function', () => {
  const m = moduleDoc(definition, 'maxfwd', [SOURCE, '/** KSR.maxfwd.two() and its kin. */']);
  expect(m.functions[1]).toMatchObject({ summary: 'Takes two.', problems: [] });
});

it('return codes are those of the function that a comment names', () => {
  const source = SOURCE.replace(
    ': takes two. @param a first @param b second @returns true',
    ': as process_maxfwd. @param b second',
  );
  expect(doc(source).functions[1]).toMatchObject({
    returns: { text: '1 counted down; 2 added; -1 already 0' },
    problems: [],
  });
});

describe('checkModule()', () => {
  const readme = 'process_maxfwd, `maxfwd.two`';
  it('finds nothing when all is said', () => {
    expect(checkModule(doc(), readme)).toEqual([]);
  });

  it.each([
    [
      'a row without a comment',
      SOURCE.replace(/\/\*\* KSR.maxfwd.two.*\*\//, ''),
      'KSR.maxfwd.two: no doc comment above its row',
    ],
    ['a parameter without text', SOURCE.replace('@param b second', ''), 'KSR.maxfwd.two: no @param b'],
    [
      'a parameter that is none',
      SOURCE.replace('@param b second', '@param b second @param c third'),
      'KSR.maxfwd.two: @param c is no parameter',
    ],
    [
      'another number of parameters',
      SOURCE.replace('two(a, b)', 'two(a)'),
      'KSR.maxfwd.two: the comment names 1 parameters, the row has 2',
    ],
    ['no return codes', SOURCE.replace('@returns true', ''), 'KSR.maxfwd.two: no @returns'],
    [
      'a comment about another function',
      SOURCE.replace('maxfwd.two(', 'maxfwd.tow('),
      'KSR.maxfwd.two: the comment is about KSR.maxfwd.tow',
    ],
  ])('finds %s', (_what, source, gap) => {
    expect(checkModule(doc(source), readme)).toContain(`src/modules/maxfwd/index.ts: ${gap}`);
  });

  it('finds what the README leaves out, and that there is none', () => {
    expect(checkModule(doc(), 'process_maxfwds two2')).toEqual([
      'src/modules/maxfwd/README.md: function process_maxfwd is not in it',
      'src/modules/maxfwd/README.md: function two is not in it',
    ]);
    expect(checkModule(doc(), '`max`, `_maxfwd`, two')).toEqual([]);
    expect(checkModule(doc(), undefined)).toEqual(['src/modules/maxfwd/README.md: missing']);
  });
});

it('luaStubs() annotates parameters and results for LuaLS', () => {
  const stubs = luaStubs([doc()], '9.9.9');
  expect(stubs).toContain(`---Count down Max-Forwards, or add it (RFC 3261 16.6 step 3).
---A value above modparam max_limit (default 70) is lowered to it.
---@param limit integer 0..255; the value written when the header is missing
---@return integer # 1 counted down; 2 added; -1 already 0
function KSR.maxfwd.process_maxfwd(limit) end
`);
  expect(stubs).toContain('function KSR.x.exit() end');
  expect(luaStubs([doc(SOURCE.replaceAll(/\bb\b/g, 'end'))], '1')).toContain('function KSR.maxfwd.two(a, end_) end');
});

it('apiPage() shows functions, modparams, pseudo-variables and RPC commands', () => {
  const page = apiPage([doc()]);
  expect(page).toContain('### KSR.maxfwd.process_maxfwd(limit)\n\nCount down Max-Forwards');
  expect(page).toContain('- `limit` (int): 0..255');
  expect(page).toContain('- returns int: 1 counted down; 2 added; -1 already 0');
  expect(page).toContain('| `max_limit` | int (1..255) | `70` | The highest value \\| kept. |');
  expect(page).toContain('| `$mf` | no | The value. |');
  expect(page).toContain('| `maxfwd.show` | Shows it. |');
});

it('checkLinks() finds links that lead nowhere, not those in code or to elsewhere', () => {
  const page =
    '[a](b.md) [c](../src/x.ts#L3) [d](https://example.com) [e](#top) `[f](none.md)`\n```\n[g](none.md)\n```\n[h](none.md)';
  const there = new Set(['docs/b.md', 'src/x.ts']);
  expect(checkLinks('docs/a.md', page, p => there.has(p))).toEqual(['docs/a.md: the link none.md leads nowhere']);
});

it('the stubs of all modules are Lua', async () => {
  const root = path.resolve(import.meta.dirname, '../../..');
  const modules = await readModules(root);
  const stubs = luaStubs(modules, '1');
  for (const m of modules) for (const fn of m.functions) expect(stubs).toContain(`function KSR.${fn.path}(`);
  const runtime = createRuntime({
    wasm: await loadWasm(),
    sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 5060 }],
    send: () => false,
  });
  const source = new TextEncoder().encode(`${stubs}function ksr_request_route() end\n`);
  expect(runtime.load({ name: 'ksr.lua', source })).toMatchObject({ version: 1 });
  await runtime.close();
});
