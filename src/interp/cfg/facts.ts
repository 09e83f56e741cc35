/** What can be said of an expression before anything runs. Pure. */
import type { Expr } from './ast.ts';

/** The return code by its names. */
export const RC = /^\$(rc|retcode|\?)$/;

export function isConstant(expr: Expr): boolean {
  switch (expr.kind) {
    case 'int':
    case 'str':
      return true;
    case 'unary':
      return isConstant(expr.of);
    case 'binary':
      // && and || look at the run
      return expr.op !== '&&' && expr.op !== '||' && isConstant(expr.left) && isConstant(expr.right);
    default:
      return false;
  }
}

/** Whether a division may have no result. */
export function mayFail(expr: Expr): boolean {
  if (expr.kind === 'unary') return mayFail(expr.of);
  if (expr.kind !== 'binary') return false;
  return expr.op === '/' || expr.op === 'mod' || mayFail(expr.left) || mayFail(expr.right);
}
