/** module.*: the components that are loaded. */
import { RpcError } from '../errors.ts';
import { closest } from '../kemi/suggest.ts';
import type { Command, RpcHost } from './commands.ts';

/** A component as RPC shows it. */
export interface ComponentInfo {
  readonly name: string;
  readonly file: string;
  /** counts loads from 1 */
  readonly version: number;
  readonly grants: readonly string[];
  readonly memoryBytes: number;
  readonly counters: Readonly<Record<string, number>>;
  /** its functions, as WIT writes them */
  readonly functions: Readonly<Record<string, string>>;
}

export function moduleCommands(host: RpcHost): Command[] {
  return [
    {
      name: 'module.list',
      doc: 'Returns the components that are loaded: file, version, grants, memory, counters and functions of each.',
      run: () => host.components().map(c => ({ ...c, grants: c.grants.join(' ') })),
    },
    {
      name: 'module.reload',
      doc: 'Reads a component again and swaps it in when it is sound; a broken one changes nothing. Parameter: its name, not needed when there is only one.',
      run: async ([name]) => {
        const all = host.components();
        const wanted = name === undefined && all.length === 1 ? all[0]!.name : String(name ?? '');
        if (!all.some(c => c.name === wanted)) {
          const near = closest(
            wanted,
            all.map(c => c.name),
          );
          const hint = near ? `, did you mean ${near}` : all.length ? '' : ': none is loaded';
          throw new RpcError(
            400,
            wanted ? `There is no component ${wanted}${hint}` : `Give the name of a component${hint}`,
          );
        }
        const version = await host.reloadComponent(wanted);
        return { name: wanted, version };
      },
    },
  ];
}
