/** What lookup() and registered() tell the script of contacts: xavp_rcd of registrar, xavp_contact of usrloc. */
import { varsOf, XavpList } from '../pv/api.ts';
import type { Contact } from '../usrloc/api.ts';
import type { RegistrarState } from './state.ts';

const SKIP_RUID = 1;
const SKIP_CONTACT = 2;
const SKIP_EXPIRES = 4;
const SKIP_RECEIVED = 8;
const SKIP_PATH = 16;

/** Puts the contact into the xavp that xavp_rcd names. */
export function pushRecord(state: RegistrarState, contact: Contact): void {
  const { xavpRcd, xavpRcdMask: mask } = state.settings;
  if (!xavpRcd) return;
  const fields = new XavpList();
  if (!(mask & SKIP_RUID)) fields.push('ruid', contact.ruid);
  if (!(mask & SKIP_CONTACT)) fields.push('contact', contact.uri);
  if (!(mask & SKIP_EXPIRES)) fields.push('expires', contact.expires === 0 ? 0 : contact.expires - state.now());
  if (!(mask & SKIP_RECEIVED) && contact.received !== undefined) fields.push('received', contact.received);
  if (!(mask & SKIP_PATH) && contact.path !== undefined) fields.push('path', contact.path);
  varsOf(state.host).xavps.push(xavpRcd, fields);
}

/** Puts the attributes kept with the contacts into the xavp that xavp_contact names, in their order. */
export function pushAttributes(state: RegistrarState, contacts: readonly Contact[]): void {
  const name = state.usrloc.xavpContact;
  if (!name) return;
  const { xavps } = varsOf(state.host);
  for (let i = contacts.length - 1; i >= 0; i--) {
    // one for each contact, so that positions tell whose it is
    xavps.push(name, contacts[i]!.xavp?.clone() ?? new XavpList());
  }
}
