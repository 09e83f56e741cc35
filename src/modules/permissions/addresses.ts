/**
 * Addresses, networks and names in groups. A lookup costs one hash lookup for the address and one for each prefix length in use, however many there are.
 * Which of several matches counts is as Kamailio has it: an exact address before a network before a name; of exact addresses the last loaded; of networks the
 * one with the lowest group, then the first loaded, not the longest.
 */
import type { ByteStr } from '../../core/memory.ts';
import { type IpBytes, parseIpv4, parseIpv6, unbracketed } from '../../kemi/ip.ts';

/** One record of the table or file. */
export interface AddressRecord {
  readonly group: number;
  /** address, first address of a network, or a name */
  readonly address: ByteStr;
  /** bits of the prefix; 0: the address as a whole */
  readonly mask: number;
  /** 0: any */
  readonly port: number;
  readonly tag: ByteStr | undefined;
}

/** A record as it is kept. */
export interface Entry extends AddressRecord {
  /** position in the order of matches */
  readonly order: number;
}

/** A record that makes no sense; the text says why. */
export class RecordError extends Error {}

/** 4 or 16 bytes, IPv6 with or without brackets */
function parseIp(text: ByteStr): IpBytes | undefined {
  return parseIpv4(text) ?? parseIpv6(unbracketed(text) ?? text);
}

/** A key for the first `bits` bits; families do not meet, since their lengths differ. */
function prefixKey(ip: IpBytes, bits: number): string {
  let key = '';
  for (let i = 0; i < ip.length; i++) {
    const left = bits - 8 * i;
    key += String.fromCharCode(left >= 8 ? ip[i]! : left > 0 ? ip[i]! & (0xff00 >> left) : 0);
  }
  return key;
}

/** Entries of one prefix length. */
interface Networks {
  readonly bits: number;
  readonly byPrefix: Map<string, Entry[]>;
}

export class AddressTable {
  readonly addresses: readonly Entry[];
  /** in the order of matches */
  readonly networks: readonly Entry[];
  readonly names: readonly Entry[];
  readonly #byAddress = new Map<string, Entry[]>();
  readonly #byName = new Map<string, Entry[]>();
  readonly #byLength: Readonly<Record<4 | 16, Networks[]>> = { 4: [], 16: [] };

  /**
   * @param maxNetworks most networks that are taken
   * @throws {RecordError} a record that makes no sense, or too many networks
   */
  constructor(records: readonly AddressRecord[], maxNetworks: number) {
    const addresses: { entry: Entry; ip: IpBytes }[] = [];
    const networks: { record: AddressRecord; ip: IpBytes }[] = [];
    const names: Entry[] = [];
    records.forEach((record, row) => {
      const ip = parseIp(record.address);
      check(record, ip);
      const full = ip && 8 * ip.length;
      if (!ip) names.push({ ...record, order: row });
      else if (record.mask === 0 || record.mask === full) addresses.push({ entry: { ...record, order: row }, ip });
      else networks.push({ record, ip });
    });
    if (networks.length > maxNetworks)
      throw new RecordError(`there are ${networks.length} networks, modparam max_subnets allows ${maxNetworks}`);
    // The last loaded counts first.
    for (const { entry, ip } of addresses.reverse()) push(this.#byAddress, prefixKey(ip, 8 * ip.length), entry);
    for (const entry of names.reverse()) push(this.#byName, entry.address, entry);
    this.addresses = addresses.map(a => a.entry).reverse();
    this.names = names.reverse();
    this.networks = networks
      .sort((a, b) => a.record.group - b.record.group)
      .map(({ record, ip }, order) => {
        const entry = { ...record, order };
        this.#addNetwork(ip, entry);
        return entry;
      });
  }

  /** The record that lets an address in. @param group undefined: of any group  @returns undefined when there is none */
  find(group: number | undefined, address: ByteStr, port: number): Entry | undefined {
    const fits = (e: Entry) => (group === undefined || e.group === group) && (e.port === 0 || e.port === port);
    const ip = parseIp(address);
    if (!ip) return this.#byName.get(address)?.find(fits);
    const exact = this.#byAddress.get(prefixKey(ip, 8 * ip.length))?.find(fits);
    if (exact) return exact;
    let best: Entry | undefined;
    for (const { bits, byPrefix } of this.#byLength[ip.length as 4 | 16]) {
      const found = byPrefix.get(prefixKey(ip, bits))?.find(fits);
      if (found && (!best || found.order < best.order)) best = found;
    }
    return best;
  }

  #addNetwork(ip: IpBytes, entry: Entry): void {
    const lengths = this.#byLength[ip.length as 4 | 16];
    let networks = lengths.find(n => n.bits === entry.mask);
    if (!networks) lengths.push((networks = { bits: entry.mask, byPrefix: new Map() }));
    push(networks.byPrefix, prefixKey(ip, entry.mask), entry);
  }
}

function push(map: Map<string, Entry[]>, key: string, entry: Entry): void {
  const list = map.get(key);
  if (list) list.push(entry);
  else map.set(key, [entry]);
}

function check({ group, address, mask, port }: AddressRecord, ip: IpBytes | undefined): void {
  const whole = (value: number, most: number) => Number.isInteger(value) && value >= 0 && value <= most;
  const what = `${address || 'the empty address'} of group ${group}`;
  if (!whole(group, 0x7fffffff) || group === 0) throw new RecordError(`${what}: a group is a number from 1`);
  if (!address) throw new RecordError(what);
  // A name is compared as text; what looks like an address must be one, or a typing error would be a rule that never applies.
  if (!ip && /^[\d.]+$|[:/[\]\s]/.test(address)) throw new RecordError(`${what} is neither an address nor a name`);
  const bits = ip ? 8 * ip.length : 128;
  if (!whole(mask, bits)) throw new RecordError(`${what}: ${mask} is no prefix length from 0 to ${bits}`);
  if (!whole(port, 65535)) throw new RecordError(`${what}: ${port} is no port`);
}
