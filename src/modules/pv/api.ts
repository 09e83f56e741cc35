/** What other modules may use of module pv: the per-message variables, and the branches that a script added. */

import { trim } from '../../core/ascii.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { VARS as KEY } from '../../kemi/stores.ts';
import type { XVal } from '../../kemi/table.ts';
import type { Selects } from './selects.ts';
import { XavpList } from './xavp.ts';

export { resetStaticBranch, staticBranch } from './pvs-uri.ts';
export { xavuSet } from './pvs-vars.ts';
export { Selects } from './selects.ts';
export { bracketed, socketOf } from './sockets.ts';
export { parseParams } from './uri.ts';
export { scalarOf, type Xavp, XavpList, type XavpValue } from './xavp.ts';

/** Values by name. */
export interface ScalarStore extends Iterable<readonly [ByteStr, number | ByteStr]> {
  get(name: ByteStr): number | ByteStr | undefined;
  set(name: ByteStr, value: number | ByteStr): unknown;
  delete(name: ByteStr): unknown;
  /** see PvClass.cell */
  cell?(name: ByteStr): number;
  /** Runs fn while no other worker is inside of it; absent where there is none. */
  exclusive?<T>(name: ByteStr, fn: () => T): T;
}

/** State of module pv in one runtime. */
export interface PvState {
  /** $var and $vz: 0 when unset; as long as the runtime */
  readonly vars: ScalarStore;
  /** $vn: null when unset */
  readonly nulls: Map<ByteStr, number | ByteStr>;
  /** $shv */
  readonly shared: ScalarStore;
  /** avp_aliases: alias to 's:name' or 'i:number' */
  readonly aliases: ReadonlyMap<ByteStr, ByteStr>;
  readonly startedMs: number;
  /** for $sruid */
  readonly uniquePrefix: ByteStr;
  uniqueCount: number;
  readonly selects: Selects;
}

/** Variables of the message at hand. */
export interface MessageVars {
  /** by 's:name' or 'i:number', newest first */
  readonly avps: Map<ByteStr, (number | ByteStr)[]>;
  readonly xavps: XavpList;
  readonly xavis: XavpList;
  readonly xavus: XavpList;
}

/** The variables of the message at hand, made when first asked for. */
export function varsOf(host: ModuleHost): MessageVars {
  let vars = host.perMessage.get(KEY) as MessageVars | undefined;
  if (!vars) {
    vars = { avps: new Map(), xavps: new XavpList(), xavis: new XavpList(true), xavus: new XavpList() };
    host.perMessage.set(KEY, vars);
  }
  return vars;
}

/** The AVP's key: 's:name' or 'i:number'. @returns undefined when the name makes no sense */
export function avpKey(state: PvState, name: ByteStr, value?: XVal): ByteStr | undefined {
  if (typeof value === 'number') return `i:${value}`;
  const text = trim(name);
  const kind = text.slice(0, 2).toLowerCase();
  if (kind === 's:') return text.length > 2 ? `s:${text.slice(2)}` : undefined;
  if (kind === 'i:') return /^\d{1,9}$/.test(text.slice(2)) ? `i:${Number(text.slice(2))}` : undefined;
  if (!text || text[1] === ':') return undefined;
  return state.aliases.get(text) ?? `s:${text}`;
}
