/**
 * Locating SIP servers by name (RFC 3263): NAPTR for the transport, SRV for host and port, then addresses. Targets come one after the other, so that whoever
 * needs only the first asks no more questions than that takes.
 */
import type { ByteStr } from '../../core/memory.ts';
import type { ModuleHost, Resolver, Socket } from '../../kemi/host.ts';
import type { Target } from '../../kemi/targets.ts';

type Proto = Socket['proto'];

/** What is asked of the DNS. */
export interface Question {
  readonly name: ByteStr;
  /** 0: SRV says it, or it is the default one */
  readonly port: number;
  /** undefined: NAPTR or SRV say it */
  readonly proto: Proto | undefined;
  /** a sips URI, or a service of one */
  readonly secure: boolean;
}

/** Bounds: somebody else's zone decides how much of our time a message takes. */
const MAX_LOOKUPS = 16;
const MAX_FAILURES = 2;
const MAX_RECORDS = 16;
const MAX_NAME_BYTES = 253;
/** targets that are kept for fail-over */
export const MAX_TARGETS = 8;

/** RFC 3263 4.1, RFC 4168, RFC 7118 5.1 */
const SERVICES: Readonly<Record<string, { readonly proto: Proto; readonly secure: boolean }>> = {
  'SIP+D2U': { proto: 'udp', secure: false },
  'SIP+D2T': { proto: 'tcp', secure: false },
  'SIP+D2S': { proto: 'sctp', secure: false },
  'SIPS+D2T': { proto: 'tls', secure: true },
  'SIP+D2W': { proto: 'ws', secure: false },
  'SIPS+D2W': { proto: 'wss', secure: true },
};

export const defaultPort = (proto: Proto): number => (proto === 'tls' || proto === 'wss' ? 5061 : 5060);

/** The transport of a URI that names none (RFC 3263 4.1). */
export const plainTransport = (secure: boolean): Proto => (secure ? 'tls' : 'udp');

/** Why a name leads nowhere. */
export class Unresolved extends Error {}

/** One search: its questions are counted. */
class Search {
  readonly #resolver: Resolver;
  #lookups = 0;
  #failures = 0;
  failure: unknown;

  constructor(resolver: Resolver) {
    this.#resolver = resolver;
  }

