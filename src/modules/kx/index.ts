/** KSR.kx: values of the current message and of the configuration. Those of the hot path are AssemblyScript: wasm/modules/kx.ts. */
import type { ByteStr } from '../../core/memory.ts';
import { type Call, defineModule, exportsOf } from '../../kemi/table.ts';
import {
  authUser,
  contactUri,
  definedNumber,
  definedText,
  environmentNumber,
  environmentText,
  receivedAdvertised,
  receivedSocket,
  sendSocket,
  socketText,
  sourceText,
  sourceUri,
} from './kx.ts';

const kemi = exportsOf<undefined>();
type C = Call<undefined>;

export default defineModule<undefined>({
  name: 'kx',
  shares: true,
  native: false,
  modparams: {},
  create: () => undefined,
  functions: [
    /**
     * KSR.kx.get_method(): the method; of a reply the method of its CSeq.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_method', { params: [], returns: 'xval', wasm: 'kxGetMethod' }),
    /**
     * KSR.kx.get_ruri(): the request URI as the script left it.
     * @returns string, or nil when it does not parse, and in a reply
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_ruri', { params: [], returns: 'xval', wasm: 'kxGetRuri' }),
    /**
     * KSR.kx.get_ouri(): the request URI as received.
     * @returns string, or nil when it does not parse, and in a reply
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_ouri', { params: [], returns: 'xval', wasm: 'kxGetOuri' }),
    /**
     * KSR.kx.get_nhuri(): the next hop: the destination URI if set, else the request URI.
     * @returns string, or nil when there is none
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_nhuri', { params: [], returns: 'xval', wasm: 'kxGetNhuri' }),
    /**
     * KSR.kx.get_furi(): the From URI.
     * @returns string, or nil when From does not parse
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_furi', { params: [], returns: 'xval', wasm: 'kxGetFuri' }),
    /**
     * KSR.kx.get_turi(): the To URI.
     * @returns string, or nil when To does not parse
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_turi', { params: [], returns: 'xval', wasm: 'kxGetTuri' }),
    /**
     * KSR.kx.get_duri(): the destination URI.
     * @returns string, or nil when none is set
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_duri', { params: [], returns: 'xval', wasm: 'kxGetDuri' }),
    /**
     * KSR.kx.gete_duri(): as get_duri(), with "" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('gete_duri', { params: [], returns: 'xval', wasm: 'kxGeteDuri' }),
    /**
     * KSR.kx.getw_duri(): as get_duri(), with "<null>" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('getw_duri', { params: [], returns: 'xval', wasm: 'kxGetwDuri' }),
    /**
     * KSR.kx.get_ruser(): the user of the request URI, of a tel URI its number.
     * @returns string, or nil when there is none
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_ruser', { params: [], returns: 'xval', wasm: 'kxGetRuser' }),
    /**
     * KSR.kx.gete_ruser(): as get_ruser(), with "" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('gete_ruser', { params: [], returns: 'xval', wasm: 'kxGeteRuser' }),
    /**
     * KSR.kx.getw_ruser(): as get_ruser(), with "<null>" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('getw_ruser', { params: [], returns: 'xval', wasm: 'kxGetwRuser' }),
    /**
     * KSR.kx.get_rhost(): the host of the request URI, IPv6 in brackets.
     * @returns string, or nil when there is none
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_rhost', { params: [], returns: 'xval', wasm: 'kxGetRhost' }),
    /**
     * KSR.kx.gete_rhost(): as get_rhost(), with "" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('gete_rhost', { params: [], returns: 'xval', wasm: 'kxGeteRhost' }),
    /**
     * KSR.kx.getw_rhost(): as get_rhost(), with "<null>" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('getw_rhost', { params: [], returns: 'xval', wasm: 'kxGetwRhost' }),
    /**
     * KSR.kx.get_fuser(): the user of the From URI.
     * @returns string, or nil when there is none
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_fuser', { params: [], returns: 'xval', wasm: 'kxGetFuser' }),
    /**
     * KSR.kx.gete_fuser(): as get_fuser(), with "" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('gete_fuser', { params: [], returns: 'xval', wasm: 'kxGeteFuser' }),
    /**
     * KSR.kx.getw_fuser(): as get_fuser(), with "<null>" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('getw_fuser', { params: [], returns: 'xval', wasm: 'kxGetwFuser' }),
    /**
     * KSR.kx.get_fhost(): the host of the From URI.
     * @returns string, or nil when there is none
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_fhost', { params: [], returns: 'xval', wasm: 'kxGetFhost' }),
    /**
     * KSR.kx.gete_fhost(): as get_fhost(), with "" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('gete_fhost', { params: [], returns: 'xval', wasm: 'kxGeteFhost' }),
    /**
     * KSR.kx.getw_fhost(): as get_fhost(), with "<null>" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('getw_fhost', { params: [], returns: 'xval', wasm: 'kxGetwFhost' }),
    /**
     * KSR.kx.get_tuser(): the user of the To URI.
     * @returns string, or nil when there is none
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_tuser', { params: [], returns: 'xval', wasm: 'kxGetTuser' }),
    /**
     * KSR.kx.gete_tuser(): as get_tuser(), with "" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('gete_tuser', { params: [], returns: 'xval', wasm: 'kxGeteTuser' }),
    /**
     * KSR.kx.getw_tuser(): as get_tuser(), with "<null>" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('getw_tuser', { params: [], returns: 'xval', wasm: 'kxGetwTuser' }),
    /**
     * KSR.kx.get_thost(): the host of the To URI.
     * @returns string, or nil when there is none
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_thost', { params: [], returns: 'xval', wasm: 'kxGetThost' }),
    /**
     * KSR.kx.gete_thost(): as get_thost(), with "" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('gete_thost', { params: [], returns: 'xval', wasm: 'kxGeteThost' }),
    /**
     * KSR.kx.getw_thost(): as get_thost(), with "<null>" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('getw_thost', { params: [], returns: 'xval', wasm: 'kxGetwThost' }),
    /**
     * KSR.kx.get_ua(): the value of User-Agent.
     * @returns string, or nil when there is no such header
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_ua', { params: [], returns: 'xval', wasm: 'kxGetUa' }),
    /**
     * KSR.kx.gete_ua(): as get_ua(), with "" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('gete_ua', { params: [], returns: 'xval', wasm: 'kxGeteUa' }),
    /**
     * KSR.kx.getw_ua(): as get_ua(), with "<null>" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('getw_ua', { params: [], returns: 'xval', wasm: 'kxGetwUa' }),
    /**
     * KSR.kx.get_callid(): the Call-ID.
     * @returns string, or nil when there is none
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_callid', { params: [], returns: 'xval', wasm: 'kxGetCallid' }),
    /**
     * KSR.kx.get_srcip(): the source address, IPv6 without brackets.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_srcip', { params: [], returns: 'xval', wasm: 'kxGetSrcip' }),
    /**
     * KSR.kx.get_proto(): the transport it came over: udp, tcp, tls, sctp, ws or wss.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_proto', { params: [], returns: 'xval', wasm: 'kxGetProto' }),
    /**
     * KSR.kx.get_body(): the body.
     * @returns string, or nil when it is empty
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_body', { params: [], returns: 'xval', wasm: 'kxGetBody' }),
    /**
     * KSR.kx.gete_body(): as get_body(), with "" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('gete_body', { params: [], returns: 'xval', wasm: 'kxGeteBody' }),
    /**
     * KSR.kx.getw_body(): as get_body(), with "<null>" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('getw_body', { params: [], returns: 'xval', wasm: 'kxGetwBody' }),
    /**
     * KSR.kx.get_msgbuf(): the whole message as received.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_msgbuf', { params: [], returns: 'xval', wasm: 'kxGetMsgbuf' }),
    /**
     * KSR.kx.get_srcport(): the source port.
     * @returns number, 0..65535
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_srcport', { params: [], returns: 'xval', wasm: 'kxGetSrcport' }),
    /**
     * KSR.kx.get_protoid(): the transport it came over, as Kamailio numbers them.
     * @returns 1 UDP; 2 TCP; 3 TLS; 4 SCTP; 5 WS; 6 WSS
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_protoid', { params: [], returns: 'int', wasm: 'kxGetProtoid' }),
    /**
     * KSR.kx.get_conid(): the connection it came over.
     * @returns its number; -1 for UDP
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_conid', { params: [], returns: 'int', wasm: 'kxGetConid' }),
    /**
     * KSR.kx.get_status(): the status code of a reply.
     * @returns 100..699; -1 in a request
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_status', { params: [], returns: 'int', wasm: 'kxGetStatus' }),
    /**
     * KSR.kx.gets_status(): the status code of a reply, as text.
     * @returns three digits, or nil in a request
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('gets_status', { params: [], returns: 'xval', wasm: 'kxGetsStatus' }),
    /**
     * KSR.kx.get_bodylen(): the length of the body.
     * @returns bytes
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_bodylen', { params: [], returns: 'int', wasm: 'kxGetBodylen' }),
    /**
     * KSR.kx.get_msglen(): the length of the message.
     * @returns bytes
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_msglen', { params: [], returns: 'int', wasm: 'kxGetMsglen' }),
    /**
     * KSR.kx.get_msgtype(): what kind of message it is.
     * @returns 1 request; 2 reply
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_msgtype', { params: [], returns: 'int', wasm: 'kxGetMsgtype' }),
    /**
     * KSR.kx.get_timestamp(): the time now.
     * @returns seconds since 1970
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_timestamp', {
      params: [],
      returns: 'int',
      anytime: true,
      run: ({ host }) => Math.floor(host.now() / 1000) | 0,
    }),
    /**
     * KSR.kx.get_au(): the user of the credentials in Proxy-Authorization, else in Authorization, without its @domain.
     * @returns string, or nil when no Digest credentials are there
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_au', { params: [], returns: 'xval', run: authUser }),
    /**
     * KSR.kx.gete_au(): as get_au(), with "" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('gete_au', { params: [], returns: 'xval', run: call => authUser(call) ?? '' }),
    /**
     * KSR.kx.getw_au(): as get_au(), with "<null>" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('getw_au', { params: [], returns: 'xval', run: call => authUser(call) ?? '<null>' }),
    /**
     * KSR.kx.get_cturi(): the URI of the first Contact header; of several in it the last.
     * @returns string, or nil when there is none, or it is *
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_cturi', { params: [], returns: 'xval', run: contactUri }),
    /**
     * KSR.kx.gete_cturi(): as get_cturi(), with "" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('gete_cturi', { params: [], returns: 'xval', run: call => contactUri(call) ?? '' }),
    /**
     * KSR.kx.getw_cturi(): as get_cturi(), with "<null>" for nil.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('getw_cturi', { params: [], returns: 'xval', run: call => contactUri(call) ?? '<null>' }),
    /**
     * KSR.kx.get_srcuri(): the source as a URI: sip:ADDRESS:PORT, with ;transport= unless it is UDP.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_srcuri', { params: [], returns: 'xval', run: sourceUri }),
    /**
     * KSR.kx.get_srcaddr_sock(): the source as PROTO:ADDRESS:PORT.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_srcaddr_sock', { params: [], returns: 'xval', run: sourceText }),
    /**
     * KSR.kx.get_rcvip(): the address of the receiving socket.
     * @returns string, IPv6 without brackets
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_rcvip', { params: [], returns: 'xval', run: call => receivedSocket(call).ip }),
    /**
     * KSR.kx.get_rcvport(): the port of the receiving socket.
     * @returns number
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_rcvport', { params: [], returns: 'xval', run: call => receivedSocket(call).port }),
    /**
     * KSR.kx.get_rcvadvip(): the advertised address of the receiving socket, else its address.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_rcvadvip', { params: [], returns: 'xval', run: call => receivedAdvertised(call).ip }),
    /**
     * KSR.kx.get_rcvadvport(): the advertised port of the receiving socket, else its port.
     * @returns number
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_rcvadvport', { params: [], returns: 'xval', run: call => receivedAdvertised(call).port }),
    /**
     * KSR.kx.get_rcvaddr_sock(): the receiving socket as PROTO:ADDRESS:PORT.
     * @returns string
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_rcvaddr_sock', { params: [], returns: 'xval', run: call => socketText(receivedSocket(call)) }),
    /**
     * KSR.kx.get_rcv_sock_name(): the name of the receiving socket.
     * @returns string, or nil when it has none
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_rcv_sock_name', { params: [], returns: 'xval', run: call => receivedSocket(call).name ?? null }),
    /**
     * KSR.kx.get_send_sock(): the socket chosen to send from, as PROTO:ADDRESS:PORT.
     * @returns string, or nil when none was chosen
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_send_sock', {
      params: [],
      returns: 'xval',
      run: call => {
        const socket = sendSocket(call);
        return socket ? socketText(socket) : null;
      },
    }),
    /**
     * KSR.kx.get_send_sock_name(): the name of the socket chosen to send from.
     * @returns string, or nil
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_send_sock_name', { params: [], returns: 'xval', run: call => sendSocket(call)?.name ?? null }),
    /**
     * KSR.kx.get_send_sock_port(): the port of the socket chosen to send from.
     * @returns 0..65535; 0 when none was chosen
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_send_sock_port', { params: [], returns: 'int', run: call => sendSocket(call)?.port ?? 0 }),
    /**
     * KSR.kx.ifdef(name): whether a name was given with -A or #!define.
     * @param name as written there
     * @returns true or false
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('ifdef', {
      params: ['str'],
      returns: 'bool',
      anytime: true,
      run: ({ host }: C, name: ByteStr) => host.defines.has(name),
    }),
    /**
     * KSR.kx.ifndef(name): whether a name was not given with -A or #!define.
     * @param name as written there
     * @returns true or false
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('ifndef', {
      params: ['str'],
      returns: 'bool',
      anytime: true,
      run: ({ host }: C, name: ByteStr) => !host.defines.has(name),
    }),
    /**
     * KSR.kx.get_def(name): the value a name was given with.
     * @param name as written there
     * @returns string; "" for a name without value and for one that was not given
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_def', { params: ['str'], returns: 'xval', anytime: true, run: definedText }),
    /**
     * KSR.kx.get_defn(name): the value a name was given with, as a number.
     * @param name as written there
     * @returns the number; 0 when it spells none
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_defn', { params: ['str'], returns: 'int', anytime: true, run: definedNumber }),
    /**
     * KSR.kx.get_env(name): an environment variable that the host grants.
     * @param name as written there
     * @returns string; "" when there is none
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_env', { params: ['str'], returns: 'xval', anytime: true, run: environmentText }),
    /**
     * KSR.kx.get_envn(name): an environment variable that the host grants, as a number.
     * @param name as written there
     * @returns the number; 0 when it spells none
     * Kamailio 6.x KEMI manual, module kx; deviations: none
     */
    kemi('get_envn', { params: ['str'], returns: 'int', anytime: true, run: environmentNumber }),
  ],
});
