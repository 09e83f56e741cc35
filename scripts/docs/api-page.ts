/** docs/api.md: the API reference, made from the tables. */
import type { FunctionDoc, ModuleDoc } from './read.ts';

const cell = (text: string) => text.replace(/\|/g, '\\|').replace(/\s*\n\s*/g, ' ');

/** The functions that the engine itself gives every script. */
export const ENGINE_FUNCTIONS = [
  ['KSR.x.exit()', 'Ends the route. Unwinds as an error does, so that pcall sees it; it is not logged.'],
  ['KSR.x.drop()', 'Ends the route and drops the message where its kind allows that: a reply is not forwarded.'],
  ['KSR.x.modf(name, ...)', 'Calls the function of that name with the arguments.'],
  ['KSR.x.probe()', 'Does nothing; says that the tree is there.'],
] as const;

/** @returns the whole page */
export function apiPage(modules: readonly ModuleDoc[]): string {
  const count = modules.reduce((n, m) => n + m.functions.length, 0);
  const out = [
    '# API reference',
    '',
    'Made by `npm run gen` from the tables in `src/modules/`; edits here are lost.',
    '',
    `${count} functions in ${modules.length} modules. Names, parameters and return codes are Kamailio's. A function that is called with too few`,
    'arguments, or with arguments where it takes none, logs an error and returns `false`; more arguments than it takes are ignored.',
    '',
    `Modules: ${modules.map(m => `[${title(m)}](#${anchor(title(m))})`).join(', ')}.`,
    '',
    '## KSR.x',
    '',
    '| Function | |',
    '|---|---|',
    ...ENGINE_FUNCTIONS.map(([name, text]) => `| \`${name}\` | ${text} |`),
    '',
  ];
  for (const m of modules) out.push(...modulePart(m));
  return `${out.join('\n').trimEnd()}\n`;
}

const title = (m: ModuleDoc) => (m.name ? `KSR.${m.name}` : 'KSR');
const anchor = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replace(/ /g, '-');

function modulePart(m: ModuleDoc): string[] {
  const out = [`## ${title(m)}`, ''];
  for (const fn of m.functions) out.push(...functionPart(fn));
  const { modparams, pvs, transformations, rpc } = m.definition;
  if (Object.keys(modparams).length > 0)
    out.push(
      '### Module parameters',
      '',
      '| Name | Type | Default | |',
      '|---|---|---|---|',
      ...Object.entries(modparams).map(([name, p]) => {
        const range = p.min !== undefined || p.max !== undefined ? ` (${p.min ?? ''}..${p.max ?? ''})` : '';
        const given = p.default === undefined ? '' : `\`${JSON.stringify(p.default)}\``;
        return `| \`${name}\` | ${p.type}${range}${p.repeat ? ', repeatable' : ''} | ${given} | ${cell(p.doc)} |`;
      }),
      '',
    );
  if (pvs && pvs.length > 0)
    out.push(
      '### Pseudo-variables',
      '',
      '| Name | Writable | |',
      '|---|---|---|',
      ...pvs.map(pv => {
        const inner = pv.inner === 'required' ? '(...)' : pv.inner === 'optional' ? '[(...)]' : '';
        const names = [pv.name, ...(pv.aliases ?? [])].map(n => `\`$${n}${inner}\``);
        return `| ${names.join(', ')} | ${pv.set ? 'yes' : 'no'} | ${cell(pv.doc)} |`;
      }),
      '',
    );
  if (transformations && transformations.length > 0)
    out.push(
      '### Transformations',
      '',
      '| Name | Arguments | |',
      '|---|---|---|',
      ...transformations.map(t => `| \`{${t.class}.${t.name}}\` | ${(t.args ?? []).join(', ')} | ${cell(t.doc)} |`),
      '',
    );
  if (rpc && rpc.length > 0)
    out.push(
      '### RPC commands',
      '',
      '| Name | |',
      '|---|---|',
      ...rpc.map(r => `| \`${r.name}\` | ${cell(r.doc)} |`),
      '',
    );
  return out;
}

function functionPart(fn: FunctionDoc): string[] {
  const out = [`### KSR.${fn.path}(${fn.params.map(p => p.name).join(', ')})`, '', fn.summary];
  if (fn.details) out.push('', fn.details);
  out.push('');
  for (const p of fn.params) out.push(`- \`${p.name}\` (${p.type})${p.text ? `: ${p.text}` : ''}`);
  out.push(`- returns ${fn.returns.type}${fn.returns.text ? `: ${fn.returns.text}` : ''}`);
  if (fn.anytime) out.push('- may be called without a message');
  if (fn.async) out.push('- may suspend the route');
  if (fn.source) out.push('', `*${fn.source.replace(/[.;\s]+$/, '')}.*`);
  out.push('');
  return out;
}
