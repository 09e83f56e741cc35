/** KSR.uuid and $uuid(): universally unique identifiers (RFC 9562). */
import { defineModule, exportsOf } from '../../kemi/table.ts';
import { randomUuid, timeUuid, type UuidState, uuidPv } from './uuid.ts';

const kemi = exportsOf<UuidState>();

export default defineModule<UuidState>({
  name: 'uuid',
  shares: true,
  native: false,
  modparams: {},
  create: () => ({ lastTicks: 0n, node: undefined, sequence: 0 }),
  pvs: [uuidPv],
  functions: [
    /**
     * KSR.uuid.get(): a new identifier, of random numbers.
     * @returns version 4, 36 characters, lower case
     * Kamailio 6.x manual, module uuid, $uuid(g); deviations: none
     */
    kemi('get', { params: [], returns: 'xval', anytime: true, run: ({ host }) => randomUuid(host) }),
    /**
     * KSR.uuid.rget(): a new identifier, of random numbers.
     * @returns version 4, 36 characters, lower case
     * Kamailio 6.x manual, module uuid, $uuid(r); deviations: none
     */
    kemi('rget', { params: [], returns: 'xval', anytime: true, run: ({ host }) => randomUuid(host) }),
    /**
     * KSR.uuid.tget(): a new identifier, of the time; each call gives a later one.
     * @returns version 1, 36 characters, lower case; its node is random, not an address of this machine
     * Kamailio 6.x manual, module uuid, $uuid(s); deviations: never "", it needs no daemon to be safe
     */
    kemi('tget', { params: [], returns: 'xval', anytime: true, run: ({ state, host }) => timeUuid(state, host) }),
  ],
});
