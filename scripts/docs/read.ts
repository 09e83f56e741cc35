/** What the reference page and the editor stubs are made of: the module tables, and the doc comments that stand above their rows. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ModuleDefinition } from '../../src/kemi/table.ts';

export interface FunctionDoc {
  /** 'maxfwd.process_maxfwd', 'is_INVITE' */
  readonly path: string;
  readonly name: string;
  readonly params: readonly { readonly name: string; readonly type: string; readonly text: string }[];
  readonly returns: { readonly type: string; readonly text: string };
  /** the first sentence */
  readonly summary: string;
  /** what follows it, '' when nothing does */
  readonly details: string;
  /** where the behaviour is written down, '' when the comment does not say */
  readonly source: string;
  readonly anytime: boolean;
  readonly async: boolean;
  /** what is wrong with the comment; empty when it is in order */
  readonly problems: readonly string[];
}

export interface ModuleDoc {
  readonly name: string;
  /** name of the folder: the core's functions have no module name */
  readonly folder: string;
  // biome-ignore lint/suspicious/noExplicitAny: only names and texts are read
  readonly definition: ModuleDefinition<any>;
  readonly functions: readonly FunctionDoc[];
}

/** A comment as it stands in the source: decoration off, tags apart. */
export interface Comment {
  /** it stands above a row, which makes it the one that counts */
  readonly row?: boolean;
  /** names in the signature of its first line, undefined when it has none */
  readonly signature?: { readonly path: string; readonly params: readonly string[] };
  readonly summary: string;
  readonly details: string;
  readonly params: ReadonlyMap<string, string>;
  readonly returns: string;
  readonly source: string;
}

