/** Multipart bodies (RFC 2046 5.1): boundary from Content-Type, parts between the delimiter lines. */
import type { ByteStr } from '../../core/memory.ts';
import { splitOutside, trimEndOf } from '../../kemi/scan.ts';

export interface Part {
  /** value of the part's Content-Type, '' when it has none */
  readonly contentType: ByteStr;
  /** headers, empty line and content; the line end before the next delimiter belongs to the delimiter */
  readonly text: ByteStr;
  /** offset in text behind the Content-Type line, 0 when there is none */
  readonly afterType: number;
  /** offset in text of the content */
  readonly content: number;
}

const TYPE = /^\s*([^\s;,/]+)\s*\/\s*([^\s;,/]+)/;

/** `type/subtype` in lower case without parameters; undefined when it is not one */
export function mediaType(value: ByteStr): ByteStr | undefined {
  const m = TYPE.exec(value);
  return m ? `${m[1]!}/${m[2]!}`.toLowerCase() : undefined;
}

/** The boundary parameter of a multipart Content-Type; undefined for another type or without one. */
export function boundaryOf(contentType: ByteStr): ByteStr | undefined {
  if (!mediaType(contentType)?.startsWith('multipart/')) return undefined;
  for (const { text: param } of splitOutside(contentType, ';')) {
    const eq = param.indexOf('=');
    if (eq < 0 || param.slice(0, eq).trim().toLowerCase() !== 'boundary') continue;
    const value = param.slice(eq + 1).trim();
    return (value.startsWith('"') ? value.slice(1, -1) : value) || undefined;
  }
  return undefined;
}

/** Parts of a multipart body; a missing closing delimiter is no error, an unfinished last part counts. */
export function partsOf(body: ByteStr, boundary: ByteStr): Part[] {
  const delimiter = `--${boundary}`;
  const parts: Part[] = [];
  let start = -1;
  for (let at = 0; at <= body.length; ) {
    const line = body.indexOf('\n', at);
    const next = line < 0 ? body.length + 1 : line + 1;
    const text = trimEndOf(body.slice(at, next), ' \t\r\n');
    const closing = text === `${delimiter}--`;
    if (closing || text === delimiter || next > body.length) {
      const end = closing || text === delimiter ? at : body.length;
      if (start >= 0 && end > start) parts.push(part(body.slice(start, end).replace(/\r?\n$/, '')));
      start = closing ? -1 : next;
      if (closing) break;
    }
    at = next;
  }
  return parts;
}

function part(text: ByteStr): Part {
  let at = 0;
  let contentType = '';
  let afterType = 0;
  while (at < text.length) {
    const line = text.indexOf('\n', at);
    const next = line < 0 ? text.length : line + 1;
    const body = text.slice(at, next).replace(/\r?\n$/, '');
    at = next;
    if (body === '') return { contentType, text, afterType, content: at };
    const colon = body.indexOf(':');
    if (colon > 0 && /^(content-type|c)$/i.test(body.slice(0, colon).trim())) {
      contentType = body.slice(colon + 1).trim();
      afterType = next;
    }
  }
  return { contentType, text, afterType, content: text.length };
}

/** A multipart body of these parts, closed. */
export function multipart(parts: readonly ByteStr[], boundary: ByteStr): ByteStr {
  return `${parts.map(text => `--${boundary}\r\n${text}\r\n`).join('')}--${boundary}--\r\n`;
}

/** The first part of this type, parameters and case aside. */
export function partOfType(parts: readonly Part[], type: ByteStr): Part | undefined {
  const wanted = mediaType(type);
  return wanted === undefined ? undefined : parts.find(p => mediaType(p.contentType) === wanted);
}
