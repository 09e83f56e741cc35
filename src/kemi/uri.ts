/** URIs that are not part of a message, read by the core's parser. */
import type { Core } from '../core/load.ts';
import type { ByteStr } from '../core/memory.ts';
import { readUri, type Uri } from '../core/sip-msg.ts';

/** bytes of the scratch area that the parts take */
const PARTS = 64;
const MAX_URI_BYTES = 4096 - 2 * PARTS;

/** @returns the parts; undefined when it does not parse or is longer than 3968 bytes */
export function parseUri(core: Core, text: ByteStr): Uri | undefined {
  if (!text || text.length > MAX_URI_BYTES) return undefined;
  const area = core.x.scratchArea();
  const at = area + PARTS;
  core.mem.putStr(at, text);
  if (core.x.parseUriAt(at, text.length, area)) return undefined;
  return readUri(core.mem, area, at);
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
