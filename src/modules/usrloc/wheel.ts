/**
 * When contacts expire: buckets of some seconds, each a list through the contacts themselves. Putting in and taking out cost the same however many
 * there are, and a contact that is gone leaves nothing behind.
 */
import type { Contact } from './contact.ts';

const BUCKET_SEC = 16;

export class ExpiryWheel {
  /** first contact of each bucket, by expires / BUCKET_SEC */
  readonly #first = new Map<number, Contact>();

  /** Puts the contact where its expires says; it must not be in already. One that never expires is left out. */
  add(contact: Contact): void {
    if (contact.expires === 0) return;
    const bucket = Math.floor(contact.expires / BUCKET_SEC);
    const next = this.#first.get(bucket);
    contact.bucket = bucket;
    contact.before = undefined;
    contact.after = next;
    if (next) next.before = contact;
    this.#first.set(bucket, contact);
  }

  remove(contact: Contact): void {
    const { bucket, before, after } = contact;
    if (bucket < 0) return;
    if (after) after.before = before;
    if (before) before.after = after;
    else if (after) this.#first.set(bucket, after);
    else this.#first.delete(bucket);
    contact.bucket = -1;
    contact.before = undefined;
    contact.after = undefined;
  }

  /** To be called when `expires` changed. */
  move(contact: Contact): void {
    if (contact.expires !== 0 && Math.floor(contact.expires / BUCKET_SEC) === contact.bucket) return;
    this.remove(contact);
    this.add(contact);
  }

  /** Contacts that expired at nowSec or before; they stay in. */
  due(nowSec: number): Contact[] {
    const out: Contact[] = [];
    const last = Math.floor(nowSec / BUCKET_SEC);
    for (const [bucket, first] of this.#first) {
      if (bucket > last) continue;
      for (let c: Contact | undefined = first; c; c = c.after) if (c.expires <= nowSec) out.push(c);
    }
    return out;
  }
}
