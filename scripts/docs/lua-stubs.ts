/** build/stubs/lua/ksr.lua: the KSR tree for LuaLS, the language server behind most editors' Lua support. */
import { ENGINE_FUNCTIONS } from './api-page.ts';
import type { FunctionDoc, ModuleDoc } from './read.ts';

const PARAM = { int: 'integer', str: 'string|number' } as Readonly<Record<string, string>>;
const RETURN = { int: 'integer', bool: 'boolean', xval: 'string|integer|nil' } as Readonly<Record<string, string>>;
/** words that no Lua parameter may have as its name */
const RESERVED = new Set(
  'and break do else elseif end false for function goto if in local nil not or repeat return then true until while'.split(
    ' ',
  ),
);

export function luaStubs(modules: readonly ModuleDoc[], version: string): string {
  const out = [
    '---@meta',
    `-- KSR of kemi-wasm ${version}, for the Lua language server: set "workspace.library" to this folder. Made by npm run gen.`,
    '',
    '---@type string',
    `KSRVERSION = ${JSON.stringify(version)}`,
    '',
    'KSR = {}',
    '',
    'KSR.x = {}',
    '',
  ];
  for (const [signature, text] of ENGINE_FUNCTIONS) {
    out.push(`---${text}`);
    if (signature.includes('name')) out.push('---@param name string', '---@return any');
    out.push(`function ${signature} end`, '');
  }
  for (const m of modules) {
    if (m.name) out.push(`KSR.${m.name} = {}`, '');
    for (const fn of m.functions) out.push(...stub(fn), '');
  }
  return `${out.join('\n').trimEnd()}\n`;
}

function stub(fn: FunctionDoc): string[] {
  const line = (text: string) => text.replace(/\s*\n\s*/g, ' ').trim();
  const name = (p: string) => (RESERVED.has(p) || !/^[A-Za-z_]\w*$/.test(p) ? `${p.replace(/\W/g, '_')}_` : p);
  const out: string[] = [];
  for (const text of [fn.summary, ...fn.details.split('\n')]) if (text.trim()) out.push(`---${line(text)}`);
  for (const p of fn.params) out.push(`---@param ${name(p.name)} ${PARAM[p.type] ?? 'any'} ${line(p.text)}`.trimEnd());
  const type = RETURN[fn.returns.type];
  if (type) out.push(`---@return ${type}${fn.returns.text ? ` # ${line(fn.returns.text)}` : ''}`);
  out.push(`function KSR.${fn.path}(${fn.params.map(p => name(p.name)).join(', ')}) end`);
  return out;
}
