/** Reads a kamailio.cfg: statements out of tokens. It goes on behind a mistake, so that all of a file's mistakes are told at once. Pure. */
import { type ByteStr, utf8Of } from '../core/memory.ts';
import type {
  At,
  ConfigHost,
  CoreSetting,
  CustomSetting,
  KamailioConfig,
  ModparamSetting,
  ModuleSetting,
  RouteBlock,
  Token,
  Value,
} from './config.ts';
import { Diagnostics } from './diagnostics.ts';
import { booleanWord, closestParameter, isKeyword, maySign, type Parameter, parameter, ROUTES } from './parameters.ts';
import { Addresses } from './parser-addresses.ts';
import { Preprocessor, Stop } from './preprocessor.ts';
import { evaluateText } from './start-variables.ts';
import { Mistake, Tokens } from './tokens.ts';

/**
 * Reads a config and the files it includes.
 * @param source bytes of the file  @param file its path: shown in diagnostics; includes are looked for in its folder
 * @returns what it says; with an error among its diagnostics it must not be used
 */
export function parseConfig(source: Uint8Array, file: string, host: ConfigHost): KamailioConfig {
  return new Parser(source, file, host).parse();
}

class Parser {
  readonly #file: string;
  readonly #found = new Diagnostics();
  readonly #reader: Preprocessor | undefined;
  readonly #tokens: Tokens;
  readonly #addresses: Addresses;
  readonly #settings: CoreSetting[] = [];
  readonly #modules: ModuleSetting[] = [];
  readonly #modparams: ModparamSetting[] = [];
  readonly #routes: RouteBlock[] = [];
  readonly #custom: CustomSetting[] = [];
  readonly #flagNames = new Map<string, number>();
  #engine: KamailioConfig['engine'];

  constructor(source: Uint8Array, file: string, host: ConfigHost) {
    this.#file = file;
    try {
      this.#reader = new Preprocessor(source, file, host, this.#found, isKeyword);
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
    }
    this.#tokens = new Tokens(this.#reader);
    this.#addresses = new Addresses(this.#tokens, this.#found);
  }

  parse(): KamailioConfig {
    try {
      while (!this.#found.full && this.#tokens.peek().kind !== 'end') this.#statement();
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
    }
    const engine = this.#engine;
    return {
      file: this.#file,
      files: this.#reader?.files ?? [this.#file],
      settings: this.#settings,
      listen: this.#addresses.listen,
      aliases: this.#addresses.aliases,
      modules: this.#modules,
      modparams: this.#modparams,
      ...(engine && { engine }),
      routes: this.#routes,
      custom: this.#custom,
      flags: this.#flagNames,
      unusedDefines: this.#reader?.uses.unused() ?? [],
      defines: Object.fromEntries(this.#reader?.defines ?? []),
      diagnostics: this.#found.found,
    };
  }

  #statement(): void {
    const start = this.#tokens.next();
    try {
      if (start.text === ';' && start.kind === 'symbol') return;
      if (start.kind !== 'word')
        throw new Mistake(
          start,
          `"${shown(start)}" makes no sense here: a parameter, loadmodule, modparam or a routing block is expected`,
        );
      this.#word(start);
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      this.#found.error(error.at, error.message);
      this.#recover(error.at);
    }
  }

  /** Goes on at the next line that may start a statement; what stands in braces is left out. */
  #recover({ line, column, file }: At): void {
    const culprit = this.#tokens.peek();
    const same = culprit.line === line && culprit.column === column && culprit.file === file;
    if (same && !isKeyword(culprit.text) && culprit.text !== '{') this.#tokens.next();
    for (let depth = 0; ; ) {
      const token = this.#tokens.peek();
      if (token.kind === 'end') return;
      if (depth === 0 && token.first && token.kind === 'word') return;
      if (token.kind === 'symbol' && token.text === '{') depth++;
      else if (token.kind === 'symbol' && token.text === '}' && depth > 0) depth--;
      this.#tokens.next();
    }
  }

