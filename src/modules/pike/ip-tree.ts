/**
 * How often each address asks. A tree by the bytes of the address: a node grows children only when it was hit often enough, so that a flood of addresses
 * that ask once costs little. Thresholds as the real server shows them: a node at the end of the known path grows once it has a quarter of the limit;
 * a new child starts with its parent's hits, so the path below grows by one byte a request; a whole address is hot when its own hits of this sampling
 * unit or of the last one reach the limit.
 */
import type { IpBytes } from '../../kemi/ip.ts';

interface Node {
  readonly byte: number;
  readonly parent: Node | undefined;
  children: Map<number, Node> | undefined;
  hits: number;
  /** own hits of a whole address: last unit, this unit */
  previous: number;
  current: number;
  expiresMs: number;
  /** bytes of the address that lie above and in this node */
  readonly depth: number;
  /** 4 or 16 */
  readonly length: number;
}

export interface Leaf {
  readonly bytes: readonly number[];
  readonly previous: number;
  readonly current: number;
  readonly expiresSec: number;
  readonly status: 'HOT' | 'WARM' | '';
}

/** 1 may go on; -1 was blocked before; -2 is blocked from now on */
export type Verdict = 1 | -1 | -2;

/** What pike asks of whatever counts. */
export interface Hits {
  readonly limit: number;
  hit(bytes: IpBytes, nowMs: number): Verdict;
  /** The sampling unit is over. */
  rotate(): void;
  /** Takes away what was not hit for a while. */
  expire(nowMs: number): void;
  /** whole addresses */
  leaves(nowMs: number): Leaf[];
}

export class IpTree implements Hits {
  readonly limit: number;
  readonly #latencyMs: number;
  readonly #maxNodes: number;
  readonly #roots = new Map<number, Node>();
  #nodes = 0;

  /** @param limit requests per sampling unit  @param latencySec how long a node without hits stays  @param maxNodes no growth above it */
  constructor(limit: number, latencySec: number, maxNodes: number) {
    this.limit = limit;
    this.#latencyMs = latencySec * 1000;
    this.#maxNodes = maxNodes;
  }

  get nodes(): number {
    return this.#nodes;
  }

  hit(bytes: IpBytes, nowMs: number): Verdict {
    const { length } = bytes;
    // one key for both families: 256 apart
    const rootKey = bytes[0]! + (length === 16 ? 256 : 0);
    let node = this.#roots.get(rootKey);
    if (!node) {
      const root = this.#grow(undefined, bytes[0]!, 1, length, nowMs, 1);
      if (root) this.#roots.set(rootKey, root);
      return 1;
    }
    for (let next: Node | undefined; node.depth < length; node = next) {
      next = node.children?.get(bytes[node.depth]!);
      if (!next) return this.#miss(node, bytes, nowMs);
    }
    const before = this.#hot(node);
    node.current++;
    node.expiresMs = nowMs + this.#latencyMs;
    if (before) return -1;
    return this.#hot(node) ? -2 : 1;
  }

  /** The sampling unit is over. */
  rotate(): void {
    this.#each(node => {
      node.previous = node.current;
      node.current = 0;
    });
  }

  /** Takes away what was not hit for a while. */
  expire(nowMs: number): void {
    const prune = (nodes: Map<number, Node>) => {
      for (const [key, node] of nodes) {
        if (node.children) {
          prune(node.children);
          if (node.children.size > 0) continue;
          node.children = undefined;
        }
        if (node.expiresMs > nowMs) continue;
        nodes.delete(key);
        this.#nodes--;
      }
    };
    prune(this.#roots);
  }

  /** whole addresses */
  leaves(nowMs: number): Leaf[] {
    const out: Leaf[] = [];
    this.#each(node => {
      if (node.depth < node.length) return;
      const bytes: number[] = [];
      for (let at: Node | undefined = node; at; at = at.parent) bytes.unshift(at.byte);
      const most = Math.max(node.previous, node.current);
      out.push({
        bytes,
        previous: node.previous,
        current: node.current,
        expiresSec: Math.max(0, Math.ceil((node.expiresMs - nowMs) / 1000)),
        status: this.#hot(node) ? 'HOT' : most >= this.#warm ? 'WARM' : '',
      });
    });
    return out;
  }

  get #warm(): number {
    return Math.floor(this.limit / 4);
  }

  #hot(node: Node): boolean {
    return node.current >= this.limit || node.previous >= this.limit;
  }

  /** The known path ends at `node`: it counts, and grows once it was hit often enough. */
  #miss(node: Node, bytes: IpBytes, nowMs: number): Verdict {
    node.hits++;
    node.expiresMs = nowMs + this.#latencyMs;
    if (node.hits < this.#warm) return 1;
    const byte = bytes[node.depth]!;
    const child = this.#grow(node, byte, node.depth + 1, bytes.length, nowMs, node.hits);
    if (child) {
      node.children ??= new Map();
      node.children.set(byte, child);
    }
    return 1;
  }

  #grow(parent: Node | undefined, byte: number, depth: number, length: number, nowMs: number, hits: number) {
    if (this.#nodes >= this.#maxNodes) return undefined;
    this.#nodes++;
    const node: Node = {
      parent,
      byte,
      depth,
      length,
      hits,
      previous: 0,
      current: 0,
      expiresMs: nowMs + this.#latencyMs,
      children: undefined,
    };
    return node;
  }

  #each(use: (node: Node) => void): void {
    const walk = (nodes: Map<number, Node>) => {
      for (const node of nodes.values()) {
        use(node);
        if (node.children) walk(node.children);
      }
    };
    walk(this.#roots);
  }
}
