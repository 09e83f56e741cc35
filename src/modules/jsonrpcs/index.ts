/** KSR.jsonrpcs: RPC commands run by the script. JSON-RPC from outside is the transport's: kemi-wasm ctl, --rpc-http. */
import type { ByteStr } from '../../core/memory.ts';
import { defineModule, exportsOf } from '../../kemi/table.ts';
import { dispatch, execute, type JsonRpcState, replyOf, replyPv } from './jsonrpcs.ts';

const kemi = exportsOf<JsonRpcState>();
const UNSERVED = 'kemi-wasm ctl and --rpc-http are there instead';
/** parameters that ask for a way in that is not there */
const WAYS_IN = ['fifo_name', 'dgram_socket', 'tcp_socket'] as const;

export default defineModule<JsonRpcState>({
  name: 'jsonrpcs',
  shares: true,
  native: false,
  modparams: {
    pretty_format: { type: 'int', default: 0, min: 0, max: 1, doc: '1: replies with line ends and tabulators.' },
    transport: { type: 'int', default: 6, min: 0, max: 15, doc: 'Ways in, of which none is served by this module.' },
    fifo_name: { type: 'str', doc: 'A FIFO to read commands from; it is not served.' },
    fifo_mode: { type: 'int', default: 0o660, doc: 'Mode of the FIFO; without use.' },
    fifo_group: { type: 'any', doc: 'Group of the FIFO; without use.' },
    fifo_user: { type: 'any', doc: 'User of the FIFO; without use.' },
    fifo_reply_dir: { type: 'str', default: '/tmp/', doc: 'Folder of reply FIFOs; without use.' },
    dgram_socket: { type: 'str', doc: 'A datagram socket to read commands from; it is not served.' },
    dgram_workers: { type: 'int', default: 1, doc: 'Processes of the datagram socket; without use.' },
    dgram_mode: { type: 'int', default: 0o660, doc: 'Mode of the datagram socket; without use.' },
    dgram_group: { type: 'any', doc: 'Group of the datagram socket; without use.' },
    dgram_user: { type: 'any', doc: 'User of the datagram socket; without use.' },
    dgram_timeout: { type: 'int', default: 2000, doc: 'Milliseconds for a datagram reply; without use.' },
    tcp_socket: { type: 'str', doc: 'A TCP socket to read commands from; it is not served.' },
  },
  create: (host, params) => {
    for (const name of WAYS_IN)
      if (params[name] !== undefined && params[name] !== '')
        host.log.warn({ module: 'jsonrpcs' }, `jsonrpcs: ${name} is not served: ${UNSERVED}`);
    return { pretty: params.pretty_format === 1 };
  },
  pvs: [replyPv],
  functions: [
    /**
     * KSR.jsonrpcs.exec(command): run an RPC command.
     * @param command one JSON-RPC 2.0 request; the reply is in $jsonrpl(code), $jsonrpl(text), $jsonrpl(body) and response()
     * @returns 1 it ran: $jsonrpl(code) says how it ended; -1 not JSON, or no JSON-RPC request
     * Kamailio 6.x manual, module jsonrpcs, jsonrpc_exec; deviations: a request without method or with another version is refused
     */
    kemi('exec', {
      native: { name: 'jsonrpc_exec' },
      params: ['str'],
      returns: 'int',
      async: true,
      run: ({ state, host }, command: ByteStr) => execute(state, host, command),
    }),
    /**
     * KSR.jsonrpcs.execx(command): as exec().
     * @param command one JSON-RPC 2.0 request
     * @returns as exec()
     * Kamailio 6.x manual, module jsonrpcs, jsonrpc_exec; deviations: as exec()
     */
    kemi('execx', {
      params: ['str'],
      returns: 'int',
      async: true,
      run: ({ state, host }, command: ByteStr) => execute(state, host, command),
    }),
    /**
     * KSR.jsonrpcs.response(): the reply of the last exec() for this message.
     * @returns JSON text; "" when there is none
     * Kamailio 6.x manual, module jsonrpcs; deviations: replies do not outlive their message
     */
    kemi('response', { params: [], returns: 'xval', run: ({ state, host }) => replyOf(state, host)?.body ?? '' }),
    /**
     * KSR.jsonrpcs.dispatch(): run the JSON-RPC command in the body of the HTTP request at hand, and answer the request. Whoever may send it commands the
     * server: the script says who may.
     * @returns 1 answered; -1 the message is no HTTP request, its body no JSON-RPC request, or it was answered already
     * Kamailio 6.x manual, module jsonrpcs, jsonrpc_dispatch; deviations: -1, not 1, for a SIP message
     */
    kemi('dispatch', {
      native: { name: 'jsonrpc_dispatch', routes: ['request', 'event'] },
      params: [],
      returns: 'int',
      async: true,
      run: ({ state, host }) => dispatch(state, host),
    }),
  ],
});
