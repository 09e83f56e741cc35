/** Commands of routing blocks that KEMI does not have: tel2sip(), sip_p_charging_vector(). */
import type { ByteStr } from '../../core/memory.ts';
import { type Call, exportsOf } from '../../kemi/table.ts';

const kemi = exportsOf<unknown>();

/** RFC 3261 19.1.6: the number without its visual separators, the parameters in lower case, in the user part. */
export function telToSip(uri: ByteStr, host: ByteStr): ByteStr | undefined {
  const tel = /^tel:([^;]*)(.*)$/is.exec(uri);
  if (!tel) return undefined;
  return `sip:${tel[1]!.replace(/[-.()]/g, '')}${tel[2]!.toLowerCase()}@${host};user=phone`;
}

function tel2sip({ host }: Call, uri: ByteStr, domain: ByteStr, result: ByteStr): number {
  const sip = telToSip(uri, domain);
  if (sip === undefined) return 2;
  return host.pv(result)?.set(sip) ? 1 : -1;
}

function chargingVector({ host, msg }: Call, flags: ByteStr): number {
  const there = msg.named('P-Charging-Vector');
  const force = flags.includes('f');
  if (force || flags.includes('r')) for (const header of there) msg.removeHeader(header.index);
  if (!force && !flags.includes('g')) return 1;
  if (there.length > 0 && !force && !flags.includes('r')) return 1;
  const id = Array.from({ length: 32 }, () =>
    Math.floor(host.random() * 16)
      .toString(16)
      .toUpperCase(),
  ).join('');
  const at = host.sockets[msg.socket]?.ip ?? '';
  return msg.appendHeader(`P-Charging-Vector: icid-value=${id}; icid-generated-at=${at}\r\n`) ? 1 : -1;
}

export const commands = [
  /**
   * tel2sip(uri, host, result): make a SIP URI of a tel URI.
   * @param result a pseudo-variable that is written
   * @returns 1 made; 2 it was none; -1 the variable cannot be written
   * Kamailio 6.x manual, module siputils, tel2sip; deviations: none
   */
  kemi('tel2sip', {
    native: { params: ['str', 'str', 'raw'], routes: ['request', 'failure', 'branch', 'onreply', 'reply', 'event'] },
    params: ['str', 'str', 'str'],
    returns: 'int',
    run: tel2sip,
  }),
  /**
   * sip_p_charging_vector(flags): the P-Charging-Vector header (RFC 7315).
   * @param flags r removes it, g makes one where there is none, f removes and makes one
   * @returns 1; -1 the message has no memory left
   * Kamailio 6.x manual, module siputils, sip_p_charging_vector; deviations: r and f remove it (5.6.3 leaves it)
   */
  kemi('sip_p_charging_vector', { params: ['str'], returns: 'int', run: chargingVector }),
] as const;
