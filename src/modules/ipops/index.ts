/** KSR.ipops: what an address is, whether two are the same, and questions to the DNS. */
import type { ByteStr } from '../../core/memory.ts';
import { numericHost, parseIpv4, parseIpv6, unbracketed } from '../../kemi/ip.ts';
import { type Call, defineModule, exportsOf } from '../../kemi/table.ts';
import { inSubnets, ipv4Type, ipv6Type, isRfc1918, samePrefix } from './classify.ts';
import { addressesOf, type DnsState, dnsPvs, dnsQuery, naptrQuery, ptrQuery, srvQuery } from './dns.ts';

const kemi = exportsOf<DnsState>();

const isReference = (text: ByteStr): boolean => {
  const bare = unbracketed(text);
  return bare !== undefined && parseIpv6(bare) !== undefined;
};
const isPure = (text: ByteStr): boolean => parseIpv4(text) !== undefined || parseIpv6(text) !== undefined;

const test = (run: (text: ByteStr) => boolean) => ({
  params: ['str'] as const,
  returns: 'int' as const,
  anytime: true,
  run: (_call: Call<DnsState>, text: ByteStr) => (run(text) ? 1 : -1),
});

/** @param bare makes an address without brackets of a text, undefined when it may not be one */
const compare = (bare: (text: ByteStr) => ByteStr | undefined) => ({
  params: ['str', 'str'] as const,
  returns: 'int' as const,
  anytime: true,
  run: (_call: Call<DnsState>, a: ByteStr, b: ByteStr) => {
    const [left, right] = [a, b].map(text => {
      const address = bare(text);
      return address === undefined ? undefined : (parseIpv4(address) ?? parseIpv6(address));
    });
    return left && right && samePrefix(left, right, left.length * 8) ? 1 : -1;
  },
});

const subnet = {
  params: ['str', 'str'] as const,
  returns: 'int' as const,
  anytime: true,
  run: (_call: Call<DnsState>, ip: ByteStr, list: ByteStr) => (inSubnets(ip, list) ? 1 : -1),
};

/** Writes the type of an address into the PV that `name` names. */
const detailed = (typeOf: (text: ByteStr) => string | undefined) => ({
  params: ['str', 'str'] as const,
  returns: 'int' as const,
  anytime: true,
  run: (call: Call<DnsState>, ip: ByteStr, name: ByteStr) => {
    const pv = call.host.pv(name);
    if (!pv?.writable) {
      call.host.log.error(
        { pv: name },
        `Cannot write the address type to "${name}": it is not a writable pseudo-variable`,
      );
      return -1;
    }
    const type = typeOf(ip);
    return type !== undefined && pv.set(type) ? 1 : -1;
  },
});

const v6 = (text: ByteStr) => ipv6Type(unbracketed(text) ?? text);

/** @returns 1 one of the name's addresses is it; -1 none is; -3 `ip` is not an address; -4 the name has none */
const match =
  (fn: string) =>
  (call: Call<DnsState>, name: ByteStr, ip: ByteStr): number | Promise<number> => {
    const wanted = numericHost(ip);
    if (!wanted) return -3;
    const bytes = parseIpv4(wanted.ip) ?? parseIpv6(wanted.ip)!;
    const same = (found: { ip: string }[]) => {
      if (!found.length) return -4;
      return found.some(a => samePrefix(parseIpv4(a.ip) ?? parseIpv6(a.ip) ?? [], bytes, bytes.length * 8)) ? 1 : -1;
    };
    const numeric = numericHost(name);
    if (numeric) return same([numeric]);
    return name ? addressesOf(call.host, fn, name).then(same) : -4;
  };

