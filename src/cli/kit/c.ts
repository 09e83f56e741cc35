/**
 * Modules in C: clang and lld, without a C library. The world says which functions there are; NAME.h in build/ declares them as C has them, and a file
 * between them and the canonical ABI is compiled with the source.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Lifted, WitType } from '../../components/plan.ts';
import { witText } from '../../components/plan.ts';
import type { Project } from './project.ts';
import { HOME, KitError, runProgram } from './tools.ts';
import { componentOf, planOf, writeWit } from './wit.ts';

const INSTALL = 'apt-get install clang lld, or brew install llvm lld';

/** @throws KitError with what the compiler says */
export async function buildC(project: Project): Promise<Uint8Array> {
  const { text } = writeWit(project);
  const { exports } = await planOf(text, project);
  const at = (name: string) => path.join(project.build, name);
  const header = `${project.name}.h`;
  fs.writeFileSync(at(header), headerOf(project.ksr, exports));
  fs.writeFileSync(at('glue.c'), glueOf(project.ksr, header, exports));
  const kit = path.join(HOME, 'kit/c');
  const output = at('module.wasm');
  runProgram(
    'clang',
    [
      ...['--target=wasm32', '-O2', '-nostdlib', '-std=c11', '-Wall', '-fno-builtin', '-fno-strict-aliasing'],
      ...['-mbulk-memory', '-msign-ext', '-mnontrapping-fptoint', '-fvisibility=hidden'],
      ...['-I', kit, '-I', project.build],
      ...['-Wl,--no-entry', '-Wl,--gc-sections', '-Wl,--stack-first', '-Wl,-z,stack-size=65536', '-Wl,--strip-debug'],
      ...['-o', output, project.source, at('glue.c'), path.join(kit, 'kemi.c')],
    ],
    project.dir,
    INSTALL,
  );
  return componentOf(fs.readFileSync(output), text, project);
}

/** look-up is look_up in C. */
const cName = (name: string) => name.replaceAll('-', '_');

/** A type as C passes it. */
function cType(type: WitType): string {
  if (type === 's32') return 'int32_t';
  if (type === 'u32') return 'uint32_t';
  if (type === 'bool') return 'bool';
  if (isText(type)) return 'kemi_text';
  throw new KitError(`a function with ${witText(type)} cannot be written in C`);
}

const isText = (type: WitType): boolean =>
  type === 'string' || (typeof type === 'object' && 'list' in type && type.list === 'u8');

/** What a function gives, cut into what C returns and what it writes through pointers. */
interface Shape {
  readonly returns: string;
  /** pointers behind the parameters: name and type of what they point to */
  readonly out: readonly { readonly name: string; readonly type: WitType }[];
}

function shapeOf(result: WitType | null): Shape {
  if (result === null) return { returns: 'void', out: [] };
  if (typeof result === 'object' && 'option' in result)
    return { returns: 'bool', out: [{ name: 'value', type: result.option }] };
  if (typeof result === 'object' && 'result' in result) {
    const [value, error] = result.result;
    return {
      returns: 'bool',
      out: [
        ...(value === null ? [] : [{ name: 'value', type: value }]),
        ...(error === null ? [] : [{ name: 'error', type: error }]),
      ],
    };
  }
  return { returns: cType(result), out: [] };
}

function declaration(ksr: string, { name, type }: Lifted): string {
  const { returns, out } = shapeOf(type.result);
  const list = [
    ...type.params.map(p => `${cType(p.type)} ${cName(p.name)}`),
    ...out.map(o => `${cType(o.type)} *${o.name}`),
  ];
  return `${returns} ${ksr}_${cName(name)}(${list.join(', ') || 'void'})`;
}

/** @param ksr in front of the functions' names */
export function headerOf(ksr: string, exports: readonly Lifted[]): string {
  const lines = exports.flatMap(e => {
    const out = shapeOf(e.type.result).out.map(o => o.name);
    const how =
      out.length === 0
        ? ''
        : ` true: ${out.includes('value') ? '*value is set' : 'all is well'}; false: ${out.includes('error') ? '*error is set' : 'there is none'} */`;
    return [`/* ${e.name}: ${signature(e)}${how ? `.${how}` : ' */'}`, `${declaration(ksr, e)};`, ''];
  });
  return `/* The functions of this module, made of its WIT: do not edit. */\n#pragma once\n#include "kemi.h"\n\n${lines.join('\n')}`;
}

