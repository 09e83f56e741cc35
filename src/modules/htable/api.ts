/** What others use of module htable: its tables by name. */
import type { ByteStr } from '../../core/memory.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import type { HtableState } from './state.ts';
import type { Table } from './table.ts';

/** undefined when there is no such table, or the module is not loaded */
export function tableNamed(host: ModuleHost, name: ByteStr): Table | undefined {
  return host.module<HtableState>('htable')?.tables.get(name);
}
