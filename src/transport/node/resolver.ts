/** Names through Node: addresses as the machine resolves them (hosts file included), SRV, NAPTR and PTR from its DNS servers. */
import { promises as dns } from 'node:dns';
import type { Resolver } from '../../kemi/host.ts';

/** no such name, no such record: an answer, not a failure */
const NOTHING = new Set(['ENOTFOUND', 'ENODATA']);

async function records<T>(ask: Promise<T[]>): Promise<T[]> {
  try {
    return await ask;
  } catch (error) {
    if (NOTHING.has((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

/** Deno writes the dot of the root behind names, Node does not. */
const plain = (name: string): string => name.replace(/\.$/, '');

export interface NodeResolverOptions {
  /** for one question to one DNS server */
  readonly timeoutMs?: number;
  readonly tries?: number;
  /** 'address' or 'address:port' of DNS servers for SRV, NAPTR and PTR; the machine's when absent */
  readonly servers?: readonly string[];
}

export function nodeResolver(options: NodeResolverOptions = {}): Resolver {
  const resolver = new dns.Resolver({ timeout: options.timeoutMs ?? 2000, tries: options.tries ?? 2 });
  if (options.servers) resolver.setServers([...options.servers]);
  return {
    addresses: async name => {
      const found = await records(dns.lookup(name, { all: true, order: 'verbatim' }));
      return found.map(a => ({ ip: a.address, family: a.family === 6 ? 6 : 4 }));
    },
    srv: async name =>
      (await records(resolver.resolveSrv(name))).map(r => ({
        priority: r.priority,
        weight: r.weight,
        port: r.port,
        target: plain(r.name),
      })),
    naptr: async name =>
      (await records(resolver.resolveNaptr(name))).map(r => ({
        order: r.order,
        preference: r.preference,
        flags: r.flags,
        services: r.service,
        regexp: r.regexp,
        replacement: plain(r.replacement),
      })),
    ptr: ip => records(resolver.reverse(ip)),
  };
}
