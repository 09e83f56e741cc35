/** KSR.tcpops: what a script may do with connections, those of TCP and of everything that runs over it. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { branchZero } from '../../kemi/branches.ts';
import type { ClosedConnection, ConnectionInfo, ModuleHost } from '../../kemi/host.ts';
import { type Call, defineModule, exportsOf, type ModParamValues } from '../../kemi/table.ts';
import { runEvent, useOutboundConnection } from '../core/api.ts';

/** values of closed_event */
const NEVER = 0;
const MANUAL = 2;

class TcpOps {
  readonly #host: ModuleHost;
  readonly #mode: number;
  readonly #callback: ByteStr;
  /** connections whose end is an event, where that is said one by one */
  readonly #wanted = new Set<number>();

  constructor(host: ModuleHost, params: ModParamValues) {
    this.#host = host;
    this.#mode = Number(params.closed_event);
    this.#callback = String(params.event_callback ?? '');
  }

  /** whether it is said one by one which ends are events */
  get manual(): boolean {
    return this.#mode === MANUAL;
  }

  /** @returns 1; -1 there is no such connection */
  want(id: number): number {
    if (!this.#host.connections?.get(id)) return -1;
    if (this.manual) this.#wanted.add(id);
    return 1;
  }

  closed(connection: ClosedConnection): void {
    const wanted = this.#wanted.delete(connection.id);
    if (this.#mode === NEVER || (this.#mode === MANUAL && !wanted) || connection.reason === 'expired') return;
    void runEvent(this.#host, this.#callback, `tcp:${connection.reason}`, connection);
  }
}

const kemi = exportsOf<TcpOps>();
type C = Call<TcpOps>;

/** of the connection that the message came by; 0 for none */
const ownId = (call: C): number => call.msg.u32(L.M_CONID);

const infoOf = (call: C, id: number): ConnectionInfo | undefined =>
  id > 0 ? call.host.connections?.get(id) : undefined;

const code = (done: boolean | undefined): number => (done ? 1 : -1);

function stateOf(call: C, id: number): number {
  const info = infoOf(call, id);
  if (!info) return -1;
  return info.state === 'open' ? 1 : info.state === 'accepting' ? 2 : info.state === 'connecting' ? 3 : -2;
}

function keepAlive(call: C, id: number, idleSec: number, count: number, intervalSec: number): number {
  if (idleSec < 1 || count < 1 || intervalSec < 1) {
    call.host.log.error(
      { idleSec, count, intervalSec },
      'Cannot keep a connection alive: idle, count and interval start at 1',
    );
    return -1;
  }
  return code(call.host.connections?.setKeepAlive(id, { idleSec, count, intervalSec }));
}

function lifetime(call: C, id: number, seconds: number): number {
  if (seconds < 0) {
    call.host.log.error({ seconds }, 'Cannot set the lifetime of a connection: it starts at 0');
    return -1;
  }
  return code(call.host.connections?.setLifetime(id, seconds * 1000));
}

/** The connection to a peer: host:port, 5060 when there is no port. @returns 0 when there is none */
function peerId(call: C, peer: ByteStr): number {
  const match = /^(?:(tcp|tls|wss?):)?(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/i.exec(peer);
  if (!match) return 0;
  const proto = match[1]?.toLowerCase() as ConnectionInfo['proto'] | undefined;
  return call.host.connections?.find((match[2] ?? match[3]!).toLowerCase(), Number(match[4] ?? 5060), proto) ?? 0;
}

function find(call: C, target: ByteStr, variable: ByteStr): number {
  const pv = call.host.pv(variable);
  if (!pv?.writable) {
    call.host.log.error(
      { variable },
      `Cannot store a connection in "${variable}": it is no variable that can be written`,
    );
    return -1;
  }
  const id = peerId(call, target);
  pv.set(id);
  return id > 0 ? 1 : -1;
}

const CID = { params: ['int'] } as const;

export default defineModule<TcpOps>({
  name: 'tcpops',
  shares: true,
  modparams: {
    closed_event: {
      type: 'int',
      default: 1,
      min: 0,
      max: 2,
      doc: 'Whether the end of a connection is an event: 0 never, 1 always, 2 for those that tcp_enable_closed_event() was called for.',
    },
    event_callback: {
      type: 'str',
      doc: 'Function of the script that is called for the events in place of event_route[..]: it gets the name.',
    },
  },
  create: (host, params) => new TcpOps(host, params),
  onClosed: (state, _id, how) => {
    if (how) state.closed(how);
  },
  functions: [
    /**
     * KSR.tcpops.tcp_conid_alive(id): whether a connection is there and can be used.
     * @param id as $conid has it
     * @returns 1 it can be used; -1 it is not there, or about to be closed
     * Kamailio 6.x manual, module tcpops, tcp_conid_alive; deviations: none
     */
    kemi('tcp_conid_alive', {
      native: CID,
      ...CID,
      returns: 'int',
      run: (call, id) => (stateOf(call, id) > 0 ? 1 : -1),
    }),
    /**
     * KSR.tcpops.tcp_con_alive(connection): the same for a connection by its id or by the address of its peer.
     * @param connection a number, or host:port as for tcp_get_conid()
     * @returns as tcp_conid_alive()
     * Kamailio 6.x manual, module tcpops, tcp_con_alive; deviations: none
     */
    kemi('tcp_con_alive', {
      params: ['str'],
      returns: 'int',
      run: (call, text) => (stateOf(call, /^\d+$/.test(text) ? Number(text) : peerId(call, text)) > 0 ? 1 : -1),
    }),
    /**
     * KSR.tcpops.tcp_conid_state(id): the state of a connection.
     * @param id as $conid has it
     * @returns 1 open; 2 a peer is making it; 3 it is being opened from here; -1 it is not there; -2 one side has closed it
     * Kamailio 6.x manual, module tcpops, tcp_conid_state; deviations: -3 and -4 do not occur, a broken connection is gone
     */
    kemi('tcp_conid_state', { native: CID, ...CID, returns: 'int', run: stateOf }),
    /**
     * KSR.tcpops.tcp_get_conid(hostport, var): finds the connection to a peer.
     * @param hostport address and port of the peer, IPv6 in brackets; 5060 without a port
     * @param var name of the variable that gets the id, 0 when there is none
     * @returns 1 found; -1 not found, or the variable cannot be written
     * Kamailio 6.x manual, module tcpops, tcp_get_conid; deviations: names are not resolved
     */
    kemi('tcp_get_conid', { native: { params: ['str', 'raw'] }, params: ['str', 'str'], returns: 'int', run: find }),
    /**
     * KSR.tcpops.tcp_keepalive_enable(idle, count, interval): probes the connection of the message while nothing goes by it.
     * @param idle seconds until the first probe, from 1
     * @param count probes without an answer until it is reset, from 1
     * @param interval seconds between probes, from 1
     * @returns 1; -1 there is no connection, or a number is out of range
     * Kamailio 6.x manual, module tcpops, tcp_keepalive_enable; deviations: numbers below 1 are refused; Node before 24 takes only idle
     */
    kemi('tcp_keepalive_enable', {
      native: { params: ['int', 'int', 'int'] },
      params: ['int', 'int', 'int'],
      returns: 'int',
      run: (call, idle, count, interval) => keepAlive(call, ownId(call), idle, count, interval),
    }),
    /**
     * KSR.tcpops.tcp_keepalive_enable_cid(id, idle, count, interval): the same for a connection by its id.
     * @param id as $conid has it
     * @param idle seconds, from 1
     * @param count from 1
     * @param interval seconds, from 1
     * @returns as tcp_keepalive_enable()
     * Kamailio 6.x manual, module tcpops, tcp_keepalive_enable; deviations: numbers below 1 are refused; Node before 24 takes only idle
     */
    kemi('tcp_keepalive_enable_cid', {
      native: { name: 'tcp_keepalive_enable', params: ['int', 'int', 'int', 'int'] },
      params: ['int', 'int', 'int', 'int'],
      returns: 'int',
      run: keepAlive,
    }),
    /**
     * KSR.tcpops.tcp_keepalive_disable(): no more probes on the connection of the message.
     * @returns 1; -1 there is no connection
     * Kamailio 6.x manual, module tcpops, tcp_keepalive_disable; deviations: none
     */
    kemi('tcp_keepalive_disable', {
      native: { params: [] },
      params: [],
      returns: 'int',
      run: call => code(call.host.connections?.setKeepAlive(ownId(call), undefined)),
    }),
    /**
     * KSR.tcpops.tcp_keepalive_disable_cid(id): the same for a connection by its id.
     * @param id as $conid has it
     * @returns 1; -1 there is no such connection
     * Kamailio 6.x manual, module tcpops, tcp_keepalive_disable; deviations: none
     */
    kemi('tcp_keepalive_disable_cid', {
      native: { name: 'tcp_keepalive_disable', ...CID },
      ...CID,
      returns: 'int',
      run: (call, id) => code(call.host.connections?.setKeepAlive(id, undefined)),
    }),
    /**
     * KSR.tcpops.tcp_set_connection_lifetime(seconds): how long the connection of the message may go on without a byte in or out.
     * @param seconds from 0
     * @returns 1; -1 there is no connection
     * Kamailio 6.x manual, module tcpops, tcp_set_connection_lifetime; deviations: none
     */
    kemi('tcp_set_connection_lifetime', {
      native: CID,
      ...CID,
      returns: 'int',
      run: (call, seconds) => lifetime(call, ownId(call), seconds),
    }),
    /**
     * KSR.tcpops.tcp_set_connection_lifetime_cid(id, seconds): the same for a connection by its id.
     * @param id as $conid has it
     * @param seconds from 0
     * @returns 1; -1 there is no such connection
     * Kamailio 6.x manual, module tcpops, tcp_set_connection_lifetime; deviations: a native block goes on behind -1
     */
    kemi('tcp_set_connection_lifetime_cid', {
      native: { name: 'tcp_set_connection_lifetime', params: ['int', 'int'] },
      params: ['int', 'int'],
      returns: 'int',
      run: lifetime,
    }),
    /**
     * KSR.tcpops.tcp_enable_closed_event(): the end of the message's connection is an event (closed_event 2).
     * @returns 1; -1 there is no connection, or closed_event is not 2
     * Kamailio 6.x manual, module tcpops, tcp_enable_closed_event; deviations: none
     */
    kemi('tcp_enable_closed_event', {
      native: { params: [] },
      params: [],
      returns: 'int',
      run: call => (call.state.manual ? call.state.want(ownId(call)) : -1),
    }),
    /**
     * KSR.tcpops.tcp_enable_closed_event_cid(id): the same for a connection by its id.
     * @param id as $conid has it
     * @returns 1; -1 there is no such connection
     * Kamailio 6.x manual, module tcpops, tcp_enable_closed_event; deviations: none
     */
    kemi('tcp_enable_closed_event_cid', {
      native: { name: 'tcp_enable_closed_event', ...CID },
      ...CID,
      returns: 'int',
      run: (call, id) => call.state.want(id),
    }),
    /**
     * KSR.tcpops.tcp_set_otcpid(id): the connection by which the request is to leave, once tcp_set_otcpid_flag(1) was called.
     * @param id as $conid has it
     * @returns 1
     * Kamailio 6.x manual, module tcpops, tcp_set_otcpid; deviations: none
     */
    kemi('tcp_set_otcpid', {
      native: CID,
      ...CID,
      returns: 'int',
      run: (call, id) => {
        branchZero(call.host).otcpid = id > 0 ? id : 0;
        return 1;
      },
    }),
    /**
     * KSR.tcpops.tcp_set_otcpid_flag(mode): whether that connection, or the one that lookup() found, is used.
     * @param mode 0 no, else yes
     * @returns 1
     * Kamailio 6.x manual, module tcpops, tcp_set_otcpid_flag; deviations: a connection to another address than the destination's is not used
     */
    kemi('tcp_set_otcpid_flag', {
      native: CID,
      ...CID,
      returns: 'int',
      run: (call, mode) => {
        useOutboundConnection(call.host, mode !== 0);
        return 1;
      },
    }),
    /**
     * KSR.tcpops.tcp_close_connection(): closes the connection of the message.
     * @returns 1; -1 there is no connection
     * Kamailio 6.x manual, module tcpops, tcp_close_connection; deviations: none
     */
    kemi('tcp_close_connection', {
      native: { params: [] },
      params: [],
      returns: 'int',
      run: call => code(call.host.connections?.close(ownId(call))),
    }),
    /**
     * KSR.tcpops.tcp_close_connection_id(id): closes a connection by its id.
     * @param id as $conid has it
     * @returns 1; -1 there is no such connection
     * Kamailio 6.x manual, module tcpops, tcp_close_connection; deviations: none
     */
    kemi('tcp_close_connection_id', {
      native: { name: 'tcp_close_connection', ...CID },
      ...CID,
      returns: 'int',
      run: (call, id) => code(call.host.connections?.close(id)),
    }),
  ],
});
