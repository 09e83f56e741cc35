/** KSR.nathelper: signs of NAT, changes of Contact and SDP that help, pings. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { KemiError, RpcError } from '../../errors.ts';
import { addressesOf } from '../../kemi/addresses.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { isHeaderText } from '../../kemi/record-route.ts';
import { defineModule, exportsOf, type ModParamValues } from '../../kemi/table.ts';
import { parseUri, uriParams } from '../../kemi/uri.ts';
import {
  addAlias,
  addAliasOf,
  addReceived,
  aliasToPv,
  fixContact,
  fixRegister,
  handleAlias,
  setAlias,
} from './contact.ts';
import { behindNat } from './nat-test.ts';
import { Pinger, type PingOptions, socketNamed } from './ping.ts';
import { fixSdp } from './sdp.ts';
import { isPrivate } from './source.ts';
import type { C, State } from './state.ts';

const kemi = exportsOf<State>();

const config = (text: string): KemiError => new KemiError('KEMI_ERR_CONFIG', text);

function pingOptions(host: ModuleHost, p: ModParamValues): PingOptions {
  const text = (name: string): ByteStr => String(p[name] ?? '');
  const mask = (name: string): number => (Number(p[name]) < 0 ? 0 : (1 << Number(p[name])) >>> 0);
  if (p.udpping_from_path)
    throw config(
      'Cannot use nathelper.udpping_from_path: packets with a foreign source address cannot be sent from here',
    );
  for (const name of ['natping_socket', 'force_socket'])
    if (text(name) && !socketNamed(host.sockets, text(name)))
      throw config(`Cannot use nathelper.${name} "${text(name)}": it is no UDP socket that is listened on`);
  if (text('sipping_from') && !(isHeaderText(text('sipping_from')) && parseUri(host.core, text('sipping_from'))))
    throw config(`Cannot use nathelper.sipping_from "${text('sipping_from')}": it is no URI`);
  if (!/^[A-Za-z0-9.!%*_+`'~-]+$/.test(text('sipping_method')))
    throw config(`Cannot use nathelper.sipping_method "${text('sipping_method')}": it is no method`);
  return {
    interval: Number(p.natping_interval ?? 0),
    natedOnly: Boolean(p.ping_nated_only),
    sipFlag: mask('sipping_bflag'),
    disableFlag: mask('natping_disable_bflag'),
    from: text('sipping_from'),
    method: text('sipping_method'),
    timeoutSec: Number(p.keepalive_timeout ?? 0),
    filterServerId: Boolean(p.filter_server_id),
    socket: socketNamed(host.sockets, text('force_socket') || text('natping_socket')),
  };
}

/** URIs of all Record-Route headers; of headers that do not parse none */
const recordRoutes = (call: C) => addressesOf(call.msg, L.HDR_RECORD_ROUTE) ?? [];

const flag = (value: number, doc: string) => ({ type: 'int' as const, default: value, doc });
const branchFlag = (doc: string) => ({ type: 'int' as const, default: -1, min: -1, max: 31, doc });

