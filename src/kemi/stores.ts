/** Keys of host.perMessage that more than one module knows. */

/** $avp, $xavp and their kin: a reply has those of its transaction while its routes run */
export const VARS = Symbol('variables');
