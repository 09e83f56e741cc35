/** Addresses of record: what a URI is stored and found by. */
import type { Core } from '../../core/load.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { RegistrarState } from './state.ts';

const MAX_AOR_BYTES = 256;
/** bytes of the scratch area in front of a URI that is put there */
const PARTS = 64;
const MAX_URI_BYTES = 4096 - 2 * PARTS;
/** offsets in the core's URI area (wasm/sip/uri.ts) */
const URI_SCHEME = 0;
const URI_USER = 4;
const URI_HOST = 12;
const URI_PARAMS = 16;

/** Why a URI has no address of record. */
export type AorError = 'parse' | 'long' | 'unescape';
export interface Aor {
  readonly aor: ByteStr;
  /** value of the gr parameter (RFC 5627), '' when it has none; undefined when there is no such parameter */
  readonly gr: ByteStr | undefined;
}

/** The address of record of a URI in linear memory. */
export function aorAt(state: RegistrarState, at: number, length: number): Aor | AorError {
  const { core } = state.host;
  const { mem } = core;
  const area: number = core.x.scratchArea();
  if (core.x.parseUriAt(at, length, area) || mem.u16(area + URI_SCHEME) === 0) return 'parse';
  const user = part(core, area + URI_USER, at);
  const host = part(core, area + URI_HOST, at);
  const params = mem.u16(area + URI_PARAMS + 2) === 0 ? '' : part(core, area + URI_PARAMS, at);
  if (user.length + host.length > MAX_AOR_BYTES) return 'long';
  const plain = user.includes('%') ? unescaped(user) : user;
  if (plain === undefined) return 'unescape';
  const gr = params === '' ? undefined : grOf(params);
  const name = state.settings.caseSensitive ? plain : plain.toLowerCase();
  if (!state.usrloc.useDomain) return { aor: name, gr };
  const domain = host.toLowerCase();
  const { realmPrefix } = state.settings;
  const realm = realmPrefix && domain.startsWith(realmPrefix) ? domain.slice(realmPrefix.length) : domain;
  return { aor: `${name}@${realm}`, gr };
}

/** The address of record of a URI given as text. */
export function aorOf(state: RegistrarState, uri: ByteStr): Aor | AorError {
  if (!uri || uri.length > MAX_URI_BYTES) return 'parse';
  const { core } = state.host;
  const at: number = core.x.scratchArea() + PARTS;
  core.mem.putStr(at, uri);
  return aorAt(state, at, uri.length);
}

/** As aorOf(), and what is wrong is logged. */
export function loggedAorOf(state: RegistrarState, uri: ByteStr): Aor | undefined {
  const found = aorOf(state, uri);
  if (typeof found !== 'string') return found;
  state.host.log.error({ uri, why: found }, `Cannot find the address of record in "${uri}"`);
  return undefined;
}

function part(core: Core, pair: number, base: number): ByteStr {
  return core.mem.str(base + core.mem.u16(pair), core.mem.u16(pair + 2));
}

/** @returns undefined for an escape that is none, or that stands for a control or non-ASCII byte */
function unescaped(text: ByteStr): ByteStr | undefined {
  let good = true;
  const out = text.replace(/%(.?.?)/gs, (_all, hex: string) => {
    const code = /^[0-9a-f]{2}$/i.test(hex) ? Number.parseInt(hex, 16) : 0;
    if (code < 0x20 || code > 0x7e) good = false;
    return String.fromCharCode(code);
  });
  return good ? out : undefined;
}

function grOf(params: ByteStr): ByteStr | undefined {
  for (const param of params.split(';')) {
    const eq = param.indexOf('=');
    if ((eq < 0 ? param : param.slice(0, eq)).toLowerCase() === 'gr') return eq < 0 ? '' : param.slice(eq + 1);
  }
  return undefined;
}
