/** Module usrloc: where users can be reached. It has no functions for scripts; registrar, nathelper and RPC use it. */
import { defineModule } from '../../kemi/table.ts';
import { DB_ONLY, Location } from './location.ts';
import { settingsOf, storeOf, USRLOC_PARAMS } from './params.ts';
import type { Registry } from './registry.ts';
import { usrlocRpc } from './rpc.ts';
import { SharedLocation } from './shared-location.ts';

export default defineModule<Registry>({
  name: 'usrloc',
  shares: true,
  modparams: USRLOC_PARAMS,
  create: (host, params) => {
    const settings = settingsOf(host, params);
    const store = storeOf(host, params, settings);
    const { shared } = host;
    return shared && settings.dbMode !== DB_ONLY
      ? new SharedLocation(host, shared, settings, store)
      : new Location(host, settings, store);
  },
  functions: [],
  rpc: usrlocRpc,
  onClosed: (location, id) => location.connectionClosed(id),
  dispose: location => location.dispose(),
});
