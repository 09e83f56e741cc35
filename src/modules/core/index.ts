/** The functions that sit directly on `KSR`. Those of the hot path are AssemblyScript (`wasm:` rows); the rest lies beside this file. */
import * as L from '../../core/gen/layout.gen.ts';
import { type ByteStr, utf8Of } from '../../core/memory.ts';
import type { Uri } from '../../core/sip-msg.ts';
import { numericHost } from '../../kemi/ip.ts';
import { type Call, defineModule, exportsOf } from '../../kemi/table.ts';
import { parseUri } from '../../kemi/uri.ts';
import { addAlias, viaPort } from './alias.ts';
import { forwardRequest } from './forward.ts';
import { hot } from './hot.ts';
import { setHost, setUser } from './rewrite.ts';
import { transportOf } from './uri.ts';
import { ADVERTISED, type Advertised } from './via.ts';

export type CoreState = Record<string, never>;
type C = Call<CoreState>;

const kemi = exportsOf<CoreState>();

function advertise(call: C, change: Advertised): number {
  const before = call.host.perMessage.get(ADVERTISED) as Advertised | undefined;
  call.host.perMessage.set(ADVERTISED, { ...before, ...change });
  return 1;
}

/** The destination URI when it is set, else the request URI. */
const nextHop = (call: C): ByteStr => call.msg.dstUri ?? call.msg.ruri;

const forward = (call: C, to: ByteStr) => forwardRequest(call.host, call.msg, to);

const isFlag = (flag: number): boolean => flag >= 0 && flag < 32;

/** Flags of branch 0 are the message's; those of a branch that does not exist are taken and forgotten, as in Kamailio. */
const branchFlag =
  (change: (bits: number, bit: number) => number) =>
  (call: C, flag: number, branch: number): boolean => {
    if (!isFlag(flag)) return false;
    if (branch === 0) call.msg.setU32(L.M_BFLAGS, change(call.msg.u32(L.M_BFLAGS), 1 << flag) >>> 0);
    return true;
  };

/** Tests the URI of the next hop; false when it does not parse. */
const nextHopIs = (test: (uri: Uri) => boolean) => ({
  params: [] as const,
  returns: 'bool' as const,
  run: (call: C): boolean => {
    const uri = parseUri(call.host.core, nextHop(call));
    return uri !== undefined && test(uri);
  },
});
const to = (...protocols: number[]) => nextHopIs(uri => protocols.includes(transportOf(uri)));

/** Kamailio's debug level for ours */
const DEBUG_LEVELS: Readonly<Record<string, number>> = {
  trace: 3,
  debug: 3,
  info: 2,
  warn: 0,
  error: -1,
  fatal: -2,
  silent: -5,
};

