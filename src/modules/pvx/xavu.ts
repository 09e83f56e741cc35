/** KSR.pvx.xavu_*: variables with one value a name. */
import { exportsOf } from '../../kemi/table.ts';
import { scalarOf, xavuSet } from '../pv/api.ts';
import { childOf, done, fieldsOf, setChild, xavus } from './pvx.ts';

const kemi = exportsOf<undefined>();

export const xavuFunctions = [
  /**
   * KSR.pvx.xavu_get(name): the value of $xavu(name).
   * @param name name of the variable, taken as written
   * @returns string or number; a mark <<xavp:...>> for a list of fields; nil when there is none
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavu_get', { params: ['str'], returns: 'xval', run: (call, name) => scalarOf(xavus(call).find(name)?.value) }),

  /**
   * KSR.pvx.xavu_gete(name): as xavu_get(), with "" for nil.
   * @param name name of the variable
   * @returns string or number
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavu_gete', {
    params: ['str'],
    returns: 'xval',
    run: (call, name) => scalarOf(xavus(call).find(name)?.value) ?? '',
  }),

  /**
   * KSR.pvx.xavu_getw(name): as xavu_get(), with "<null>" for nil.
   * @param name name of the variable
   * @returns string or number
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavu_getw', {
    params: ['str'],
    returns: 'xval',
    run: (call, name) => scalarOf(xavus(call).find(name)?.value) ?? '<null>',
  }),

  /**
   * KSR.pvx.xavu_is_null(name): whether $xavu(name) is null.
   * @param name name of the variable
   * @returns 1 when there is none; -1 when there is a value
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavu_is_null', { params: ['str'], returns: 'int', run: (call, name) => (xavus(call).find(name) ? -1 : 1) }),

  /**
   * KSR.pvx.xavu_rm(name): removes $xavu(name).
   * @param name name of the variable
   * @returns 1, also when there was none
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavu_rm', { params: ['str'], returns: 'int', run: (call, name) => done(xavus(call).remove(name)) }),

  /**
   * KSR.pvx.xavu_sets(name, value): sets $xavu(name) to a string.
   * @param name name of the variable, taken as written
   * @param value the value
   * @returns 1 set; -1 the name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavu_sets', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, name, value) => (name && xavuSet(xavus(call), name, undefined, value) ? 1 : -1),
  }),

  /**
   * KSR.pvx.xavu_seti(name, value): sets $xavu(name) to a number.
   * @param name name of the variable, taken as written
   * @param value the value
   * @returns 1 set; -1 the name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavu_seti', {
    params: ['str', 'int'],
    returns: 'int',
    run: (call, name, value) => (name && xavuSet(xavus(call), name, undefined, value) ? 1 : -1),
  }),

  /**
   * KSR.pvx.xavu_child_get(name, field): the value of $xavu(name=>field).
   * @param name name of the variable
   * @param field name of the field
   * @returns string or number; nil when there is none
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavu_child_get', {
    params: ['str', 'str'],
    returns: 'xval',
    run: (call, name, field) => childOf(xavus(call), name, field),
  }),

  /**
   * KSR.pvx.xavu_child_gete(name, field): as xavu_child_get(), with "" for nil.
   * @param name name of the variable
   * @param field name of the field
   * @returns string or number
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavu_child_gete', {
    params: ['str', 'str'],
    returns: 'xval',
    run: (call, name, field) => childOf(xavus(call), name, field) ?? '',
  }),

  /**
   * KSR.pvx.xavu_child_getw(name, field): as xavu_child_get(), with "<null>" for nil.
   * @param name name of the variable
   * @param field name of the field
   * @returns string or number
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavu_child_getw', {
    params: ['str', 'str'],
    returns: 'xval',
    run: (call, name, field) => childOf(xavus(call), name, field) ?? '<null>',
  }),

  /**
   * KSR.pvx.xavu_child_is_null(name, field): whether $xavu(name=>field) is null. DIFFERS: 5.6.3 always says 1 here.
   * @param name name of the variable
   * @param field name of the field
   * @returns 1 when there is none; -1 when there is a value
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavu_child_is_null', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, name, field) => (childOf(xavus(call), name, field) === null ? 1 : -1),
  }),

  /**
   * KSR.pvx.xavu_child_rm(name, field): removes $xavu(name=>field).
   * @param name name of the variable
   * @param field name of the field
   * @returns 1, also when there was none
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavu_child_rm', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, name, field) => done(fieldsOf(xavus(call), name)?.remove(field)),
  }),

  /**
   * KSR.pvx.xavu_child_sets(name, field, value): sets $xavu(name=>field) to a string; makes the variable when there is none.
   * @param name name of the variable
   * @param field name of the field
   * @param value the value
   * @returns 1 set; -1 a name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavu_child_sets', {
    params: ['str', 'str', 'str'],
    returns: 'int',
    run: (call, name, field, value) => setChild(xavus(call), name, field, value),
  }),

  /**
   * KSR.pvx.xavu_child_seti(name, field, value): sets $xavu(name=>field) to a number; makes the variable when there is none.
   * @param name name of the variable
   * @param field name of the field
   * @param value the value
   * @returns 1 set; -1 a name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavu_child_seti', {
    params: ['str', 'str', 'int'],
    returns: 'int',
    run: (call, name, field, value) => setChild(xavus(call), name, field, value),
  }),
];