function signature({ type: { params, result } }: Lifted): string {
  const list = params.map(p => `${p.name}: ${witText(p.type)}`).join(', ');
  return `func(${list})${result === null ? '' : ` -> ${witText(result)}`}`;
}

/** Source of what stands between the functions and the host. */
export function glueOf(ksr: string, header: string, exports: readonly Lifted[]): string {
  const parts = exports.map((lifted, i) => {
    const { name, from, type } = lifted;
    const full = from === undefined ? name : `${from}#${name}`;
    const flat: string[] = [];
    const values = type.params.map((p, n) => {
      if (isText(p.type)) {
        flat.push(`const char *a${n}, uint32_t n${n}`);
        return `(kemi_text){a${n}, n${n}}`;
      }
      flat.push(`${p.type === 'u32' ? 'uint32_t' : 'int32_t'} a${n}`);
      return p.type === 'bool' ? `a${n} != 0` : `a${n}`;
    });
    const { returns, out } = shapeOf(type.result);
    const call = `${ksr}_${cName(name)}(${[...values, ...out.map(o => `&${o.name}`)].join(', ')})`;
    const head = (result: string) =>
      `__attribute__((export_name("${full}"))) ${result} kemi_f${i}(${flat.join(', ') || 'void'})`;
    const post = `__attribute__((export_name("cabi_post_${full}"))) void kemi_p${i}(uint32_t *ret) { (void)ret; kemi_release(); }`;
    if (returns === 'void') return `${head('void')} { ${call}; kemi_release(); }`;
    if (type.result !== null && typeof type.result === 'string' && !isText(type.result))
      return `${head(returns === 'bool' ? 'int32_t' : returns)} { ${returns} r = ${call}; kemi_release(); return r; }`;
    const at =
      type.result !== null && typeof type.result === 'object' && !isText(type.result)
        ? outBody(type.result, call, out)
        : textBody(call);
    // A result of two units without a payload fits into a register.
    if (out.length === 0 && returns === 'bool')
      return `${head('int32_t')} { bool r = ${call}; kemi_release(); return !r; }`;
    return `${head('uint32_t *')} {\n${at}\n}\n${post}`;
  });
  return `/* Made of the module's WIT: do not edit. */\n#include "${header}"\n\nstatic uint32_t ret[4];\n\n${parts.join('\n\n')}\n`;
}

const textBody = (call: string) =>
  `  kemi_text r = ${call};\n  ret[0] = (uint32_t)r.at;\n  ret[1] = r.length;\n  return ret;`;

/** An option is 1 where there is a value, a result 0 where all is well. */
function outBody(result: WitType, call: string, out: Shape['out']): string {
  const isOption = typeof result === 'object' && 'option' in result;
  const lines = out.map(o => `  ${cType(o.type)} ${o.name} = ${isText(o.type) ? '{"", 0}' : '0'};`);
  lines.push(`  bool ok = ${call};`);
  const set = (name: string) => {
    const found = out.find(o => o.name === name);
    if (!found) return '';
    // a bool has one byte there, as the first of its word
    return isText(found.type)
      ? ` ret[1] = (uint32_t)${name}.at; ret[2] = ${name}.length;`
      : ` ret[1] = (uint32_t)${name};`;
  };
  const byteSized = out.length > 0 && out.every(o => o.type === 'bool');
  if (byteSized) lines.push(`  ((uint8_t *)ret)[0] = ${isOption ? 'ok' : '!ok'};`, `  ((uint8_t *)ret)[1] = value;`);
  else {
    lines.push(`  ret[0] = ${isOption ? 'ok' : '!ok'};`);
    lines.push(`  if (ok) {${set('value')} }`);
    if (out.some(o => o.name === 'error')) lines.push(`  else {${set('error')} }`);
  }
  lines.push('  return ret;');
  return lines.join('\n');
}