export default defineModule<CoreState>({
  name: '',
  shares: true,
  native: false,
  modparams: {},
  create: () => ({}),
  functions: [
    // methods, transports, flags, myself, log: AssemblyScript
    ...hot,
    /** KSR.is_dst_port(port): whether the port of the receiving socket is the one given. */
    kemi('is_dst_port', {
      params: ['int'],
      returns: 'bool',
      run: (call, port) => call.host.sockets[call.msg.socket]?.port === port,
    }),
    /** KSR.setbiflag(flag, branch): sets a flag of a branch. @param branch 0 is the first, the only one here  @returns true; false when the flag is not 0..31 */
    kemi('setbiflag', {
      native: { name: 'setbflag', params: ['flag', 'int'] },
      params: ['int', 'int'],
      returns: 'bool',
      run: branchFlag((bits, bit) => bits | bit),
    }),
    /** KSR.resetbiflag(flag, branch): resets a flag of a branch. @returns true; false when the flag is not 0..31 */
    kemi('resetbiflag', {
      native: { name: 'resetbflag', params: ['flag', 'int'] },
      params: ['int', 'int'],
      returns: 'bool',
      run: branchFlag((bits, bit) => bits & ~bit),
    }),
    /** KSR.isbiflagset(flag, branch): whether a flag of a branch is set; false for a branch that does not exist. */
    kemi('isbiflagset', {
      native: { name: 'isbflagset', params: ['flag', 'int'] },
      params: ['int', 'int'],
      returns: 'bool',
      run: (call, flag, branch) => isFlag(flag) && branch === 0 && (call.msg.u32(L.M_BFLAGS) & (1 << flag)) !== 0,
    }),
    // ---- forwarding
    /**
     * KSR.forward(): sends the request on, statelessly, to the destination URI or the request URI (RFC 3261 16.11).
     * A name is resolved meanwhile other messages are routed. Its Via has a branch that is the same for each retransmission.
     * @returns 1 sent; -1 not sent: the URI leads nowhere, no socket fits, or the message is too big
     */
    kemi('forward', { native: {}, params: [], returns: 'int', async: true, run: call => forward(call, nextHop(call)) }),
    /**
     * KSR.forward_uri(uri): sends the request on to where `uri` leads; the request URI stays what it is.
     * @param uri '' is forward()  @returns 1 sent; -1 not sent
     */
    kemi('forward_uri', {
      params: ['str'],
      returns: 'int',
      async: true,
      run: (call, uri) => forward(call, uri || nextHop(call)),
    }),
    /**
     * KSR.set_advertised_address(host): the host in the Via of this message when it is forwarded.
     * @returns 1 taken; -1 it is not a host (Kamailio takes anything and sends it)
     */
    kemi('set_advertised_address', {
      native: {},
      params: ['str'],
      returns: 'int',
      run: (call, host) => {
        if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(host) || numericHost(host)) return advertise(call, { host });
        call.host.log.error({ host }, `Cannot advertise "${host}": it is not a host`);
        return -1;
      },
    }),
    /** KSR.set_advertised_port(port): the port in the Via of this message when it is forwarded. @param port 1..65535 @returns 1 taken; -1 it is not a port */
    kemi('set_advertised_port', {
      native: {},
      params: ['str'],
      returns: 'int',
      run: (call, port) => {
        if (/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65536) return advertise(call, { port });
        call.host.log.error({ port }, `Cannot advertise port "${port}": it is not 1..65535`);
        return -1;
      },
    }),
    /** KSR.to_UDP(): whether the next hop's URI asks for transport=udp; a URI without transport asks for nothing. */
    kemi('to_UDP', to(L.PROTO_UDP)),
    /** KSR.to_TCP(): whether the next hop's URI asks for transport=tcp. */
    kemi('to_TCP', to(L.PROTO_TCP)),
    /** KSR.to_TLS(): whether the next hop's URI asks for transport=tls. */
    kemi('to_TLS', to(L.PROTO_TLS)),
    /** KSR.to_SCTP(): whether the next hop's URI asks for transport=sctp. */
    kemi('to_SCTP', to(L.PROTO_SCTP)),
    /** KSR.to_WS(): whether the next hop's URI asks for transport=ws. */
    kemi('to_WS', to(L.PROTO_WS)),
    /** KSR.to_WSS(): whether the next hop's URI asks for transport=wss. */
    kemi('to_WSS', to(L.PROTO_WSS)),
    /** KSR.to_WSX(): whether the next hop's URI asks for transport=ws or wss. */
    kemi('to_WSX', to(L.PROTO_WS, L.PROTO_WSS)),
    /** KSR.to_IPv4(): whether the host of the next hop's URI is an IPv4 address. */
    kemi(
      'to_IPv4',
      nextHopIs(uri => numericHost(uri.host)?.family === 4),
    ),
    /** KSR.to_IPv6(): whether the host of the next hop's URI is an IPv6 address. */
    kemi(
      'to_IPv6',
      nextHopIs(uri => numericHost(uri.host)?.family === 6),
    ),
    /**
     * KSR.add_tcp_alias(port): requests to that port of the peer take the connection that this message came by, until it is closed.
     * @param port 1..65535; 0 is the port of the top Via
     * @returns 1, also over UDP, where it does nothing; -1 it has three already, or the port is that of another connection (Kamailio 5.6.3: 0)
     */
    kemi('add_tcp_alias', {
      native: [{ params: ['int?'] }, { name: 'force_tcp_alias', params: ['int?'] }],
      params: ['int'],
      returns: 'int',
      run: ({ host, msg }, port) => addAlias(host, msg, port || viaPort(msg)),
    }),
    /** KSR.add_tcp_alias_via(): as add_tcp_alias, with the port of the top Via. @returns as add_tcp_alias() */
    kemi('add_tcp_alias_via', {
      params: [],
      returns: 'int',
      run: ({ host, msg }) => addAlias(host, msg, viaPort(msg)),
    }),
    // ---- request and destination URI
    /** KSR.seturi(uri): sets the request URI; it is not checked. @returns true */
    kemi('seturi', {
      native: [{ params: ['raw'] }, { name: 'rewriteuri', params: ['raw'] }],
      params: ['str'],
      returns: 'bool',
      run: (call, uri) => {
        call.msg.ruri = uri;
        return true;
      },
    }),
    /**
     * KSR.setuser(user): sets the user of the request URI; '' removes it, and the password with it.
     * @returns true; false when the request URI does not parse
     */
    kemi('setuser', {
      native: [{ params: ['raw'] }, { name: 'rewriteuser', params: ['raw'] }],
      params: ['str'],
      returns: 'bool',
      run: (call, user) => setUser(call.msg, user),
    }),
    /**
     * KSR.sethost(host): sets the host of the request URI and keeps the port; a tel URI becomes a SIP URI with user=phone.
     * @returns true; false when the request URI does not parse
     */
    kemi('sethost', {
      native: [{ params: ['raw'] }, { name: 'rewritehost', params: ['raw'] }],
      params: ['str'],
      returns: 'bool',
      run: (call, host) => setHost(call.msg, host),
    }),
    /** KSR.setdsturi(uri): sets where the request goes, whatever its request URI says; '' unsets it. @returns true */
    kemi('setdsturi', {
      native: {},
      params: ['str'],
      returns: 'bool',
      run: (call, uri) => {
        call.msg.dstUri = uri || undefined;
        return true;
      },
    }),
    /** KSR.get_debug(): the log level as Kamailio counts. @returns 3 debug; 2 info; 0 warnings; -1 errors */
    kemi('get_debug', {
      params: [],
      returns: 'int',
      anytime: true,
      run: call => DEBUG_LEVELS[call.host.log.level] ?? 0,
    }),
    // ---- the rest
    /**
     * KSR.route(name): runs a route block of the native cfg.
     * @returns -1 always with a Lua script: there are no route blocks (Kamailio answers the same)
     */
    kemi('route', {
      params: ['str'],
      returns: 'int',
      run: (call, name) => {
        call.host.log.error(
          { route: name },
          `Cannot run route[${name}]: a KEMI script has no route blocks of the native cfg`,
        );
        return -1;
      },
    }),
    /** KSR.ktest(text): logs the text, to see that calls arrive. */
    kemi('ktest', {
      params: ['str'],
      returns: 'none',
      anytime: true,
      run: (call, text): undefined => {
        call.host.log.info({ script: true }, utf8Of(text));
      },
    }),
  ],
});
