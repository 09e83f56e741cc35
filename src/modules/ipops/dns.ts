/** Answers of the DNS, kept by name for $dns, $srvquery, $naptrquery and $ptrquery. */
import type { ByteStr } from '../../core/memory.ts';
import { byteStrOf } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import type { ModuleHost, Resolver } from '../../kemi/host.ts';
import { numericHost } from '../../kemi/ip.ts';
import type { PvClass } from '../../kemi/pv-types.ts';
import type { Call, XVal } from '../../kemi/table.ts';

type Record_ = Readonly<Record<string, XVal>>;
/** answers of one kind, by the name that the script gave */
type Answers = Map<ByteStr, Record_[]>;

export interface DnsState {
  readonly dns: Answers;
  readonly srv: Answers;
  readonly naptr: Answers;
  readonly ptr: Answers;
}

/** names of answers that are kept; the oldest goes first */
const MAX_ANSWERS = 64;
const MAX_RECORDS = 32;

function keep(answers: Answers, name: ByteStr, records: Record_[]): void {
  answers.delete(name);
  if (answers.size >= MAX_ANSWERS) answers.delete(answers.keys().next().value!);
  answers.set(name, records.slice(0, MAX_RECORDS));
}

/** @throws KemiError that names the function: a script that asks the DNS must not take "no resolver" for "no such name" */
export function resolverOf(host: ModuleHost, fn: string): Resolver {
  if (host.resolver) return host.resolver;
  throw new KemiError('KEMI_ERR_CONFIG', `Cannot run KSR.ipops.${fn}: no resolver is set`);
}

const record = (ip: string, family: 4 | 6): Record_ => ({ addr: byteStrOf(ip), type: family });

/** @returns the addresses; an address is its own; empty when there are none or the resolver failed (logged) */
export async function addressesOf(
  host: ModuleHost,
  fn: string,
  name: ByteStr,
): Promise<{ ip: string; family: 4 | 6 }[]> {
  return guarded(host, fn, name, async resolver => resolver.addresses(name));
}

async function guarded<T>(
  host: ModuleHost,
  fn: string,
  name: ByteStr,
  ask: (r: Resolver) => Promise<T[]>,
): Promise<T[]> {
  const resolver = resolverOf(host, fn);
  try {
    return await ask(resolver);
  } catch (error) {
    host.log.error({ err: error, name }, `Cannot resolve "${name}"`);
    return [];
  }
}

/** @returns 1 resolved; -4 not */
export function dnsQuery(call: Call<DnsState>, name: ByteStr, answer: ByteStr): number | Promise<number> {
  const numeric = numericHost(name);
  if (numeric) {
    keep(call.state.dns, answer, [record(numeric.ip, numeric.family)]);
    return 1;
  }
  if (!name) return -4;
  return addressesOf(call.host, 'dns_query', name).then(found => {
    keep(
      call.state.dns,
      answer,
      found.map(a => record(a.ip, a.family)),
    );
    return found.length ? 1 : -4;
  });
}

/** @returns 1 records found; -2 no name; -3 none found */
export async function srvQuery(call: Call<DnsState>, name: ByteStr, answer: ByteStr): Promise<number> {
  if (!name) return -2;
  const found = await guarded(call.host, 'srv_query', name, r => r.srv(name));
  keep(
    call.state.srv,
    answer,
    [...found]
      .sort((a, b) => a.priority - b.priority || b.weight - a.weight)
      .map(r => ({ ...r, target: byteStrOf(r.target) })),
  );
  return found.length ? 1 : -3;
}

/** @returns 1 records found; -2 no name; -3 none found */
export async function naptrQuery(call: Call<DnsState>, name: ByteStr, answer: ByteStr): Promise<number> {
  if (!name) return -2;
  const found = await guarded(call.host, 'naptr_query', name, r => r.naptr(name));
  keep(
    call.state.naptr,
    answer,
    [...found]
      .sort((a, b) => a.order - b.order || a.preference - b.preference)
      .map(r => ({
        order: r.order,
        pref: r.preference,
        flags: byteStrOf(r.flags),
        services: byteStrOf(r.services),
        regex: byteStrOf(r.regexp),
        replace: byteStrOf(r.replacement),
      })),
  );
  return found.length ? 1 : -3;
}

/** @returns 1 found; -1 no name for it; -2 not an address */
export async function ptrQuery(call: Call<DnsState>, ip: ByteStr, answer: ByteStr): Promise<number> {
  const numeric = numericHost(ip);
  if (!numeric) return -2;
  const found = await guarded(call.host, 'ptr_query', numeric.ip, r => r.ptr(numeric.ip));
  keep(
    call.state.ptr,
    answer,
    found.map(name => ({ hostname: byteStrOf(name), ip: numeric.ip })),
  );
  return found.length ? 1 : -1;
}

/** `answer=>key` or `answer=>key[index]` */
function parse(inner: ByteStr): { answer: ByteStr; key: ByteStr; index: number } | undefined {
  const arrow = inner.indexOf('=>');
  const m = arrow > 0 ? /^([a-z0-9]+)(?:\[(-?\d{1,4})\])?$/.exec(inner.slice(arrow + 2)) : null;
  return m ? { answer: inner.slice(0, arrow), key: m[1]!, index: Number(m[2] ?? 0) } : undefined;
}

/**
 * @param keys of one record  @param absent what `count` is when nothing was asked under that name
 * @param more keys of the whole answer
 */
function pv(
  name: string,
  which: keyof DnsState,
  keys: readonly string[],
  absent: XVal,
  more: Readonly<Record<string, (records: Record_[]) => XVal>> = {},
): PvClass {
  return {
    name,
    inner: 'required',
    anytime: true,
    doc: `$${name}(answer=>key), $${name}(answer=>key[i]): ${['count', ...Object.keys(more), ...keys].join(', ')}`,
    check: inner => {
      const key = parse(inner)?.key;
      return key !== undefined && (key === 'count' || keys.includes(key) || Object.hasOwn(more, key))
        ? undefined
        : `"${inner}" is not of the form answer=>key`;
    },
    get: (call: Call<DnsState>, args) => {
      const wanted = parse(args.inner);
      const records = wanted && call.state[which].get(wanted.answer);
      if (!wanted) return null;
      if (!records?.length) return wanted.key === 'count' ? absent : null;
      if (wanted.key === 'count') return records.length;
      if (Object.hasOwn(more, wanted.key)) return more[wanted.key]!(records);
      return records.at(wanted.index)?.[wanted.key] ?? null;
    },
  };
}

const has = (type: number) => (records: Record_[]) => (records.some(r => r.type === type) ? 1 : 0);

export const dnsPvs: readonly PvClass[] = [
  pv('dns', 'dns', ['addr', 'type'], null, { ipv4: has(4), ipv6: has(6) }),
  pv('srvquery', 'srv', ['port', 'priority', 'target', 'weight'], 0),
  pv('naptrquery', 'naptr', ['order', 'pref', 'flags', 'services', 'regex', 'replace'], 0),
  pv('ptrquery', 'ptr', ['hostname', 'ip'], 0),
];
