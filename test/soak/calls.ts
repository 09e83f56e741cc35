/**
 * A mixed load through a proxy over loopback UDP: calls that are answered, cancelled, refused, for nobody and never answered; messages; registrations.
 * Caller and callee are two sockets of this process. Calls are told apart by their Call-ID, `KIND-NUMBER@soak`, so that no state but the calls under
 * way is kept.
 */
import { createSocket, type Socket } from 'node:dgram';

/** answered, cancelled, refused, nobody there, silent callee, message, registration */
export type Kind = 'a' | 'c' | 'r' | 'n' | 's' | 'm' | 'g';

export interface CallLoadOptions {
  port: number;
  /** what the n-th call is, from 0 */
  kind: (n: number) => Kind;
  /** calls under way at once */
  window?: number;
  /** a call that takes longer is lost: milliseconds */
  lostMs?: number;
}

export interface Tally {
  /** calls that ended as they should */
  done: number;
  /** calls that ended otherwise, by what came: `a 500` */
  wrong: Map<string, number>;
  lost: number;
  /** datagrams sent and received by both sides */
  messages: number;
}

interface Call {
  readonly kind: Kind;
  readonly startedMs: number;
}

const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n';

/** whom the calls are for: of this process alone, so that two loads on one server do not fork each other's calls */
const CALLEE = `callee${process.pid}`;

