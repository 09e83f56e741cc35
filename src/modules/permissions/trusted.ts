/** Peers that need no credentials: source address, transport, and regular expressions over the URIs of From and of the request. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { DbRow } from '../../kemi/db.ts';
import type { Regex, RegexCache } from '../../kemi/posix-regex.ts';
import { RecordError } from './addresses.ts';

/** proto_col, and the transport of a message that it means; 0 any */
const PROTOCOLS: Readonly<Record<string, number>> = {
  any: 0,
  udp: L.PROTO_UDP,
  tcp: L.PROTO_TCP,
  tls: L.PROTO_TLS,
  sctp: L.PROTO_SCTP,
  ws: L.PROTO_WS,
  wss: L.PROTO_WSS,
  none: -1,
};

export interface Rule {
  readonly source: ByteStr;
  /** L.PROTO_*, 0 any, -1 never */
  readonly proto: number;
  readonly from: ByteStr | undefined;
  readonly ruri: ByteStr | undefined;
  readonly fromRegex: Regex | undefined;
  readonly ruriRegex: Regex | undefined;
  readonly tag: ByteStr | undefined;
  readonly priority: number;
}

/** Names of the columns. */
export interface TrustedColumns {
  readonly source: string;
  readonly proto: string;
  readonly from: string;
  readonly ruri: string;
  readonly tag: string;
  readonly priority: string;
}

/** The row of a peer. @throws {RecordError} */
export function readRule(row: DbRow, columns: TrustedColumns, regexes: RegexCache): Rule {
  const text = (column: string) => {
    const value = row[column];
    return value === null || value === undefined ? undefined : String(value);
  };
  const source = text(columns.source) ?? '';
  const protoName = text(columns.proto)?.toLowerCase() ?? '';
  const proto = Object.hasOwn(PROTOCOLS, protoName) ? PROTOCOLS[protoName]! : undefined;
  if (!source || proto === undefined)
    throw new RecordError(
      `trusted peer ${source || '""'}: "${protoName}" is not one of ${Object.keys(PROTOCOLS).join(', ')}`,
    );
  const from = text(columns.from) || undefined;
  const ruri = text(columns.ruri) || undefined;
  const compile = (expression: ByteStr | undefined) => {
    if (expression === undefined) return undefined;
    const compiled = regexes.get(expression);
    if (typeof compiled === 'string') throw new RecordError(`trusted peer ${source}: ${compiled}`);
    return compiled;
  };
  return {
    source,
    proto,
    from,
    ruri,
    fromRegex: compile(from),
    ruriRegex: compile(ruri),
    tag: text(columns.tag),
    priority: Number(text(columns.priority) ?? 0) || 0,
  };
}

/** The rules by source address, each list from the highest priority to the lowest. */
export class TrustedTable {
  readonly rules: readonly Rule[];
  readonly #bySource = new Map<ByteStr, Rule[]>();

  constructor(rules: readonly Rule[]) {
    this.rules = [...rules].sort((a, b) => b.priority - a.priority);
    for (const rule of this.rules) {
      const list = this.#bySource.get(rule.source);
      if (list) list.push(rule);
      else this.#bySource.set(rule.source, [rule]);
    }
  }

  /** All rules that the request meets, in their order. @param proto L.PROTO_* */
  *matches(source: ByteStr, proto: number, from: ByteStr, ruri: ByteStr): Generator<Rule> {
    for (const rule of this.#bySource.get(source) ?? []) {
      if (rule.proto !== 0 && rule.proto !== proto) continue;
      if (rule.fromRegex && !rule.fromRegex.test(from)) continue;
      if (rule.ruriRegex && !rule.ruriRegex.test(ruri)) continue;
      yield rule;
    }
  }
}