const COMMENT = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(?:\.\.\.)?\s*(?:kemi\(\s*(['"`])([^'"`]+)\2)?/g;

/**
 * Reads a doc comment of STYLE's form: `KSR.m.f(a, b): summary. Details. @param a text @returns text`, then a line with the source.
 * @param text what is between the comment marks
 */
export function parseComment(text: string): Comment {
  const lines = text.split('\n').map(line => line.replace(/^\s*\*? ?/, '').trimEnd());
  const body: string[] = [];
  const params = new Map<string, string>();
  const source: string[] = [];
  let returns = '';
  let add: (line: string) => void = line => body.push(line);
  for (const line of lines) {
    // `@param a text   @param b text` may share a line
    for (const part of line.split(/(?=@(?:param|returns?|throws|example)\b)/)) {
      const tag = /^@(param|returns?|throws|example)\b\s*(.*)$/s.exec(part.trim());
      if (!tag) {
        if (/^(Kamailio|RFC \d+|Source:)/.test(part) && (params.size > 0 || returns)) add = more => source.push(more);
        if (part.trim() !== '' || add.length) add(part.trim());
        continue;
      }
      const [, kind, rest] = tag as unknown as [string, string, string];
      if (kind === 'param') {
        const [, name, what] = /^(\S+)\s*(?:-\s*)?(.*)$/s.exec(rest.trim()) ?? ['', '', ''];
        params.set(name!, what!.trim());
        add = more => params.set(name!, `${params.get(name!)} ${more}`.trim());
      } else if (kind!.startsWith('return')) {
        returns = rest!.trim();
        add = more => {
          returns = `${returns} ${more}`.trim();
        };
      } else add = () => {};
    }
  }
  const prose = body.join('\n').trim();
  const signed = /^KSR\.([\w.]+)\(([^)]*)\)(?::|\s+-)?\s*/.exec(prose);
  const rest = (signed ? prose.slice(signed[0].length) : prose).replace(/\n(?!\n|[-*] )/g, ' ').trim();
  const [, summary = '', details = ''] = /^(.*?(?:\.(?=\s|$)|$))\s*([\s\S]*)$/.exec(rest) ?? [];
  return {
    ...(signed && {
      signature: {
        path: signed[1]!,
        params: signed[2]!
          .split(',')
          .map(p => p.replace(/[[\]"'?\s]/g, ''))
          .filter(p => p !== ''),
      },
    }),
    summary: capital(summary),
    details: details.trim(),
    params,
    returns,
    source: source.join(' ').trim(),
  };
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** All doc comments of one source text: by the row they stand above, and by the function their first line names. */
export function scanComments(text: string): Map<string, Comment> {
  const found = new Map<string, Comment>();
  for (const match of text.matchAll(COMMENT)) {
    const comment = parseComment(match[1]!);
    const row = match[3];
    if (row !== undefined) found.set(row.split('.').at(-1)!, { ...comment, row: true });
    else if (comment.signature) {
      const name = comment.signature.path.split('.').at(-1)!;
      if (!found.has(name)) found.set(name, comment);
    }
  }
  return found;
}

/** The tables of src/modules/index.ts with their comments. */
export async function readModules(root: string): Promise<ModuleDoc[]> {
  const folder = path.join(root, 'src', 'modules');
  const { MODULES } = (await import(pathToFileURL(path.join(folder, 'index.ts')).href)) as {
    MODULES: readonly ModuleDefinition[];
  };
  return MODULES.map(definition => {
    const own = definition.name === '' ? 'core' : definition.name;
    return moduleDoc(definition, own, readTexts(path.join(folder, own)));
  });
}

/** @param texts sources of the module's folder */
// biome-ignore lint/suspicious/noExplicitAny: only names and texts are read
export function moduleDoc(definition: ModuleDefinition<any>, folder: string, texts: readonly string[]): ModuleDoc {
  const comments = new Map<string, Comment>();
  for (const text of texts)
    for (const [name, comment] of scanComments(text))
      if (comment.row || !comments.has(name)) comments.set(name, comment);
  const name = folder === 'core' ? '' : definition.name;
  // A parameter that many functions of a module share (a table's name, an iterator's) is described once.
  const shared = new Map<string, string>();
  for (const comment of comments.values())
    for (const [param, text] of comment.params) if (text && !shared.has(param)) shared.set(param, text);
  return {
    name,
    folder,
    definition,
    functions: definition.functions.map(fn => {
      const comment = comments.get(fn.name.split('.').at(-1)!);
      return functionDoc(name, fn, comment && { ...comment, returns: returnsOf(comment, comments) }, shared);
    }),
  };
}

/** The return codes: its own, or those of the function that the comment names ("as sht_inc", "alias of is_in_subnet"). */
function returnsOf(comment: Comment, comments: ReadonlyMap<string, Comment>): string {
  if (comment.returns) return comment.returns;
  const other = /\b(?:as|alias of) (\w+)/i.exec(`${comment.summary} ${comment.details}`)?.[1];
  return (other && comments.get(other)?.returns) || '';
}

function functionDoc(
  module: string,
  fn: ModuleDefinition['functions'][number],
  comment: Comment | undefined,
  shared: ReadonlyMap<string, string>,
): FunctionDoc {
  const name = fn.name.split('.').at(-1)!;
  const path = module ? `${module}.${name}` : name;
  const problems: string[] = [];
  if (!comment) problems.push('no doc comment above its row');
  const named = comment?.signature?.params ?? [...(comment?.params.keys() ?? [])];
  if (comment) {
    if (!comment.signature) problems.push(`the comment does not start with KSR.${path}(...)`);
    else if (comment.signature.path !== path) problems.push(`the comment is about KSR.${comment.signature.path}`);
    if (named.length !== fn.params.length)
      problems.push(`the comment names ${named.length} parameters, the row has ${fn.params.length}`);
    // A number needs its unit and range. What a string is, its name and the summary may say.
    for (const [i, p] of named.entries())
      if (fn.params[i] === 'int' && !comment.params.get(p) && !shared.get(p)) problems.push(`no @param ${p}`);
    for (const p of comment.params.keys()) if (!named.includes(p)) problems.push(`@param ${p} is no parameter`);
    if (!comment.summary) problems.push('no summary');
    // "Whether ..." says what true means; a value is what the summary says.
    const said =
      fn.returns === 'none' || fn.returns === 'xval' || (fn.returns === 'bool' && /^whether/i.test(comment.summary));
    if (!comment.returns && !said) problems.push('no @returns');
  }
  return {
    path,
    name,
    params: fn.params.map((type, i) => ({
      name: named[i] ?? `arg${i + 1}`,
      type,
      text: comment?.params.get(named[i] ?? '') ?? shared.get(named[i] ?? '') ?? '',
    })),
    returns: { type: fn.returns, text: comment?.returns ?? '' },
    summary: comment?.summary ?? '',
    details: comment?.details ?? '',
    source: comment?.source ?? '',
    anytime: fn.anytime ?? false,
    async: fn.async ?? false,
    problems,
  };
}

function readTexts(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter(f => f.endsWith('.ts'))
    .sort()
    .map(f => readFileSync(path.join(folder, f), 'utf8'));
}
