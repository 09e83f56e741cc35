/** KSR.tls: what a script may know and say of TLS. The transport itself is src/transport/node/tls-context.ts. */
import { RpcError } from '../../errors.ts';
import type { ConnectionInfo, ConnectionRef, ModuleHost } from '../../kemi/host.ts';
import { defineModule, exportsOf, type ModParam, type ModParamValues } from '../../kemi/table.ts';
import { runEvent } from '../core/api.ts';
import { varsOf, XavpList } from '../pv/api.ts';
import type { TlsApi } from './api.ts';
import { PVS, securityOf, tlsValue } from './pvs.ts';

/** key of the message's store */
const SERVER_ID = Symbol('tls server id');

class TlsState implements TlsApi {
  readonly params: ModParamValues;
  readonly #host: ModuleHost;
  readonly #xavp: string;

  constructor(host: ModuleHost, params: ModParamValues) {
    this.#host = host;
    this.params = params;
    this.#xavp = String(params.xavp_cfg ?? '');
  }

  setServerId(id: string): void {
    if (id) this.#host.perMessage.set(SERVER_ID, id);
    else this.#host.perMessage.delete(SERVER_ID);
  }

  /** @returns false when the event's route drops it */
  opened(connection: ConnectionRef): boolean | Promise<boolean> {
    if (connection.proto !== 'tls') return true;
    const end = runEvent(this.#host, String(this.params.event_callback ?? ''), 'tls:connection-out', connection);
    return end instanceof Promise ? end.then(bits => !(bits & 2)) : !(end & 2);
  }

  clientChoice(at: number): ReturnType<TlsApi['clientChoice']> {
    const store = this.#host.storeOf(at);
    if (!store) return {};
    const own = store.get(SERVER_ID);
    store.delete(SERVER_ID);
    const given = this.#xavp ? this.#attributes(at) : undefined;
    const serverId = own ?? given?.find('server_id')?.value;
    const serverName = given?.find('server_name')?.value;
    return {
      ...(typeof serverId === 'string' && { serverId }),
      ...(typeof serverName === 'string' && { serverName }),
    };
  }

  #attributes(at: number): XavpList | undefined {
    const { x } = this.#host.core;
    const before: number = x.currentMsg();
    x.setMsg(at);
    try {
      const value = varsOf(this.#host).xavps.find(this.#xavp)?.value;
      return value instanceof XavpList ? value : undefined;
    } finally {
      x.setMsg(before);
    }
  }
}

const kemi = exportsOf<TlsState>();

const text = (doc: string): ModParam => ({ type: 'str', doc });
const unused = (value: number, why: string): ModParam => ({
  type: 'int',
  default: value,
  doc: `Taken and ignored: ${why}.`,
});
const unusedText = (why: string): ModParam => ({ type: 'str', doc: `Taken and ignored: ${why}.` });
const OPENSSL = "OpenSSL is the runtime's own";
const QUEUE = 'what waits is limited by tcp_conn_wq_max and tcp_wq_max';

/** TLS protects it: WebSockets among them. */
const isSecured = ({ proto }: ConnectionInfo): boolean => proto === 'tls' || proto === 'wss';

export default defineModule<TlsState>({
  name: 'tls',
  shares: true,
  modparams: {
    config: text('Name of a tls.cfg, or of a folder of such files. The parameters of certificates do not count then.'),
    certificate: text(
      'PEM file of the certificate, the ones that lead to its CA behind it. Default: cert.pem beside the config.',
    ),
    private_key: text('PEM file of its key. Default: the file of the certificate.'),
    ca_list: text('PEM file of the CAs that certificates of peers lead to.'),
    ca_path: text('Folder of such files.'),
    crl: text('PEM file of revoked certificates.'),
    tls_method: {
      type: 'str',
      default: 'TLSv1.2+',
      doc: 'Versions: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3, each also with + for newer ones.',
    },
    cipher_list: text("Ciphers, in OpenSSL's words."),
    verify_certificate: {
      type: 'int',
      default: 0,
      min: 0,
      max: 1,
      doc: 'A certificate that a peer shows must lead to a CA of ca_list.',
    },
    require_certificate: {
      type: 'int',
      default: 0,
      min: 0,
      max: 1,
      doc: 'A client must show a certificate, and it must lead to a CA.',
    },
    verify_client: text('In place of these two: off, on, optional, optional_no_ca.'),
    verify_depth: {
      type: 'int',
      default: 9,
      min: 0,
      max: 100,
      doc: 'Authorities between a certificate and its CA, at most.',
    },
    server_name: text('Name that servers are asked for (SNI), and that their certificates must have then.'),
    server_id: text('Name of the client profile.'),
    connection_timeout: {
      type: 'int',
      default: 600,
      min: -1,
      doc: 'Seconds that a connection may take for its first byte; -1 for ever. Behind that tcp_connection_lifetime counts.',
    },
    xavp_cfg: text('Name of the xavp whose fields server_name and server_id say how a connection is made.'),
    event_callback: text(
      'Function of the script that is called for events in place of event_route[tls:connection-out].',
    ),
    renegotiation: unused(0, 'renegotiation is never allowed'),
    session_cache: unused(0, 'sessions are not kept'),
    session_id: unusedText('sessions are not kept'),
    send_close_notify: unused(0, 'it is always sent'),
    tls_disable_compression: unused(1, 'there is no compression'),
    ssl_release_buffers: unused(-1, OPENSSL),
    ssl_freelist_max_len: unused(-1, OPENSSL),
    ssl_max_send_fragment: unused(-1, OPENSSL),
    ssl_read_ahead: unused(0, OPENSSL),
    con_ct_wq_max: unused(65536, QUEUE),
    ct_wq_max: unused(10485760, QUEUE),
    ct_wq_blk_size: unused(4096, QUEUE),
    tls_log: unused(3, 'failures are logged at debug'),
    tls_debug: unused(3, 'failures are logged at debug'),
    low_mem_threshold1: unused(-1, OPENSSL),
    low_mem_threshold2: unused(-1, OPENSSL),
    tls_force_run: unused(0, OPENSSL),
    rand_engine: unusedText(OPENSSL),
    engine: unusedText(OPENSSL),
    engine_config: unusedText(OPENSSL),
    engine_algorithms: unusedText(OPENSSL),
  },
  create: (host, params) => new TlsState(host, params),
  onOpened: (state, connection) => state.opened(connection),
  functions: [
    /**
     * KSR.tls.is_peer_verified(): whether the message came over TLS from a peer whose certificate leads to a CA of ours.
     * @returns 1 it did; -1 it did not
     * Kamailio 6.x manual, module tls, is_peer_verified; deviations: none
     */
    kemi('is_peer_verified', {
      native: { params: [], routes: ['request'] },
      params: [],
      returns: 'int',
      run: call => (securityOf(call)?.verified ? 1 : -1),
    }),
    /**
     * KSR.tls.set_connect_server_id(id): the client profile for the next TLS connection that is opened for this message.
     * @param id server_id of a profile; '' takes it back
     * @returns 1
     * Kamailio 6.x manual, module tls, tls_set_connect_server_id; deviations: it counts for the message at hand, not for the process
     */
    kemi('set_connect_server_id', {
      native: { name: 'tls_set_connect_server_id' },
      params: ['str'],
      returns: 'int',
      run: ({ state }, id) => {
        state.setServerId(id);
        return 1;
      },
    }),
    /**
     * KSR.tls.cget(name): the value of a pseudo-variable of this module.
     * @param name of it, without `$`: tls_peer_subject_cn
     * @returns its value; nil when it has none, or there is no such pseudo-variable
     * Kamailio 6.x manual, module tls, KSR.tls.cget; deviations: none
     */
    kemi('cget', { native: false, params: ['str'], returns: 'xval', run: (call, name) => tlsValue(call, name) }),
  ],
  pvs: PVS,
  rpc: [
    {
      name: 'tls.info',
      doc: 'Returns how many TLS connections there may be and are, and the bytes that wait.',
      run: ({ host: { connections } }) => ({
        max_connections: connections?.options.max_tls_connections ?? 0,
        opened_connections: connections ? connections.count('tls') + connections.count('wss') : 0,
        clear_text_write_queued_bytes: (connections?.list() ?? [])
          .filter(isSecured)
          .reduce((sum, c) => sum + c.queuedBytes, 0),
      }),
    },
    {
      name: 'tls.list',
      doc: 'Returns the TLS connections.',
      run: ({ host: { connections } }) =>
        (connections?.list() ?? []).filter(isSecured).map(c => ({
          id: c.id,
          timeout: Number.isFinite(c.leftMs) ? Math.ceil(c.leftMs / 1000) : -1,
          src_ip: c.ip,
          src_port: c.port,
          dst_ip: c.localIp,
          dst_port: c.localPort,
          cipher: connections?.security(c.id)?.cipher ?? 'unknown',
          version: connections?.security(c.id)?.version ?? 'unknown',
          ct_wq_size: c.queuedBytes,
          state:
            c.state === 'open' || c.state === 'ending'
              ? 'established'
              : c.state === 'accepting'
                ? 'tls_accept'
                : 'tls_connect',
        })),
    },
    {
      name: 'tls.options',
      doc: 'Returns the parameters, and the profiles that are in use.',
      run: ({ state, host }) => ({
        ...Object.fromEntries(Object.entries(state.params).map(([name, value]) => [name, value ?? null])),
        profiles: host.tls?.profiles() ?? [],
      }),
    },
    {
      name: 'tls.reload',
      doc: 'Reads tls.cfg and the certificates anew, for new connections. When something is wrong with them, the old ones stay, and it says what.',
      run: ({ host }) => {
        if (!host.tls) throw new RpcError(500, 'There is no TLS here');
        try {
          host.tls.reload();
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error);
          host.log.error({ err: error }, `Cannot reload TLS: ${why}`);
          throw new RpcError(500, `Reload Failed: ${why}`);
        }
        host.log.info({}, 'Reloaded TLS: new connections use the new certificates');
        return 'Ok. TLS configuration reloaded.';
      },
    },
  ],
});
