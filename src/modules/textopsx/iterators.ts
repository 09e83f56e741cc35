/** Iterators over the headers and over the body lines of one message. Each kind has room for four, by name; they end with the message. */
import type { ByteStr } from '../../core/memory.ts';
import type { Header, SipMsg } from '../../core/sip-msg.ts';
import { bodyEnd, removeHeader, replaceText } from '../../kemi/message-edits.ts';

const MAX_ITERATORS = 4;

/** position -1 before the first element */
interface Iterator {
  position: number;
}
interface Line {
  readonly offset: number;
  readonly text: ByteStr;
}

export class Iterators {
  readonly #headers = new Map<ByteStr, Iterator>();
  readonly #lines = new Map<ByteStr, Iterator & { list: readonly Line[] }>();

  /** The message was read anew: positions mean nothing any more. */
  clear(): void {
    this.#headers.clear();
    this.#lines.clear();
  }

  startHeaders(name: ByteStr): number {
    if (!this.#headers.has(name) && this.#headers.size >= MAX_ITERATORS) return -1;
    this.#headers.set(name, { position: -1 });
    return 1;
  }

  endHeaders(name: ByteStr): number {
    this.#headers.delete(name);
    return 1;
  }

  /** @returns 1 there is a next header, -1 not, or no such iterator */
  nextHeader(msg: SipMsg, name: ByteStr): number {
    const it = this.#headers.get(name);
    if (!it || it.position >= msg.headerCount) return -1;
    it.position++;
    return it.position < msg.headerCount ? 1 : -1;
  }

  /** @returns 1, also before the first header; -1 behind the last, or no such iterator */
  previousHeader(msg: SipMsg, name: ByteStr): number {
    const it = this.#headers.get(name);
    if (!it || it.position >= msg.headerCount) return -1;
    if (it.position >= 0) it.position--;
    return 1;
  }

  header(msg: SipMsg, name: ByteStr): Header | undefined {
    const position = this.#headers.get(name)?.position ?? -1;
    return position >= 0 && position < msg.headerCount ? msg.header(position) : undefined;
  }

  startLines(msg: SipMsg, name: ByteStr): number {
    if (!this.#lines.has(name) && this.#lines.size >= MAX_ITERATORS) return -1;
    this.#lines.set(name, { position: -1, list: linesOf(msg) });
    return 1;
  }

  endLines(name: ByteStr): number {
    this.#lines.delete(name);
    return 1;
  }

  nextLine(name: ByteStr): number {
    const it = this.#lines.get(name);
    if (!it || it.position >= it.list.length) return -1;
    it.position++;
    return it.position < it.list.length ? 1 : -1;
  }

  line(name: ByteStr): Line | undefined {
    const it = this.#lines.get(name);
    return it?.list[it.position];
  }
}

/** body lines with their line ends */
function linesOf(msg: SipMsg): Line[] {
  const end = bodyEnd(msg);
  const body = msg.slice(msg.bodyOffset, end - msg.bodyOffset);
  const out: Line[] = [];
  for (let at = 0; at < body.length; ) {
    const line = body.indexOf('\n', at);
    const next = line < 0 ? body.length : line + 1;
    out.push({ offset: msg.bodyOffset + at, text: body.slice(at, next) });
    at = next;
  }
  return out;
}

export function takeHeader(msg: SipMsg, h: Header | undefined): number {
  return h && removeHeader(msg, h.index) ? 1 : -1;
}

/** @param kind EK_ADD_HDR for header text, EK_TEXT for the body: the writer must know what Content-Length counts */
export function putText(msg: SipMsg, offset: number | undefined, text: ByteStr, kind: number): number {
  if (offset === undefined) return -1;
  return !text || msg.edit(offset, 0, text, kind) ? 1 : -1;
}

export function takeLine(msg: SipMsg, line: Line | undefined): number {
  return line && replaceText(msg, line.offset, line.text.length, '') ? 1 : -1;
}
