/**
 * Reads a config as tokens: comments and excluded regions gone, files included, defines replaced, #!subst done in strings. What it reads is limited in every
 * direction (include depth, file size, defines in defines, tokens), so that no config keeps it busy for ever.
 */
import { type ByteStr, byteStr, byteStrOf, utf8Of } from '../core/memory.ts';
import type { At, ConfigHost, Token } from './config.ts';
import type { Diagnostics } from './diagnostics.ts';
import { type DEFINES, DIRECTIVE, type Directive, INCLUDE_WORD, misspelt, predefined } from './directives.ts';
import { ExpressionError, evaluate, textOf, truth } from './expression.ts';
import * as limits from './limits.ts';
import { Regions } from './regions.ts';
import { Scanner } from './scanner.ts';
import { readString } from './strings.ts';
import { parseSubstitution, type Substitution, SubstitutionError, substitute } from './substitution.ts';
import { DefineUses } from './unused-defines.ts';

const BLANKS = /(?:[ \t\r\b\f\v]|\\\r?\n)+/y;
const WORD = /\w+/y;
const OPERATORS = ['==', '!=', '=~', '!~', '<=', '>=', '&&', '||', '<<', '>>', '=>', ':='] as const;

/** Thrown to stop reading; what is wrong was reported. */
export class Stop extends Error {}

export class Preprocessor {
  readonly files: string[] = [];
  readonly defines = new Map<string, ByteStr>();
  readonly uses = new DefineUses();
  readonly #host: ConfigHost;
  readonly #found: Diagnostics;
  readonly #keywords: (word: string) => boolean;
  readonly #sources: Scanner[] = [];
  readonly #regions: Regions;
  readonly #substitutions: Substitution[] = [];
  #includes = 0;
  #tokens = 0;
  #expansions = 0;
  #expanded = 0;
  #unclosed = 0;
  #glued = false;
  #first = true;
  #last: At;

  /** @param keywords words of the config's own language, which no define replaces */
  constructor(
    source: Uint8Array,
    file: string,
    host: ConfigHost,
    found: Diagnostics,
    keywords: (word: string) => boolean,
  ) {
    this.#host = host;
    this.#found = found;
    this.#regions = new Regions(found);
    this.#keywords = keywords;
    this.#last = { file, line: 1, column: 1 };
    for (const [name, value] of predefined(host.os)) this.defines.set(name, value);
    for (const [name, value] of Object.entries(host.defines ?? {})) this.defines.set(name, byteStrOf(value));
    this.files.push(file);
    this.#push(this.#scanner(source, file));
  }

  /** Where the last token stood. */
  get last(): At {
    return this.#last;
  }

