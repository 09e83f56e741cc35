/** KSR.websocket: SIP over WebSocket (RFC 7118). The frames are the transport's; here are handshakes that a script takes, closing, keep-alives and events. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { exchangeOf, headerOf } from '../../kemi/http.ts';
import type { PvClass } from '../../kemi/pv-types.ts';
import { type Call, defineModule, exportsOf } from '../../kemi/table.ts';
import { checkHandshake } from '../../kemi/web-socket.ts';
import { COMMANDS } from './rpc.ts';
import { WebSocketState } from './state.ts';

type C = Call<WebSocketState>;

const kemi = exportsOf<WebSocketState>();
const NORMAL = 1000;
const NORMAL_TEXT = 'Normal closure';

const wsConid: PvClass = {
  name: 'ws_conid',
  doc: 'Id of the WebSocket that the message came by; in event_route[websocket:closed] of the one that is gone. Null when it is none.',
  get: ({ msg, host }: C) => {
    const proto = host.sockets[msg.socket]?.proto;
    return proto === 'ws' || proto === 'wss' ? msg.u32(L.M_CONID) || null : null;
  },
};

/** @returns 1 it is a WebSocket now; 0 not: the answer says why */
function handshake({ state, host }: C): number {
  const exchange = exchangeOf(host);
  const { counters } = state.links;
  if (!exchange) {
    host.log.error({ module: 'websocket' }, 'Cannot take a handshake: the message is no HTTP request');
    return 0;
  }
  if (!state.links.enabled) {
    host.log.info({ module: 'websocket' }, 'Cannot take a handshake: WebSockets are disabled');
    exchange.answer({ code: 503, reason: 'Service Unavailable' });
    return 0;
  }
  const wrong = checkHandshake(exchange.request);
  const origin = headerOf(exchange.request, 'origin');
  const allowed = state.cors === 1 ? '*' : state.cors === 2 ? origin : undefined;
  if (!wrong && exchange.upgrade(allowed === undefined ? [] : [`Access-Control-Allow-Origin: ${allowed}`])) return 1;
  counters.failed_handshakes++;
  host.log.info({ module: 'websocket', why: wrong?.why }, `Cannot take a handshake: ${wrong?.why ?? 'no connection'}`);
  if (wrong) exchange.answer(wrong.answer);
  return 0;
}

function close({ state, host }: C, code: number, reason: ByteStr, id: number): number {
  const link = state.links.find(id);
  if (link?.close(code, reason)) return 1;
  host.log.error({ module: 'websocket', connection: id }, 'Cannot close a WebSocket: there is none with this id');
  return -1;
}

export default defineModule<WebSocketState>({
  name: 'websocket',
  shares: true,
  modparams: {
    keepalive_mechanism: {
      type: 'int',
      default: 1,
      min: 0,
      max: 2,
      doc: 'Keep-alives of idle WebSockets: 0 none, 1 ping frames, 2 pong frames.',
    },
    keepalive_timeout: {
      type: 'int',
      default: 180,
      min: 1,
      max: 86400,
      doc: 'Seconds without a frame after which a keep-alive is sent. A ping without answer for as long again closes the WebSocket.',
    },
    keepalive_processes: { type: 'int', default: 1, min: 1, doc: 'Processes for keep-alives; without use.' },
    keepalive_interval: {
      type: 'int',
      default: 1,
      min: 1,
      max: 3600,
      doc: 'Seconds between two looks at all of them.',
    },
    ping_application_data: { type: 'str', doc: 'Text in keep-alive frames; absent: kemi-wasm and its version.' },
    sub_protocols: { type: 'int', default: 1, min: 0, max: 3, doc: 'Bits: 1 sip. 2, msrp, is not there.' },
    cors_mode: {
      type: 'int',
      default: 0,
      min: 0,
      max: 2,
      doc: 'Access-Control-Allow-Origin in the answer of a handshake: 0 none, 1 "*", 2 what Origin says.',
    },
    verbose_list: { type: 'int', default: 0, doc: 'Debug messages about lists; without use.' },
    event_callback: {
      type: 'str',
      default: '',
      doc: 'Function of the script for events: it gets "websocket:closed". A config has event_route[websocket:closed].',
    },
    timer_interval: {
      type: 'int',
      default: 1,
      min: 1,
      doc: 'Seconds between two runs of a timer that is not there; without use.',
    },
    rm_delay_interval: {
      type: 'int',
      default: 5,
      min: 1,
      doc: 'Seconds until a closed one is removed; it is at once.',
    },
  },
  create: (host, params) => new WebSocketState(host, params),
  pvs: [wsConid],
  rpc: COMMANDS,
  onClosed: (state, _id, how) => state.closed(how),
  functions: [
    /**
     * KSR.websocket.handle_handshake(): make a WebSocket of the connection of the HTTP request at hand, or answer why not.
     * @returns 1 it is one; 0 not: it was answered with 400, 426 or 503, or the message is no HTTP request, or it was answered before
     * Kamailio 6.x manual, module websocket, ws_handle_handshake; deviations: the method must be GET, and Sec-WebSocket-Key 16 bytes in base64
     */
    kemi('handle_handshake', {
      native: { name: 'ws_handle_handshake' },
      params: [],
      returns: 'int',
      run: handshake,
    }),
    /**
     * KSR.websocket.close(): close the WebSocket that the message came by, with 1000 "Normal closure".
     * @returns 1 the close frame is sent; -1 it is no WebSocket, or is closed already
     * Kamailio 6.x manual, module websocket, ws_close; deviations: none
     */
    kemi('close', {
      native: false,
      params: [],
      returns: 'int',
      run: call => close(call, NORMAL, NORMAL_TEXT, call.msg.u32(L.M_CONID)),
    }),
    /**
     * KSR.websocket.close_reason(status, reason): close the WebSocket that the message came by.
     * @param status code of RFC 6455 7.4; one that must not be sent becomes 1000
     * @param reason UTF-8; at most 123 bytes are sent
     * @returns as close()
     * Kamailio 6.x manual, module websocket, ws_close; deviations: none
     */
    kemi('close_reason', {
      native: false,
      params: ['int', 'str'],
      returns: 'int',
      run: (call, status: number, reason: ByteStr) => close(call, status, reason, call.msg.u32(L.M_CONID)),
    }),
    /**
     * KSR.websocket.close_conid(status, reason, conid): close a WebSocket by its id.
     * @param status as close_reason()
     * @param reason as close_reason()
     * @param conid id of the connection: $conid of its messages
     * @returns 1 the close frame is sent; -1 there is no such one, or it is closed already
     * Kamailio 6.x manual, module websocket, ws_close; deviations: none
     */
    kemi('close_conid', {
      native: { name: 'ws_close', params: ['int?', 'str?', 'int?'], fill: { 0: NORMAL, 1: NORMAL_TEXT, 2: 0 } },
      params: ['int', 'str', 'int'],
      returns: 'int',
      // a native command without the id means the message's own
      run: (call, status: number, reason: ByteStr, conid: number) =>
        close(call, status, reason, conid || (call.host.message?.u32(L.M_CONID) ?? 0)),
    }),
  ],
});
