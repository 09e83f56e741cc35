/** The counters of one runtime, named and grouped as Kamailio's `stats.get_statistics` prints them: `core:rcv_requests = 5`. */
import { METHODS as METHOD_NAMES } from '../core/gen/layout.gen.ts';
import type { Statistics } from './host.ts';
import { Lanes } from './shared/lanes.ts';
import type { Shared } from './shared/shared.ts';

interface Counter {
  value: number;
  read?: () => number;
}

/** A counter that other runtimes add to, too: `value` is this one's share. */
class LaneCounter implements Counter {
  read?: () => number;
  readonly place: number;
  readonly lanes: Lanes;

  constructor(lanes: Lanes, place: number) {
    this.lanes = lanes;
    this.place = place;
  }

  get value(): number {
    return this.lanes.own(this.place);
  }

  set value(value: number) {
    this.lanes.setOwn(this.place, value);
  }

  publish(): void {
    if (this.read) this.value = this.read();
  }

  get sum(): number {
    this.publish();
    return this.lanes.sum(this.place);
  }
}

const METHODS = 'ack bye cancel info invite message notify options prack publish refer register subscribe update'.split(
  ' ',
);
const REPLY_METHODS = 'bye cancel invite message prack refer reg update'.split(' ');

/** Names of the `core` group, as the 5.6.3 server lists them. */
export const CORE_STATISTICS: readonly string[] = [
  ...'bad_URIs_rcvd bad_msg_hdr drop_replies drop_requests err_replies err_requests fwd_replies fwd_requests'.split(
    ' ',
  ),
  ...'rcv_replies rcv_replies_18x rcv_replies_401 rcv_replies_404 rcv_replies_407 rcv_replies_480 rcv_replies_486'.split(
    ' ',
  ),
  ...[1, 2, 3, 4, 5, 6].flatMap(c => [
    `rcv_replies_${c}xx`,
    ...REPLY_METHODS.map(method => `rcv_replies_${c}xx_${method}`),
  ]),
  'rcv_requests',
  ...METHODS.map(method => `rcv_requests_${method}`),
  'unsupported_methods',
];

/** Names of the `sl` group. */
export const SL_STATISTICS: readonly string[] =
  '1xx_replies 200_replies 202_replies 2xx_replies 300_replies 301_replies 302_replies 3xx_replies 400_replies 401_replies 403_replies 404_replies 407_replies 408_replies 483_replies 4xx_replies 500_replies 5xx_replies 6xx_replies failures received_ACKs sent_err_replies sent_replies xxx_replies'.split(
    ' ',
  );

/** @returns a store with the `core` and `sl` groups defined, everything 0 */
export function createStatistics(shared?: Shared): StatisticsStore {
  const stats = new StatisticsStore(shared);
  for (const name of CORE_STATISTICS) stats.define('core', name);
  for (const name of SL_STATISTICS) stats.define('sl', name);
  return stats;
}

export class StatisticsStore implements Statistics {
  readonly #groups = new Map<string, Map<string, Counter>>();
  /** bare name -> where it was defined first: a script names a statistic without its group */
  readonly #names = new Map<string, { group: string; counter: Counter }>();

  readonly #lanes: Lanes | undefined;

  /** @param shared what several runtimes have in common: then values are those of all of them */
  constructor(shared?: Shared) {
    if (shared) this.#lanes = new Lanes(shared);
  }

  define(group: string, name: string, read?: () => number, whole = false): void {
    let counters = this.#groups.get(group);
    if (!counters) this.#groups.set(group, (counters = new Map()));
    const known = counters.get(name);
    if (known) {
      // Groups are listed with all their names first; who counts says later how to read them.
      if (read) known.read = read;
      return;
    }
    const counter = this.#make(group, name, whole);
    if (read) counter.read = read;
    counters.set(name, counter);
    if (!this.#names.has(name)) this.#names.set(name, { group, counter });
  }

  #make(group: string, name: string, whole: boolean): Counter {
    const place = this.#lanes && !whole ? this.#lanes.place(group, name) : -1;
    return place < 0 ? { value: 0 } : new LaneCounter(this.#lanes!, place);
  }

  /** Tells the other runtimes what the readings of this one are now. */
  publish(): void {
    if (!this.#lanes) return;
    for (const counters of this.#groups.values())
      for (const counter of counters.values()) if (counter instanceof LaneCounter) counter.publish();
  }

  /** An undefined statistic is defined: a caller that counts something new loses nothing. A reading cannot be added to. */
  add(group: string, name: string, by = 1): void {
    this.counter(group, name).value += by;
  }

  set(group: string, name: string, value: number): void {
    const counter = this.counter(group, name);
    if (counter instanceof LaneCounter && !counter.read) counter.lanes.set(counter.place, value);
    else counter.value = value;
  }

  get(group: string, name: string): number | undefined {
    const counter = this.#groups.get(group)?.get(name);
    return counter && readingOf(counter);
  }

  find(name: string): { group: string; name: string; value: number } | undefined {
    const found = this.#names.get(name);
    return found && { group: found.group, name, value: readingOf(found.counter) };
  }

  /** sorted by group, then by name in byte order, as Kamailio prints them */
  list(): { group: string; name: string; value: number }[] {
    const byKey = <T>(a: [string, T], b: [string, T]) => (a[0] < b[0] ? -1 : 1);
    return [...this.#groups]
      .sort(byKey)
      .flatMap(([group, counters]) =>
        [...counters].sort(byKey).map(([name, counter]) => ({ group, name, value: readingOf(counter) })),
      );
  }

  /** The counter itself, for who adds to it often. */
  counter(group: string, name: string): Counter {
    const counter = this.#groups.get(group)?.get(name);
    if (counter) return counter;
    this.define(group, name);
    return this.#groups.get(group)!.get(name)!;
  }
}

function readingOf(counter: Counter): number {
  if (counter instanceof LaneCounter) return counter.sum;
  return counter.read ? counter.read() : counter.value;
}

/** The counters that a received reply adds to. @param method of its CSeq */
function replyCounters(stats: Statistics, status: number, method: string): { value: number }[] {
  const names = ['rcv_replies'];
  const group = Math.floor(status / 100);
  if (group >= 1 && group <= 6) {
    names.push(`rcv_replies_${group}xx`);
    if (status >= 180 && status < 190) names.push('rcv_replies_18x');
    if (SINGLE.has(status)) names.push(`rcv_replies_${status}`);
    const suffix = REPLIES.get(method);
    if (suffix) names.push(`rcv_replies_${group}xx_${suffix}`);
  }
  return names.map(name => stats.counter('core', name));
}

const SINGLE = new Set([401, 404, 407, 480, 486]);
const REPLIES = new Map(REPLY_METHODS.map(name => [name === 'reg' ? 'REGISTER' : name.toUpperCase(), name]));
/** status codes in the cache: any that a header index lets through */
const MAX_STATUS = 1000;

/** Counts received replies, by status and method: what each adds to is looked up once. */
export class ReplyCounters {
  readonly #stats: Statistics;
  readonly #lists = new Map<number, { value: number }[]>();

  constructor(stats: Statistics) {
    this.#stats = stats;
  }

  /** @param method METHOD_* of its CSeq */
  count(status: number, method: number): void {
    const key = method * MAX_STATUS + (status % MAX_STATUS);
    let list = this.#lists.get(key);
    if (!list) this.#lists.set(key, (list = replyCounters(this.#stats, status, METHOD_NAMES[method] ?? '')));
    for (let i = 0; i < list.length; i++) list[i]!.value++;
  }
}
