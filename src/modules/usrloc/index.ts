/** Module usrloc: where users can be reached. It has no functions for scripts; registrar, nathelper and RPC use it. */
import { defineModule } from '../../kemi/table.ts';
import { Location } from './location.ts';
import { settingsOf, storeOf, USRLOC_PARAMS } from './params.ts';
import { usrlocRpc } from './rpc.ts';

export default defineModule<Location>({
  name: 'usrloc',
  modparams: USRLOC_PARAMS,
  create: (host, params) => {
    const settings = settingsOf(host, params);
    return new Location(host, settings, storeOf(host, params, settings));
  },
  functions: [],
  rpc: usrlocRpc,
  onClosed: (location, id) => location.connectionClosed(id),
  dispose: location => location.dispose(),
});
