/** Path headers (RFC 3327): the way to a contact, first hop first. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { parseUri, uriParams } from '../../kemi/uri.ts';

/** column path of the table location */
const MAX_PATH_BYTES = 512;
const ADDR_URI = 4;
const LESS = 60;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const NOT_IN_PATH = /[\x00-\x1f\x7f]/;

export interface Path {
  /** bodies of the headers, joined with commas */
  readonly text: ByteStr;
  /** `received` of the first URI, unescaped */
  readonly received: ByteStr | undefined;
}

/** @returns undefined when there is none; 'parse' or 'long' when it cannot be used */
export function pathOf(msg: SipMsg): Path | 'parse' | 'long' | undefined {
  const { core, mem } = msg;
  if (mem.u8[msg.at + L.M_FIRST + L.HDR_PATH] === 0) return undefined;
  const area: number = core.x.scratchArea();
  let first: ByteStr | undefined;
  for (let cursor = 0; ; ) {
    cursor = core.x.nextAddr(msg.at, L.HDR_PATH, cursor, area);
    if (cursor < 0) return 'parse';
    if (cursor === 0) break;
    const at = mem.u16(area + ADDR_URI);
    if (mem.u8[msg.buf + at - 1] !== LESS) return 'parse'; // RFC 3327 4: name-addr only
    const uri = msg.slice(at, mem.u16(area + ADDR_URI + 2));
    if (first === undefined) first = uri;
  }
  if (first === undefined) return undefined;
  const bodies: ByteStr[] = [];
  for (const { id, body } of msg.headers()) if (id === L.HDR_PATH && body) bodies.push(body);
  const text = bodies.join(',').replace(/\r?\n[ \t]+/g, ' ');
  if (NOT_IN_PATH.test(text)) return 'parse';
  if (text.length > MAX_PATH_BYTES) return 'long';
  const parsed = parseUri(core, first);
  if (!parsed) return 'parse';
  const received = uriParams(parsed.params).find(p => p.name.toLowerCase() === 'received')?.value;
  return { text, received: received && decoded(received) };
}

function decoded(text: ByteStr): ByteStr {
  return text.replace(/%([2-7][0-9a-f])/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** URI of the first hop. */
export function firstHop(path: ByteStr): ByteStr | undefined {
  const from = path.indexOf('<');
  const to = path.indexOf('>', from);
  return from >= 0 && to > from ? path.slice(from + 1, to) : undefined;
}

/** The path without its first hop; undefined when that was the only one. */
function rest(path: ByteStr): ByteStr | undefined {
  const end = path.indexOf('>');
  const comma = end < 0 ? -1 : path.indexOf(',', end);
  const from = comma < 0 ? -1 : path.indexOf('<', comma);
  return from < 0 ? undefined : path.slice(from);
}

/** path_check_local: a first hop that is ourselves is passed over. */
export function withoutOwnHop(host: ModuleHost, path: ByteStr): ByteStr | undefined {
  const hop = firstHop(path);
  const uri = hop === undefined ? undefined : parseUri(host.core, hop);
  return uri && host.isMyself(uri.host, uri.port || 5060, 0) ? rest(path) : path;
}
