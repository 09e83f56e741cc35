/** KSR.pvx: copying, exploding, imploding and printing of variables; the static branch. */
import { exportsOf } from '../../kemi/table.ts';
import { resetStaticBranch } from '../pv/api.ts';
import { sbranchAppend, sbranchSetRuri } from './branches.ts';
import {
  copy,
  copyOver,
  explode,
  implode,
  lshift,
  print,
  pushDst,
  slistExplode,
  varToXavp,
  xavpToVar,
  xavuExplode,
} from './lists.ts';
import { done, xavis, xavps, xavus } from './pvx.ts';

const kemi = exportsOf<undefined>();

export const toolFunctions = [
  /**
   * KSR.pvx.xavp_copy(source, index, target): copies one xavp behind those of another name.
   * @param source name of the xavp to copy
   * @param index which of that name, 0 the newest
   * @param target name of the copy
   * @returns 1 copied; -1 there is no such source, or a name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_copy', { params: ['str', 'int', 'str'], returns: 'int', run: copy }),

  /**
   * KSR.pvx.xavp_copy_dst(source, index, target, place): copies one xavp over another. DIFFERS: 5.6.3 appends the copy and leaves the other one; its manual says it is replaced.
   * @param source name of the xavp to copy
   * @param index which of that name, 0 the newest
   * @param target name of the one to replace
   * @param place which of that name
   * @returns 1 copied; -1 there is no such source or target
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_copy_dst', { params: ['str', 'int', 'str', 'int'], returns: 'int', run: copyOver }),

  /**
   * KSR.pvx.xavp_lshift(name, index): turns the stack of that name until the one at index is the newest; those before it come last.
   * @param name name of the xavp
   * @param index modulo the length of the stack; negative counts from the end
   * @returns 1 turned; -1 there is none of that name
   * Kamailio 6.x manual, module pv: newer than 5.6.3
   */
  kemi('xavp_lshift', {
    params: ['str', 'int'],
    returns: 'int',
    run: (call, name, index) => lshift(xavps(call), name, index),
  }),

  /**
   * KSR.pvx.xavp_push_dst(name): sets where the request goes from the fields uri, dsturi and socket of an xavp, those that are there.
   * @param name name of the xavp
   * @returns 1 set; -1 there is no such xavp with fields, or the socket is not ours
   * Kamailio 6.x manual, module pv: newer than 5.6.3
   */
  kemi('xavp_push_dst', { params: ['str'], returns: 'int', run: pushDst }),

  /**
   * KSR.pvx.xavp_params_explode(params, name): makes an xavp of a parameter list a=1;b="x";c.
   * @param params parameter list; a parameter without a value gives an empty field
   * @param name name of the new xavp, on top of those of that name
   * @returns 1 made; -1 the list is empty or does not parse, or the name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_params_explode', {
    native: {},
    params: ['str', 'str'],
    returns: 'int',
    run: (call, params, name) => explode(xavps(call), params, ';', name),
  }),

  /**
   * KSR.pvx.xavp_xparams_explode(params, separator, name): as xavp_params_explode(), with another separator.
   * @param params parameter list
   * @param separator one character
   * @param name name of the new xavp
   * @returns 1 made; -1 as above, or the separator is not one character
   * Kamailio 6.x: the function is newer than 5.6.3
   */
  kemi('xavp_xparams_explode', {
    params: ['str', 'str', 'str'],
    returns: 'int',
    run: (call, params, separator, name) => explode(xavps(call), params, separator, name),
  }),

  /**
   * KSR.pvx.xavp_params_implode(name, pv): writes the fields of an xavp as a parameter list a=1;b=x; into a variable.
   * @param name name of the xavp
   * @param pv writable variable; a negative number is written as 32 bits without a sign
   * @returns 1 written; -1 there is no such xavp with fields, or pv is not writable
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_params_implode', {
    native: {},
    params: ['str', 'str'],
    returns: 'int',
    run: (call, name, pv) => implode(call, xavps(call), name, pv, ''),
  }),

  /**
   * KSR.pvx.xavp_params_implode_qval(name, pv): as xavp_params_implode(), values in double quotes: a="1";b="x";
   * @param name name of the xavp
   * @param pv writable variable
   * @returns 1 written; -1 as above
   * Kamailio 6.x: the function is newer than 5.6.3
   */
  kemi('xavp_params_implode_qval', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, name, pv) => implode(call, xavps(call), name, pv, '"'),
  }),

  /**
   * KSR.pvx.xavp_slist_explode(list, separators, mode, name): makes an xavp of the items of a list: fields v, v[0] the first item. Empty items are left out.
   * @param list the list
   * @param separators characters that separate items, at most 64
   * @param mode "t": white space around items is taken off
   * @param name name of the new xavp
   * @returns 1 made; -1 list, separators or name are empty, or there are more than 4096 items
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavp_slist_explode', { native: {}, params: ['str', 'str', 'str', 'str'], returns: 'int', run: slistExplode }),

  /**
   * KSR.pvx.xavu_params_explode(params, name): makes a xavu of a parameter list a=1;b=x. DIFFERS: 5.6.3 puts the fields beside the variable, not into it.
   * @param params parameter list; the first of two equal names counts
   * @param name name of the xavu; it loses the fields it had
   * @returns 1 made; -1 the list is empty or does not parse, or the name is empty
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavu_params_explode', { params: ['str', 'str'], returns: 'int', run: xavuExplode }),

  /**
   * KSR.pvx.xavu_params_implode(name, pv): writes the fields of a xavu as a parameter list a=1;b=x; into a variable.
   * @param name name of the xavu
   * @param pv writable variable
   * @returns 1 written; -1 there is no such xavu with fields, or pv is not writable
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('xavu_params_implode', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, name, pv) => implode(call, xavus(call), name, pv, ''),
  }),

  /**
   * KSR.pvx.pv_var_to_xavp(variable, name): copies script variables into a new xavp; those of its name go away first.
   * @param variable name of a $var, or "*" for all
   * @param name name of the xavp
   * @returns 1 copied; -1 there is no such variable
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('pv_var_to_xavp', { native: {}, params: ['str', 'str'], returns: 'int', run: varToXavp }),

  /**
   * KSR.pvx.pv_xavp_to_var(name): copies the fields of an xavp into script variables of their names.
   * @param name name of the xavp
   * @returns 1 copied; -1 there is no such xavp with fields
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('pv_xavp_to_var', { native: {}, params: ['str'], returns: 'int', run: xavpToVar }),

  /**
   * KSR.pvx.pv_xavp_print(): logs every xavp of the message at level info.
   * @returns 1
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('pv_xavp_print', { native: {}, params: [], returns: 'int', run: call => print(call, 'xavp', xavps(call)) }),

  /**
   * KSR.pvx.pv_xavu_print(): logs every xavu of the message at level info.
   * @returns 1
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('pv_xavu_print', { native: {}, params: [], returns: 'int', run: call => print(call, 'xavu', xavus(call)) }),

  /**
   * KSR.pvx.pv_xavi_print(): logs every xavi of the message at level info.
   * @returns 1
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('pv_xavi_print', { params: [], returns: 'int', run: call => print(call, 'xavi', xavis(call)) }),

  /**
   * KSR.pvx.sbranch_reset(): forgets the static branch that $sbranch(..) describes.
   * @returns 1
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('sbranch_reset', { native: {}, params: [], returns: 'int', run: call => done(resetStaticBranch(call)) }),

  /**
   * KSR.pvx.sbranch_append(): adds a branch with the attributes of the static branch, which stays as it is.
   * @returns 1 added; -1 it has no uri, or there are 11 branches already
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('sbranch_append', { native: {}, params: [], returns: 'int', run: sbranchAppend }),

  /**
   * KSR.pvx.sbranch_set_ruri(): sets the request URI, destination URI, socket and branch flags from the static branch, which stays as it is.
   * @returns 1 set; -1 it has no uri
   * Kamailio 5.6.3, observed, and the manual of its module pv
   */
  kemi('sbranch_set_ruri', { native: {}, params: [], returns: 'int', run: sbranchSetRuri }),
];