export class CallLoad {
  readonly tally: Tally = { done: 0, wrong: new Map(), lost: 0, messages: 0 };
  readonly #options: CallLoadOptions;
  #caller!: Socket;
  #callee!: Socket;
  readonly #calls = new Map<number, Call>();
  #next = 0;
  #end = 0;
  #room: (() => void) | undefined;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: CallLoadOptions) {
    this.#options = options;
  }

  /** Opens the sockets and registers the callee. */
  async open(): Promise<void> {
    this.#caller = await bound(bytes => this.#onCaller(bytes.toString('latin1')));
    this.#callee = await bound(bytes => this.#onCallee(bytes.toString('latin1')));
    this.#sweep = setInterval(() => this.#sweepLost(), 200);
    await this.registerCallee();
  }

  async registerCallee(): Promise<void> {
    const before = this.tally.done;
    const n = this.#next++;
    this.#calls.set(n, { kind: 'g', startedMs: performance.now() });
    const text = this.#register(n, CALLEE, this.#callee.address().port);
    const again = setInterval(() => this.#send(this.#caller, text), 200);
    this.#send(this.#caller, text);
    const until = performance.now() + 5_000;
    while (this.tally.done === before && performance.now() < until) await sleep(5);
    clearInterval(again);
    if (this.tally.done === before) throw new Error('the callee cannot register');
  }

  /** Makes so many more calls; resolves when the last one has ended or is lost. */
  async run(count: number): Promise<void> {
    this.#end = this.#next + count;
    const window = this.#options.window ?? 64;
    await new Promise<void>(resolve => {
      this.#room = () => {
        // what the callee has not read yet must not pile up in its socket
        while (this.#next < this.#end && this.#calls.size < window) this.#start(this.#next++);
        if (this.#next >= this.#end && this.#calls.size === 0) resolve();
      };
      this.#room();
    });
    this.#room = undefined;
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#caller.close();
    this.#callee.close();
  }

  /** Calls that ended, well or not. */
  get ended(): number {
    const { done, lost, wrong } = this.tally;
    return [...wrong.values()].reduce((sum, n) => sum + n, done + lost);
  }

  #send(socket: Socket, text: string): void {
    this.tally.messages++;
    socket.send(Buffer.from(text, 'latin1'), this.#options.port, '127.0.0.1');
  }

  #start(n: number): void {
    const kind = this.#options.kind(n);
    this.#calls.set(n, { kind, startedMs: performance.now() });
    const text =
      kind === 'g'
        ? this.#register(n, `user${n % 1000}`, this.#callee.address().port)
        : this.#request(
            kind === 'm' ? 'MESSAGE' : 'INVITE',
            `sip:${kind === 'n' ? 'nobody' : CALLEE}@127.0.0.1:${this.#options.port}`,
            n,
            kind,
            { first: true },
          );
    this.#send(this.#caller, text);
  }

  #register(n: number, user: string, contactPort: number): string {
    const { port } = this.#options;
    return `REGISTER sip:127.0.0.1:${port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${this.#local};branch=z9hG4bKg${n}\r\nMax-Forwards: 70\r\nFrom: <sip:${user}@127.0.0.1:${port}>;tag=g${n}\r\nTo: <sip:${user}@127.0.0.1:${port}>\r\nCall-ID: g-${n}@soak\r\nCSeq: 1 REGISTER\r\nContact: <sip:${user}@127.0.0.1:${contactPort}>\r\nExpires: 1800\r\nContent-Length: 0\r\n\r\n`;
  }

  get #local(): number {
    return this.#caller.address().port;
  }

  #request(
    method: string,
    uri: string,
    n: number,
    kind: Kind,
    more: { first?: boolean; to?: string; route?: string; branch?: string; cseq?: number },
  ): string {
    const { port } = this.#options;
    const dialog = method === 'INVITE' || method === 'BYE';
    const body = method === 'INVITE' ? SDP : method === 'MESSAGE' ? 'hello' : '';
    return `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${this.#local};branch=z9hG4bK${more.branch ?? 'i'}${n};rport\r\n${more.route ?? ''}Max-Forwards: 70\r\nFrom: <sip:caller@127.0.0.1:${port}>;tag=${n}\r\nTo: ${more.to ?? `<${uri}>`}\r\nCall-ID: ${kind}-${n}@soak\r\nCSeq: ${more.cseq ?? 1} ${method}\r\n${dialog ? `Contact: <sip:caller@127.0.0.1:${this.#local}>\r\n` : ''}${more.first ? 'X-Do: load\r\n' : ''}${body ? `Content-Type: ${method === 'INVITE' ? 'application/sdp' : 'text/plain'}\r\n` : ''}Content-Length: ${body.length}\r\n\r\n${body}`;
  }

  #onCaller(text: string): void {
    this.tally.messages++;
    const id = /\r\nCall-ID: (\w)-(\d+)@/.exec(text);
    if (!id || !text.startsWith('SIP/2.0 ')) return;
    const n = Number(id[2]);
    const call = this.#calls.get(n);
    const status = Number(text.slice(8, 11));
    const method = /\r\nCSeq: \d+ (\w+)/.exec(text)![1]!;
    const kind = id[1] as Kind;
    const callee = `sip:${CALLEE}@127.0.0.1:${this.#options.port}`;
    if (method === 'INVITE') {
      const to = /\r\nTo: ([^\r]*)/.exec(text)![1]!;
      if (status === 180 && kind === 'c' && call) {
        this.#send(this.#caller, this.#request('CANCEL', callee, n, kind, {}));
        return;
      }
      if (status < 200) return;
      if (status >= 300) {
        const uri = kind === 'n' ? `sip:nobody@127.0.0.1:${this.#options.port}` : callee;
        this.#send(this.#caller, this.#request('ACK', uri, n, kind, { to }));
        const right = { a: 0, c: 487, r: 486, n: 404, s: 408, m: 0, g: 0 }[kind];
        this.#finish(n, status === right ? '' : `${kind} ${status}`);
        return;
      }
      const contact = /\r\nContact: <([^>]*)>/.exec(text)?.[1] ?? callee;
      const route = [...text.matchAll(/\r\nRecord-Route: ([^\r]*)/g)]
        .map(m => `Route: ${m[1]}\r\n`)
        .reverse()
        .join('');
      this.#send(this.#caller, this.#request('ACK', contact, n, kind, { to, route, branch: 'k' }));
      // a copy of the 200 is acknowledged again, but the call ends once
      if (call && kind === 'a')
        this.#send(this.#caller, this.#request('BYE', contact, n, kind, { to, route, branch: 'b', cseq: 2 }));
      else if (call) this.#finish(n, `${kind} ${status}`);
      return;
    }
    if (status < 200 || method === 'CANCEL') return;
    const ends = { BYE: 'a', MESSAGE: 'm', REGISTER: 'g' }[method];
    if (ends === kind) this.#finish(n, status === 200 ? '' : `${kind} ${status} to ${method}`);
  }

  #onCallee(text: string): void {
    this.tally.messages++;
    const method = text.slice(0, text.indexOf(' '));
    if (method === 'ACK' || method === 'SIP/2.0') return;
    const kind = /\r\nCall-ID: (\w)-/.exec(text)?.[1] as Kind | undefined;
    if (!kind || kind === 's') return;
    if (method === 'CANCEL') {
      this.#reply(text, '200 OK');
      this.#reply(text.replace(/(\r\nCSeq: \d+) CANCEL/, '$1 INVITE'), '487 Request Terminated');
    } else if (method !== 'INVITE') {
      this.#reply(text, '200 OK');
    } else if (kind === 'c') {
      this.#reply(text, '180 Ringing');
    } else if (kind === 'r') {
      this.#reply(text, '486 Busy Here');
    } else {
      this.#reply(text, '180 Ringing');
      this.#reply(text, '200 OK', SDP);
    }
  }

  #reply(request: string, status: string, body = ''): void {
    const lines = request.slice(0, request.indexOf('\r\n\r\n')).split('\r\n');
    const kept = lines.filter(line => /^(Via|From|Call-ID|CSeq|Record-Route):/.test(line));
    const to = lines.find(line => line.startsWith('To:'))!;
    const contact = body
      ? [`Contact: <sip:callee@127.0.0.1:${this.#callee.address().port}>`, 'Content-Type: application/sdp']
      : [];
    const all = [
      `SIP/2.0 ${status}`,
      ...kept,
      to.includes(';tag=') ? to : `${to};tag=callee`,
      ...contact,
      `Content-Length: ${body.length}`,
    ];
    this.#send(this.#callee, `${all.join('\r\n')}\r\n\r\n${body}`);
  }

  #finish(n: number, wrong: string): void {
    if (!this.#calls.delete(n)) return;
    if (wrong === '') this.tally.done++;
    else this.tally.wrong.set(wrong, (this.tally.wrong.get(wrong) ?? 0) + 1);
    this.#room?.();
  }

  #sweepLost(): void {
    const oldest = performance.now() - (this.#options.lostMs ?? 10_000);
    for (const [n, call] of this.#calls) {
      if (call.startedMs > oldest) break;
      this.#calls.delete(n);
      this.tally.lost++;
    }
    this.#room?.();
  }
}

async function bound(receive: (bytes: Buffer) => void): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 8 << 20, sendBufferSize: 8 << 20 });
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  socket.on('message', receive);
  // "port unreachable" while the server is down
  socket.on('error', () => {});
  return socket;
}

export const sleep = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms));
