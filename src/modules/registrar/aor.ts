/** Addresses of record: what a URI is stored and found by. The core reads them (wasm/modules/aor.ts). */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { RegistrarState } from './state.ts';

/** bytes of the scratch area in front of a URI that is put there */
const PARTS = 64;
const MAX_URI_BYTES = 4096 - 2 * PARTS;
/** offset of the URI in M_TO */
const ADDR_URI = 4;
// what lookupRead() gives: an address, at which is all this, or one of the reasons why not
const R_AOR = 0;
/** value of the gr parameter (RFC 5627), address 0 when there is no such parameter */
export const R_GR = 8;
/** bit of the method that a contact must have, 0 any */
export const R_METHOD = 16;
const PARSE = 1;
/** why a URI has no address of record, by what lookupRead() gives */
const REASONS = [undefined, 'parse', 'long', 'unescape'] as const;
export type AorError = Exclude<(typeof REASONS)[number], undefined>;

/**
 * Reads the address of record of a URI for the functions below.
 * @param uri undefined for the request URI as it is now  @param wants bits of the core's lookupRead()
 * @returns what they take, BORROWED until the next call into the core; see wrongWith()
 */
export function readAor(msg: SipMsg, uri: ByteStr | undefined, wants: number): number {
  const { core, at } = msg;
  if (uri === undefined) return core.x.lookupRead(at, 0, 0, wants);
  if (uri === '' || uri.length > MAX_URI_BYTES) return PARSE;
  const area: number = core.x.scratchArea() + PARTS;
  core.mem.putStr(area, uri);
  return core.x.lookupRead(at, area, uri.length, wants);
}

/** As readAor(), of the To URI. */
export function readToAor(msg: SipMsg, wants: number): number {
  const { core, mem, at } = msg;
  if (core.x.parseTo(at)) return PARSE;
  const uri = at + L.M_TO + ADDR_URI;
  return core.x.lookupRead(at, msg.buf + mem.u16(uri), mem.u16(uri + 2), wants);
}

/** Why there is none; undefined when there is one. */
export function wrongWith(read: number): AorError | undefined {
  return REASONS[read];
}

/** The address of record that was read. */
export function aorText({ settings, host }: RegistrarState, read: number): ByteStr {
  const { mem } = host.core;
  const aor = mem.str(mem.u32(read + R_AOR), mem.u32(read + R_AOR + 4));
  return settings.realmPrefix === '' ? aor : withoutPrefix(aor, settings.realmPrefix);
}

/** The address of record of a URI. @param uri undefined for the request URI as it is now  @returns undefined, and logs why, when it has none */
export function loggedAor(state: RegistrarState, msg: SipMsg, uri: ByteStr | undefined): ByteStr | undefined {
  const read = readAor(msg, uri, state.wants);
  const why = wrongWith(read);
  if (why === undefined) return aorText(state, read);
  logWrong(state, uri ?? msg.ruri, why);
  return undefined;
}

export function logWrong(state: RegistrarState, uri: ByteStr, why: AorError): void {
  state.host.log.error({ uri, why }, `Cannot find the address of record in "${uri}"`);
}

/** @param prefix in small letters, as the domain is */
function withoutPrefix(aor: ByteStr, prefix: ByteStr): ByteStr {
  const domain = aor.lastIndexOf('@') + 1;
  return domain > 0 && aor.startsWith(prefix, domain) ? aor.slice(0, domain) + aor.slice(domain + prefix.length) : aor;
}