  /** @throws Stop */
  next(): Token {
    const token = this.#read();
    this.#last = token;
    if (++this.#tokens > limits.MAX_TOKENS) this.#stop(token, `the config has more than ${limits.MAX_TOKENS} words`);
    return token;
  }

  /** Says that a module is loaded: MOD_name is defined from here on. */
  loaded(module: string): void {
    this.defines.set(`MOD_${module}`, '');
  }

  /** Value of $env(name), $def(name) or $defv(name); undefined when there is none. */
  variable(kind: string, name: string): ByteStr | undefined {
    if (kind === 'env') return this.#env(name);
    const value = this.defines.get(name);
    return kind === 'defv' ? value?.replace(/^(["'])(.*)\1$/s, '$2') : value;
  }

  #read(): Token {
    this.#glued = true;
    for (;;) {
      const source = this.#sources.at(-1);
      if (!source) return this.#end();
      if (this.#regions.skipping) this.#regions.skip(source);
      if (source.done) {
        this.#pop(source);
        continue;
      }
      const c = source.peek();
      const blank = source.match(BLANKS);
      if (blank) {
        source.to(source.at + blank[0].length);
        this.#glued = false;
      } else if (c === '\n') {
        source.to(source.at + 1);
        this.#glued = false;
        this.#first = true;
      } else if (this.#comment(source, c) || this.#directive(source)) {
        this.#glued = false;
      } else {
        const token = this.#token(source, c);
        if (token) {
          this.#first = false;
          return token;
        }
      }
    }
  }

  #end(): Token {
    this.#regions.end();
    return { ...this.#last, kind: 'end', text: '', glued: false, first: true };
  }

  /** @returns undefined when the word was a define or the character was refused */
  #token(source: Scanner, c: string): Token | undefined {
    const at = source.where();
    const make = (kind: Token['kind'], text: ByteStr): Token => ({
      ...at,
      kind,
      text,
      glued: this.#glued,
      first: this.#first,
    });
    if (c === '"' || c === "'") return make('string', this.#string(source));
    if (c === '$') return make('pv', this.#variable(source, at));
    const word = source.match(WORD)?.[0];
    if (word !== undefined) {
      source.to(source.at + word.length);
      if (/^(0[xX][\da-fA-F]+|\d+)$/.test(word)) return make('number', word);
      const value = this.#keywords(word) ? undefined : this.defines.get(word);
      if (value === undefined || value === '') return make('word', word);
      this.#expand(word, value, source, at);
      return undefined;
    }
    const operator = OPERATORS.find(o => source.starts(o));
    if (operator) {
      source.to(source.at + 2);
      return make('symbol', operator);
    }
    source.to(source.at + 1);
    if (/[!-~]/.test(c)) return make('symbol', c);
    this.#found.error(
      at,
      `character 0x${c.charCodeAt(0).toString(16).padStart(2, '0')} makes no sense outside of a string`,
    );
    return undefined;
  }

  /** `$name`, `$name(...)`, `$(name(...)[...]{...})`, with everything between the brackets. */
  #variable(source: Scanner, where: At): ByteStr {
    const { text, at: start } = source;
    source.to(start + 1);
    source.to(source.at + source.match(/[\w.?]*/y)![0].length);
    if (source.peek() !== '(') return text.slice(start, source.at);
    const end = Math.min(text.length, start + limits.MAX_VARIABLE_BYTES);
    let depth = 0;
    let at = source.at;
    for (; at < end && text[at] !== '\n'; at++) {
      if (text[at] === '(') depth++;
      else if (text[at] === ')' && --depth === 0) break;
    }
    if (at < end && text[at] === ')') source.to(at + 1);
    else {
      // Not closed on this line: the bracket is a token of its own.
      this.#unclosed += at - start;
      if (this.#unclosed > limits.MAX_UNCLOSED_BYTES)
        this.#stop(where, 'too many brackets of variables are not closed');
    }
    return text.slice(start, source.at);
  }

  #expand(word: string, value: ByteStr, source: Scanner, at: At): void {
    const open = this.#sources.filter(s => s.define).map(s => s.define);
    if (open.includes(word)) this.#stop(at, `define ${word} contains itself: ${[...open, word].join(' -> ')}`);
    if (open.length >= limits.MAX_DEFINE_DEPTH)
      this.#stop(at, `defines use defines more than ${limits.MAX_DEFINE_DEPTH} levels deep`);
    if (++this.#expansions > limits.MAX_EXPANSIONS)
      this.#stop(at, `defines are used more than ${limits.MAX_EXPANSIONS} times`);
    this.#expanded += value.length;
    if (this.#expanded > limits.MAX_EXPANDED_BYTES)
      this.#stop(at, `defines come to more than ${limits.MAX_EXPANDED_BYTES >> 20} MiB`);
    this.#sources.push(new Scanner(value, source.file, word, at));
  }

  /** A string; in double quotes also those that follow it with nothing but blanks between, as one. */
  #string(source: Scanner): ByteStr {
    const quote = source.peek();
    let text = '';
    for (let from: Scanner | undefined = source; from; from = quote === '"' ? this.#nextString() : undefined) {
      const at = from.where();
      const part = readString(from);
      if (part === undefined) {
        this.#found.error(at, `the string that starts here is not closed: a ${quote} is missing`);
        return text;
      }
      text += this.#substituted(part, at);
    }
    return text;
  }

  /** The source whose next character starts one more string; undefined, and nothing but the ends of defines taken, when there is none. */
  #nextString(): Scanner | undefined {
    let source = this.#sources.at(-1)!;
    while (source.define && source.done) {
      this.#sources.pop();
      source = this.#sources.at(-1)!;
    }
    const next = source.match(/[ \t\r\n]*"/y);
    if (!next) return undefined;
    source.to(source.at + next[0].length - 1);
    return source;
  }

  #substituted(text: ByteStr, at: At): ByteStr {
    for (const rule of this.#substitutions) {
      try {
        text = substitute(text, rule);
      } catch (error) {
        if (!(error instanceof SubstitutionError)) throw error;
        this.#found.error(at, `cannot apply #!subst "${utf8Of(rule.source)}": ${error.message}`);
      }
    }
    return text;
  }

  /** @returns whether there was one */
  #comment(source: Scanner, c: string): boolean {
    if (c === '/' && source.peek(1) === '*') {
      this.#blockComment(source);
      return true;
    }
    const hash = c === '#' && (source.peek(1) !== '!' || !source.match(DIRECTIVE));
    if (!hash && !(c === '/' && source.peek(1) === '/')) return false;
    const at = source.where();
    const line = source.restOfLine();
    const odd = hash && line[1] === '!' ? misspelt(line.slice(2)) : undefined;
    if (odd) this.#found.warning(at, odd);
    // In the value of a define: the rest of the line that uses it is comment too.
    while (this.#sources.length > 1 && this.#sources.at(-1)!.define && this.#sources.at(-1)!.done) {
      this.#sources.pop();
      this.#sources.at(-1)!.restOfLine();
    }
    return true;
  }

  /** Comments nest, as in Kamailio. */
  #blockComment(source: Scanner): void {
    const at = source.where();
    let depth = 0;
    const marks = /\/\*|\*\//g;
    marks.lastIndex = source.at;
    for (let mark = marks.exec(source.text); mark; mark = marks.exec(source.text)) {
      depth += mark[0] === '/*' ? 1 : -1;
      if (depth > 0) continue;
      source.to(marks.lastIndex);
      return;
    }
    source.to(source.text.length);
    this.#found.error(at, 'the comment that starts here is not closed: comments nest, each /* needs its */');
  }

  /** @returns whether there was one */
  #directive(source: Scanner): boolean {
    const plain = source.match(INCLUDE_WORD);
    const match = plain ?? source.match(DIRECTIVE);
    if (!match) return false;
    const name = match[1] as Directive;
    const at = source.where();
    source.to(source.at + match[0].length);
    switch (name) {
      case 'include_file':
      case 'import_file':
        this.#include(source, name, at);
        break;
      case 'ifdef':
      case 'ifndef':
      case 'ifexp':
        this.#regions.open(at, this.#holds(source, name, at));
        break;
      case 'else':
      case 'endif':
        source.restOfLine();
        this.#regions.turn(name, at);
        break;
      case 'subst':
      case 'substdef':
      case 'substdefs':
        this.#subst(source, name, at);
        break;
      case 'defexp':
      case 'defexps':
        this.#defineExpression(source, name, at);
        break;
      case 'defenv':
      case 'defenvs':
      case 'trydefenv':
      case 'trydefenvs':
        this.#defineEnv(source, name, at);
        break;
      default:
        this.#defineText(source, name, at);
    }
    return true;
  }

