/** KSR.pvx: the variables of module pv by name, without the `$`. */
import { defineModule } from '../../kemi/table.ts';
import { scalarFunctions } from './scalars.ts';
import { toolFunctions } from './tools.ts';
import { xaviFunctions } from './xavi.ts';
import { xavpFunctions } from './xavp.ts';
import { xavuFunctions } from './xavu.ts';

export default defineModule<undefined>({
  name: 'pvx',
  shares: true,
  native: false,
  modparams: {},
  create: () => undefined,
  functions: [...scalarFunctions, ...xavpFunctions, ...xaviFunctions, ...xavuFunctions, ...toolFunctions],
});
