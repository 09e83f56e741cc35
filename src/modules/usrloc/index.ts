/** Module usrloc: where users can be reached. It has no functions for scripts; registrar, nathelper and RPC use it. */
import { defineModule } from '../../kemi/table.ts';
import { DB_ONLY } from './db-mode.ts';
import { MemoryLocation } from './memory-location.ts';
import { settingsOf, storeOf, USRLOC_PARAMS } from './params.ts';
import type { Registry } from './registry.ts';
import { usrlocRpc } from './rpc.ts';
import { SharedLocation } from './shared-location.ts';
import { StoredLocation } from './stored-location.ts';

export default defineModule<Registry>({
  name: 'usrloc',
  shares: true,
  modparams: USRLOC_PARAMS,
  create: (host, params) => {
    const settings = settingsOf(host, params);
    const store = storeOf(host, params, settings);
    const { shared } = host;
    if (settings.dbMode === DB_ONLY) return new StoredLocation(host, settings, store!);
    return shared ? new SharedLocation(host, shared, settings, store) : new MemoryLocation(host, settings, store);
  },
  functions: [],
  rpc: usrlocRpc,
  onClosed: (location, id) => location.connectionClosed(id),
  dispose: location => location.dispose(),
});
