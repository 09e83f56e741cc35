/** Identifiers of random numbers and of the time (RFC 9562 5.1, 5.4, 6.10). */
import type { ByteStr } from '../../core/memory.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import type { PvClass } from '../../kemi/pv-types.ts';
import type { Call } from '../../kemi/table.ts';

export interface UuidState {
  /** 100 ns since 1582-10-15 of the last one: the next is later, so that no two are alike */
  lastTicks: bigint;
  /** 12 hex digits, chosen once: a random node with the multicast bit, never an address of the machine */
  node: string | undefined;
  /** 14 bits, chosen with the node: tells apart processes that start with the same clock */
  sequence: number;
}

/** 1582-10-15 to 1970-01-01, in 100 ns */
const EPOCH = 0x01b21dd213814000n;

type Source = Pick<ModuleHost, 'random' | 'now'>;

export function randomUuid({ random }: Source): ByteStr {
  const h = digits(random, 32);
  const variant = ((Number.parseInt(h[16]!, 16) & 3) | 8).toString(16);
  return dashed(`${h.slice(0, 12)}4${h.slice(13, 16)}${variant}${h.slice(17)}`);
}

export function timeUuid(state: UuidState, { random, now }: Source): ByteStr {
  if (state.node === undefined) {
    const h = digits(random, 12);
    state.node = h[0] + (Number.parseInt(h[1]!, 16) | 1).toString(16) + h.slice(2);
    state.sequence = Math.floor(random() * 0x4000) | 0x8000;
  }
  const ticks = EPOCH + BigInt(Math.floor(now() * 10_000));
  state.lastTicks = ticks > state.lastTicks ? ticks : state.lastTicks + 1n;
  const t = state.lastTicks.toString(16).padStart(15, '0').slice(-15);
  return dashed(`${t.slice(7)}${t.slice(3, 7)}1${t.slice(0, 3)}${state.sequence.toString(16)}${state.node}`);
}

export const uuidPv: PvClass = {
  name: 'uuid',
  doc: 'A new UUID at each use: g or r of random numbers, t or s of the time; any other letter as g.',
  inner: 'required',
  innerAs: 'raw',
  anytime: true,
  get: ({ state, host }: Call<UuidState>, { inner }) =>
    inner === 't' || inner === 's' ? timeUuid(state, host) : randomUuid(host),
};

/** Hex digits; one call of random() has 52 good bits, of which 24 are taken. */
function digits(random: () => number, count: number): string {
  let out = '';
  while (out.length < count)
    out += Math.floor(random() * 0x1000000)
      .toString(16)
      .padStart(6, '0');
  return out.slice(0, count);
}

const dashed = (h: string): ByteStr =>
  `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
