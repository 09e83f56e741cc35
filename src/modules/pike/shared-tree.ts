/**
 * IpTree for several runtimes: a node is an item of a shared map, its key the bytes of the address down to it. The sampling unit is a number that all see, so
 * nothing has to be walked when it is over: a node says in which unit its hits were.
 */
import type { ByteStr } from '../../core/memory.ts';
import type { IpBytes } from '../../kemi/ip.ts';
import type { Shared, SharedMap } from '../../kemi/shared/shared.ts';
import type { Hits, Leaf, Verdict } from './ip-tree.ts';

const BUCKETS = 16384;

interface Node {
  readonly key: ByteStr;
  hits: number;
  previous: number;
  current: number;
  children: number;
}

export class SharedIpTree implements Hits {
  readonly limit: number;
  readonly #latencyMs: number;
  readonly #maxNodes: number;
  readonly #map: SharedMap;
  readonly #unit: Int32Array<SharedArrayBuffer>;

  /** As IpTree's. */
  constructor(shared: Shared, limit: number, latencySec: number, maxNodes: number) {
    this.limit = limit;
    this.#latencyMs = latencySec * 1000;
    this.#maxNodes = maxNodes;
    this.#map = shared.map('pike', BUCKETS);
    this.#unit = shared.ints('pike.unit', 1);
  }

  get nodes(): number {
    return this.#map.size;
  }

  hit(bytes: IpBytes, nowMs: number): Verdict {
    const { length } = bytes;
    const whole = String.fromCharCode(length, ...bytes);
    return this.#map.exclusive(whole.slice(0, 2), () => {
      let node = this.#node(whole.slice(0, 2));
      if (!node) {
        this.#grow(whole.slice(0, 2), 1, nowMs);
        return 1;
      }
      while (node.key.length <= length) {
        const next = this.#node(whole.slice(0, node.key.length + 1));
        if (!next) return this.#miss(node, whole, nowMs);
        node = next;
      }
      const before = this.#hot(node);
      node.current++;
      this.#put(node, nowMs);
      if (before) return -1;
      return this.#hot(node) ? -2 : 1;
    });
  }

  rotate(): void {
    Atomics.add(this.#unit, 0, 1);
  }

  expire(nowMs: number): void {
    // children first: a node stays while it has one
    const keys = this.#map.expired(nowMs).sort((a, b) => b.length - a.length);
    for (const key of keys)
      this.#map.exclusive(key.slice(0, 2), () => {
        const item = this.#map.get(key);
        if (!item || item.expiresMs > nowMs || this.#read(key, item.value).children > 0) return;
        this.#map.delete(key);
        const parent = key.length > 2 ? this.#map.get(key.slice(0, -1)) : undefined;
        if (!parent) return;
        const node = this.#read(key.slice(0, -1), parent.value);
        node.children--;
        this.#map.set(node.key, { value: this.#text(node), expiresMs: parent.expiresMs });
      });
  }

  leaves(nowMs: number): Leaf[] {
    const out: Leaf[] = [];
    for (const [key, { value, expiresMs }] of this.#map.entries()) {
      if (key.length <= key.charCodeAt(0)) continue;
      const node = this.#read(key, value);
      out.push({
        bytes: Array.from(key.slice(1), c => c.charCodeAt(0)),
        previous: node.previous,
        current: node.current,
        expiresSec: Math.max(0, Math.ceil((expiresMs - nowMs) / 1000)),
        status: this.#hot(node) ? 'HOT' : Math.max(node.previous, node.current) >= this.#warm ? 'WARM' : '',
      });
    }
    return out;
  }

  get #warm(): number {
    return Math.floor(this.limit / 4);
  }

  #hot(node: Node): boolean {
    return node.current >= this.limit || node.previous >= this.limit;
  }

  #miss(node: Node, whole: ByteStr, nowMs: number): Verdict {
    node.hits++;
    if (node.hits >= this.#warm && this.#grow(whole.slice(0, node.key.length + 1), node.hits, nowMs)) node.children++;
    this.#put(node, nowMs);
    return 1;
  }

  #grow(key: ByteStr, hits: number, nowMs: number): boolean {
    if (this.#map.size >= this.#maxNodes) return false;
    return this.#put({ key, hits, previous: 0, current: 0, children: 0 }, nowMs);
  }

  #node(key: ByteStr): Node | undefined {
    const item = this.#map.get(key);
    return item && this.#read(key, item.value);
  }

  #read(key: ByteStr, value: number | ByteStr): Node {
    const [hits, previous, current, children, unit] = String(value).split(' ').map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const age = (Atomics.load(this.#unit, 0) - unit) | 0;
    if (age === 0) return { key, hits, previous, current, children };
    return { key, hits, previous: age === 1 ? current : 0, current: 0, children };
  }

  #text({ hits, previous, current, children }: Node): ByteStr {
    return `${hits} ${previous} ${current} ${children} ${Atomics.load(this.#unit, 0)}`;
  }

  #put(node: Node, nowMs: number): boolean {
    return this.#map.set(node.key, { value: this.#text(node), expiresMs: nowMs + this.#latencyMs });
  }
}
