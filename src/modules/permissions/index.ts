/** KSR.permissions: who may come in by address. The functions that read allow and deny files are not in this version. */
import { type ByteStr, utf8Of } from '../../core/memory.ts';
import { RpcError } from '../../errors.ts';
import { type Awaitable, after } from '../../kemi/db.ts';
import { type Call, defineModule, exportsOf } from '../../kemi/table.ts';
import { type MessageVars, varsOf } from '../pv/api.ts';
import type { Entry } from './addresses.ts';
import { PermissionsState } from './state.ts';
import type { TrustedTable } from './trusted.ts';

type C = Call<PermissionsState>;

const kemi = exportsOf<PermissionsState>();

/** @returns the record that lets the address in; its tag is in the AVP then */
function find({ state, host }: C, group: number | undefined, address: ByteStr, port: number): Entry | undefined {
  const found = state.addresses.find(group, address, port);
  if (found?.tag !== undefined && state.tagAvp) addTag(varsOf(host), state.tagAvp, found.tag);
  return found;
}

function addTag({ avps }: MessageVars, key: ByteStr, tag: ByteStr): void {
  avps.set(key, [tag, ...(avps.get(key) ?? [])]);
}

function allowTrusted({ state, host, msg }: C): Awaitable<number> {
  if (!state.hasTrusted) {
    host.log.error({}, 'Cannot look for trusted peers: there is no db_url, or load_backends leaves them out');
    return -1;
  }
  const { srcIp, proto, ruri } = msg;
  const from = msg.from?.uri ?? '';
  const vars = varsOf(host);
  const judge = (table: TrustedTable): number => {
    let count = 0;
    for (const { tag } of table.matches(srcIp, proto, from, ruri)) {
      count++;
      if (tag !== undefined && state.tagAvp) addTag(vars, state.tagAvp, tag);
      if (!state.allTags) break;
    }
    return count || -1;
  };
  const failed = (error: unknown) => {
    host.log.error({ err: error }, `Cannot look for trusted peers: ${(error as Error).message}`);
    return -1;
  };
  if (state.cachesTrusted) return state.trusted ? judge(state.trusted) : -1;
  try {
    const result = after(state.readTrusted(srcIp), judge);
    return result instanceof Promise ? result.catch(failed) : result;
  } catch (error) {
    return failed(error);
  }
}

const tagOf = (tag: ByteStr | undefined) => (tag === undefined ? 'NULL' : utf8Of(tag));

