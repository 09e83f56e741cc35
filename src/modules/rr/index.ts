/** KSR.rr: Record-Route and Route (RFC 3261 16.4, 16.6, 16.12). */

import * as L from '../../core/gen/layout.gen.ts';
import { RegexCache } from '../../kemi/posix-regex.ts';
import { dropRecordRoute } from '../../kemi/record-route.ts';
import { defineModule, exportsOf } from '../../kemi/table.ts';
import { isUpstream, looseRoute, routeParams } from './loose.ts';
import { addParam, recordAdvertised, recordPreset, recordRoute } from './record.ts';
import type { State } from './state.ts';

const kemi = exportsOf<State>();

const flag = (value: number, doc: string) => ({ type: 'int' as const, default: value, doc });

/** is_direction() for a word that names no direction, as Kamailio answers */
const NO_DIRECTION = -6;

export default defineModule<State>({
  name: 'rr',
  shares: true,
  modparams: {
    enable_full_lr: flag(0, '1 writes ;lr=on in place of ;lr, for peers that lose parameters without a value'),
    append_fromtag: flag(1, '1 writes the tag of From as ftag, which is_direction() needs'),
    enable_double_rr: {
      type: 'int',
      default: 1,
      min: 0,
      max: 2,
      doc: '1 records two routes when the request leaves by another socket than it came in by, 2 always, 0 never; 0 also leaves r2 in Route alone',
    },
    add_username: flag(0, '1 writes the user of the request URI into Record-Route'),
    enable_socket_mismatch_warning: flag(
      1,
      '1 warns when record_route_preset() names another host than the receiving socket',
    ),
    custom_user_avp: {
      type: 'str',
      default: '',
      doc: 'AVP with the user that add_username writes; without a value the one of the request URI',
    },
    force_send_socket: flag(
      0,
      '1 sends from the socket that a single route of ours names; with two routes this is always so',
    ),
    ignore_sips: flag(0, '1 writes sip: also when the request URI is a sips: URI'),
    sockname_mode: flag(0, '1 writes the name of the socket as parameter sn, and finds the socket by it'),
  },
  create: (host, p) => ({
    bits:
      (p.append_fromtag ? L.RRO_FROM_TAG : 0) |
      (p.enable_full_lr ? L.RRO_FULL_LR : 0) |
      (p.ignore_sips ? L.RRO_IGNORE_SIPS : 0) |
      (p.sockname_mode ? L.RRO_NAMES : 0) |
      (p.force_send_socket ? L.RRO_FORCE_SOCKET : 0) |
      (L.RRO_DOUBLE * Number(p.enable_double_rr ?? L.RR_AUTO)),
    area: host.core.x.rrArea(),
    username: Boolean(p.add_username),
    userAvp: String(p.custom_user_avp ?? ''),
    user: undefined,
    mismatchWarning: Boolean(p.enable_socket_mismatch_warning),
    regexes: new RegexCache(),
  }),
  functions: [
    /**
     * KSR.rr.record_route(): stay in the path of the dialog (RFC 3261 16.6 step 4). The header is written when the request is sent: one with the address of
     * the receiving socket, or, when the request leaves by another one, two that refer to each other by parameter r2.
     * @returns 1 asked for; -1 asked for before, or a reply
     * Kamailio 6.x manual, module rr, record_route; deviations: none
     */
    kemi('record_route', {
      native: { routes: ['request', 'failure', 'branch', 'event'] },
      params: [],
      returns: 'int',
      run: call => recordRoute(call, ''),
    }),
    /**
     * KSR.rr.record_route_params(params): record_route() with parameters for the URI.
     * @param params ";name=value"; the first semicolon may be missing
     * @returns 1 asked for; -1 asked for before, a reply, or text that cannot be a parameter
     * Kamailio 6.x manual, module rr, record_route; deviations: text with control bytes or angle brackets is refused, a missing semicolon is added
     */
    kemi('record_route_params', {
      native: { name: 'record_route', routes: ['request', 'failure', 'branch', 'event'] },
      params: ['str'],
      returns: 'int',
      run: recordRoute,
    }),
    /**
     * KSR.rr.record_route_preset(out, in): two Record-Route headers with the addresses given.
     * @param out host[:port][;params] of the side where the request leaves, with ;r2=on
     * @param in the same of the side where it came in
     * @returns 1 asked for; -1 asked for before, a reply, not an address, or enable_double_rr is 0
     * Kamailio 6.x manual, module rr, record_route_preset; deviations: what is no address is refused
     */
    kemi('record_route_preset', {
      native: { params: ['str', 'str'], routes: ['request', 'failure', 'branch', 'event'] },
      params: ['str', 'str'],
      returns: 'int',
      run: (call, first, second) => recordPreset(call, first, second),
    }),
    /**
     * KSR.rr.record_route_preset_one(address): one Record-Route header with the address given.
     * @param address host[:port][;params]
     * @returns 1 asked for; -1 asked for before, a reply, or not an address
     * Kamailio 6.x manual, module rr, record_route_preset; deviations: what is no address is refused
     */
    kemi('record_route_preset_one', {
      native: { name: 'record_route_preset', routes: ['request', 'failure', 'branch', 'event'] },
      params: ['str'],
      returns: 'int',
      run: (call, address) => recordPreset(call, address, undefined),
    }),
    /**
     * KSR.rr.record_route_advertised_address(address): record_route() with this address in place of the sockets'; two headers with transport parameters
     * when the protocol changes.
     * @param address host[:port][;params]
     * @returns 1 asked for; -1 asked for before, a reply, or not an address
     * Kamailio 6.x manual, module rr, record_route_advertised_address; deviations: what is no address is refused
     */
    kemi('record_route_advertised_address', { params: ['str'], returns: 'int', run: recordAdvertised }),
    /**
     * KSR.rr.add_rr_param(param): adds a parameter to the Record-Route URI, before or after record_route() was called.
     * @param param ";name=value"; the first semicolon may be missing
     * @returns 1 taken; -1 a reply, or text that cannot be a parameter
     * Kamailio 6.x manual, module rr, add_rr_param; deviations: as record_route_params; 1, not -1, behind record_route_preset_one
     */
    kemi('add_rr_param', {
      native: { routes: ['request', 'failure', 'branch', 'event'] },
      params: ['str'],
      returns: 'int',
      run: addParam,
    }),
    /**
     * KSR.rr.remove_record_route(): takes back what record_route() and its like asked for; parameters of add_rr_param() stay for the next one.
     * @returns 1 also when nothing was asked for; -1 memory is full
     * Kamailio 6.x manual, module rr, remove_record_route; deviations: nothing of it stays, and it can be asked for again
     */
    kemi('remove_record_route', {
      native: { routes: ['request', 'failure', 'event'] },
      params: [],
      returns: 'int',
      run: call => (dropRecordRoute(call.msg) ? 1 : -1),
    }),
    /**
     * KSR.rr.loose_route(): routes the request by its Route headers: takes our own ones off, sets the destination URI to the next one, and translates for
     * strict routers before and behind us. Two routes of ours (r2) also say by which socket the request leaves.
     * @returns 1 routed; -1 no Route header, or one does not parse; -3 an initial request that named only us: route it on by its request URI
     * Kamailio 6.x manual, module rr, loose_route; deviations: on -1 nothing is changed; a foreign route behind r2 stays; a route with maddr stays whole
     */
    kemi('loose_route', {
      native: { routes: ['request', 'event'] },
      params: [],
      returns: 'int',
      run: call => looseRoute(call, true),
    }),
    /**
     * KSR.rr.loose_route_mode(mode): loose_route(), for application servers whose Contact is the address of this server.
     * @param mode 0 is loose_route(); others do not take a request URI of ours for a strict router's
     * @returns as loose_route()
     * Kamailio 6.x manual, module rr, loose_route_mode; deviations: as loose_route
     */
    kemi('loose_route_mode', {
      native: { name: 'loose_route', routes: ['request', 'event'] },
      params: ['int'],
      returns: 'int',
      run: (call, mode) => looseRoute(call, mode === 0),
    }),
    /**
     * KSR.rr.loose_route_preloaded(): loose_route(), and whether the request is an initial one that named only us.
     * @returns 1 it is; -1 it is not, also when it was routed
     * Kamailio 6.x manual, module rr, loose_route_preloaded; deviations: none
     */
    kemi('loose_route_preloaded', {
      params: [],
      returns: 'int',
      run: call => (looseRoute(call, true) === -3 ? 1 : -1),
    }),
    /**
     * KSR.rr.next_hop_route(): whether loose_route() found one more route behind our own.
     * @returns 1 it did; -1 not, or loose_route() was not called
     * Kamailio 6.x manual, module rr, rr_next_hop_route; deviations: none
     */
    kemi('next_hop_route', {
      params: [],
      returns: 'int',
      run: call => (call.msg.mem.u8[call.msg.at + L.M_RRFLAGS]! & L.RRF_NEXT_HOP ? 1 : -1),
    }),
    /**
     * KSR.rr.check_route_param(regex): whether the parameters of our route match; before loose_route() those of the first route.
     * @param regex POSIX extended, any case; the text begins with a semicolon
     * @returns 1 they match; -1 not, no parameters, or the expression does not compile
     * Kamailio 6.x manual, module rr, check_route_param; deviations: none
     */
    kemi('check_route_param', {
      native: { params: ['raw'], routes: ['request', 'event'] },
      params: ['str'],
      returns: 'int',
      run: (call, source) => {
        const params = routeParams(call);
        if (!params || !source) return -1;
        const regex = call.state.regexes.get(source, { ignoreCase: true });
        if (typeof regex !== 'string') return regex.test(params) ? 1 : -1;
        call.host.log.error({ regex: source }, `Cannot compile the expression: ${regex}`);
        return -1;
      },
    }),
    /**
     * KSR.rr.is_direction(direction): whether an in-dialog request runs in this direction, by parameter ftag of our route. Without ftag it runs downstream.
     * @param direction "downstream" from caller to callee, "upstream" from callee to caller, any case
     * @returns 1 it does; -1 not; -6 not a direction
     * Kamailio 6.x manual, module rr, is_direction; deviations: the name ftag may have any case
     */
    kemi('is_direction', {
      native: { params: ['raw'], routes: ['request', 'event'] },
      params: ['str'],
      returns: 'int',
      run: (call, direction) => {
        const word = direction.toLowerCase();
        if (word !== 'upstream' && word !== 'downstream') return NO_DIRECTION;
        return isUpstream(call) === (word === 'upstream') ? 1 : -1;
      },
    }),
  ],
});
