/** Variables of what is being sent: they have values in the onsend route only. */
import { type ByteStr, byteStr } from '../../core/memory.ts';
import type { Sending } from '../../kemi/host.ts';
import type { PvClass } from '../../kemi/pv-types.ts';
import type { Call, XVal } from '../../kemi/table.ts';
import type { PvState } from './api.ts';
import { protoId } from './protocols.ts';

/** numbers of the address families, as Linux has them */
const [INET, INET6] = [2, 10];
const KEYS = ['ip', 'port', 'proto', 'sproto', 'af', 'buf', 'len'];

interface End {
  readonly ip: ByteStr;
  readonly port: number;
}

const sending = (
  name: string,
  doc: string,
  end: (sending: Sending, call: Call<PvState>) => End | undefined,
): PvClass => ({
  name,
  doc: `${doc} (ip, port, proto as 1 for UDP and 2 for TCP, sproto by its name, af as 2 for IPv4 and 10 for IPv6), and what is sent (buf, len); null outside of the onsend route.`,
  inner: 'required',
  innerAs: 'raw',
  check: inner => (KEYS.includes(inner) ? undefined : `$${name}() takes one of ${KEYS.join(', ')}, not "${inner}"`),
  get: (call: Call<PvState>, { inner }): XVal => {
    const now = call.host.sending;
    if (!now) return null;
    const { data, to } = now;
    switch (inner) {
      case 'buf':
        return byteStr(data);
      case 'len':
        return data.length;
      case 'proto':
        return protoId(to.proto);
      case 'sproto':
        return to.proto;
      case 'af':
        return to.ip.includes(':') ? INET6 : INET;
      case 'ip':
        return end(now, call)?.ip ?? null;
      default:
        return end(now, call)?.port ?? null;
    }
  },
});

const target = ({ to }: Sending): End => to;

export const sends: readonly PvClass[] = [
  sending('snd', 'Where what is being sent goes', target),
  sending('sndto', 'Where what is being sent goes', target),
  sending('sndfrom', 'Where what is being sent leaves from', ({ to }, { host }) => host.sockets[to.socket]),
];
