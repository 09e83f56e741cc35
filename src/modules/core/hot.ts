/** The rows of `KSR` whose functions are AssemblyScript: wasm/modules/core.ts, flags.ts, myself.ts, log.ts. */
import { exportsOf } from '../../kemi/table.ts';

const kemi = exportsOf<unknown>();

export const hot = [
  /**
   * KSR.is_INVITE(): whether the method is INVITE; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_INVITE', { params: [], returns: 'bool', wasm: 'isInvite' }),
  /**
   * KSR.is_ACK(): whether the method is ACK; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_ACK', { params: [], returns: 'bool', wasm: 'isAck' }),
  /**
   * KSR.is_CANCEL(): whether the method is CANCEL; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_CANCEL', { params: [], returns: 'bool', wasm: 'isCancel' }),
  /**
   * KSR.is_BYE(): whether the method is BYE; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_BYE', { params: [], returns: 'bool', wasm: 'isBye' }),
  /**
   * KSR.is_REGISTER(): whether the method is REGISTER; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_REGISTER', { params: [], returns: 'bool', wasm: 'isRegister' }),
  /**
   * KSR.is_OPTIONS(): whether the method is OPTIONS; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_OPTIONS', { params: [], returns: 'bool', wasm: 'isOptions' }),
  /**
   * KSR.is_SUBSCRIBE(): whether the method is SUBSCRIBE; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_SUBSCRIBE', { params: [], returns: 'bool', wasm: 'isSubscribe' }),
  /**
   * KSR.is_NOTIFY(): whether the method is NOTIFY; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_NOTIFY', { params: [], returns: 'bool', wasm: 'isNotify' }),
  /**
   * KSR.is_MESSAGE(): whether the method is MESSAGE; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_MESSAGE', { params: [], returns: 'bool', wasm: 'isMessage' }),
  /**
   * KSR.is_INFO(): whether the method is INFO; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_INFO', { params: [], returns: 'bool', wasm: 'isInfo' }),
  /**
   * KSR.is_PRACK(): whether the method is PRACK; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_PRACK', { params: [], returns: 'bool', wasm: 'isPrack' }),
  /**
   * KSR.is_UPDATE(): whether the method is UPDATE; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_UPDATE', { params: [], returns: 'bool', wasm: 'isUpdate' }),
  /**
   * KSR.is_REFER(): whether the method is REFER; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_REFER', { params: [], returns: 'bool', wasm: 'isRefer' }),
  /**
   * KSR.is_PUBLISH(): whether the method is PUBLISH; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_PUBLISH', { params: [], returns: 'bool', wasm: 'isPublish' }),
  /**
   * KSR.is_KDMQ(): whether the method is KDMQ; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_KDMQ', { params: [], returns: 'bool', wasm: 'isKdmq' }),
  /**
   * KSR.is_GET(): whether the method is GET; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_GET', { params: [], returns: 'bool', wasm: 'isGet' }),
  /**
   * KSR.is_POST(): whether the method is POST; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_POST', { params: [], returns: 'bool', wasm: 'isPost' }),
  /**
   * KSR.is_PUT(): whether the method is PUT; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_PUT', { params: [], returns: 'bool', wasm: 'isPut' }),
  /**
   * KSR.is_DELETE(): whether the method is DELETE; of a reply the method of its CSeq.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: method names are case-sensitive (RFC 3261 7.1)
   */
  kemi('is_DELETE', { params: [], returns: 'bool', wasm: 'isDelete' }),
  /**
   * KSR.is_method(names): whether the method is the one named, or in a list.
   * @param names one name, or names with bars between: "INVITE|ACK|BYE"; any case
   * @returns true; false, too, for a list with a name that is no known method
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_method', { native: { params: ['raw'] }, params: ['str'], returns: 'bool', wasm: 'isMethod' }),
  /**
   * KSR.is_method_in(letters): whether the method is one of the letters given.
   * @param letters A ACK, B BYE, C CANCEL, D DELETE, E PRACK, F REFER, G GET, I INVITE, K KDMQ, M MESSAGE, N NOTIFY, O OPTIONS, P PUBLISH, R REGISTER, S SUBSCRIBE, T POST, U UPDATE, V PUT; any case; others are passed over; INFO has none
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_method_in', { params: ['str'], returns: 'bool', wasm: 'isMethodIn' }),
  /**
   * KSR.is_UDP(): whether the message came over UDP.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_UDP', { params: [], returns: 'bool', wasm: 'isUdp' }),
  /**
   * KSR.is_TCP(): whether the message came over TCP, not TLS.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_TCP', { params: [], returns: 'bool', wasm: 'isTcp' }),
  /**
   * KSR.is_TLS(): whether the message came over TLS.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_TLS', { params: [], returns: 'bool', wasm: 'isTls' }),
  /**
   * KSR.is_SCTP(): whether the message came over SCTP.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_SCTP', { params: [], returns: 'bool', wasm: 'isSctp' }),
  /**
   * KSR.is_WS(): whether the message came over a WebSocket.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_WS', { params: [], returns: 'bool', wasm: 'isWs' }),
  /**
   * KSR.is_WSS(): whether the message came over a secure WebSocket.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_WSS', { params: [], returns: 'bool', wasm: 'isWss' }),
  /**
   * KSR.is_WSX(): whether the message came over a WebSocket, secure or not.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_WSX', { params: [], returns: 'bool', wasm: 'isWsx' }),
  /**
   * KSR.is_TCPX(): whether the message came over a TCP connection: TCP, TLS, WS or WSS.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_TCPX', { params: [], returns: 'bool', wasm: 'isTcpx' }),
  /**
   * KSR.is_proto(letters): whether the message came over one of the transports given.
   * @param letters U UDP, T TCP, E TLS, S SCTP, W WS, V WSS; any case; others are passed over
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_proto', { params: ['str'], returns: 'bool', wasm: 'isProto' }),
  /**
   * KSR.is_IPv4(): whether the message came over IPv4.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_IPv4', { params: [], returns: 'bool', wasm: 'isIpv4' }),
  /**
   * KSR.is_IPv6(): whether the message came over IPv6.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_IPv6', { params: [], returns: 'bool', wasm: 'isIpv6' }),
  /**
   * KSR.is_src_port(port): whether the source port is the one given.
   * @param port 0..65535
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_src_port', { params: ['int'], returns: 'bool', wasm: 'isSrcPort' }),
  /**
   * KSR.is_myself(uri): whether an address is one of ours: a listening socket, an advertised address, an alias.
   * @param uri a sip or sips URI, whose port and transport count when given, or a host alone
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: the scheme may be in capitals (RFC 3261 19.1.4)
   */
  kemi('is_myself', { native: {}, params: ['str'], returns: 'bool', wasm: 'isMyself' }),
  /**
   * KSR.is_myself_ruri(): whether the request URI is ours.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_myself_ruri', { params: [], returns: 'bool', wasm: 'isMyselfRuri' }),
  /**
   * KSR.is_myself_furi(): whether the From URI is ours.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_myself_furi', { params: [], returns: 'bool', wasm: 'isMyselfFuri' }),
  /**
   * KSR.is_myself_turi(): whether the To URI is ours.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_myself_turi', { params: [], returns: 'bool', wasm: 'isMyselfTuri' }),
  /**
   * KSR.is_myself_duri(): whether the destination URI, if set is ours.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_myself_duri', { params: [], returns: 'bool', wasm: 'isMyselfDuri' }),
  /**
   * KSR.is_myself_nhuri(): whether the next hop, destination URI or request URI is ours.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_myself_nhuri', { params: [], returns: 'bool', wasm: 'isMyselfNhuri' }),
  /**
   * KSR.is_myself_suri(): whether the source address, port and transport is ours.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_myself_suri', { params: [], returns: 'bool', wasm: 'isMyselfSuri' }),
  /**
   * KSR.is_myself_srcip(): whether the source address, any port is ours.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('is_myself_srcip', { params: [], returns: 'bool', wasm: 'isMyselfSrcip' }),
  /**
   * KSR.setflag(flag): set a transaction flag.
   * @param flag 0..31
   * @returns true; false for a number out of range
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('setflag', { native: { params: ['flag'] }, params: ['int'], returns: 'bool', wasm: 'setFlag' }),
  /**
   * KSR.resetflag(flag): reset a transaction flag.
   * @param flag 0..31
   * @returns true; false for a number out of range
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('resetflag', { native: { params: ['flag'] }, params: ['int'], returns: 'bool', wasm: 'resetFlag' }),
  /**
   * KSR.isflagset(flag): test a transaction flag.
   * @param flag 0..31
   * @returns true when set; false, too, for a number out of range
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('isflagset', { native: { params: ['flag'] }, params: ['int'], returns: 'bool', wasm: 'isFlagSet' }),
  /**
   * KSR.setsflag(flag): set a script flag, cleared before each route callback.
   * @param flag 0..31
   * @returns true; false for a number out of range
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('setsflag', { native: { params: ['flag'] }, params: ['int'], returns: 'bool', wasm: 'setSflag' }),
  /**
   * KSR.resetsflag(flag): reset a script flag, cleared before each route callback.
   * @param flag 0..31
   * @returns true; false for a number out of range
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('resetsflag', { native: { params: ['flag'] }, params: ['int'], returns: 'bool', wasm: 'resetSflag' }),
  /**
   * KSR.issflagset(flag): test a script flag, cleared before each route callback.
   * @param flag 0..31
   * @returns true when set; false, too, for a number out of range
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('issflagset', { native: { params: ['flag'] }, params: ['int'], returns: 'bool', wasm: 'isSflagSet' }),
  /**
   * KSR.setbflag(flag): set a flag of the first branch.
   * @param flag 0..31
   * @returns true; false for a number out of range
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('setbflag', { native: { params: ['flag'] }, params: ['int'], returns: 'bool', wasm: 'setBflag' }),
  /**
   * KSR.resetbflag(flag): reset a flag of the first branch.
   * @param flag 0..31
   * @returns true; false for a number out of range
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('resetbflag', { native: { params: ['flag'] }, params: ['int'], returns: 'bool', wasm: 'resetBflag' }),
  /**
   * KSR.isbflagset(flag): test a flag of the first branch.
   * @param flag 0..31
   * @returns true when set; false, too, for a number out of range
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('isbflagset', { native: { params: ['flag'] }, params: ['int'], returns: 'bool', wasm: 'isBflagSet' }),
  /**
   * KSR.force_rport(): replies go to the source port, as if the Via had rport (RFC 3581).
   * @returns true
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('force_rport', { native: [{}, { name: 'add_rport' }], params: [], returns: 'bool', wasm: 'forceRport' }),
  /**
   * KSR.add_local_rport(): our Via in the forwarded request asks for rport.
   * @returns true
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('add_local_rport', { native: {}, params: [], returns: 'bool', wasm: 'addLocalRport' }),
  /**
   * KSR.set_reply_no_connect(): replies go only over the connection that exists.
   * @returns true
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('set_reply_no_connect', { native: {}, params: [], returns: 'bool', wasm: 'setReplyNoConnect' }),
  /**
   * KSR.set_reply_close(): the connection is closed behind the reply.
   * @returns true
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('set_reply_close', { native: {}, params: [], returns: 'bool', wasm: 'setReplyClose' }),
  /**
   * KSR.set_forward_no_connect(): the request is forwarded only over a connection that exists.
   * @returns true
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('set_forward_no_connect', { native: {}, params: [], returns: 'bool', wasm: 'setForwardNoConnect' }),
  /**
   * KSR.set_forward_close(): the connection is closed behind the forwarded message.
   * @returns true
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('set_forward_close', { native: {}, params: [], returns: 'bool', wasm: 'setForwardClose' }),
  /**
   * KSR.isdsturiset(): whether a destination URI is set.
   * @returns true or false
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('isdsturiset', { native: {}, params: [], returns: 'bool', wasm: 'isDstUriSet' }),
  /**
   * KSR.resetdsturi(): take the destination URI away.
   * @returns true
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('resetdsturi', { native: {}, params: [], returns: 'bool', wasm: 'resetDstUri' }),
  /**
   * KSR.set_drop(): the message goes no further when the callback ends. In the main request route it does nothing: nothing is sent there of itself.
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('set_drop', { params: [], returns: 'none', wasm: 'setDrop' }),
  /**
   * KSR.dbg(text): log a line at level debug.
   * @param text a line break at its end is taken off
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('dbg', { params: ['str'], returns: 'none', wasm: 'logDbg', anytime: true }),
  /**
   * KSR.info(text): log a line at level info.
   * @param text a line break at its end is taken off
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('info', { params: ['str'], returns: 'none', wasm: 'logInfo', anytime: true }),
  /**
   * KSR.notice(text): log a line at level notice.
   * @param text a line break at its end is taken off
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('notice', { params: ['str'], returns: 'none', wasm: 'logNotice', anytime: true }),
  /**
   * KSR.warn(text): log a line at level warning.
   * @param text a line break at its end is taken off
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('warn', { params: ['str'], returns: 'none', wasm: 'logWarn', anytime: true }),
  /**
   * KSR.err(text): log a line at level error.
   * @param text a line break at its end is taken off
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('err', { params: ['str'], returns: 'none', wasm: 'logErr', anytime: true }),
  /**
   * KSR.crit(text): log a line at level critical.
   * @param text a line break at its end is taken off
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('crit', { params: ['str'], returns: 'none', wasm: 'logCrit', anytime: true }),
  /**
   * KSR.log(level, text): log a line at a level given by name.
   * @param level dbg, info, notice, warn or crit, in any case; anything else is error
   * @param text a line break at its end is taken off
   * Kamailio 6.x KEMI manual, core; deviations: none
   */
  kemi('log', { params: ['str', 'str'], returns: 'none', wasm: 'logAt', anytime: true }),
];
