/** The directives of the preprocessor, and how they are found in a text. */
import { closest } from '../kemi/suggest.ts';

const CONDITIONS = ['ifdef', 'ifndef', 'ifexp', 'else', 'endif'] as const;
export const DEFINES = ['define', 'def', 'trydefine', 'trydef', 'redefine', 'redef'] as const;
const DIRECTIVES = [
  ...CONDITIONS,
  ...DEFINES,
  'defenv',
  'defenvs',
  'trydefenv',
  'trydefenvs',
  'defexp',
  'defexps',
  'subst',
  'substdef',
  'substdefs',
  'include_file',
  'import_file',
] as const;
/** first lines that say whose config this is */
const SIGNATURES = /^(KAMAILIO|OPENSER|SER|ALL|MAXCOMPAT)\b/i;
const byLength = (words: readonly string[]) => [...words].sort((a, b) => b.length - a.length).join('|');
// As documented: #!else and #!endif need the end of the line behind them; with anything else there they are comments.
const ALONE = '(?:else|endif)(?=[ \\t\\r]*(?:\\n|$))';
export const DIRECTIVE = new RegExp(
  `(?:#!|!!)(${ALONE}|(?:${byLength(DIRECTIVES.filter(d => d !== 'else' && d !== 'endif'))})\\b)`,
  'y',
);
export const CONDITION = new RegExp(`(?:#!|!!)(${ALONE}|(?:ifdef|ifndef|ifexp)\\b)`, 'g');
export const INCLUDE_WORD = /(include_file|import_file)\b/y;

export type Directive = (typeof DIRECTIVES)[number];

/** What is wrong with a comment that starts like a directive; undefined when it is a comment. @param text behind `#!` */
export function misspelt(text: string): string | undefined {
  const name = /^([A-Za-z_]+)/.exec(text)?.[1];
  if (!name || SIGNATURES.test(text)) return undefined;
  if (name === 'else' || name === 'endif')
    return `#!${name} must stand alone on its line: with text behind it, it is taken as a comment`;
  const near = closest(name, DIRECTIVES);
  return near && `#!${name} is no directive and is taken as a comment, did you mean #!${near}`;
}

/** 6.0.0: the version whose documented behaviour this follows */
const KAMAILIO = [6, 0, 0] as const;

/** The names that are defined before a config is read. */
export function predefined(os = 'linux'): [name: string, value: string][] {
  const [major, minor, patch] = KAMAILIO;
  return [
    ...[major, `${major}_${minor}`, `${major}_${minor}_${patch}`].map((v): [string, string] => [`KAMAILIO_${v}`, '']),
    ['KAMAILIO_VERSION', String(major * 1_000_000 + minor * 1000 + patch)],
    ['OS_NAME', `"${os}"`],
    ['KEMI_WASM', ''],
  ];
}
