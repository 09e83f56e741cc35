/** KSR.cfgutils: chance, pauses, locks, hashes. */
import type { ByteStr } from '../../core/memory.ts';
import { coreHash } from '../../kemi/core-hash.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { type Call, defineModule, exportsOf } from '../../kemi/table.ts';
import { Locks, sharedGate } from './locks.ts';

interface State {
  readonly initialProbability: number;
  /** of all workers, where there are several */
  probability: number;
  readonly locks: Locks;
  /** a timer is set that frees locks */
  sweeping?: boolean;
}
type C = Call<State>;

const kemi = exportsOf<State>();

/** how often the locks of messages that are gone are freed */
const SWEEP_MS = 250;
/** how often a lock that another worker has is asked for */
const RETRY_MS = 2;

/** The message that asks, 0 outside of a route. */
const ownerOf = (host: ModuleHost): number => host.message?.handle ?? 0;

/** Lets other messages run meanwhile. @returns 1; at once when there is nothing to wait for */
function pause(host: ModuleHost, ms: number): 1 | Promise<1> {
  if (ms <= 0) return 1;
  return new Promise(resolve => {
    host.after(Math.ceil(ms), () => resolve(1));
  });
}

/** two-part keys cannot be mistaken for others: NUL-separated, length first */
const twoKeys = (a: ByteStr, b: ByteStr): ByteStr => `${a.length}\0${a}\0${b}`;

const lock = (call: C, key: ByteStr): number | Promise<number> => {
  const { locks } = call.state;
  const waited = locks.waits;
  const wait = locks.take(key, ownerOf(call.host));
  if (!waited && locks.waits) retry(call.host, locks);
  sweepLater(call);
  return wait ? wait.then(() => 1) : 1;
};
/** Asks for the locks of other workers until there are none that messages here wait for. */
function retry(host: ModuleHost, locks: Locks): void {
  host.after(RETRY_MS, () => {
    locks.retry();
    if (locks.waits) retry(host, locks);
  });
}
const unlock = (call: C, key: ByteStr): number => {
  call.state.locks.give(key, ownerOf(call.host));
  return 1;
};
const trylock = (call: C, key: ByteStr): number => {
  if (!call.state.locks.tryTake(key, ownerOf(call.host))) return -1;
  sweepLater(call);
  return 1;
};

/** Frees the locks of messages that are gone, as long as there are locks: a server that has nothing to do sets no timers, and may sleep. */
function sweepLater({ host, state }: C): void {
  if (state.sweeping) return;
  state.sweeping = true;
  host.after(SWEEP_MS, function sweep() {
    state.locks.sweep();
    state.sweeping = state.locks.size > 0;
    if (state.sweeping) host.after(SWEEP_MS, sweep);
  });
}

/** Kamailio counts its private and shared memory; here there is one linear memory. */
function memory(call: C): 1 {
  const bytes = call.host.core.mem.memory.buffer.byteLength;
  call.host.log.info({ linearMemoryBytes: bytes }, `The linear memory has ${bytes} bytes`);
  return 1;
}
const status = { params: [] as const, returns: 'int' as const, anytime: true, run: memory };

function noRoute(call: C, name: ByteStr): number {
  call.host.log.debug(
    { route: name },
    `There is no route[${name}]: a KEMI script has no route blocks of the native cfg`,
  );
  return -1;
}

