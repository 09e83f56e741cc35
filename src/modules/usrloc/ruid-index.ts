/** Contacts of all tables by their ruid. Made when somebody first asks for one: most servers never do, and a map of all contacts costs with each of them. */
import type { ByteStr } from '../../core/memory.ts';
import type { Contact } from './contact.ts';

export class RuidIndex {
  readonly #all: () => Iterable<Contact>;
  #map: Map<ByteStr, Contact> | undefined;

  /** @param all the contacts that there are */
  constructor(all: () => Iterable<Contact>) {
    this.#all = all;
  }

  get(ruid: ByteStr): Contact | undefined {
    if (!this.#map) {
      this.#map = new Map();
      for (const contact of this.#all()) this.#map.set(contact.ruid, contact);
    }
    return this.#map.get(ruid);
  }

  set(ruid: ByteStr, contact: Contact): void {
    this.#map?.set(ruid, contact);
  }

  delete(ruid: ByteStr): void {
    this.#map?.delete(ruid);
  }
}