  #defineText(source: Scanner, directive: (typeof DEFINES)[number], at: At): void {
    const match = /^[ \t]+([A-Za-z_]\w*)([\s\S]*)$/.exec(source.restOfLines());
    const [, name, rest] = match ?? [];
    if (name === undefined || rest === undefined || (rest !== '' && !/^\s/.test(rest))) {
      this.#found.error(at, `#!${directive} needs a name of letters, digits and _, and a blank before its value`);
      return;
    }
    this.uses.define(name, at);
    if (this.defines.has(name)) {
      if (directive.startsWith('try')) return;
      if (directive.startsWith('def')) {
        this.#found.error(at, `${name} is defined already: write #!redefine to change it, #!trydef to keep what it is`);
        return;
      }
    }
    this.#define(name, rest.trim(), at);
  }

  #define(name: string, value: ByteStr, at: At): void {
    if (!this.defines.has(name) && this.defines.size >= limits.MAX_DEFINES)
      this.#stop(at, `there are more than ${limits.MAX_DEFINES} defines`);
    this.defines.set(name, value);
  }

  #defineEnv(source: Scanner, directive: string, at: At): void {
    const match = /^[ \t]+([A-Za-z_]\w*)(?:=([A-Za-z_]\w*))?[ \t\r]*$/.exec(source.restOfLine());
    if (!match) {
      this.#found.error(at, `write #!${directive} NAME or #!${directive} ID=NAME, NAME being an environment variable`);
      return;
    }
    const [, name, variable = name!] = match as unknown as [string, string, string?];
    const value = this.#env(variable);
    if (value === undefined) {
      if (!directive.startsWith('try'))
        this.#found.error(at, `the environment has no variable ${variable}: set it, or write #!try${directive}`);
      return;
    }
    if (this.defines.has(name)) {
      if (directive.startsWith('try')) return;
      this.#found.error(at, `${name} is defined already`);
    } else this.#define(name, directive.endsWith('s') ? `"${value}"` : value, at);
  }

  #defineExpression(source: Scanner, directive: string, at: At): void {
    const match = /^[ \t]+([A-Za-z_]\w*)[ \t]+(\S.*)$/.exec(source.restOfLine().trimEnd());
    if (!match) {
      this.#found.error(at, `write #!${directive} NAME EXPRESSION`);
      return;
    }
    const [, name, text] = match as unknown as [string, string, string];
    if (this.defines.has(name)) this.#found.error(at, `${name} is defined already`);
    const value = this.#evaluate(text, directive, at);
    if (value === undefined || this.defines.has(name)) return;
    this.#define(name, directive === 'defexps' ? `"${textOf(value)}"` : textOf(value), at);
  }

  #evaluate(text: ByteStr, directive: string, at: At): number | ByteStr | undefined {
    try {
      return evaluate(text.replace(/(^|[ \t])(#|\/\/).*$/, ''), name => this.defines.get(name));
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      this.#found.error(at, `cannot evaluate the expression of #!${directive}: ${error.message}`);
      return undefined;
    }
  }

  #subst(source: Scanner, directive: string, at: At): void {
    const blank = source.match(/[ \t]+(["'])/y);
    if (!blank) {
      source.restOfLine();
      this.#found.error(
        at,
        `#!${directive} needs its rule in quotes: write #!${directive} "/regexp/replacement/flags"`,
      );
      return;
    }
    source.to(source.at + blank[0].length - 1);
    const text = this.#string(source);
    source.restOfLine();
    try {
      const rule = parseSubstitution(text, name => this.#env(name));
      if (directive !== 'subst') {
        if (!/^[A-Za-z_]\w*$/.test(rule.source))
          throw new SubstitutionError(`"${utf8Of(rule.source)}" is no name, and #!${directive} defines one`);
        if (this.defines.has(rule.source)) throw new SubstitutionError(`${rule.source} is defined already`);
        this.#define(rule.source, directive === 'substdefs' ? `"${rule.replacement}"` : rule.replacement, at);
      }
      if (this.#substitutions.length === limits.MAX_SUBSTITUTIONS)
        throw new SubstitutionError(`there are more than ${limits.MAX_SUBSTITUTIONS} of them`);
      this.#substitutions.push(rule);
    } catch (error) {
      if (!(error instanceof SubstitutionError)) throw error;
      this.#found.error(at, `cannot use #!${directive} "${utf8Of(text)}": ${error.message}`);
    }
  }

  #holds(source: Scanner, directive: 'ifdef' | 'ifndef' | 'ifexp', at: At): boolean {
    const line = source.restOfLine();
    if (directive === 'ifexp') return truth(this.#evaluate(line.trim(), directive, at) ?? 0);
    const name = /^[ \t]+(\w+)/.exec(line)?.[1];
    if (!name) this.#found.error(at, `#!${directive} needs a name`);
    return name !== undefined && this.defines.has(name) === (directive === 'ifdef');
  }

  #include(source: Scanner, directive: 'include_file' | 'import_file', at: At): void {
    const quote = source.match(/[ \t]*"/y);
    if (!quote) {
      const rest = source.restOfLine().trim();
      this.#found.error(at, `the name of the file must be in double quotes: ${directive} "FILE", not ${utf8Of(rest)}`);
      return;
    }
    source.to(source.at + quote[0].length - 1);
    const name = utf8Of(this.#string(source));
    const depth = this.#sources.filter(s => !s.define).length;
    if (depth > limits.MAX_INCLUDE_DEPTH)
      this.#stop(
        at,
        `cannot include "${name}": files include files more than ${limits.MAX_INCLUDE_DEPTH} levels deep, perhaps themselves`,
      );
    if (++this.#includes > limits.MAX_INCLUDES) this.#stop(at, `more than ${limits.MAX_INCLUDES} files are included`);
    if (name === '' || name.includes('\0')) {
      this.#found.error(at, `${directive} has no file name`);
      return;
    }
    const folder = /^(.*\/)[^/]*$/.exec(source.file)?.[1];
    const paths = name.startsWith('/') || folder === undefined ? [name] : [name, folder + name];
    for (const path of new Set(paths)) {
      let bytes: Uint8Array | undefined;
      try {
        bytes = this.#host.readFile(path);
      } catch (error) {
        this.#found.error(at, `cannot read "${path}": ${error instanceof Error ? error.message : String(error)}`);
        return;
      }
      if (!this.files.includes(path)) this.files.push(path);
      if (!bytes) continue;
      this.#push(this.#scanner(bytes, path));
      return;
    }
    if (directive === 'include_file')
      this.#found.error(
        at,
        `cannot include "${name}": there is no such file${paths.length > 1 ? ` here or in ${folder}` : ''}; import_file would go on without it`,
      );
  }

  #scanner(bytes: Uint8Array, file: string): Scanner {
    if (bytes.length > limits.MAX_FILE_BYTES)
      this.#stop({ file, line: 0, column: 0 }, `the file is larger than ${limits.MAX_FILE_BYTES >> 20} MiB`);
    const text = byteStr(bytes);
    this.uses.file(text);
    // a byte order mark is no part of the text
    return new Scanner(text.startsWith('\xef\xbb\xbf') ? text.slice(3) : text, file);
  }

  #push(source: Scanner): void {
    this.#sources.push(source);
    this.#first = true;
    this.#glued = false;
  }

  #pop(source: Scanner): void {
    this.#sources.pop();
    if (source.define) return;
    this.#first = true;
    this.#glued = false;
  }

  #env(name: string): ByteStr | undefined {
    const { env = {} } = this.#host;
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    return value === undefined ? undefined : byteStrOf(value);
  }

  #stop(at: At, message: string): never {
    this.#found.error(at, message);
    throw new Stop(message);
  }
}
