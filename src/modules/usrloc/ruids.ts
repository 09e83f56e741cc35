/** Names for contacts that no other contact has, on any server or after a restart: prefix, start time, a random number, a counter. */
import type { ByteStr } from '../../core/memory.ts';
import type { ModuleHost } from '../../kemi/host.ts';

export class Ruids {
  readonly #middle: ByteStr;
  #count = 0;

  constructor(host: ModuleHost) {
    const start = Math.floor(host.now() / 1000).toString(16);
    const chance = Math.floor(host.random() * 2 ** 32).toString(16);
    // workers that begin in the same second must not meet by chance
    const worker = host.shared ? host.shared.worker.toString(16).padStart(2, '0') : '';
    this.#middle = `-${start}-${chance}${worker}-`;
  }

  /** the counter is written backwards, in hex, as Kamailio does */
  next(prefix = 'uloc'): ByteStr {
    let hex = '';
    for (let n = ++this.#count; n > 0; n = Math.floor(n / 16)) hex += (n % 16).toString(16);
    return prefix + this.#middle + hex;
  }
}
