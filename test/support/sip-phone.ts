/** A phone over WebSocket that says what a test tells it to. */

let count = 0;

export const sip = (lines: readonly string[], body = ''): string =>
  [...lines, `Content-Length: ${new TextEncoder().encode(body).length}`, '', body].join('\r\n');

/** the value of each header of this name */
export const headers = (message: string, name: string): string[] =>
  message
    .split('\r\n')
    .filter(line => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    .map(line => line.slice(name.length + 1).trim());

export const firstLine = (message: string): string => message.slice(0, message.indexOf('\r\n'));

/** An answer to a request. @param status '200 OK'  @param tag of To, when the request has none */
export function reply(request: string, status: string, tag: string, more: readonly string[] = []): string {
  const to = headers(request, 'To')[0]!;
  return sip([
    `SIP/2.0 ${status}`,
    ...headers(request, 'Via').map(v => `Via: ${v}`),
    ...headers(request, 'Record-Route').map(v => `Record-Route: ${v}`),
    `From: ${headers(request, 'From')[0]}`,
    `To: ${/;tag=/.test(to) ? to : `${to};tag=${tag}`}`,
    `Call-ID: ${headers(request, 'Call-ID')[0]}`,
    `CSeq: ${headers(request, 'CSeq')[0]}`,
    ...more,
  ]);
}

export class SipPhone {
  readonly name: string;
  readonly domain: string;
  readonly contact: string;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly socket: WebSocket;
  readonly #came: (string | ArrayBuffer)[] = [];
  readonly #waiting: ((data: string | ArrayBuffer) => void)[] = [];

  private constructor(socket: WebSocket, name: string, domain: string) {
    this.socket = socket;
    this.name = name;
    this.domain = domain;
    this.contact = `<sip:${name}@${name}.invalid;transport=ws>`;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => {
      const next = this.#waiting.shift();
      if (next) next(data);
      else this.#came.push(data);
    });
    this.closed = new Promise(resolve => {
      socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }));
    });
  }

  /** @throws Error when the handshake is refused */
  static async open(url: string, name: string, domain = 'example.com'): Promise<SipPhone> {
    const socket = new WebSocket(url, 'sip');
    const phone = new SipPhone(socket, name, domain);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () => reject(new Error(`${name}: the handshake failed`)));
    });
    return phone;
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.socket.send(data);
  }

  /** The next frame. @throws Error when none comes */
  frame(ms = 5000): Promise<string | ArrayBuffer> {
    const there = this.#came.shift();
    if (there !== undefined) return Promise.resolve(there);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        reject(new Error(`${this.name}: nothing came`));
      }, ms);
      const take = (data: string | ArrayBuffer) => {
        clearTimeout(timer);
        resolve(data);
      };
      this.#waiting.push(take);
    });
  }

  /** The next message, provisional answers passed over. */
  async next(ms?: number): Promise<string> {
    for (;;) {
      const data = await this.frame(ms);
      const text = typeof data === 'string' ? data : new TextDecoder().decode(data);
      if (!/^SIP\/2.0 1/.test(text)) return text;
    }
  }

  /** The next final answer to a request of ours; what else comes meanwhile is passed over. */
  async answer(request: string): Promise<string> {
    const [id] = headers(request, 'Call-ID');
    for (;;) {
      const message = await this.next();
      if (message.startsWith('SIP/') && headers(message, 'Call-ID')[0] === id) return message;
    }
  }

  /** A request outside of a dialog. */
  request(method: string, to: string, more: readonly string[] = []): string {
    const id = `${this.name}${++count}`;
    return sip([
      `${method} sip:${to} SIP/2.0`,
      `Via: SIP/2.0/WS ${this.name}.invalid;branch=z9hG4bK${id}`,
      'Max-Forwards: 70',
      `From: <sip:${this.name}@${this.domain}>;tag=${id}`,
      `To: <sip:${method === 'REGISTER' ? `${this.name}@${to}` : to}>`,
      `Call-ID: ${id}@${this.name}.invalid`,
      `CSeq: 1 ${method}`,
      ...more,
    ]);
  }

  /** @returns the answer */
  async ask(method: string, to: string, more?: readonly string[]): Promise<string> {
    const request = this.request(method, to, more);
    this.send(request);
    return this.answer(request);
  }

  register(): Promise<string> {
    return this.ask('REGISTER', this.domain, [`Contact: ${this.contact};expires=600`]);
  }

  /** Answers a request with 200. @param more beside what every answer has */
  accept(request: string, more: readonly string[] = []): void {
    this.send(reply(request, '200 OK', this.name, more));
  }

  /** A request within the dialog that this answer to an INVITE of ours made. */
  within(answer: string, method: string, cseq: number): string {
    const target = /<([^>]*)>/.exec(headers(answer, 'Contact')[0] ?? '')?.[1];
    return sip([
      `${method} ${target} SIP/2.0`,
      `Via: SIP/2.0/WS ${this.name}.invalid;branch=z9hG4bK${this.name}${++count}`,
      'Max-Forwards: 70',
      ...headers(answer, 'Record-Route')
        .reverse()
        .map(v => `Route: ${v}`),
      `From: ${headers(answer, 'From')[0]}`,
      `To: ${headers(answer, 'To')[0]}`,
      `Call-ID: ${headers(answer, 'Call-ID')[0]}`,
      `CSeq: ${cseq} ${method}`,
    ]);
  }

  close(): void {
    this.socket.close();
  }
}
