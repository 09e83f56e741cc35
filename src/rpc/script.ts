/** app_lua.*: the script that runs. */
import { RpcError } from '../errors.ts';
import type { Command, RpcHost } from './commands.ts';

export function scriptCommands(host: RpcHost): Command[] {
  return [
    {
      name: 'app_lua.list',
      doc: 'Returns the loaded scripts, each with its index.',
      run: () => (host.script ? `0: [${host.script.name}]` : ''),
    },
    {
      name: 'app_lua.reload',
      workers: 'all',
      doc: 'Loads the script anew and swaps it in when it is sound; a broken one changes nothing. Parameter: its index, 0.',
      run: async ([index]) => {
        // There is one script. Kamailio reads text that is no number as 0.
        const at = index === undefined ? 0 : Number(index);
        if (!host.script || (Number.isFinite(at) && Math.trunc(at) !== 0)) throw new RpcError(500, 'Reload Failed');
        const { name, version } = await host.reload();
        return { name, version };
      },
    },
    {
      name: 'app_lua.api_list',
      doc: 'Returns the functions of the KSR tree.',
      run: () => {
        const rows = host.apiList();
        return { msize: rows.length, methods: rows.map(row => ({ func: { ...row, params: row.params || 'none' } })) };
      },
    },
  ];
}