export default defineModule<State>({
  name: 'cfgutils',
  shares: true,
  modparams: {
    initial_probability: { type: 'int', default: 10, min: 0, max: 100, doc: 'percent at which rand_event() is true' },
    lock_set_size: { type: 'int', doc: 'not used: each key has a lock of its own' },
  },
  create: (host, params) => {
    const initialProbability = Number(params.initial_probability);
    const { shared } = host;
    const locks = new Locks(owner => owner === 0 || host.core.x.msgByHandle(owner) !== 0, shared && sharedGate(shared));
    if (!shared) return { initialProbability, probability: initialProbability, locks };
    // 0 is what is there before anybody set it
    const set = shared.ints('cfgutils.probability', 1);
    return {
      initialProbability,
      locks,
      get probability() {
        const value = Atomics.load(set, 0);
        return value === 0 ? initialProbability : value > 0 ? value - 1 : value;
      },
      set probability(percent: number) {
        Atomics.store(set, 0, percent < 0 ? percent : percent + 1);
      },
    };
  },
  functions: [
    // ---- chance
    /** KSR.cfgutils.rand_event(): true with the probability that was set. @returns 1; -1 */
    kemi('rand_event', {
      native: {},
      params: [],
      returns: 'int',
      anytime: true,
      run: call => (call.host.random() * 100 < call.state.probability ? 1 : -1),
    }),
    /** KSR.cfgutils.rand_set_prob(percent): sets the probability of rand_event(). @param percent 0 and less never, 100 and more always @returns 1 */
    kemi('rand_set_prob', {
      params: ['int'],
      returns: 'int',
      anytime: true,
      run: (call, percent) => {
        call.state.probability = percent;
        return 1;
      },
    }),
    /** KSR.cfgutils.rand_reset_prob(): sets the probability to modparam initial_probability. @returns 1 */
    kemi('rand_reset_prob', {
      params: [],
      returns: 'int',
      anytime: true,
      run: call => {
        call.state.probability = call.state.initialProbability;
        return 1;
      },
    }),
    /** KSR.cfgutils.rand_get_prob(): the probability of rand_event(). @returns percent, 0..100 */
    kemi('rand_get_prob', { params: [], returns: 'int', anytime: true, run: call => call.state.probability }),
    // ---- pauses
    /**
     * KSR.cfgutils.sleep(seconds): the route waits; other messages are routed meanwhile, where Kamailio blocks a worker.
     * @param seconds 0 and less do not wait  @returns 1
     */
    kemi('sleep', {
      params: ['int'],
      returns: 'int',
      anytime: true,
      async: true,
      run: (call, seconds) => pause(call.host, seconds * 1000),
    }),
    /** KSR.cfgutils.usleep(microseconds): as sleep; rounded up to milliseconds. @param microseconds 0 and less do not wait  @returns 1 */
    kemi('usleep', {
      params: ['int'],
      returns: 'int',
      anytime: true,
      async: true,
      run: (call, us) => pause(call.host, us / 1000),
    }),
    // ---- locks
    /**
     * KSR.cfgutils.lock(key): takes a lock; the route waits while another message has it.
     * A message that has it already takes it once more. A lock is free when its message is gone.
     * @returns 1
     */
    kemi('lock', { params: ['str'], returns: 'int', anytime: true, async: true, run: lock }),
    /** KSR.cfgutils.unlock(key): gives a lock back. @returns 1, also when it was not held */
    kemi('unlock', { params: ['str'], returns: 'int', anytime: true, run: unlock }),
    /** KSR.cfgutils.trylock(key): takes a lock if nobody has it. @returns 1 taken; -1 it is held, be it by this message */
    kemi('trylock', { params: ['str'], returns: 'int', anytime: true, run: trylock }),
    /** KSR.cfgutils.lock_key2(a, b): as lock, with a key of two parts. */
    kemi('lock_key2', {
      native: false,
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      async: true,
      run: (call, a, b) => lock(call, twoKeys(a, b)),
    }),
    /** KSR.cfgutils.unlock_key2(a, b): as unlock, with a key of two parts. */
    kemi('unlock_key2', {
      native: false,
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, a, b) => unlock(call, twoKeys(a, b)),
    }),
    /** KSR.cfgutils.trylock_key2(a, b): as trylock, with a key of two parts. */
    kemi('trylock_key2', {
      native: false,
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, a, b) => trylock(call, twoKeys(a, b)),
    }),
    // ---- routes
    /** KSR.cfgutils.check_route_exists(name): whether there is a route block of the native cfg. @returns -1: a KEMI script has none */
    kemi('check_route_exists', { params: ['str'], returns: 'int', run: noRoute }),
    /** KSR.cfgutils.route_if_exists(name): runs a route block of the native cfg. @returns -1: a KEMI script has none */
    kemi('route_if_exists', { native: false, params: ['str'], returns: 'int', run: noRoute }),
    // ---- the rest
    /**
     * KSR.cfgutils.core_hash(a, b, size): hash of one or two strings.
     * @param b '' for one string  @param size bits, 1..31; any other is 1
     * @returns 1 to 2 to the power of `size`
     */
    kemi('core_hash', {
      params: ['str', 'str', 'int'],
      returns: 'int',
      anytime: true,
      run: (_call, a, b, size) => (coreHash(a, b) & (2 ** (size > 0 && size < 32 ? size : 1) - 1)) + 1,
    }),
    /** KSR.cfgutils.pkg_status(): logs how large the memory is. @returns 1 */
    kemi('pkg_status', status),
    /** KSR.cfgutils.pkg_summary(): as pkg_status. */
    kemi('pkg_summary', status),
    /** KSR.cfgutils.shm_status(): as pkg_status: there is one memory. */
    kemi('shm_status', status),
    /** KSR.cfgutils.shm_summary(): as pkg_status: there is one memory. */
    kemi('shm_summary', status),
    /** KSR.cfgutils.abort(): ends the process with a core dump in Kamailio; refused here. @returns -1 */
    kemi('abort', {
      params: [],
      returns: 'int',
      anytime: true,
      run: call => {
        call.host.log.error({}, 'Cannot abort: a script may not end the server');
        return -1;
      },
    }),
  ],
  pvs: [
    {
      name: 'RANDOM',
      inner: 'none',
      anytime: true,
      doc: 'a random integer, 0..2147483647',
      get: (call: C) => Math.floor(call.host.random() * 0x80000000),
    },
  ],
  rpc: [
    {
      name: 'cfgutils.rand_set_prob',
      doc: 'Sets the probability of rand_event() in percent.',
      run: ({ state }, [percent]) => {
        state.probability = Math.trunc(Number(percent)) || 0;
        return {};
      },
    },
    {
      name: 'cfgutils.rand_reset_prob',
      doc: 'Sets the probability of rand_event() to modparam initial_probability.',
      run: ({ state }) => {
        state.probability = state.initialProbability;
        return {};
      },
    },
    {
      name: 'cfgutils.rand_get_prob',
      doc: 'Returns the probability of rand_event().',
      run: ({ state }) => `actual probability: ${state.probability} percent`,
    },
  ],
});