export default defineModule<PermissionsState>({
  name: 'permissions',
  shares: true,
  modparams: {
    db_url: { type: 'str', doc: 'The database, sqlite:///file; the one of --db when not set.' },
    address_file: {
      type: 'str',
      doc: 'File with addresses in place of the table: group address [mask [port [tag]]] on each line, # begins a comment. In the folder of the script.',
    },
    address_table: { type: 'str', default: 'address', doc: 'Table of addresses.' },
    grp_col: { type: 'str', default: 'grp', doc: 'Its column of the group.' },
    ip_addr_col: { type: 'str', default: 'ip_addr', doc: 'Its column of the address.' },
    mask_col: { type: 'str', default: 'mask', doc: 'Its column of the prefix length; 0 is the whole address.' },
    port_col: { type: 'str', default: 'port', doc: 'Its column of the port; 0 is any.' },
    tag_col: { type: 'str', default: 'tag', doc: 'Column of the tag, in both tables.' },
    trusted_table: { type: 'str', default: 'trusted', doc: 'Table of trusted peers.' },
    source_col: { type: 'str', default: 'src_ip', doc: 'Its column of the source address.' },
    proto_col: {
      type: 'str',
      default: 'proto',
      doc: 'Its column of the transport: any, udp, tcp, tls, sctp, ws, wss, none.',
    },
    from_col: { type: 'str', default: 'from_pattern', doc: 'Its column of the expression over the From URI.' },
    ruri_col: { type: 'str', default: 'ruri_pattern', doc: 'Its column of the expression over the request URI.' },
    priority_col: { type: 'str', default: 'priority', doc: 'Its column of the priority; the highest counts first.' },
    db_mode: {
      type: 'int',
      default: 0,
      min: 0,
      max: 1,
      doc: '1: trusted peers are kept in memory; 0: they are read for each request. Addresses are always kept.',
    },
    peer_tag_avp: { type: 'str', doc: '$avp(name) that takes the tag of a match.' },
    peer_tag_mode: { type: 'int', default: 0, min: 0, max: 1, doc: '1: allow_trusted takes the tags of all matches.' },
    max_subnets: { type: 'int', default: 512, min: 0, doc: 'Most networks of the table of addresses.' },
    load_backends: { type: 'int', default: 0xffff, min: 0, doc: 'Sum of: 1 addresses, 2 trusted peers.' },
    reload_delta: { type: 'int', default: 5, min: 0, doc: 'Seconds between two reloads by RPC; 0 for none.' },
    trusted_cleanup_interval: { type: 'int', default: 60, doc: 'Not used: old rules go with their last use.' },
  },
  create: (host, params) => new PermissionsState(host, params),
  functions: [
    /**
     * KSR.permissions.allow_source_address(group): whether the source address and port of the message are in a group of addresses.
     * @param group 1 or more
     * @returns 1 they are; -1 not
     * Kamailio 6.x manual, module permissions, allow_source_address; deviations: none
     */
    kemi('allow_source_address', {
      native: { params: ['int?'], fill: { 0: 1 } },
      params: ['int'],
      returns: 'int',
      run: (call, group) => (find(call, group, call.msg.srcIp, call.msg.srcPort) ? 1 : -1),
    }),
    /**
     * KSR.permissions.allow_source_address_group(): the group that has the source address and port of the message.
     * @returns the group, 1 or more; -1 none has
     * Kamailio 6.x manual, module permissions, allow_source_address_group; deviations: none
     */
    kemi('allow_source_address_group', {
      params: [],
      returns: 'int',
      run: call => find(call, undefined, call.msg.srcIp, call.msg.srcPort)?.group ?? -1,
    }),
    /**
     * KSR.permissions.allow_address(group, ip_addr, port): whether an address and port are in a group of addresses.
     * @param group 1 or more
     * @param ip_addr address, IPv6 with or without brackets; or a name, compared as text
     * @param port 0 matches only what is for any port
     * @returns 1 they are; -1 not
     * Kamailio 6.x manual, module permissions, allow_address; deviations: none
     */
    kemi('allow_address', {
      params: ['int', 'str', 'int'],
      returns: 'int',
      anytime: true,
      run: (call, group, address, port) => (find(call, group, address, port) ? 1 : -1),
    }),
    /**
     * KSR.permissions.allow_address_group(ip_addr, port): the group that has an address and port.
     * @param ip_addr as allow_address
     * @param port as allow_address
     * @returns the group, 1 or more; -1 none has
     * Kamailio 6.x manual, module permissions, allow_address_group; deviations: none
     */
    kemi('allow_address_group', {
      params: ['str', 'int'],
      returns: 'int',
      anytime: true,
      run: (call, address, port) => find(call, undefined, address, port)?.group ?? -1,
    }),
    /**
     * KSR.permissions.allow_trusted(): whether the request comes from a trusted peer: source address, transport, URIs of From and of the request.
     * @returns 1, with peer_tag_mode 1 the number of rules that match; -1 none does, or the database failed
     * Kamailio 6.x manual, module permissions, allow_trusted; deviations: none
     */
    kemi('allow_trusted', { params: [], returns: 'int', async: true, run: call => allowTrusted(call) }),
  ],
  rpc: [
    {
      name: 'permissions.addressReload',
      workers: 'all',
      doc: 'Reads the addresses anew; nothing changes when one makes no sense.',
      run: async ({ state }) => {
        await state.reloadAddresses();
        return 'Reload OK';
      },
    },
    {
      name: 'permissions.trustedReload',
      workers: 'all',
      doc: 'Reads the trusted peers anew (db_mode 1).',
      run: async ({ state }) => {
        await state.reloadTrusted();
        return 'Reload OK';
      },
    },
    {
      name: 'permissions.addressDump',
      doc: 'The exact addresses.',
      run: ({ state }) =>
        state.addresses.addresses.map(e => ({
          group: e.group,
          item: { ip: utf8Of(e.address), port: e.port, tag: tagOf(e.tag) },
        })),
    },
    {
      name: 'permissions.subnetDump',
      doc: 'The networks, in the order in which they are looked at.',
      run: ({ state }) =>
        state.addresses.networks.map((e, id) => ({
          id,
          group: e.group,
          item: { ip: utf8Of(e.address), mask: e.mask, port: e.port, tag: tagOf(e.tag) },
        })),
    },
    {
      name: 'permissions.domainDump',
      doc: 'The names.',
      run: ({ state }) =>
        state.addresses.names.map(e => ({
          group: e.group,
          item: { domain_name: utf8Of(e.address), port: e.port, tag: tagOf(e.tag) },
        })),
    },
    {
      name: 'permissions.trustedDump',
      doc: 'The trusted peers in memory (db_mode 1).',
      run: ({ state }) => {
        if (!state.trusted) throw new RpcError(500, 'No trusted table');
        return state.trusted.rules.map(r => ({
          item: {
            ip: utf8Of(r.source),
            proto: r.proto,
            pattern: tagOf(r.from),
            ruri_pattern: tagOf(r.ruri),
            tag: tagOf(r.tag),
            priority: r.priority,
          },
        }));
      },
    },
  ],
});