  #word(start: Token): void {
    const { text } = start;
    if ((ROUTES as readonly string[]).includes(text)) {
      this.#route(start);
      return;
    }
    switch (text) {
      case 'loadmodule':
      case 'loadmodulex':
        this.#loadmodule(start);
        return;
      case 'modparam':
      case 'modparamx':
        this.#modparam(start);
        return;
      case 'loadpath':
      case 'mpath':
        this.#tokens.accept('=');
        this.#tokens.string(`${text} needs a folder in quotes`);
        return;
      case 'cfgengine':
        this.#tokens.accept('=');
        this.#engine = {
          name: this.#tokens.string('cfgengine needs the name of an engine in quotes: cfgengine "lua"').text,
          loaded: this.#modules.length,
          at: start,
        };
        return;
      case 'listen':
        this.#tokens.expect('=', start);
        this.#addresses.readListen(start);
        return;
      case 'socket':
        this.#tokens.expect('=', start);
        this.#addresses.readSocket(start);
        return;
      case 'alias':
      case 'domain':
        this.#tokens.expect('=', start);
        this.#addresses.readAliases(start);
        return;
      case 'flags':
      case 'avpflags':
        this.#flags(text === 'flags');
        return;
      case 'coreparam':
        this.#coreparam(start);
        return;
      default:
        this.#setting(start);
        return;
    }
  }

  #loadmodule(start: Token): void {
    const bracket = this.#tokens.accept('(');
    const path = this.#evaluated(start, this.#tokens.string(`${start.text} needs the name of a module in quotes`));
    let options = '';
    if (bracket) {
      if (this.#tokens.accept(',')) options = this.#tokens.string('the options of loadmodule are a string').text;
      this.#tokens.expect(')', start);
    }
    const component = /\.wasm$/i.test(path.text);
    const [, file = ''] = /([^/]*?)(?:\.so)?$/.exec(path.text)!;
    const name = component ? file.replace(/\..*$/, '').replaceAll('-', '_') : file;
    if (!/^\w+$/.test(name)) throw new Mistake(path, `"${utf8Of(path.text)}" is no name of a module`);
    if (this.#modules.some(m => m.name === name)) {
      if (/o/i.test(options)) return;
      throw new Mistake(path, `module ${name} is loaded already`);
    }
    this.#modules.push({ name, at: at(path), ...(component && { component: utf8Of(path.text) }) });
    this.#reader?.loaded(name);
  }

  #modparam(start: Token): void {
    this.#tokens.expect('(', start);
    const modules = this.#evaluated(start, this.#tokens.string('modparam needs the name of a module in quotes'));
    this.#tokens.expect(',', start);
    const name = this.#evaluated(start, this.#tokens.string('modparam needs the name of a parameter in quotes'));
    this.#tokens.expect(',', start);
    const first = this.#tokens.peek();
    const value = first.kind === 'string' ? this.#evaluated(start, this.#tokens.next()).text : this.#value();
    if (value === undefined) {
      const hint = first.kind === 'word' ? `: it is no define and no number, write it in quotes if it is a text` : '';
      throw new Mistake(first, `the value of modparam is a number or a string, not "${shown(first)}"${hint}`);
    }
    this.#tokens.expect(')', start);
    this.#modparams.push({
      modules: modules.text,
      name: name.text,
      value,
      loaded: this.#modules.length,
      at: at(name),
    });
  }

  /** A string argument with its variables replaced, where the statement is the form that does so. */
  #evaluated(start: Token, token: Token): Token {
    if (!start.text.endsWith('x')) return token;
    try {
      return { ...token, text: evaluateText(token.text, (kind, name) => this.#reader?.variable(kind, name)) };
    } catch (error) {
      throw new Mistake(token, `cannot evaluate "${shown(token)}": ${(error as Error).message}`);
    }
  }

  /** A number, a boolean word, or a string; undefined (nothing taken) for anything else. */
  #value(): Value | undefined {
    const token = this.#tokens.peek();
    const minus = token.kind === 'symbol' && token.text === '-';
    const number = minus ? this.#tokens.peek(1) : token;
    if (number.kind === 'number') {
      if (minus) this.#tokens.next();
      this.#tokens.next();
      return (minus ? -1 : 1) * integer(number);
    }
    if (token.kind === 'string') return this.#tokens.next().text;
    const word = token.kind === 'word' ? booleanWord(token.text) : undefined;
    if (word !== undefined) this.#tokens.next();
    return word;
  }

  #setting(start: Token): void {
    const dot = this.#tokens.peek();
    if (dot.text === '.' && dot.glued && dot.kind === 'symbol') {
      this.#grouped(start);
      return;
    }
    const known = parameter(start.text);
    if (!known) {
      if (this.#tokens.peek().text !== '=')
        throw new Mistake(start, `"${start.text}" is unknown${didYouMean(start.text)}`);
      this.#found.warning(start, `core parameter "${start.text}" is unknown and is ignored${didYouMean(start.text)}`);
      this.#restOfStatement(start);
      return;
    }
    if (known.type === 'other') {
      this.#restOfStatement(start);
      return;
    }
    this.#tokens.expect('=', start);
    this.#settings.push({ name: known.name, value: this.#typed(start, known), at: at(start) });
  }

  /** `kemi.name = value`, or `group.name = value desc "..."`: a parameter that the config makes. */
  #grouped(start: Token): void {
    this.#tokens.next();
    const name = this.#tokens.next();
    if (name.kind !== 'word')
      throw new Mistake(name, `behind "${start.text}." a name is expected, not "${shown(name)}"`);
    const full = `${start.text}.${name.text}`;
    const known = parameter(full);
    if (known) {
      this.#tokens.expect('=', start);
      this.#settings.push({ name: known.name, value: this.#typed(start, known), at: at(start) });
      return;
    }
    if (start.text === 'kemi') {
      this.#found.warning(start, `core parameter "${full}" is unknown and is ignored${didYouMean(full)}`);
      this.#restOfStatement(start);
      return;
    }
    this.#tokens.expect('=', start);
    const token = this.#tokens.peek();
    const value = this.#value();
    if (value === undefined) throw new Mistake(token, `${full} needs a number or a string, not "${shown(token)}"`);
    let description: ByteStr | undefined;
    const word = this.#tokens.peek();
    if (word.kind === 'word' && ['desc', 'descr', 'description'].includes(word.text)) {
      this.#tokens.next();
      description = this.#tokens.string(`${word.text} needs a text in quotes`).text;
    }
    this.#custom.push({
      group: start.text,
      name: name.text,
      value,
      ...(description !== undefined && { description }),
      at: at(start),
    });
  }

  #typed(start: Token, { name, type }: Parameter): Value {
    const token = this.#tokens.peek();
    if (type === 'name' && token.kind !== 'string') return this.#tokens.bare(start);
    const value = this.#value();
    const wanted = type === 'string' || type === 'name' ? 'string' : 'number';
    if (typeof value === 'number' && value < 0 && token.text === '-' && !maySign(name))
      throw new Mistake(token, `${start.text} takes no negative number`);
    if (typeof value === wanted) return value!;
    if (value === undefined) this.#tokens.next();
    const what =
      wanted === 'string'
        ? 'a string in quotes'
        : type === 'bool'
          ? 'yes, no, or a number'
          : 'a number, without quotes';
    throw new Mistake(token, `${start.text} needs ${what}, not "${shown(token)}"`);
  }

  /** Takes what is left of a statement whose value nobody needs: all of its line. */
  #restOfStatement(start: Token): void {
    this.#tokens.expect('=', start);
    let token = this.#tokens.next();
    if (token.kind === 'end') throw new Mistake(token, `${start.text} needs a value`);
    while (token.text !== ';') {
      token = this.#tokens.peek();
      if (token.first || token.kind === 'end') return;
      this.#tokens.next();
    }
  }

  /** `flags NAME:bit, NAME;`: named flags of native routing blocks */
  #flags(ofMessages: boolean): void {
    const names = ofMessages ? this.#flagNames : new Map<string, number>();
    for (;;) {
      const name = this.#tokens.next();
      if (name.kind !== 'word' && name.kind !== 'string') throw new Mistake(name, 'the name of a flag is expected');
      if (this.#tokens.accept(':')) {
        const bit = this.#tokens.next();
        if (bit.kind !== 'number' || integer(bit) > 31)
          throw new Mistake(bit, `flag ${name.text} needs a bit from 0 to 31, not "${shown(bit)}"`);
        names.set(name.text, integer(bit));
      } else {
        // the first bit that no name has
        const taken = new Set(names.values());
        let free = 0;
        while (taken.has(free)) free++;
        if (free > 31) throw new Mistake(name, `there is no bit left for flag ${name.text}: a message has 32`);
        names.set(name.text, free);
      }
      if (!this.#tokens.accept(',')) return;
    }
  }

  #coreparam(start: Token): void {
    this.#tokens.expect('[', start);
    const name = this.#tokens.next();
    if (name.kind !== 'word' && name.kind !== 'string')
      throw new Mistake(name, `coreparam needs a name in its brackets, not "${shown(name)}"`);
    this.#tokens.expect(']', start);
    if (!['random_engine', 'timer_sanity_check'].includes(name.text))
      this.#found.warning(name, `coreparam "${utf8Of(name.text)}" is unknown and is ignored`);
    this.#restOfStatement(start);
  }

  #route(start: Token): void {
    let name = '';
    if (this.#tokens.accept('[')) {
      for (
        let token = this.#tokens.next();
        token.text !== ']' || token.kind !== 'symbol';
        token = this.#tokens.next()
      ) {
        if (token.kind === 'end' || token.text === '{')
          throw new Mistake(start, `the name of this ${start.text} is not closed: a "]" is missing`);
        name += token.text;
      }
    }
    const open = this.#tokens.next();
    if (open.text !== '{') throw new Mistake(open, `${start.text} needs its actions in braces, not "${shown(open)}"`);
    const body: Token[] = [];
    for (let depth = 1; ; ) {
      const token = this.#tokens.next();
      if (token.kind === 'end') throw new Mistake(open, `this ${start.text} is not closed: a "}" is missing`);
      if (token.kind === 'symbol' && token.text === '{') depth++;
      else if (token.kind === 'symbol' && token.text === '}' && --depth === 0) break;
      body.push(token);
    }
    // the first block of all has this number
    if (start.text === 'route' && name === '0') name = '';
    const kind = start.text === 'main_route' || (start.text === 'route' && name === '') ? 'request_route' : start.text;
    const same = this.#routes.find(r => r.kind === kind && r.name === name);
    if (same)
      this.#found.error(
        start,
        `this ${start.text}${name && `[${name}]`} is there already, in ${same.at.file}:${same.at.line}`,
      );
    else this.#routes.push({ kind, name, body, at: at(start) });
  }
}

/** A position alone: tokens would keep more alive than is needed. */
const at = ({ file, line, column }: At): At => ({ file, line, column });

/** A token for a message. */
export function shown(token: Token): string {
  if (token.kind === 'end') return 'the end of the file';
  const text = utf8Of(token.text);
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

function didYouMean(name: string): string {
  const near = closestParameter(name);
  return near ? `, did you mean ${near}` : '';
}

/** A number's value in 32 bits, as Kamailio reads it: hexadecimal behind 0x, octal behind 0. */
function integer(token: Token): number {
  const { text } = token;
  const value = /^0[xX]/.test(text)
    ? Number.parseInt(text.slice(2), 16)
    : /^0[0-7]+$/.test(text)
      ? Number.parseInt(text, 8)
      : Number.parseInt(text, 10);
  if (value > 0xffffffff) throw new Mistake(token, `${text} is too large: a number has 32 bits`);
  return value | 0;
}