export default defineModule<State>({
  name: 'nathelper',
  shares: true,
  modparams: {
    received_avp: {
      type: 'str',
      default: '',
      doc: 'AVP into which fix_nated_register() puts the source of a REGISTER; the same as registrar has',
    },
    nat_addr_mode: flag(1, '1 takes 192.0.0.0/24 for a private network, 0 only 192.0.0.0/29'),
    alias_name: { type: 'str', default: 'alias', doc: 'name of the parameter of set_contact_alias() and its like' },
    nortpproxy_str: {
      type: 'str',
      default: 'a=nortpproxy:yes\r\n',
      doc: 'line with which fix_nated_sdp() marks SDP, CRLF included; empty: none',
    },
    append_sdp_oldmediaip: flag(1, '1 keeps replaced addresses in lines a=oldmediaip'),
    natping_interval: {
      type: 'int',
      default: 0,
      min: 0,
      max: 86400,
      doc: 'seconds in which each contact gets one ping; 0 none',
    },
    ping_nated_only: flag(0, '1 pings only contacts with the flag nat_bflag of usrloc'),
    natping_processes: { type: 'int', default: 1, min: 0, doc: 'taken and ignored: there are no processes' },
    natping_socket: {
      type: 'str',
      default: '',
      doc: 'address from which pings leave; it must be a socket that is listened on',
    },
    force_socket: {
      type: 'str',
      default: '',
      doc: 'socket from which UDP pings leave; without it the one that the REGISTER came in by',
    },
    sipping_bflag: branchFlag(
      'branch flag of contacts that get SIP requests as pings; with ping_nated_only 0 all of them get requests; -1 none',
    ),
    sipping_from: { type: 'str', default: '', doc: 'URI of From in these requests; empty: none are sent' },
    sipping_method: { type: 'str', default: 'OPTIONS', doc: 'their method' },
    natping_disable_bflag: branchFlag('branch flag of contacts that get no pings; -1 none'),
    keepalive_timeout: {
      type: 'int',
      default: 0,
      min: 0,
      doc: 'seconds without an answer to SIP pings until a contact is removed; 0 never',
    },
    udpping_from_path: flag(0, '1 is refused: the source address of a packet cannot be made up here'),
    filter_server_id: flag(0, '1 pings only contacts that were registered with this server_id'),
  },
  create: (host, p) => ({
    receivedAvp: String(p.received_avp ?? ''),
    received: undefined,
    reserved: Boolean(p.nat_addr_mode),
    alias: aliasName(String(p.alias_name ?? '')),
    mark: String(p.nortpproxy_str ?? ''),
    oldMediaIp: Boolean(p.append_sdp_oldmediaip),
    pinger: new Pinger(host, pingOptions(host, p)),
  }),
  functions: [
    /**
     * KSR.nathelper.nat_uac_test(flags): signs that the sender is behind NAT.
     * @param flags bits, any of which is enough: 1 a Contact has a private address; 2 the top Via names another host than the source address; 4 it has a
     *   private address; 8 a c= line of the SDP has a private address; 16 the top Via's port is not the source port; 32 the source address is private; 64 the
     *   message came over a WebSocket; 128 a Contact's port is not the source port; 256 no c= line has the source address; 512 the destination URI is not the
     *   request URI's host and port, or a WebSocket; of a reply the second Via's received or rport differ from its sent-by
     * @returns 1 one of them holds; -1 none
     * Kamailio 6.x manual, module nathelper, nat_uac_test; deviations: all Contact headers are looked at
     */
    kemi('nat_uac_test', { params: ['int'], returns: 'int', run: (call, flags) => (behindNat(call, flags) ? 1 : -1) }),
    /**
     * KSR.nathelper.is_rfc1918(ip): whether an IPv4 address is private: RFC 1918, RFC 6598, RFC 7335.
     * @returns 1 it is; -1 not, or not an IPv4 address
     * Kamailio 6.x manual, module nathelper, is_rfc1918; deviations: only four whole decimals are an address
     */
    kemi('is_rfc1918', {
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (call, ip) => (isPrivate(ip, call.state.reserved) ? 1 : -1),
    }),
    /**
     * KSR.nathelper.fix_nated_contact(): puts the source address and port in place of the host of each Contact.
     * @returns 1 done; -1 no Contact, one that is no SIP URI, or they were changed before
     * Kamailio 6.x manual, module nathelper, fix_nated_contact; deviations: all contacts, not the last of the first header
     */
    kemi('fix_nated_contact', {
      native: { routes: ['request', 'branch', 'onreply', 'event', 'reply'] },
      params: [],
      returns: 'int',
      run: fixContact,
    }),
    /**
     * KSR.nathelper.fix_nated_register(): puts the URI of the source into received_avp, where registrar finds it.
     * @returns 1 also without received_avp
     * Kamailio 6.x manual, module nathelper, fix_nated_register; deviations: none
     */
    kemi('fix_nated_register', {
      native: { routes: ['request', 'event'] },
      params: [],
      returns: 'int',
      run: fixRegister,
    }),
    /**
     * KSR.nathelper.add_rcv_param(uri): adds the source as parameter `received` to each Contact.
     * @param uri 0 as parameter of the header; others as parameter of the URI, only over UDP
     * @returns 1 also without Contact; -1 a Contact does not parse, or a URI parameter with another transport
     * Kamailio 6.x manual, module nathelper, add_rcv_param; deviations: URI parameters come before the headers of a URI
     */
    kemi('add_rcv_param', {
      native: { params: ['int?'] },
      params: ['int'],
      returns: 'int',
      run: (call, uri) => addReceived(call, uri !== 0),
    }),
    /**
     * KSR.nathelper.add_contact_alias(): adds `;alias=ip~port~proto` with the source to each Contact that does not say the same itself.
     * @returns 1 added; 2 not needed, or no Contact; -1 a Contact is no SIP URI, or was changed before
     * Kamailio 6.x manual, module nathelper, add_contact_alias; deviations: all contacts
     */
    kemi('add_contact_alias', {
      native: { routes: ['request', 'branch', 'onreply', 'event', 'reply'] },
      params: [],
      returns: 'int',
      run: addAlias,
    }),
    /**
     * KSR.nathelper.add_contact_alias_addr(ip, port, proto): add_contact_alias() with a given address.
     * @param ip IPv4 or IPv6 @param port 1..65535 @param proto udp, tcp, tls, sctp, ws, wss
     * @returns 1 added; 2 no Contact; -1 not such an address, a Contact that is no SIP URI, or was changed before
     * Kamailio 6.x manual, module nathelper, add_contact_alias; deviations: all contacts; IPv6 gets its brackets
     */
    kemi('add_contact_alias_addr', {
      native: { name: 'add_contact_alias', routes: ['request', 'failure', 'branch', 'onreply', 'event', 'reply'] },
      params: ['str', 'str', 'str'],
      returns: 'int',
      run: addAliasOf,
    }),
    /**
     * KSR.nathelper.set_contact_alias(): adds `;alias=ip~port~proto` with the source behind the other parameters of each Contact URI.
     * @returns 1 added; -1 no Contact, one that is no SIP URI, or they were changed before
     * Kamailio 6.x manual, module nathelper, set_contact_alias; deviations: all contacts; the parameter comes before the headers of a URI
     */
    kemi('set_contact_alias', {
      native: { routes: ['request', 'branch', 'onreply', 'event', 'reply'] },
      params: [],
      returns: 'int',
      run: call => setAlias(call, false),
    }),
    /**
     * KSR.nathelper.set_contact_alias_trim(): set_contact_alias(), and takes the alias away that a Contact has.
     * @returns as set_contact_alias()
     * Kamailio 6.x manual, module nathelper, set_contact_alias; deviations: as set_contact_alias
     */
    kemi('set_contact_alias_trim', {
      native: false,
      params: [],
      returns: 'int',
      run: call => setAlias(call, true),
    }),
    /**
     * KSR.nathelper.set_alias_to_pv(pv): writes the alias of the first Contact that has one into a PV, as a URI with its transport.
     * @param pv name of a PV that can be written
     * @returns 1 written; -1 no alias, one that does not read as ip~port~proto, or no such PV
     * Kamailio 6.x manual, module nathelper, set_alias_to_pv; deviations: none
     */
    kemi('set_alias_to_pv', { native: { params: ['raw'] }, params: ['str'], returns: 'int', run: aliasToPv }),
    /**
     * KSR.nathelper.handle_ruri_alias(): takes the first alias out of the request URI and makes it the destination URI.
     * @returns 1 done; 2 there is none; -1 it does not read as ip~port~proto
     * Kamailio 6.x manual, module nathelper, handle_ruri_alias; deviations: on -1 nothing is changed; port and address are checked
     */
    kemi('handle_ruri_alias', {
      native: { routes: ['request', 'branch', 'event'] },
      params: [],
      returns: 'int',
      run: call => handleAlias(call, false),
    }),
    /**
     * KSR.nathelper.handle_ruri_alias_mode(mode): handle_ruri_alias() with the first or the last alias.
     * @param mode 0 the first, others the last
     * @returns as handle_ruri_alias()
     * Kamailio 6.x manual, module nathelper, handle_ruri_alias; deviations: as handle_ruri_alias
     */
    kemi('handle_ruri_alias_mode', {
      native: { name: 'handle_ruri_alias', routes: ['request', 'branch', 'event'] },
      params: ['int'],
      returns: 'int',
      run: (call, mode) => handleAlias(call, mode !== 0),
    }),
    /**
     * KSR.nathelper.fix_nated_sdp(flags): changes the SDP for a peer behind NAT.
     * @param flags bits: 1 adds a=direction:active to each medium; 2 puts the source address into c= and a=rtcp; 4 adds nortpproxy_str; 8 puts the source
     *   address into o= and a=rtcp
     * @returns 1 an address was replaced; 2 none; -1 no SDP
     * Kamailio 6.x manual, module nathelper, fix_nated_sdp; deviations: the address type follows the address; a second call replaces nothing again
     */
    kemi('fix_nated_sdp', { params: ['int'], returns: 'int', run: (call, flags) => fixSdp(call, flags, '') }),
    /**
     * KSR.nathelper.fix_nated_sdp_ip(flags, ip): fix_nated_sdp() with a given address.
     * @param ip IPv4 or IPv6, '' is the source address
     * @returns as fix_nated_sdp(); -1 also when `ip` is no address
     * Kamailio 6.x manual, module nathelper, fix_nated_sdp; deviations: as fix_nated_sdp; what is no address is refused
     */
    kemi('fix_nated_sdp_ip', {
      native: { name: 'fix_nated_sdp' },
      params: ['int', 'str'],
      returns: 'int',
      run: fixSdp,
    }),
  ],
  pvs: [
    {
      name: 'rr_count',
      doc: 'number of Record-Routes; 0 when one does not parse',
      get: (call: C) => recordRoutes(call).length,
    },
    {
      name: 'rr_top_count',
      doc: '2 when the first Record-Route is one of two (parameter r2), 1 when it stands alone, 0 when there is none',
      get: (call: C) => {
        const [top] = recordRoutes(call);
        if (!top) return 0;
        const params = uriParams(parseUri(call.host.core, top.uri)?.params);
        return params.some(p => p.name.toLowerCase() === 'r2') ? 2 : 1;
      },
    },
  ],
  rpc: [
    {
      name: 'nathelper.enable_ping',
      doc: 'Turns pings on (another number than 0) or off (0).',
      run: ({ state }, params) => {
        const [value] = params;
        if ((typeof value !== 'number' && typeof value !== 'string') || !/^-?\d+$/.test(String(value)))
          throw new RpcError(400, 'Cannot turn pings on or off: a number is needed');
        state.pinger.enabled = Number(value) !== 0;
        return {};
      },
    },
  ],
  onReply: (state, _host, msg) => state.pinger.takeReply(msg),
  dispose: state => state.pinger.stop(),
});

function aliasName(name: ByteStr): ByteStr {
  if (/^[A-Za-z0-9_.-]+$/.test(name)) return name;
  throw config(`Cannot use nathelper.alias_name "${name}": it is no parameter name`);
}
