/** KSR.pvx.var_* shv_* avp_* and evalx(): variables that hold one value or a stack of them. */
import { exportsOf } from '../../kemi/table.ts';
import { avpsOf, done, evaluate, increment, pushAvp, pvState, setScalar } from './pvx.ts';

const kemi = exportsOf<undefined>();

export const scalarFunctions = [
  /**
   * KSR.pvx.var_get(name): the value of a script variable, $var(name); 0 when unset.
   * @param name name, taken as written
   * @returns string or number
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('var_get', {
    params: ['str'],
    returns: 'xval',
    anytime: true,
    run: (call, name) => pvState(call).vars.get(name) ?? 0,
  }),

  /**
   * KSR.pvx.var_sets(name, value): sets $var(name) to a string.
   * @param name name, taken as written
   * @param value the value
   * @returns 1 set; -1 the name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('var_sets', {
    params: ['str', 'str'],
    returns: 'int',
    anytime: true,
    run: (call, name, value) => setScalar(pvState(call).vars, name, value),
  }),

  /**
   * KSR.pvx.var_seti(name, value): sets $var(name) to a number.
   * @param name name, taken as written
   * @param value the value
   * @returns 1 set; -1 the name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('var_seti', {
    params: ['str', 'int'],
    returns: 'int',
    anytime: true,
    run: (call, name, value) => setScalar(pvState(call).vars, name, value),
  }),

  /**
   * KSR.pvx.shv_get(name): the value of a shared variable, $shv(name); 0 when unset.
   * @param name name, taken as written
   * @returns string or number
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('shv_get', {
    params: ['str'],
    returns: 'xval',
    anytime: true,
    run: (call, name) => pvState(call).shared.get(name) ?? 0,
  }),

  /**
   * KSR.pvx.shv_sets(name, value): sets $shv(name) to a string. DIFFERS: 5.6.3 takes only names set by modparam shvset, because its other processes would not see them.
   * @param name name, taken as written
   * @param value the value
   * @returns 1 set; -1 the name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('shv_sets', {
    params: ['str', 'str'],
    returns: 'int',
    anytime: true,
    run: (call, name, value) => setScalar(pvState(call).shared, name, value),
  }),

  /**
   * KSR.pvx.shv_seti(name, value): sets $shv(name) to a number. DIFFERS: 5.6.3 takes only names set by modparam shvset, because its other processes would not see them.
   * @param name name, taken as written
   * @param value the value
   * @returns 1 set; -1 the name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('shv_seti', {
    params: ['str', 'int'],
    returns: 'int',
    anytime: true,
    run: (call, name, value) => setScalar(pvState(call).shared, name, value),
  }),

  /**
   * KSR.pvx.shvinc_get(name): adds one to $shv(name) and gives the new value.
   * @param name name, taken as written
   * @returns the number; nil when the variable holds a string
   * Kamailio 6.x: the function is newer than 5.6.3
   */
  kemi('shvinc_get', {
    params: ['str'],
    returns: 'xval',
    anytime: true,
    run: (call, name) => increment(pvState(call).shared, name),
  }),

  /**
   * KSR.pvx.avp_get(name): the newest value of $avp(name).
   * @param name name, taken as written: "i:5" is a string name, too
   * @returns string or number; nil when there is none
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('avp_get', { params: ['str'], returns: 'xval', run: (call, name) => avpsOf(call, name)[0] ?? null }),

  /**
   * KSR.pvx.avp_gete(name): as avp_get(), with "" for nil.
   * @param name name, taken as written: "i:5" is a string name, too
   * @returns string or number
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('avp_gete', { params: ['str'], returns: 'xval', run: (call, name) => avpsOf(call, name)[0] ?? '' }),

  /**
   * KSR.pvx.avp_getw(name): as avp_get(), with "<null>" for nil.
   * @param name name, taken as written: "i:5" is a string name, too
   * @returns string or number
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('avp_getw', { params: ['str'], returns: 'xval', run: (call, name) => avpsOf(call, name)[0] ?? '<null>' }),

  /**
   * KSR.pvx.avp_is_null(name): whether $avp(name) has no value. DIFFERS: 5.6.3 always says 1.
   * @param name name, taken as written: "i:5" is a string name, too
   * @returns 1 when there is none; -1 when there is a value
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('avp_is_null', { params: ['str'], returns: 'int', run: (call, name) => (avpsOf(call, name).length ? -1 : 1) }),

  /**
   * KSR.pvx.avp_rm(name): removes the newest value of $avp(name).
   * @param name name, taken as written: "i:5" is a string name, too
   * @returns 1, also when there was none
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('avp_rm', { params: ['str'], returns: 'int', run: (call, name) => done(avpsOf(call, name).shift()) }),

  /**
   * KSR.pvx.avp_sets(name, value): puts a string on top of $avp(name).
   * @param name name, taken as written: "i:5" is a string name, too
   * @param value the value
   * @returns 1 set; -1 the name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('avp_sets', { params: ['str', 'str'], returns: 'int', run: (call, name, value) => pushAvp(call, name, value) }),

  /**
   * KSR.pvx.avp_seti(name, value): puts a number on top of $avp(name).
   * @param name name, taken as written: "i:5" is a string name, too
   * @param value the value
   * @returns 1 set; -1 the name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('avp_seti', { params: ['str', 'int'], returns: 'int', run: (call, name, value) => pushAvp(call, name, value) }),

  /**
   * KSR.pvx.evalx(pv, text): writes a text into a variable, the variables in the text replaced.
   * @param pv writable variable, e.g. "$var(x)"
   * @param text text; a null variable in it gives "<null>"
   * @returns 1 written; -1 pv is no writable variable, or the text does not parse (logged)
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('evalx', {
    params: ['str', 'str'],
    returns: 'int',
    anytime: true,
    run: (call, pv, text) => evaluate(call, pv, text),
  }),
];
