/** KSR.corex: what Kamailio's corex adds to the core. */
import * as L from '../../core/gen/layout.gen.ts';
import { type ByteStr, byteStr, bytesOf, utf8Of } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import { addBranch, Q_UNSPECIFIED } from '../../kemi/branches.ts';
import type { Socket } from '../../kemi/host.ts';
import { type Call, defineModule, exportsOf } from '../../kemi/table.ts';
import { sendData } from './send.ts';
import { findSocket, parseAddress, setReceiveSocket, setSource, socketByName } from './sockets.ts';

type C = Call<undefined>;

const kemi = exportsOf<undefined>();

/** 64 flags of a message: two words */
const XFLAGS = 64;

/** @param change new word for the old one; undefined only reads @returns 1 set; -1 not set, or no such flag */
function xflag(flag: number, call: C, change?: (word: number, bit: number) => number): number {
  if (flag < 0 || flag >= XFLAGS) return -1;
  const field = L.M_XFLAGS + (flag >> 5) * 4;
  const bit = 1 << (flag & 31);
  const word = call.msg.u32(field);
  if (!change) return word & bit ? 1 : -1;
  call.msg.setU32(field, change(word, bit) >>> 0);
  return 1;
}

/** @param q 0..1 with at most three decimals, '' none @returns q times 1000, undefined when it is no such number */
function parseQ(q: ByteStr): number | undefined {
  if (!q) return Q_UNSPECIFIED;
  const m = /^(?:0(?:\.(\d{1,3}))?|1(?:\.0{1,3})?)$/.exec(q);
  if (!m) return undefined;
  return q.startsWith('1') ? 1000 : Number((m[1] ?? '').padEnd(3, '0'));
}

function appendBranch(call: C, uri: ByteStr, q: ByteStr): number {
  const value = parseQ(q);
  if (value === undefined) {
    call.host.log.error({ q }, `Cannot append a branch: q "${q}" is not 0..1`);
    return -1;
  }
  if (addBranch(call.host, uri || call.msg.ruri, { q: value, flags: call.msg.u32(L.M_BFLAGS) })) return 1;
  call.host.log.error({ uri }, 'Cannot append a branch: there are as many as one message may have');
  return -1;
}

/** Kamailio answers 1 also when there is no such socket, and only logs: scripts do not look at the result. */
function useSocket(call: C, text: ByteStr, socket: Socket | undefined, use: (socket: Socket) => void): number {
  if (socket) use(socket);
  else call.host.log.error({ socket: text }, `Cannot find a listening socket "${text}"`);
  return 1;
}

function sendSocket(call: C, text: ByteStr, socket: Socket | undefined): number {
  if (!text) {
    call.msg.setU16(L.M_FSOCK, 0);
    return 1;
  }
  return useSocket(call, text, socket, found => call.msg.setU16(L.M_FSOCK, found.index + 1));
}

const receiveSocket = (call: C, text: ByteStr, socket: Socket | undefined): number =>
  useSocket(call, text, socket, found => setReceiveSocket(call.msg, found));

/** A function of Kamailio's that needs what this version does not have: it says so, and does nothing. */
function refused(call: C, what: string): number {
  call.host.log.error({}, `Cannot run KSR.corex.${what}: it is not available in this version`);
  return -1;
}

