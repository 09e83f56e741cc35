/**
 * Reads Lua source for its uses of KSR without running it: names that do not exist, functions that are not available, calls with too few or
 * too many arguments. A token scan, no parser: what it cannot see (KSR kept in another variable) is left to the running script.
 */
import type { Diagnostic } from '../../errors.ts';

/** What the linter knows of the KSR tree. Paths without 'KSR.'. */
export interface LintTree {
  /** parameter types, undefined when there is no such function */
  params(path: string): readonly string[] | undefined;
  /** whether KSR.<name> is the table of a loaded module */
  isModule(name: string): boolean;
  /** error text for what Kamailio has and we have not */
  unavailable(path: string): string | undefined;
  /** the existing name nearest to a misspelt one, with 'KSR.' */
  suggest(path: string): string | undefined;
}

interface Token {
  readonly text: string;
  readonly kind: 'name' | 'string' | 'number' | 'symbol';
  readonly line: number;
  readonly column: number;
}

const TOKEN =
  /--\[(=*)\[[\s\S]*?\]\1\]|--[^\n]*|\[(=*)\[[\s\S]*?\]\2\]|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|[A-Za-z_]\w*|0[xX][\da-fA-F.]+|\d[\w.]*|\.\.\.?|[^\s]/g;

/** KSR and the global that older scripts use for it */
const ROOTS = new Set(['KSR', 'sr']);
const X_FUNCTIONS = new Set(['modf', 'exit', 'drop', 'probe']);
const BLOCK_STARTS = new Set(['function', 'if', 'do', 'repeat']);
const BLOCK_ENDS = new Set(['end', 'until']);
/** Kamailio's limit on arguments */
const MAX_ARGUMENTS = 6;

/**
 * @param source Lua source as text  @param file name for the diagnostics
 * @returns errors for what cannot work, warnings for what fails only when it is reached; in file order
 */
export function lintLua(source: string, file: string, tree: LintTree): Diagnostic[] {
  const tokens = tokenize(source);
  const found: Diagnostic[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const root = tokens[i]!;
    const before = tokens[i - 1]?.text;
    if (root.kind !== 'name' || !ROOTS.has(root.text) || before === '.' || before === ':') continue;
    const names: Token[] = [];
    let next = i + 1;
    while (tokens[next]?.text === '.' && tokens[next + 1]?.kind === 'name' && names.length < 2) {
      names.push(tokens[next + 1]!);
      next += 2;
    }
    const at = names.at(-1);
    if (!at) continue;
    const finding = judge(names, tokens, next, tree);
    if (finding) found.push({ ...finding, file, line: at.line, column: at.column });
  }
  return found;
}

/** @param next index of the token behind the path */
function judge(
  names: readonly Token[],
  tokens: readonly Token[],
  next: number,
  tree: LintTree,
): Pick<Diagnostic, 'severity' | 'message'> | undefined {
  const path = names.map(n => n.text).join('.');
  const [first, second] = names;
  if (first!.text === 'x') {
    if (!second || X_FUNCTIONS.has(second.text)) return undefined;
    return { severity: 'error', message: `KSR.${path} does not exist: KSR.x has exit, drop, modf and probe` };
  }
  const params = tree.params(path);
  if (params) return judgeCall(path, params, callArguments(tokens, next));
  // `if KSR.auth then` and `local tm = KSR.tm` are always right: absent modules are nil, as in Kamailio
  if (!second && tokens[next]?.text !== '(') {
    if (tree.isModule(first!.text) || tree.unavailable(`${first!.text}.?`)) return undefined;
  }
  const absent = tree.unavailable(path);
  if (absent) return { severity: 'warning', message: absent };
  const near = tree.suggest(path);
  return { severity: 'error', message: `KSR.${path} does not exist${near ? `, did you mean ${near}` : ''}` };
}

function judgeCall(
  path: string,
  params: readonly string[],
  given: number | undefined,
): Pick<Diagnostic, 'severity' | 'message'> | undefined {
  if (given === undefined || given === params.length) return undefined;
  const takes = `KSR.${path} takes ${params.length ? `(${params.join(', ')})` : 'no parameters'}, ${given} given`;
  const refused = given < params.length || given > MAX_ARGUMENTS || params.length === 0;
  return refused
    ? { severity: 'error', message: `${takes}: it would return false` }
    : { severity: 'warning', message: `${takes}: the rest is ignored` };
}

/** Number of arguments of the call that starts at token `at`; undefined when it is no call, or passes on as many values as another call gives. */
function callArguments(tokens: readonly Token[], at: number): number | undefined {
  const open = tokens[at];
  if (open?.kind === 'string') return 1;
  if (open?.text !== '(') return undefined;
  let depth = 0;
  let blocks = 0;
  let count = 1;
  for (let i = at; i < tokens.length; i++) {
    const { text, kind } = tokens[i]!;
    if (kind === 'name') {
      if (BLOCK_STARTS.has(text)) blocks++;
      else if (BLOCK_ENDS.has(text)) blocks--;
    }
    if (kind !== 'symbol') continue;
    if (text === '(' || text === '{' || text === '[') depth++;
    else if (text === ')' || text === '}' || text === ']') {
      if (--depth > 0) continue;
      const last = tokens[i - 1]!;
      if (last === open) return 0;
      return last.text === ')' || last.text === '...' ? undefined : count;
    } else if (text === ',' && depth === 1 && blocks === 0) count++;
  }
  return undefined;
}

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let lineStart = 0;
  let seen = 0;
  for (const match of source.matchAll(TOKEN)) {
    for (let n = source.indexOf('\n', seen); n >= 0 && n < match.index; n = source.indexOf('\n', n + 1)) {
      line++;
      lineStart = n + 1;
    }
    seen = match.index;
    const text = match[0];
    if (text.startsWith('--')) continue;
    const kind = /^["']|^\[=*\[/.test(text)
      ? 'string'
      : /^[A-Za-z_]/.test(text)
        ? 'name'
        : /^\d/.test(text)
          ? 'number'
          : 'symbol';
    tokens.push({ text, kind, line, column: match.index - lineStart + 1 });
  }
  return tokens;
}
