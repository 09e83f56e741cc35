/** What nathelper needs of a location service: `host.module<PingSource>('usrloc')`. */
import type { ByteStr } from '../../core/memory.ts';

/** A registered contact, as far as pinging it goes. */
export interface PingContact {
  /** unique among all contacts */
  readonly ruid: ByteStr;
  readonly uri: ByteStr;
  /** URI that the REGISTER really came from */
  readonly received: ByteStr | undefined;
  /** Path of the REGISTER: addresses with commas */
  readonly path: ByteStr | undefined;
  /** socket that the REGISTER came in by, as proto:address:port */
  readonly socket: ByteStr | undefined;
  /** branch flags */
  readonly cflags: number;
  readonly serverId: number;
}

export interface PingSource {
  /** mask of the branch flag that marks contacts behind NAT, 0 when there is none */
  readonly natFlag: number;
  /** server_id of this server; absent: 0 */
  readonly serverId?: number;
  /**
   * Contacts to ping, expired ones left out.
   * @param flags branch flags that must be set, 0 any  @param part 0..parts-1: contacts are spread by their address of record
   */
  pingTargets(flags: number, part: number, parts: number): readonly PingContact[] | Promise<readonly PingContact[]>;
  /** From now on contacts whose pings stay unanswered for that long are removed. @param flags branch flags that a contact must have, 0 any */
  setKeepaliveTimeout(seconds: number, flags?: number): void;
  /** A contact answered its ping. @param roundTripUs microseconds  @returns false when there is no such contact */
  keepalive(ruid: ByteStr, roundTripUs?: number): boolean;
}