export default defineModule<undefined>({
  name: 'corex',
  shares: true,
  modparams: {
    alias_subdomains: {
      type: 'str',
      repeat: true,
      doc: 'a domain that is ours with all below it: [proto:]domain[:port]',
    },
  },
  create: (host, { alias_subdomains }) => {
    for (const text of (alias_subdomains ?? []) as readonly ByteStr[]) {
      if (!host.addMyDomain?.(text))
        throw new KemiError(
          'KEMI_ERR_CONFIG',
          `Cannot set modparam corex.alias_subdomains to "${utf8Of(text)}": write [proto:]domain[:port]`,
        );
    }
    return undefined;
  },
  functions: [
    // ---- hot path (wasm)
    /**
     * KSR.corex.has_ruri_user(): whether the request URI has a user part.
     * @returns 1 it has one; -1 it has none, or does not parse
     * Kamailio 6.x manual, module corex; deviations: none
     */
    kemi('has_ruri_user', { params: [], returns: 'int', wasm: 'hasRuriUser' }),
    /**
     * KSR.corex.has_user_agent(): whether there is a User-Agent header with a value.
     * @returns 1 or -1
     * Kamailio 6.x manual, module corex; deviations: none
     */
    kemi('has_user_agent', { params: [], returns: 'int', wasm: 'hasUserAgent' }),
    // ---- branches
    /** KSR.corex.append_branch(): adds the request URI as a branch. @returns 1 added; -1 there are too many */
    kemi('append_branch', {
      native: { routes: ['request', 'failure', 'event'] },
      params: [],
      returns: 'int',
      run: call => appendBranch(call, '', ''),
    }),
    /** KSR.corex.append_branch_uri(uri): adds a branch; it is not checked. @param uri '' the request URI @returns 1 added; -1 there are too many */
    kemi('append_branch_uri', {
      native: { name: 'append_branch', routes: ['request', 'failure', 'event'] },
      params: ['str'],
      returns: 'int',
      run: (call, uri) => appendBranch(call, uri, ''),
    }),
    /** KSR.corex.append_branch_uri_q(uri, q): adds a branch with a priority. @param q 0..1, '' none @returns 1 added; -1 q is no such number, or too many branches */
    kemi('append_branch_uri_q', {
      native: { name: 'append_branch', routes: ['request', 'failure', 'event'] },
      params: ['str', 'str'],
      returns: 'int',
      run: appendBranch,
    }),
    // ---- sending
    /**
     * KSR.corex.send_data(uri, data): sends bytes to where a SIP URI leads.
     * @param uri `sip:host:port;transport=...`; a name suspends the route while it is resolved
     * @returns 1 sent; -1 not sent, or nothing to send
     */
    kemi('send_data', {
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      async: true,
      run: (call, uri, data) => sendData(call.host, uri, data),
    }),
    /** KSR.corex.sendx(uri, socket, data): as send_data, from the socket `[proto:]ip[:port]`. @returns 1 sent; -1 not sent, or no such socket */
    kemi('sendx', {
      params: ['str', 'str', 'str'],
      returns: 'int',
      anytime: true,
      async: true,
      run: (call, uri, text, data) => {
        const socket = findSocket(call.host, text);
        if (socket) return sendData(call.host, uri, data, socket);
        call.host.log.error({ socket: text }, `Cannot find a listening socket "${text}"`);
        return -1;
      },
    }),
    /** KSR.corex.forward_uac(): forwards as a user agent of its own; not available in this version. @returns -1 */
    kemi('forward_uac', { params: [], returns: 'int', run: call => refused(call, 'forward_uac') }),
    /** KSR.corex.forward_uac_uri(uri): not available in this version. @returns -1 */
    kemi('forward_uac_uri', { params: ['str'], returns: 'int', run: call => refused(call, 'forward_uac_uri') }),
    /** KSR.corex.forward_uac_branch(mode): not available in this version. @param mode any  @returns -1 */
    kemi('forward_uac_branch', { params: ['int'], returns: 'int', run: call => refused(call, 'forward_uac_branch') }),
    /** KSR.corex.forward_uac_uri_branch(uri, mode): not available in this version. @returns -1 */
    kemi('forward_uac_uri_branch', {
      params: ['str', 'int'],
      returns: 'int',
      run: call => refused(call, 'forward_uac_uri_branch'),
    }),
    // ---- sockets and addresses
    /**
     * KSR.corex.set_send_socket(address): the message is forwarded from that socket.
     * @param address `[proto:]ip[:port]`; '' automatic again  @returns 1, also when there is no such socket (logged), as Kamailio
     */
    kemi('set_send_socket', {
      native: [{}, { name: 'force_send_socket' }],
      params: ['str'],
      returns: 'int',
      run: (call, text) => sendSocket(call, text, findSocket(call.host, text)),
    }),
    /** KSR.corex.set_send_socket_name(name): as set_send_socket, by the name of a listen parameter, in any case. */
    kemi('set_send_socket_name', {
      params: ['str'],
      returns: 'int',
      run: (call, name) => sendSocket(call, name, socketByName(call.host, name)),
    }),
    /** KSR.corex.set_recv_socket(address): the message counts as received there. @returns 1, also when there is no such socket (logged) */
    kemi('set_recv_socket', {
      params: ['str'],
      returns: 'int',
      run: (call, text) => receiveSocket(call, text, findSocket(call.host, text)),
    }),
    /** KSR.corex.set_recv_socket_name(name): as set_recv_socket, by name. */
    kemi('set_recv_socket_name', {
      params: ['str'],
      returns: 'int',
      run: (call, name) => receiveSocket(call, name, socketByName(call.host, name)),
    }),
    /**
     * KSR.corex.set_source_address(address): the message counts as sent from there; replies follow it.
     * @param address `[proto:]ip[:port]`, port 0 when it has none  @returns 1 set; -1 it is not an address
     */
    kemi('set_source_address', {
      params: ['str'],
      returns: 'int',
      run: (call, text) => {
        const address = parseAddress(text);
        if (address && setSource(call.msg, address)) return 1;
        call.host.log.error({ address: text }, `Cannot set the source address to "${text}"`);
        return -1;
      },
    }),
    /** KSR.corex.is_socket_name(name): whether a listening socket has that name, in any case. @returns 1; -1 */
    kemi('is_socket_name', {
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (call, name) => (socketByName(call.host, name) ? 1 : -1),
    }),
    /** KSR.corex.is_faked_msg(): whether the message was made by the server itself. @returns -1: all messages here were received */
    kemi('is_faked_msg', { params: [], returns: 'int', run: () => -1 }),
    // ---- Via
    /** KSR.corex.via_add_srvid(on): adds srvid= to the Via, when the server has an id. @param on 0 or 1  @returns 1; there is no server id in this version, so nothing is added */
    kemi('via_add_srvid', { params: ['int'], returns: 'int', run: () => 1 }),
    /** KSR.corex.via_add_xavp_params(on): not available in this version. @returns 1 for 0, which asks for nothing; else -1 */
    kemi('via_add_xavp_params', {
      params: ['int'],
      returns: 'int',
      run: (call, on) => (on ? refused(call, 'via_add_xavp_params') : 1),
    }),
    /** KSR.corex.via_reply_add_xavp_params(on): as via_add_xavp_params. */
    kemi('via_reply_add_xavp_params', {
      params: ['int'],
      returns: 'int',
      run: (call, on) => (on ? refused(call, 'via_reply_add_xavp_params') : 1),
    }),
    /** KSR.corex.via_use_xavp_fields(on): as via_add_xavp_params. */
    kemi('via_use_xavp_fields', {
      params: ['int'],
      returns: 'int',
      run: (call, on) => (on ? refused(call, 'via_use_xavp_fields') : 1),
    }),
    // ---- extended flags, files
    /** KSR.corex.setxflag(flag): sets an extended flag of the message. @param flag 0..63 @returns 1 set; -1 no such flag */
    kemi('setxflag', {
      native: { params: ['int'] },
      params: ['int'],
      returns: 'int',
      run: (call, flag) => xflag(flag, call, (word, bit) => word | bit),
    }),
    /** KSR.corex.resetxflag(flag): resets an extended flag of the message. @param flag 0..63 @returns 1 reset; -1 no such flag */
    kemi('resetxflag', {
      native: { params: ['int'] },
      params: ['int'],
      returns: 'int',
      run: (call, flag) => xflag(flag, call, (word, bit) => word & ~bit),
    }),
    /** KSR.corex.isxflagset(flag): whether an extended flag of the message is set. @param flag 0..63 @returns 1 it is set; -1 it is not, or there is no such flag */
    kemi('isxflagset', {
      native: { params: ['int'] },
      params: ['int'],
      returns: 'int',
      run: (call, flag) => xflag(flag, call),
    }),
    /**
     * KSR.corex.file_read(path): the bytes of a file that the host grants.
     * @returns the content; '' when it cannot be read (logged)
     */
    kemi('file_read', {
      native: false,
      params: ['str'],
      returns: 'xval',
      anytime: true,
      run: (call, path) => {
        const bytes = path ? call.host.readFile?.(utf8Of(path)) : undefined;
        if (bytes) return byteStr(bytes);
        call.host.log.error({ path }, `Cannot read "${path}": it is not there, or the host does not grant it`);
        return '';
      },
    }),
    /** KSR.corex.file_write(path, data): writes a file where the host grants it. @returns 1 written; -1 not (logged) */
    kemi('file_write', {
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, path, data) => {
        if (path && call.host.writeFile?.(utf8Of(path), bytesOf(data))) return 1;
        call.host.log.error({ path }, `Cannot write "${path}": the host does not grant it, or it failed`);
        return -1;
      },
    }),
  ],
});
