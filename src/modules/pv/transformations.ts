/** All transformations of module pv. */
import type { Transformation } from '../../kemi/pv-types.ts';

export const transformations: readonly Transformation[] = [
  { class: 's', name: 'len', run: v => String(v).length, doc: 'Length in bytes.' },
];
