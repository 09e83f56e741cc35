/** A component's functions for the Lua language server, as build/stubs/lua/ksr.lua has those of the package. */
import { describe, type Row } from './describe.ts';
import type { Lifted, Plan } from './plan.ts';

const RESERVED =
  /^(and|break|do|else|elseif|end|false|for|function|goto|if|in|local|nil|not|or|repeat|return|then|true|until|while)$/;

/**
 * Text of a stub file: put it beside ksr.lua in a folder of "workspace.library".
 * @param name of the module
 * @throws Malformed when the component could not be loaded
 */
export function luaStub(name: string, plan: Plan): string {
  const functions = describe(plan).rows.map(row => stub(name, row, plan.exports[row.index]!));
  return `${['---@meta', `KSR.${name} = {}`, ...functions].join('\n\n')}\n`;
}

function stub(module: string, { name, params, returns, type, doc }: Row, { type: wit }: Lifted): string {
  const names = wit.params.map(p => {
    const plain = p.name.replaceAll('-', '_');
    return RESERVED.test(plain) ? `${plain}_` : plain;
  });
  const out = (doc ?? '').split('\n').filter(line => line.trim() !== '');
  out.push(`WIT: ${type}`);
  params.forEach((param, i) => {
    out.push(`@param ${names[i]} ${param === 'int' ? 'integer' : 'string|number'}`);
  });
  if (returns === 'int') out.push('@return integer # -255 when the component failed');
  if (returns === 'bool') out.push('@return boolean # false, too, when the component failed');
  if (returns === 'xval') out.push(`@return ${/u32|s32/.test(type.replace(/.*->/, '')) ? 'integer' : 'string'}|nil`);
  const access = RESERVED.test(name) ? `KSR.${module}["${name}"] = function` : `function KSR.${module}.${name}`;
  return [...out.map(line => `---${line.trim()}`), `${access}(${names.join(', ')}) end`].join('\n');
}
