/** Which addresses are ours: listening sockets, their advertised addresses, aliases. */
import * as L from '../core/gen/layout.gen.ts';
import type { ByteStr } from '../core/memory.ts';
import { KemiError } from '../errors.ts';
import type { Socket } from '../kemi/host.ts';

const PROTO: Record<string, number> = {
  udp: L.PROTO_UDP,
  tcp: L.PROTO_TCP,
  tls: L.PROTO_TLS,
  sctp: L.PROTO_SCTP,
  ws: L.PROTO_WS,
  wss: L.PROTO_WSS,
};

interface Own {
  /** 0 matches any */
  readonly port: number;
  /** 0 matches any */
  readonly proto: number;
}

/** PROTO_* of a protocol name, 0 when unknown. */
export function protoId(name: string): number {
  return PROTO[name.toLowerCase()] ?? 0;
}

export class SelfAddresses {
  readonly #own = new Map<ByteStr, Own[]>();
  /** domains that are ours with all below them */
  readonly #domains: (Own & { readonly name: ByteStr })[] = [];

  /** @throws KemiError KEMI_ERR_CONFIG for an alias that does not read as [proto:]host[:port] */
  constructor(sockets: readonly Socket[], aliases: readonly string[]) {
    for (const s of sockets) {
      const proto = protoId(s.proto);
      this.#add(s.ip, s.port, proto);
      if (s.advertisedIp) this.#add(s.advertisedIp, s.advertisedPort ?? s.port, proto);
    }
    for (const alias of aliases) {
      const m = /^(?:(udp|tcp|tls|sctp|ws|wss):)?(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+)(?::(\d{1,5}|\*))?$/.exec(alias);
      if (!m)
        throw new KemiError(
          'KEMI_ERR_CONFIG',
          `Cannot use alias "${alias}": write [proto:]host[:port], IPv6 in brackets`,
        );
      this.#add(m[2]!, m[3] && m[3] !== '*' ? Number(m[3]) : 0, m[1] ? protoId(m[1]) : 0);
    }
  }

  /** @param port 0 matches any  @param proto PROTO_*, 0 matches any */
  has(host: ByteStr, port: number, proto: number): boolean {
    const name = normal(host);
    const own = this.#own.get(name);
    if (own) for (let i = 0; i < own.length; i++) if (fits(own[i]!, port, proto)) return true;
    return (
      this.#domains.length > 0 &&
      this.#domains.some(d => (name === d.name || name.endsWith(`.${d.name}`)) && fits(d, port, proto))
    );
  }

  /** Takes a domain and all below it as ours. @param text [proto:]domain[:port]  @returns false when it does not read so */
  addDomain(text: ByteStr): boolean {
    const m = /^(?:(udp|tcp|tls|sctp|ws|wss):)?([\w-]+(?:\.[\w-]+)*)(?::(\d{1,5}))?$/i.exec(text);
    if (!m) return false;
    this.#domains.push({ name: m[2]!.toLowerCase(), port: Number(m[3] ?? 0), proto: m[1] ? protoId(m[1]) : 0 });
    return true;
  }

  #add(host: string, port: number, proto: number): void {
    const key = normal(host);
    const list = this.#own.get(key);
    if (list) list.push({ port, proto });
    else this.#own.set(key, [{ port, proto }]);
  }
}

const fits = (o: Own, port: number, proto: number): boolean =>
  (!port || !o.port || o.port === port) && (!proto || !o.proto || speaks(o.proto, proto));

/** A URI says transport=ws for a secure WebSocket, too (RFC 7118 5.2.3). */
const speaks = (own: number, proto: number): boolean => own === proto || (proto === L.PROTO_WS && own === L.PROTO_WSS);

/** One spelling for a host: lower case, no brackets, IPv6 in the form URL gives it. */
function normal(host: ByteStr): ByteStr {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  if (bare.includes(':')) {
    try {
      return new URL(`http://[${bare}]/`).hostname.slice(1, -1);
    } catch {
      return bare.toLowerCase();
    }
  }
  return bare.toLowerCase();
}
