/** KSR.pike: blocks addresses that ask too often. */
import ipaddr from 'ipaddr.js';
import type { ByteStr } from '../../core/memory.ts';
import { RpcError } from '../../errors.ts';
import { numericHost, parseIpv4, parseIpv6 } from '../../kemi/ip.ts';
import { type Call, defineModule, exportsOf } from '../../kemi/table.ts';
import { type Hits, IpTree } from './ip-tree.ts';
import { SharedIpTree } from './shared-tree.ts';

interface State {
  readonly tree: Hits;
  readonly log: (ip: ByteStr) => void;
}

const kemi = exportsOf<State>();

function check(call: Call<State>, text: ByteStr): number {
  const address = numericHost(text);
  const bytes = address && (parseIpv4(address.ip) ?? parseIpv6(address.ip));
  if (!bytes) {
    call.host.log.error({ ip: text }, `Cannot count "${text}": it is not an IP address`);
    return -1;
  }
  const verdict = call.state.tree.hit(bytes, call.host.monotonic());
  if (verdict === -2) {
    call.host.stats.add('pike', 'blocked_ips');
    call.state.log(text);
  }
  return verdict;
}

const textOf = (bytes: readonly number[]) => ipaddr.fromByteArray([...bytes]).toString();

export default defineModule<State>({
  name: 'pike',
  shares: true,
  modparams: {
    sampling_time_unit: { type: 'int', default: 2, min: 1, max: 86400, doc: 'seconds of one sampling unit' },
    reqs_density_per_unit: {
      type: 'int',
      default: 30,
      min: 1,
      max: 1000000000,
      doc: 'requests of one address in one unit from which it is blocked',
    },
    remove_latency: {
      type: 'int',
      default: 10,
      min: 1,
      max: 86400,
      doc: 'seconds that an address without requests is remembered',
    },
    pike_log_level: {
      type: 'int',
      default: 1,
      doc: 'level of the line that tells of a blocked address: 0 and less error, 1 warning, 2 and 3 info, 4 and more debug',
    },
    max_nodes: {
      type: 'int',
      default: 500000,
      min: 256,
      doc: 'most nodes of the tree of addresses; not in Kamailio',
    },
  },
  create(host, params) {
    const sizes = [
      Number(params.reqs_density_per_unit),
      Number(params.remove_latency),
      Number(params.max_nodes),
    ] as const;
    const { shared } = host;
    const tree: Hits = shared ? new SharedIpTree(shared, ...sizes) : new IpTree(...sizes);
    host.stats.define('pike', 'blocked_ips');
    if (!shared || shared.worker === 0) {
      host.every(Number(params.sampling_time_unit) * 1000, () => tree.rotate());
      host.every(1000, () => tree.expire(host.monotonic()));
    }
    const level = Number(params.pike_log_level);
    const name = level <= 0 ? 'error' : level === 1 ? 'warn' : level <= 3 ? 'info' : 'debug';
    return { tree, log: ip => host.log[name]({ ip }, `PIKE - BLOCKing ip ${ip}`) };
  },
  functions: [
    /**
     * KSR.pike.pike_check_req(): counts a request of the source address.
     * @returns 1 it may go on; -1 the address is blocked; -2 it is blocked from this request on
     * Kamailio 6.x manual, module pike, pike_check_req
     */
    kemi('pike_check_req', {
      native: { routes: ['request', 'onreply', 'event', 'reply'] },
      params: [],
      returns: 'int',
      run: call => check(call, call.msg.srcIp),
    }),
    /**
     * KSR.pike.pike_check_ip(ip): counts a request of an address.
     * @param ip IPv4, IPv6 with or without brackets  @returns as pike_check_req; -1 also when it is not an address
     */
    kemi('pike_check_ip', { params: ['str'], returns: 'int', anytime: true, run: check }),
  ],
  rpc: ['pike.top', 'pike.list'].map(name => ({
    name,
    doc: 'Returns the addresses with their hits: HOT (the default), WARM or ALL.',
    run: ({ state, host }, [which = name === 'pike.top' ? 'HOT' : 'ALL']) => {
      const wanted = String(which);
      if (!['ALL', 'HOT', 'WARM'].includes(wanted)) throw new RpcError(500, 'Bad argument. Select: ALL, HOT or WARM');
      const list = state.tree
        .leaves(host.monotonic())
        .filter(leaf => wanted === 'ALL' || leaf.status === wanted)
        .map(leaf => ({
          ip_addr: textOf(leaf.bytes),
          leaf_hits_prev: leaf.previous,
          leaf_hits_curr: leaf.current,
          expires: leaf.expiresSec,
          status: leaf.status,
        }));
      return { max_hits: state.tree.limit, list, number_of_rows: list.length };
    },
  })),
});
