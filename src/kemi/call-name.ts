/** Names of the C functions that scripts/gen-calls.ts makes, one for each function of the KEMI table that runs in the core. */
import type { KemiFunction } from './table.ts';

/** @returns the core's export: its target and what the dispatcher knows about it, as 'isMethodIn_str_bool', 'pvGete_pv_xval_anytime' */
export function callName(
  fn: Pick<KemiFunction, 'wasm' | 'quick' | 'params' | 'returns' | 'anytime' | 'internPv'>,
): string {
  const params = fn.params.map((type, i) => (i === 0 && fn.internPv ? 'pv' : type));
  return [fn.wasm ?? fn.quick, ...params, fn.returns, ...(fn.anytime ? ['anytime'] : [])].join('_');
}
