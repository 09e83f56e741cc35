/**
 * The little of WASI 0.2 that modules get, because the standard libraries of most languages ask for it: random numbers, and with the grant `clock` the time. Their types are none of ours, so they
 * work on core values.
 */
import type { ModuleHost } from '../kemi/host.ts';
import { Breach, type Flat, type Guest } from './canonical.ts';
import type { Grant } from './capabilities.ts';

/** A host function as a core module calls it. */
export type RawFunction = (guest: Guest, ...flat: Flat[]) => Flat | undefined;

interface Offer {
  readonly needs?: Grant;
  readonly make: (host: ModuleHost) => RawFunction;
}

const NS_PER_MS = 1e6;
/** most random bytes at once */
const MAX_RANDOM = 65536;

function random64({ random }: ModuleHost): bigint {
  const part = () => BigInt(Math.floor(random() * 2 ** 32));
  return BigInt.asIntN(64, (part() << 32n) | part());
}

const randomNumber: Offer = { make: host => () => random64(host) };
const randomBytes: Offer = {
  make: host => (guest, length, to) => {
    const size = Number(length);
    if (size > MAX_RANDOM) throw new Breach(`it asked for ${size} random bytes at once`);
    const at = guest.allocate(1, size);
    const { mem } = guest;
    const { u8 } = mem;
    for (let i = 0; i < size; i++) u8[at + i] = Math.floor(host.random() * 256);
    mem.setU32(Number(to), at);
    mem.setU32(Number(to) + 4, size);
    return undefined;
  },
};

/** By interface without its version, and function. */
const OFFERS: Readonly<Record<string, Offer>> = {
  'wasi:random/random get-random-u64': randomNumber,
  'wasi:random/random get-random-bytes': randomBytes,
  'wasi:random/insecure get-insecure-random-u64': randomNumber,
  'wasi:random/insecure get-insecure-random-bytes': randomBytes,
  // 0.2.x has both names
  'wasi:random/insecure-seed insecure-seed': { make: host => seed(host) },
  'wasi:random/insecure-seed get-insecure-seed': { make: host => seed(host) },
  'wasi:clocks/monotonic-clock now': {
    needs: 'clock',
    make: host => () => BigInt(Math.floor(Math.max(0, host.monotonic()) * NS_PER_MS)),
  },
  'wasi:clocks/wall-clock now': {
    needs: 'clock',
    make:
      host =>
      ({ mem }, to) => {
        const ms = Math.max(0, host.now());
        mem.view.setBigUint64(Number(to), BigInt(Math.floor(ms / 1000)), true);
        mem.setU32(Number(to) + 8, Math.floor((ms % 1000) * NS_PER_MS));
        return undefined;
      },
  },
};

function seed(host: ModuleHost): RawFunction {
  return ({ mem }, to) => {
    mem.view.setBigInt64(Number(to), random64(host), true);
    mem.view.setBigInt64(Number(to) + 8, random64(host), true);
    return undefined;
  };
}

/** @returns undefined for what modules do not get */
export function wasiFunction(
  host: ModuleHost,
  granted: readonly Grant[],
  from: string,
  name: string,
): RawFunction | undefined {
  const key = `${from.replace(/@.*/, '')} ${name}`;
  const offer = Object.hasOwn(OFFERS, key) ? OFFERS[key] : undefined;
  if (!offer || (offer.needs && !granted.includes(offer.needs))) return undefined;
  return offer.make(host);
}
