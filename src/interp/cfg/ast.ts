/** What a routing block says: src/interp/cfg/parse.ts makes it of the block's tokens, compile.ts makes it run. */
import type { At } from '../../cfg/config.ts';
import type { ByteStr } from '../../core/memory.ts';

export type BinaryOp =
  | '||'
  | '&&'
  | '|'
  | '^'
  | '&'
  | '=='
  | '!='
  | '=~'
  | 'eq'
  | 'ne'
  | 'ieq'
  | 'ine'
  | '<'
  | '>'
  | '<='
  | '>='
  | '<<'
  | '>>'
  | '+'
  | '-'
  | '*'
  | '/'
  | 'mod';

export type UnaryOp = '!' | '-' | '~' | 'int' | 'str' | 'defined' | 'strlen' | 'strempty';

/** name(arg, ...): a command, a keyword of the language, or route(). */
export interface CallExpr {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Expr[];
  readonly at: At;
}

export interface BinaryExpr {
  readonly kind: 'binary';
  readonly op: BinaryOp;
  readonly left: Expr;
  readonly right: Expr;
  readonly at: At;
}

export interface UnaryExpr {
  readonly kind: 'unary';
  readonly op: UnaryOp;
  readonly of: Expr;
  readonly at: At;
}

export type Expr =
  | { readonly kind: 'int'; readonly value: number; readonly at: At }
  | { readonly kind: 'str'; readonly value: ByteStr; readonly at: At }
  /** word: a name that stands without quotes, where one may (a flag, a route) */
  | { readonly kind: 'word'; readonly value: ByteStr; readonly at: At }
  | { readonly kind: 'pv'; readonly spec: ByteStr; readonly at: At }
  | { readonly kind: 'null'; readonly at: At }
  /** uri, src_ip, msg:len ...: what the language has its own words for */
  | { readonly kind: 'field'; readonly name: string; readonly at: At }
  | { readonly kind: 'myself'; readonly at: At }
  /** an address or a network, as written */
  | { readonly kind: 'address'; readonly text: string; readonly at: At }
  | UnaryExpr
  | BinaryExpr
  | CallExpr;

export interface Case {
  /** undefined: default */
  readonly value?: Expr;
  /** written as /"regex" */
  readonly regex: boolean;
  readonly body: readonly Statement[];
  readonly at: At;
}

export type Statement =
  | { readonly kind: 'call'; readonly call: CallExpr; readonly at: At }
  | { readonly kind: 'assign'; readonly spec: ByteStr; readonly value: Expr; readonly at: At }
  | {
      readonly kind: 'if';
      readonly test: Expr;
      readonly then: readonly Statement[];
      readonly else: readonly Statement[];
      readonly at: At;
    }
  | { readonly kind: 'while'; readonly test: Expr; readonly body: readonly Statement[]; readonly at: At }
  | { readonly kind: 'switch'; readonly on: Expr; readonly cases: readonly Case[]; readonly at: At }
  | { readonly kind: 'return'; readonly value?: Expr; readonly at: At }
  | { readonly kind: 'break' | 'exit' | 'drop'; readonly at: At };
