/** KSR.pvx.xavp_*: the stacks behind $xavp. */
import { exportsOf } from '../../kemi/table.ts';
import { scalarOf } from '../pv/api.ts';
import { childOf, done, fieldsOf, setChild, xavps } from './pvx.ts';

const kemi = exportsOf<undefined>();

export const xavpFunctions = [
  /**
   * KSR.pvx.xavp_get(name): the value of $xavp(name).
   * @param name name of the variable, taken as written
   * @returns string or number; a mark <<xavp:...>> for a list of fields; nil when there is none
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_get', { params: ['str'], returns: 'xval', run: (call, name) => scalarOf(xavps(call).find(name)?.value) }),

  /**
   * KSR.pvx.xavp_gete(name): as xavp_get(), with "" for nil.
   * @param name name of the variable
   * @returns string or number
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_gete', {
    params: ['str'],
    returns: 'xval',
    run: (call, name) => scalarOf(xavps(call).find(name)?.value) ?? '',
  }),

  /**
   * KSR.pvx.xavp_getw(name): as xavp_get(), with "<null>" for nil.
   * @param name name of the variable
   * @returns string or number
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_getw', {
    params: ['str'],
    returns: 'xval',
    run: (call, name) => scalarOf(xavps(call).find(name)?.value) ?? '<null>',
  }),

  /**
   * KSR.pvx.xavp_is_null(name): whether $xavp(name) is null.
   * @param name name of the variable
   * @returns 1 when there is none; -1 when there is a value
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_is_null', { params: ['str'], returns: 'int', run: (call, name) => (xavps(call).find(name) ? -1 : 1) }),

  /**
   * KSR.pvx.xavp_rm(name): removes the newest $xavp(name).
   * @param name name of the variable
   * @returns 1, also when there was none
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_rm', { params: ['str'], returns: 'int', run: (call, name) => done(xavps(call).remove(name)) }),

  /**
   * KSR.pvx.xavp_rm_all(name): removes every $xavp(name).
   * @param name name of the variable
   * @returns 1, also when there was none
   * Kamailio 6.x: the function is newer than 5.6.3
   */
  kemi('xavp_rm_all', { params: ['str'], returns: 'int', run: (call, name) => done(xavps(call).remove(name, '*')) }),

  /**
   * KSR.pvx.xavp_sets(name, value): puts a string on top of $xavp(name).
   * @param name name of the variable, taken as written
   * @param value the value
   * @returns 1 set; -1 the name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_sets', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, name, value) => (name ? done(xavps(call).push(name, value)) : -1),
  }),

  /**
   * KSR.pvx.xavp_seti(name, value): puts a number on top of $xavp(name).
   * @param name name of the variable, taken as written
   * @param value the value
   * @returns 1 set; -1 the name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_seti', {
    params: ['str', 'int'],
    returns: 'int',
    run: (call, name, value) => (name ? done(xavps(call).push(name, value)) : -1),
  }),

  /**
   * KSR.pvx.xavp_child_get(name, field): the value of $xavp(name=>field).
   * @param name name of the variable
   * @param field name of the field
   * @returns string or number; nil when there is none
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_child_get', {
    params: ['str', 'str'],
    returns: 'xval',
    run: (call, name, field) => childOf(xavps(call), name, field),
  }),

  /**
   * KSR.pvx.xavp_child_gete(name, field): as xavp_child_get(), with "" for nil.
   * @param name name of the variable
   * @param field name of the field
   * @returns string or number
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_child_gete', {
    params: ['str', 'str'],
    returns: 'xval',
    run: (call, name, field) => childOf(xavps(call), name, field) ?? '',
  }),

  /**
   * KSR.pvx.xavp_child_getw(name, field): as xavp_child_get(), with "<null>" for nil.
   * @param name name of the variable
   * @param field name of the field
   * @returns string or number
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_child_getw', {
    params: ['str', 'str'],
    returns: 'xval',
    run: (call, name, field) => childOf(xavps(call), name, field) ?? '<null>',
  }),

  /**
   * KSR.pvx.xavp_child_is_null(name, field): whether $xavp(name=>field) is null.
   * @param name name of the variable
   * @param field name of the field
   * @returns 1 when there is none; -1 when there is a value
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_child_is_null', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, name, field) => (childOf(xavps(call), name, field) === null ? 1 : -1),
  }),

  /**
   * KSR.pvx.xavp_child_rm(name, field): removes $xavp(name=>field).
   * @param name name of the variable
   * @param field name of the field
   * @returns 1, also when there was none
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_child_rm', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, name, field) => done(fieldsOf(xavps(call), name)?.remove(field)),
  }),

  /**
   * KSR.pvx.xavp_child_sets(name, field, value): sets $xavp(name=>field) to a string; makes the variable when there is none.
   * @param name name of the variable
   * @param field name of the field
   * @param value the value
   * @returns 1 set; -1 a name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_child_sets', {
    params: ['str', 'str', 'str'],
    returns: 'int',
    run: (call, name, field, value) => setChild(xavps(call), name, field, value),
  }),

  /**
   * KSR.pvx.xavp_child_seti(name, field, value): sets $xavp(name=>field) to a number; makes the variable when there is none.
   * @param name name of the variable
   * @param field name of the field
   * @param value the value
   * @returns 1 set; -1 a name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_child_seti', {
    params: ['str', 'str', 'int'],
    returns: 'int',
    run: (call, name, field, value) => setChild(xavps(call), name, field, value),
  }),
];