export default defineModule<DnsState>({
  name: 'ipops',
  shares: true,
  modparams: {},
  create: () => ({ dns: new Map(), srv: new Map(), naptr: new Map(), ptr: new Map() }),
  functions: [
    // ---- what an address is
    /** KSR.ipops.is_ip(ip): IPv4, IPv6, or IPv6 in brackets. @returns 1 it is; -1 it is not */
    kemi(
      'is_ip',
      test(text => numericHost(text) !== undefined),
    ),
    /** KSR.ipops.is_pure_ip(ip): IPv4, or IPv6 without brackets. @returns 1; -1 */
    kemi('is_pure_ip', test(isPure)),
    /** KSR.ipops.is_ip4(ip): IPv4: four decimals without leading zeros. @returns 1; -1 */
    kemi(
      'is_ip4',
      test(text => parseIpv4(text) !== undefined),
    ),
    /** KSR.ipops.is_ip6(ip): IPv6 without brackets. @returns 1; -1 */
    kemi(
      'is_ip6',
      test(text => parseIpv6(text) !== undefined),
    ),
    /** KSR.ipops.is_ip6_reference(ip): IPv6 in brackets. @returns 1; -1 */
    kemi('is_ip6_reference', test(isReference)),
    /** KSR.ipops.is_ip_rfc1918(ip): a private IPv4 address of RFC 1918. @returns 1; -1 */
    kemi(
      'is_ip_rfc1918',
      test(text => isRfc1918(parseIpv4(text) ?? [])),
    ),
    /** KSR.ipops.ip_type(ip): what kind of address it is. @returns 1 IPv4; 2 IPv6; 3 IPv6 in brackets; -1 not an address */
    kemi('ip_type', {
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (_call, text) => {
        if (parseIpv4(text)) return 1;
        if (parseIpv6(text)) return 2;
        return isReference(text) ? 3 : -1;
      },
    }),
    /**
     * KSR.ipops.detailed_ip_type(ip, pv): writes what kind of address it is.
     * @param ip brackets allowed  @param pv a writable pseudo-variable: PUBLIC, PRIVATE, LOOPBACK, LINK-LOCAL, SHARED, TEST-NET, MULTICAST, BROADCAST,
     *   RESERVED, 6TO4-RELAY for IPv4; GLOBAL-UNICAST, UNIQUE-LOCAL-UNICAST, LINK-LOCAL-UNICAST, LOOPBACK, UNSPECIFIED, MULTICAST, IPV4MAP, TEREDO,
     *   ORCHID, BMWG, 6TO4, DISCARD, DOCUMENTATION, RESERVED for IPv6
     * @returns 1 written; -1 not an address, or nothing that can be written
     */
    kemi(
      'detailed_ip_type',
      detailed(text => ipv4Type(text) ?? v6(text)),
    ),
    /** KSR.ipops.detailed_ipv4_type(ip, pv): as detailed_ip_type, for IPv4 only. */
    kemi('detailed_ipv4_type', detailed(ipv4Type)),
    /** KSR.ipops.detailed_ipv6_type(ip, pv): as detailed_ip_type, for IPv6 only. */
    kemi('detailed_ipv6_type', detailed(v6)),
    // ---- comparing
    /** KSR.ipops.compare_ips(a, b): whether two addresses are the same, however they are written. @returns 1 the same; -1 not, or no addresses */
    kemi(
      'compare_ips',
      compare(text => unbracketed(text) ?? text),
    ),
    /** KSR.ipops.compare_pure_ips(a, b): as compare_ips, brackets are refused. */
    kemi(
      'compare_pure_ips',
      compare(text => text),
    ),
    /**
     * KSR.ipops.is_in_subnet(ip, subnets): whether an address lies in one of the networks.
     * @param ip no brackets  @param subnets `net/bits` or addresses, separated by commas or blanks; what does not parse is passed over
     * @returns 1; -1
     */
    kemi('is_in_subnet', subnet),
    /** KSR.ipops.ip_is_in_subnet(ip, subnets): alias of is_in_subnet. */
    kemi('ip_is_in_subnet', subnet),
    // ---- DNS
    /**
     * KSR.ipops.dns_query(name, answer): asks for the addresses of a name; $dns(answer=>...) has them. The route waits, other messages are routed.
     * @returns 1 found; -4 not found  @throws without a resolver
     */
    kemi('dns_query', { params: ['str', 'str'], returns: 'int', anytime: true, async: true, run: dnsQuery }),
    /**
     * KSR.ipops.srv_query(name, answer): asks for SRV records, ordered by priority and weight; $srvquery(answer=>...) has them.
     * @returns 1 found; -2 no name; -3 none  @throws without a resolver
     */
    kemi('srv_query', { params: ['str', 'str'], returns: 'int', anytime: true, async: true, run: srvQuery }),
    /** KSR.ipops.naptr_query(name, answer): asks for NAPTR records; $naptrquery(answer=>...) has them. Returns as srv_query. */
    kemi('naptr_query', { params: ['str', 'str'], returns: 'int', anytime: true, async: true, run: naptrQuery }),
    /** KSR.ipops.ptr_query(ip, answer): asks for the name of an address; $ptrquery(answer=>hostname) has it. @returns 1 found; -1 none; -2 not an address */
    kemi('ptr_query', { params: ['str', 'str'], returns: 'int', anytime: true, async: true, run: ptrQuery }),
    /**
     * KSR.ipops.dns_sys_match_ip(name, ip): whether a name leads to an address.
     * @returns 1 it does; -1 it does not; -3 `ip` is not an address; -4 the name has no address  @throws without a resolver
     */
    kemi('dns_sys_match_ip', {
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      async: true,
      run: match('dns_sys_match_ip'),
    }),
    /** KSR.ipops.dns_int_match_ip(name, ip): as dns_sys_match_ip: there is one resolver. */
    kemi('dns_int_match_ip', {
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      async: true,
      run: match('dns_int_match_ip'),
    }),
    /** KSR.ipops.dns_set_local_ttl(seconds): has no effect: answers are not cached here, the resolver may. @param seconds any  @returns 1 */
    kemi('dns_set_local_ttl', { params: ['int'], returns: 'int', anytime: true, run: () => 1 }),
  ],
  pvs: dnsPvs,
});
