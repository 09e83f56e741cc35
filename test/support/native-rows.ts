/**
 * What Kamailio answered in its native language, and the configs that ask it: test/fixtures/native/*.jsonl. test/interop/native-language.test.ts records them
 * (UPDATE_GOLDEN=1) and holds the real one to them.
 */
import { readFileSync } from 'node:fs';

export interface ExpressionRow {
  readonly expression: string;
  /** it does not load */
  readonly error?: true;
  /** what is assigned; null: undefined; 'none': the assignment is left out */
  readonly value?: string | null;
  /** whether if() takes it for true */
  readonly true?: boolean;
}

export interface StatementRow {
  /** the body of a route block; xlog lines between two @@ are compared */
  readonly statements: string;
  readonly said: string[];
}

export const fixture = (name: string): URL => new URL(`../fixtures/native/${name}`, import.meta.url);

function rowsOf<T>(name: string): T[] {
  const lines = readFileSync(fixture(name), 'utf8').trim().split('\n');
  return lines.map(line => JSON.parse(line) as T);
}

export const expressionRows = (): ExpressionRow[] => rowsOf('expressions.jsonl');
export const statementRows = (): StatementRow[] => rowsOf('statements.jsonl');

const SETTINGS = `
flags FLT:5
request_route {
	$var(i)=5; $var(zero)=0; $var(s)="abc"; $var(s5)="5"; $var(n)=$null; $avp(i)=7; $avp(s)="hey";
	$var(a1)="2"; $var(a2)="abc"; $var(a3)="0x10"; $var(a4)="12abc"; $var(a5)=""; $var(a6)=" 7"; $var(a7)="-7";
	$var(a8)="99999999999"; $var(a9)="+7"; $var(neg)=-3; $var(re)="^B"; setflag(5);
	@CALLS@
}
route[R3] { return 3; }
route[RM3] { return -3; }
route[RN] { $var(z)=1; }
route[RN2] { is_method("INVITE"); }
route[RN3] { if (is_method("INVITE")) { $var(z)=2; } }
route[RN4] { return; }
route[RN5] { route(RM3); }
route[RN6] { return(2+2); }
route[RN7] { is_method("INVITE"); return; }
`;

/** A config that says what each expression is: `V<i> <value>` or `V<i> null` where it is assigned, `C<i> true` or `C<i> false` as a condition. */
export function expressionConfig(good: readonly ExpressionRow[]): string {
  // each in a block of its own: an error ends that block only
  return SETTINGS.replace(
    '@CALLS@',
    good.map((r, i) => `${r.value === undefined ? '' : `route(V${i});`} route(C${i});`).join('\n'),
  ).concat(
    ...good.map((r, i) =>
      [
        r.value === undefined
          ? ''
          : `route[V${i}] { $avp(r)=$null; $avp(r)=${r.expression}; if ($avp(r)==$null) { xlog("@@V${i} null@@\\n"); } else { xlog("@@V${i} <$avp(r)>@@\\n"); } }`,
        `route[C${i}] { if (${r.expression}) { xlog("@@C${i} true@@\\n"); } else { xlog("@@C${i} false@@\\n"); } }\n`,
      ].join('\n'),
    ),
  );
}

/** what the expressions are asked with, from 127.0.0.1:22841 */
export const EXPRESSION_MESSAGE = [
  'OPTIONS sip:bob@127.0.0.1 SIP/2.0',
  'Via: SIP/2.0/UDP 127.0.0.1:22841;branch=z9hG4bKa',
  'From: <sip:alice@example.com>;tag=1',
  'To: <sip:bob@example.org>',
  'Call-ID: a1',
  'CSeq: 7 OPTIONS',
  'Max-Forwards: 10',
  'Content-Length: 0',
  '',
  '',
].join('\r\n');

/** What each expression is, out of the lines that expressionConfig() writes: as the rows have it. */
export function expressionAnswers(good: readonly ExpressionRow[], said: readonly string[]) {
  const lines = new Map(said.map(line => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
  return good.map((r, i) => ({
    expression: r.expression,
    ...(r.value !== undefined && { value: lines.get(`V${i}`) }),
    true: lines.get(`C${i}`),
  }));
}

/** The same of the rows themselves. */
export function expressionWanted(good: readonly ExpressionRow[]) {
  return good.map(r => ({
    expression: r.expression,
    ...(r.value !== undefined && { value: r.value === null || r.value === 'none' ? 'null' : `<${r.value}>` }),
    true: String(r.true),
  }));
}

/** Blocks and flags that the statements use. */
export const STATEMENT_FLAGS = 'flags FLT:5, FLA, FLB:3';
export const STATEMENT_BLOCKS = `
route[R0] { return 0; }
route[R3] { return 3; }
route[RM3] { return -3; }
route[RE] { exit; }
route[RB] { break; }
route[RN] { $var(z)=1; }
branch_route[NOPE] { ; }
`;
