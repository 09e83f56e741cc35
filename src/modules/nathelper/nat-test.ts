/** Signs that a message came through a NAT. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { addressesOf } from '../../kemi/addresses.ts';
import { parseUri } from '../../kemi/uri.ts';
import { secondVia } from '../core/api.ts';
import { connectionAddresses, sdpOf } from './sdp.ts';
import { bracketed, isPrivate, portOf, transportParam } from './source.ts';
import type { C } from './state.ts';

/** offsets in the core's area of a Via (wasm/sip/via.ts) */
const VIA_HOST = 4;
const VIA_PORT = 28;

const isWebSocket = (transport: ByteStr | undefined): boolean => transport === 'ws' || transport === 'wss';

const inContact = (call: C): boolean => contactUris(call).some(uri => isPrivate(uri.host, call.state.reserved));

/** the port of a contact is another than the one the message came from */
const contactPort = (call: C): boolean => contactUris(call).some(uri => portOf(uri) !== call.msg.srcPort);

const contactUris = ({ msg, host }: C) =>
  (addressesOf(msg, L.HDR_CONTACT) ?? []).flatMap(({ uri }) => parseUri(host.core, uri) ?? []);

/** host of the top Via, '' when it does not parse: the other parts are not made */
function viaHost(msg: SipMsg): ByteStr {
  if (msg.core.x.parseVia(msg.at)) return '';
  const via = msg.at + L.M_VIA;
  return msg.slice(msg.mem.u16(via + VIA_HOST), msg.mem.u16(via + VIA_HOST + 2));
}

/** sent-by of the top Via is another address than the one the message came from */
function received({ msg }: C): boolean {
  const host = viaHost(msg);
  return host !== '' && host !== msg.srcIp && host !== bracketed(msg.srcIp);
}

const inVia = ({ msg, state }: C): boolean => isPrivate(viaHost(msg), state.reserved);

function viaPort({ msg }: C): boolean {
  if (msg.core.x.parseVia(msg.at)) return false;
  return (msg.mem.u16(msg.at + L.M_VIA + VIA_PORT) || 5060) !== msg.srcPort;
}

const media = ({ msg }: C): ByteStr[] => {
  const sdp = sdpOf(msg, true);
  return sdp ? connectionAddresses(sdp) : [];
};

const inSdp = (call: C): boolean => media(call).some(ip => isPrivate(ip, call.state.reserved));

/** no c= line names the address that the message came from */
function mediaElsewhere(call: C): boolean {
  const addresses = media(call).filter(ip => /^[0-9.]+$/.test(ip) || ip.includes(':'));
  return addresses.length > 0 && !addresses.includes(call.msg.srcIp);
}

/** the next hop is another one than the target of a request; a reply's second Via tells of a NAT; or it is a WebSocket */
function target(call: C): boolean {
  const { msg, host } = call;
  if (msg.isReply) {
    const via = secondVia(msg);
    if (!via) return false;
    return (
      isWebSocket(via.transport.toLowerCase()) ||
      (via.received !== undefined && via.received !== via.host) ||
      (Boolean(via.rport) && Number(via.rport) !== (via.port || 5060))
    );
  }
  const uri = msg.ruriParts;
  if (!uri) return false;
  const dst = msg.dstUri ? parseUri(host.core, msg.dstUri) : undefined;
  if (isWebSocket(transportParam(dst ?? uri))) return true;
  return dst !== undefined && (dst.host.toLowerCase() !== uri.host.toLowerCase() || portOf(dst) !== portOf(uri));
}

const TESTS: readonly (readonly [bit: number, test: (call: C) => boolean])[] = [
  [16, viaPort],
  [2, received],
  [1, inContact],
  [8, inSdp],
  [4, inVia],
  [32, ({ msg, state }) => isPrivate(msg.srcIp, state.reserved)],
  [64, ({ msg }) => msg.proto === L.PROTO_WS || msg.proto === L.PROTO_WSS],
  [128, contactPort],
  [256, mediaElsewhere],
  [512, target],
];

/** @param flags bits of the tests to make  @returns whether one of them says NAT */
export function behindNat(call: C, flags: number): boolean {
  return TESTS.some(([bit, test]) => flags & bit && test(call));
}
