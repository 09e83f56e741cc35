/** KSR.pv: reading and writing pseudo-variables by name. */
import type { ByteStr } from '../../core/memory.ts';
import { type Call, exportsOf, type XVal } from '../../kemi/table.ts';
import type { PvState } from './api.ts';

const kemi = exportsOf<PvState>();
type C = Call<PvState>;

/** undefined: the name is no PV (already logged) or cannot be read */
const read = ({ host }: C, name: ByteStr): XVal => host.pv(name)?.get() ?? null;

function write({ host }: C, name: ByteStr, value: XVal): boolean {
  const pv = host.pv(name);
  if (!pv) return false;
  if (pv.set(value)) return true;
  host.log.error({ pv: name }, `Cannot set ${name}: it does not take this value`);
  return false;
}

export const functions = [
  /**
   * KSR.pv.get(name): the value of a pseudo-variable.
   * @param name exactly one PV, e.g. "$ru" or "$(hdr(Via)[-1]{s.len})"
   * @returns number, string, or nil when it is null or the name is no PV (logged)
   * Kamailio 6.x KEMI manual, pv module; deviations: none
   */
  kemi('get', { params: ['str'], returns: 'xval', anytime: true, wasm: 'pvGetById', internPv: true }),

  /**
   * KSR.pv.gete(name): as get(), with "" for null.
   * @param name exactly one PV
   * @returns number or string
   * Kamailio 6.x KEMI manual, pv module; deviations: none
   */
  kemi('gete', { params: ['str'], returns: 'xval', anytime: true, wasm: 'pvGete', internPv: true }),

  /**
   * KSR.pv.getw(name): as get(), with "<null>" for null, as log texts show it.
   * @param name exactly one PV
   * @returns number or string
   * Kamailio 6.x KEMI manual, pv module; deviations: none
   */
  kemi('getw', { params: ['str'], returns: 'xval', anytime: true, wasm: 'pvGetw', internPv: true }),

  /**
   * KSR.pv.geti(name): the value as a number of 32 bits.
   * @param name exactly one PV
   * @returns the number, or the number at the start of a string, kept inside 32 bits; 0 for null and anything else
   * Kamailio 6.x KEMI manual, pv module; deviations: none
   */
  kemi('geti', { params: ['str'], returns: 'int', anytime: true, wasm: 'pvGeti', internPv: true }),

  /**
   * KSR.pv.getl(name): as geti(), for long numbers.
   * @param name exactly one PV
   * @returns the number; 0 for null and anything that spells none
   * Kamailio 6.x KEMI manual, pv module; deviations: none
   */
  kemi('getl', { params: ['str'], returns: 'xval', anytime: true, run: (call, name) => toLong(read(call, name)) }),

  /**
   * KSR.pv.getvs(name, value): the value of a PV, or a default string.
   * @param name exactly one PV
   * @param value what to give for null
   * @returns number or string
   * Kamailio 6.x KEMI manual, pv module; deviations: none
   */
  kemi('getvs', {
    params: ['str', 'str'],
    returns: 'xval',
    anytime: true,
    wasm: 'pvGetvs',
    internPv: true,
  }),

  /**
   * KSR.pv.getvn(name, value): the value of a PV, or a default number.
   * @param name exactly one PV
   * @param value what to give for null
   * @returns number or string
   * Kamailio 6.x KEMI manual, pv module; deviations: none
   */
  kemi('getvn', {
    params: ['str', 'int'],
    returns: 'xval',
    anytime: true,
    wasm: 'pvGetvn',
    internPv: true,
  }),

  /**
   * KSR.pv.sets(name, value): write a string.
   * @param name exactly one PV
   * @param value nil writes ""
   * @returns true when written, and for a read-only PV, which stays as it is; false when the name is no PV or the PV takes no string
   * Kamailio 6.x KEMI manual, pv module; deviations: none
   */
  kemi('sets', { params: ['str', 'str'], returns: 'bool', anytime: true, run: write }),

  /**
   * KSR.pv.seti(name, value): write a number.
   * @param name exactly one PV
   * @param value a number of 32 bits
   * @returns true when written, and for a read-only PV; false when the name is no PV or the PV takes no number
   * Kamailio 6.x KEMI manual, pv module; deviations: none
   */
  kemi('seti', { params: ['str', 'int'], returns: 'bool', anytime: true, run: write }),

  /**
   * KSR.pv.setl(name, value): write a long number; the table passes numbers of 32 bits.
   * @param name exactly one PV
   * @param value a number
   * @returns as seti()
   * Kamailio 6.x KEMI manual, pv module; deviations: 32 bits
   */
  kemi('setl', { params: ['str', 'int'], returns: 'bool', anytime: true, run: write }),

  /**
   * KSR.pv.unset(name): write null: remove the AVP, the user of $rU, the destination URI of $du ...
   * @param name exactly one PV
   * @returns true when done, and for a read-only PV; false when the name is no PV or the PV cannot be null
   * Kamailio 6.x KEMI manual, pv module; deviations: none
   */
  kemi('unset', { params: ['str'], returns: 'bool', anytime: true, run: (call, name) => write(call, name, null) }),

  /**
   * KSR.pv.is_null(name): whether a PV is null.
   * @param name exactly one PV
   * @returns true when it is null and when the name is no PV, else false
   * Kamailio 6.x KEMI manual, pv module; deviations: none
   */
  kemi('is_null', { params: ['str'], returns: 'bool', anytime: true, wasm: 'pvIsNull', internPv: true }),
];

function toLong(value: XVal): number {
  if (typeof value === 'number') return value;
  return value !== null && /^[+-]?\d{1,15}$/.test(value) ? Number(value) : 0;
}
