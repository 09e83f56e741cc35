/** URIs that are not part of a message. The core's parser reads them too: there is no other one. */
import * as L from '../core/gen/layout.gen.ts';
import type { Core } from '../core/load.ts';
import type { ByteStr } from '../core/memory.ts';
import { readUri, type Uri } from '../core/sip-msg.ts';

/** bytes of the area that the parts take */
const PARTS = 32;
/** what fits into the scratch area of 4096 bytes with what a scan reads behind it */
const SHORT = 4096 - PARTS - L.SLACK;
/** offsets in the area are 16 bits */
const LONGEST = 65535;

/** @returns the parts; undefined when it does not parse or is longer than 65535 bytes */
export function parseUri(core: Core, text: ByteStr): Uri | undefined {
  return onCopy(core, text, (at, area) =>
    core.x.parseUriAt(at, text.length, area) ? undefined : readUri(core.mem, area, at),
  );
}

/**
 * Puts a copy of a URI into the core's memory for the time of a call.
 * @param use gets the address of the copy, and that of PARTS bytes for its parts  @returns what it gave; undefined for an empty text, one of more than 65535 bytes, and
 * without memory
 */
export function onCopy<T>(core: Core, text: ByteStr, use: (at: number, area: number) => T): T | undefined {
  if (!text || text.length > LONGEST) return undefined;
  const long = text.length > SHORT;
  const area: number = long ? core.lua.malloc(PARTS + text.length + L.SLACK) : core.x.scratchArea();
  if (!area) return undefined;
  try {
    core.mem.putStr(area + PARTS, text);
    return use(area + PARTS, area);
  } finally {
    if (long) core.lua.free(area);
  }
}

/** One URI parameter. */
export interface UriParam {
  readonly name: ByteStr;
  /** undefined when there is no `=` */
  readonly value: ByteStr | undefined;
}

/** Parameters of a URI, in order; empty ones are left out. */
export function uriParams(params: ByteStr | undefined): UriParam[] {
  if (!params) return [];
  return params
    .split(';')
    .filter(p => p.trim() !== '')
    .map(p => {
      const eq = p.indexOf('=');
      return eq < 0
        ? { name: p.trim(), value: undefined }
        : { name: p.slice(0, eq).trim(), value: p.slice(eq + 1).trim() };
    });
}

/**
 * Value of a URI parameter, the last of that name: Kamailio's rule. RFC 3261 19.1.1 allows one.
 * @param name in lower case
 * @returns '' when it has none, undefined when it is not there
 */
export function uriParam(params: ByteStr | undefined, name: string): ByteStr | undefined {
  // most URIs have none: no list is made
  if (!params?.toLowerCase().includes(name)) return undefined;
  const found = uriParams(params).findLast(p => p.name.toLowerCase() === name);
  return found && (found.value ?? '');
}
