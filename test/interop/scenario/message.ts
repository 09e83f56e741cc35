/** SIP messages as the scenarios read and build them: byte strings, no parser of this project, so that both servers are judged by the same eyes. */

/** A received message. Header names match without case; nothing is unfolded. */
export class Message {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }

  /** 0 for a request */
  get status(): number {
    return Number(/^SIP\/2\.0 (\d{3})/i.exec(this.text)?.[1] ?? 0);
  }

  /** of the request line, or of the CSeq of a reply */
  get method(): string {
    return this.status ? (this.header('CSeq')?.split(' ')[1] ?? '') : this.text.slice(0, this.text.indexOf(' '));
  }

  get uri(): string {
    return this.text.split(' ', 2)[1] ?? '';
  }

  get body(): string {
    return this.text.slice(this.text.indexOf('\r\n\r\n') + 4);
  }

  header(name: string): string | undefined {
    return this.headers(name)[0];
  }

  /** @throws Error when it is not there */
  need(name: string): string {
    const value = this.header(name);
    if (value === undefined) throw new Error(`no ${name} in:\n${this.text}`);
    return value;
  }

  headers(name: string): string[] {
    const head = this.text.slice(0, this.text.indexOf('\r\n\r\n') + 2);
    return [...head.matchAll(new RegExp(`^${name}[ \\t]*:[ \\t]*([^\\r]*)\\r\\n`, 'gim'))].map(m => m[1]!);
  }
}

export const SDP =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n';

/** What a header field holds between its brackets, or up to its parameters. */
export function uriOf(value: string): string {
  return /<([^>]*)>/.exec(value)?.[1] ?? value.split(';')[0]!.trim();
}

/** Splits comma lists of name-addrs; no display name of the scenarios holds a comma outside of brackets. */
export function list(values: readonly string[]): string[] {
  return values.flatMap(value => value.split(/,(?![^<]*>)/).map(one => one.trim()));
}

/** A message of these lines; Content-Length is added unless it is there. */
export function build(lines: readonly string[], body = ''): string {
  const given = lines.some(line => /^(content-length|l)[ \t]*:/i.test(line));
  const all = given ? lines : [...lines, `Content-Length: ${Buffer.byteLength(body, 'latin1')}`];
  return `${all.join('\r\n')}\r\n\r\n${body}`;
}
