/** What lookup() found is kept by the core (wasm/modules/lookup-cache.ts), until the record changes; here is which contact each answer is of. */
import type { Core } from '../../core/load.ts';
import type { Binding, Contact, UserRecord } from './contact.ts';

/** answers at once: some 15 MB of linear memory; the oldest goes when there are as many */
const MAX_ANSWERS = 1 << 17;
/** longest texts that are kept; the core says so too */
const MAX_BYTES = 2048;
/** highest time that a word takes: later ones are asked for each time */
const MAX_EXPIRES = 0xffffffff;

export class LookupCache {
  readonly #core: Core;
  /** by number; 0 is none */
  readonly #contacts: (Contact | undefined)[] = [undefined];
  readonly #free: number[] = [];
  /** the next one to go */
  #hand = 1;

  constructor(core: Core) {
    this.#core = core;
  }

  /** The contact of an answer. */
  contact(number: number): Contact | undefined {
    return this.#contacts[number];
  }

  /** Keeps that a user with one contact is called there. @param table its number  @param dstUri where requests go first, undefined: to the URI */
  keep(table: number, record: UserRecord, contact: Contact, dstUri: string | undefined): void {
    const { aor } = record;
    const { uri, expires } = contact;
    const texts = aor + uri + (dstUri ?? '');
    if (record.answer || texts.length > MAX_BYTES || expires > MAX_EXPIRES) return;
    const full = this.#free.length === 0 && this.#contacts.length > MAX_ANSWERS;
    if (full) this.#dropOldest();
    const number = this.#free.pop() ?? this.#contacts.length;
    const { x, mem } = this.#core;
    const at: number = x.scratchArea();
    mem.putStr(at, texts);
    record.answer = x.lookupKeep(
      table,
      number,
      at,
      aor.length,
      uri.length,
      dstUri === undefined ? -1 : dstUri.length,
      expires,
      contact.cflags,
      contact.methods,
    );
    if (record.answer) this.#contacts[number] = contact;
    else if (number < this.#contacts.length) this.#free.push(number);
  }

  /** The record changes. */
  forget(record: UserRecord): void {
    if (!record.answer) return;
    const number: number = this.#core.x.lookupForget(record.answer);
    record.answer = 0;
    this.#contacts[number] = undefined;
    this.#free.push(number);
  }

  /** A contact of the record gets what a REGISTER says: phones say the same again and again. Call it before that. */
  change(contact: Contact, b: Binding): void {
    const { record } = contact;
    const same =
      b.received === contact.received &&
      b.path === undefined &&
      b.expires <= MAX_EXPIRES &&
      (b.instance === undefined || b.uri === contact.uri);
    if (!same) this.forget(record);
    else if (record.answer) this.#core.x.lookupRenew(record.answer, b.expires, b.cflags, b.methods);
  }

  #dropOldest(): void {
    const contact = this.#contacts[this.#hand]!;
    this.#hand = this.#hand === MAX_ANSWERS ? 1 : this.#hand + 1;
    this.forget(contact.record);
  }
}
