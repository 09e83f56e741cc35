/** stats.*: the counters of the core and of the modules. A parameter is a name, a group with a colon ("sl:"), or "all". */
import { utf8Of } from '../core/memory.ts';
import { RpcError } from '../errors.ts';
import type { Command, RpcHost } from './commands.ts';

interface Stat {
  readonly group: string;
  readonly name: string;
  readonly value: number;
}

export function statisticsCommands(host: RpcHost): Command[] {
  /** what the parameters select, in their order; a name that does not exist selects nothing, as in Kamailio */
  const select = (params: readonly unknown[]): Stat[] => {
    const all = host.stats.list().map(s => ({ ...s, group: utf8Of(s.group), name: utf8Of(s.name) }));
    const groups = [...new Set(all.map(s => s.group))];
    all.sort((a, b) => groups.indexOf(a.group) - groups.indexOf(b.group) || (a.name < b.name ? -1 : 1));
    return params.flatMap(param => {
      const wanted = String(param);
      if (wanted === 'all') return all;
      if (wanted.endsWith(':')) return all.filter(s => `${s.group}:` === wanted);
      const full = all.find(s => `${s.group}:${s.name}` === wanted || `${s.group}.${s.name}` === wanted);
      return full ?? all.find(s => s.name === wanted) ?? [];
    });
  };
  const some = (params: readonly unknown[], otherwise: string) => {
    if (params.length === 0) throw new RpcError(400, otherwise);
    return select(params);
  };
  const fetch = (params: readonly unknown[], show: (value: number) => unknown) =>
    Object.fromEntries(
      some(params, 'Please provide which stats to retrieve').map(s => [`${s.group}.${s.name}`, show(s.value)]),
    );
  const reset = (stats: Stat[]) => {
    for (const s of stats) host.stats.set(s.group, s.name, 0);
  };
  return [
    {
      name: 'stats.get_statistics',
      doc: 'Returns "group:name = value" for each statistic asked for: names, groups ("sl:") or "all".',
      run: params =>
        some(params, 'Please provide which stats to retrieve').map(s => `${s.group}:${s.name} = ${s.value}`),
    },
    {
      name: 'stats.fetch',
      doc: 'Returns {"group.name": "value"} for each statistic asked for: names, groups ("sl:") or "all".',
      run: params => fetch(params, String),
    },
    {
      name: 'stats.fetchn',
      doc: 'Returns {"group.name": value} for each statistic asked for: names, groups ("sl:") or "all".',
      run: params => fetch(params, value => value),
    },
    {
      name: 'stats.reset_statistics',
      doc: 'Sets the statistics asked for to 0: names, groups ("sl:") or "all".',
      run: params => reset(some(params, 'Please provide stats name')),
    },
    {
      name: 'stats.clear_statistics',
      doc: 'Sets the statistics asked for to 0 and returns what they were.',
      run: params => {
        const stats = some(params, 'Please provide stats name');
        reset(stats);
        return stats.map(s => `${s.group}:${s.name} = ${s.value}`);
      },
    },
  ];
}