  /** @returns no records when the question fails: some servers know A and stumble over NAPTR @throws Unresolved when that goes on, or it takes too long */
  async ask<T>(question: (resolver: Resolver) => Promise<T[]>): Promise<T[]> {
    if (++this.#lookups > MAX_LOOKUPS) throw new Unresolved(`takes more than ${MAX_LOOKUPS} questions`);
    try {
      return (await question(this.#resolver)).slice(0, MAX_RECORDS);
    } catch (error) {
      this.failure = error;
      if (++this.#failures >= MAX_FAILURES) throw error;
      return [];
    }
  }
}

/** Targets in the order in which they are to be tried. @throws Unresolved or what the resolver threw */
export async function* locate(host: ModuleHost, resolver: Resolver, question: Question): AsyncGenerator<Target> {
  const { name, secure } = question;
  if (name.length > MAX_NAME_BYTES) throw new Unresolved('is too long for a name');
  const search = new Search(resolver);
  let any = false;
  for await (const place of places(host, search, question)) {
    const families = familiesOf(host, place.proto);
    if (families.size === 0) continue;
    for (const { ip, family } of await search.ask(r => r.addresses(place.name))) {
      if (!families.has(family)) continue;
      any = true;
      yield { proto: place.proto, ip, family, port: place.port };
    }
  }
  if (any) return;
  if (search.failure) throw search.failure;
  const proto = question.proto ?? plainTransport(secure);
  if (familiesOf(host, proto).size === 0) throw new Unresolved(`has no target: no socket speaks ${proto}`);
  throw new Unresolved('has no address');
}

const familiesOf = (host: ModuleHost, proto: Proto): Set<number> =>
  new Set(host.sockets.filter(s => s.proto === proto).map(s => (s.ip.includes(':') ? 6 : 4)));

interface Place {
  readonly proto: Proto;
  readonly name: string;
  readonly port: number;
}

/** Hosts and ports, best first. */
async function* places(host: ModuleHost, search: Search, question: Question): AsyncGenerator<Place> {
  const { name, port, secure } = question;
  const proto = question.proto ?? (port ? plainTransport(secure) : undefined);
  if (port) {
    yield { proto: proto!, name, port };
    return;
  }
  let found = false;
  for await (const service of services(host, search, name, proto, secure)) {
    for (const srv of byPriority(host, await search.ask(r => r.srv(service.name)))) {
      found = true;
      // RFC 2782: "." says that the service is decidedly not there
      if (srv.target !== '' && srv.target !== '.') yield { proto: service.proto, name: srv.target, port: srv.port };
    }
    // Without NAPTR the first transport that has SRV records is the one (RFC 3263 4.1).
    if (found && !service.ranked) return;
  }
  if (found) return;
  const plain = proto ?? plainTransport(secure);
  yield { proto: plain, name, port: defaultPort(plain) };
}

interface Service {
  readonly proto: Proto;
  /** name of its SRV records */
  readonly name: string;
  /** one of several that NAPTR put in order */
  readonly ranked: boolean;
}

async function* services(
  host: ModuleHost,
  search: Search,
  name: ByteStr,
  proto: Proto | undefined,
  secure: boolean,
): AsyncGenerator<Service> {
  if (proto) {
    yield { proto, name: srvName(name, proto, secure), ranked: false };
    return;
  }
  const records = (await search.ask(r => r.naptr(name)))
    .filter(r => r.flags.toLowerCase() === 's' && r.regexp === '' && r.replacement !== '')
    .sort((a, b) => a.order - b.order || a.preference - b.preference);
  let ranked = false;
  for (const record of records) {
    const service = SERVICES[record.services.toUpperCase()];
    if (!service || (secure && !service.secure) || familiesOf(host, service.proto).size === 0) continue;
    ranked = true;
    yield { proto: service.proto, name: record.replacement, ranked };
  }
  if (ranked) return;
  for (const each of secure ? (['tls'] as const) : (['udp', 'tcp'] as const))
    if (familiesOf(host, each).size) yield { proto: each, name: srvName(name, each, secure), ranked: false };
}

/** RFC 3263 4.1, RFC 7118: `_sip._udp`, `_sips._tcp` for TLS, `_sips._ws` for WSS */
function srvName(name: ByteStr, proto: Proto, secure: boolean): string {
  const tls = proto === 'tls' || proto === 'wss';
  const transport = proto === 'tls' ? 'tcp' : proto === 'wss' ? 'ws' : proto;
  return `_${secure || tls ? 'sips' : 'sip'}._${transport}.${name}`;
}

/** RFC 2782: lowest priority first; among equals each next one is drawn by weight, those of weight 0 with a small chance. */
export function byPriority<T extends { priority: number; weight: number }>(
  host: Pick<ModuleHost, 'random'>,
  records: readonly T[],
): T[] {
  const sorted = [...records].sort((a, b) => a.priority - b.priority || a.weight - b.weight);
  const out: T[] = [];
  for (let from = 0; from < sorted.length; ) {
    let end = from;
    while (end < sorted.length && sorted[end]!.priority === sorted[from]!.priority) end++;
    const group = sorted.slice(from, end);
    while (group.length > 1) {
      const total = group.reduce((sum, r) => sum + r.weight, 0);
      let rest = Math.floor(host.random() * (total + 1));
      const nth = group.findIndex(r => (rest -= r.weight) <= 0);
      out.push(...group.splice(Math.max(nth, 0), 1));
    }
    out.push(...group);
    from = end;
  }
  return out;
}
