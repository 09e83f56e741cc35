/** Where requests and answers go: what the core knows of it by number (wasm/modules/target.ts), as TypeScript sends there. */
import * as L from '../core/gen/layout.gen.ts';
import type { Core } from '../core/load.ts';
import type { ByteStr } from '../core/memory.ts';
import type { Destination, Socket } from './host.ts';
import { onCopy } from './uri.ts';

type Proto = Socket['proto'];

/** by PROTO_* */
const NAMES: readonly (Proto | undefined)[] = [undefined, 'udp', 'tcp', 'tls', 'sctp', 'ws', 'wss'];

/** @param id PROTO_*  @returns undefined for PROTO_NONE and PROTO_OTHER */
export const protocolName = (id: number): Proto | undefined => NAMES[id];

export interface Target {
  readonly proto: Proto;
  readonly ip: ByteStr;
  readonly family: 4 | 6;
  readonly port: number;
}

/** One that comes again and again: it has a number in the core. */
export class KnownTarget implements Target {
  readonly proto: Proto;
  readonly ip: ByteStr;
  readonly family = 4;
  readonly port: number;
  readonly #from: (Destination | undefined)[] = [];

  constructor(proto: Proto, ip: ByteStr, port: number) {
    this.proto = proto;
    this.ip = ip;
    this.port = port;
  }

  /** Where a datagram goes that leaves by this socket: the same object each time. @param socket its index */
  from(socket: number): Destination {
    return (this.#from[socket] ??= { socket, proto: this.proto, ip: this.ip, port: this.port });
  }
}

/** Why there is no target; for the log. */
export class NoTarget {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

/** A target that has a name yet, or an IPv6 address. */
export class Named {
  readonly name: ByteStr;
  /** 0 when not given */
  readonly port: number;
  /** undefined when not given */
  readonly proto: Proto | undefined;
  readonly secure: boolean;

  constructor(name: ByteStr, port: number, proto: Proto | undefined, secure: boolean) {
    this.name = name;
    this.port = port;
    this.proto = proto;
    this.secure = secure;
  }
}

export class Targets {
  readonly #core: Core;
  readonly #record: number;
  readonly #known: (KnownTarget | undefined)[] = new Array(L.TG_COUNT + 1).fill(undefined);

  constructor(core: Core) {
    this.#core = core;
    this.#record = core.x.targetArea();
  }

  /** Of a SIP URI. maddr stands in for the host. */
  ofUri(uri: ByteStr): KnownTarget | Named | NoTarget {
    return onCopy(this.#core, uri, at => this.#found(this.#core.x.uriTarget(at, uri.length))) ?? BAD_URI;
  }

  /** Of a request: of its destination URI where one is set, else of its request URI. */
  nextHop(at: number): KnownTarget | Named | NoTarget {
    return this.#found(this.#core.x.msgTarget(at));
  }

  /**
   * Where the answer to a request goes (RFC 3261 18.2.2, as Kamailio does it): to the source address; of a datagram to its port when rport asks for it, else to the
   * Via's; over a connection that is gone to the Via's port.
   */
  answer(at: number): Target {
    const found = this.#found(this.#core.x.answerTarget(at));
    if (found instanceof KnownTarget) return found;
    const { name, port, proto } = found as Named;
    return { proto: proto ?? 'udp', ip: name, family: 6, port };
  }

  /** @param result of the core's function */
  #found(result: number): KnownTarget | Named | NoTarget {
    if (result > 0 && result < L.TG_NEW) {
      const known = this.#known[result];
      if (known) return known;
    }
    const { mem } = this.#core;
    const record = this.#record;
    const proto = protocolName(mem.u8[record + L.TG_PROTO]!);
    const port = mem.u16(record + L.TG_PORT);
    if (result > 0) {
      const bits = mem.u32(record + L.TG_HOST);
      const ip = `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
      return (this.#known[result & (L.TG_NEW - 1)] = new KnownTarget(proto!, ip, port));
    }
    const text = (at: number) => mem.str(mem.u32(record + at), mem.u32(record + at + 4));
    switch (result) {
      case L.TG_NAME:
        return new Named(text(L.TG_HOST), port, proto, mem.u8[record + L.TG_SECURE] !== 0);
      case L.TG_NOT_SIP:
        return new NoTarget('it is not a SIP URI');
      case L.TG_BAD_TRANSPORT:
        return new NoTarget(`the transport "${text(L.TG_TRANSPORT)}" is not known`);
      default:
        return BAD_URI;
    }
  }
}

const BAD_URI = new NoTarget('the URI does not parse');
