/** KSR.pvx.xavi_*: as $xavp, names in any case. */
import { exportsOf } from '../../kemi/table.ts';
import { scalarOf } from '../pv/api.ts';
import { childOf, done, fieldsOf, setChild, xavis } from './pvx.ts';

const kemi = exportsOf<undefined>();

export const xaviFunctions = [
  /**
   * KSR.pvx.xavi_get(name): the value of $xavi(name). Names match in any case.
   * @param name name of the variable, taken as written
   * @returns string or number; a mark <<xavp:...>> for a list of fields; nil when there is none
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavi_get', { params: ['str'], returns: 'xval', run: (call, name) => scalarOf(xavis(call).find(name)?.value) }),

  /**
   * KSR.pvx.xavi_gete(name): as xavi_get(), with "" for nil.
   * @param name name of the variable
   * @returns string or number
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavi_gete', {
    params: ['str'],
    returns: 'xval',
    run: (call, name) => scalarOf(xavis(call).find(name)?.value) ?? '',
  }),

  /**
   * KSR.pvx.xavi_getw(name): as xavi_get(), with "<null>" for nil.
   * @param name name of the variable
   * @returns string or number
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavi_getw', {
    params: ['str'],
    returns: 'xval',
    run: (call, name) => scalarOf(xavis(call).find(name)?.value) ?? '<null>',
  }),

  /**
   * KSR.pvx.xavi_is_null(name): whether $xavi(name) is null.
   * @param name name of the variable
   * @returns 1 when there is none; -1 when there is a value
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavi_is_null', { params: ['str'], returns: 'int', run: (call, name) => (xavis(call).find(name) ? -1 : 1) }),

  /**
   * KSR.pvx.xavi_rm(name): removes the newest $xavi(name).
   * @param name name of the variable
   * @returns 1, also when there was none
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavi_rm', { params: ['str'], returns: 'int', run: (call, name) => done(xavis(call).remove(name)) }),

  /**
   * KSR.pvx.xavi_rm_all(name): removes every $xavi(name).
   * @param name name of the variable
   * @returns 1, also when there was none
   * Kamailio 6.x: the function is newer than 5.6.3
   */
  kemi('xavi_rm_all', { params: ['str'], returns: 'int', run: (call, name) => done(xavis(call).remove(name, '*')) }),

  /**
   * KSR.pvx.xavi_sets(name, value): puts a string on top of $xavi(name).
   * @param name name of the variable, taken as written
   * @param value the value
   * @returns 1 set; -1 the name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavi_sets', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, name, value) => (name ? done(xavis(call).push(name, value)) : -1),
  }),

  /**
   * KSR.pvx.xavi_seti(name, value): puts a number on top of $xavi(name).
   * @param name name of the variable, taken as written
   * @param value the value
   * @returns 1 set; -1 the name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavi_seti', {
    params: ['str', 'int'],
    returns: 'int',
    run: (call, name, value) => (name ? done(xavis(call).push(name, value)) : -1),
  }),

  /**
   * KSR.pvx.xavi_child_get(name, field): the value of $xavi(name=>field). Names match in any case.
   * @param name name of the variable
   * @param field name of the field
   * @returns string or number; nil when there is none
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavi_child_get', {
    params: ['str', 'str'],
    returns: 'xval',
    run: (call, name, field) => childOf(xavis(call), name, field),
  }),

  /**
   * KSR.pvx.xavi_child_gete(name, field): as xavi_child_get(), with "" for nil.
   * @param name name of the variable
   * @param field name of the field
   * @returns string or number
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavi_child_gete', {
    params: ['str', 'str'],
    returns: 'xval',
    run: (call, name, field) => childOf(xavis(call), name, field) ?? '',
  }),

  /**
   * KSR.pvx.xavi_child_getw(name, field): as xavi_child_get(), with "<null>" for nil.
   * @param name name of the variable
   * @param field name of the field
   * @returns string or number
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavi_child_getw', {
    params: ['str', 'str'],
    returns: 'xval',
    run: (call, name, field) => childOf(xavis(call), name, field) ?? '<null>',
  }),

  /**
   * KSR.pvx.xavi_child_is_null(name, field): whether $xavi(name=>field) is null.
   * @param name name of the variable
   * @param field name of the field
   * @returns 1 when there is none; -1 when there is a value
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavi_child_is_null', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, name, field) => (childOf(xavis(call), name, field) === null ? 1 : -1),
  }),

  /**
   * KSR.pvx.xavi_child_rm(name, field): removes $xavi(name=>field).
   * @param name name of the variable
   * @param field name of the field
   * @returns 1, also when there was none
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavi_child_rm', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, name, field) => done(fieldsOf(xavis(call), name)?.remove(field)),
  }),

  /**
   * KSR.pvx.xavi_child_sets(name, field, value): sets $xavi(name=>field) to a string; makes the variable when there is none.
   * @param name name of the variable
   * @param field name of the field
   * @param value the value
   * @returns 1 set; -1 a name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavi_child_sets', {
    params: ['str', 'str', 'str'],
    returns: 'int',
    run: (call, name, field, value) => setChild(xavis(call), name, field, value),
  }),

  /**
   * KSR.pvx.xavi_child_seti(name, field, value): sets $xavi(name=>field) to a number; makes the variable when there is none.
   * @param name name of the variable
   * @param field name of the field
   * @param value the value
   * @returns 1 set; -1 a name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavi_child_seti', {
    params: ['str', 'str', 'int'],
    returns: 'int',
    run: (call, name, field, value) => setChild(xavis(call), name, field, value),
  }),
];
