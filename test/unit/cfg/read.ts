/** Reads configs from memory. */

import type { ConfigHost, Value } from '../../../src/cfg/config.ts';
import { parseConfig } from '../../../src/cfg/parser.ts';
import { byteStrOf, bytesOf } from '../../../src/core/memory.ts';

export type Files = Readonly<Record<string, string>>;

/** @param text of main.cfg  @param files others, by path */
export function read(text: string, files: Files = {}, host: Partial<ConfigHost> = {}) {
  return parseConfig(bytesOf(byteStrOf(text)), 'main.cfg', {
    readFile: path => (Object.hasOwn(files, path) ? bytesOf(byteStrOf(files[path]!)) : undefined),
    ...host,
  });
}

/** Findings, one a line: 'main.cfg:1:2: error: ...' */
export function findings(config: { readonly diagnostics: ReturnType<typeof read>['diagnostics'] }): string[] {
  return config.diagnostics.map(d => `${d.file}:${d.line}:${d.column}: ${d.severity}: ${d.message}`);
}

/** The values of `x.v = ...` in order: what an expression of the config comes to. */
export function values(text: string, files: Files = {}, host: Partial<ConfigHost> = {}): Value[] {
  const config = read(text, files, host);
  const found = findings(config);
  if (found.length > 0) throw new Error(found.join('\n'));
  return config.custom.map(c => c.value);
}
