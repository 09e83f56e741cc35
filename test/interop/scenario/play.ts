/** What a scenario is written with: legs that send, answer and expect; dialogs; the trace of everything that the server sent. */
import { build, list, Message, SDP, uriOf } from './message.ts';
import { DEAD_PORT, LEG_NAMES, LEGS, type LegName, type Wire } from './wire.ts';

export interface Entry {
  readonly text: string;
  /** milliseconds from the start of the scenario */
  readonly atMs: number;
  /** how many datagrams the scenario had sent when it came */
  readonly sends: number;
  /** an expect() took it */
  taken: boolean;
}

export type Trace = Record<LegName, Entry[]>;

/** A method, a status code, or whatever tells the message. */
export type What = string | number | ((message: Message) => boolean);

export interface RequestOptions {
  /** name-addr without tag; the leg's AoR when left out */
  from?: string;
  fromTag?: string;
  /** To value whole; the request URI in brackets when left out */
  to?: string;
  callId?: string;
  cseq?: number;
  /** Via lines' values, top first, instead of the leg's */
  via?: readonly string[];
  branch?: string;
  /** behind the branch of the leg's Via */
  viaParams?: string;
  maxForwards?: number | string | null;
  route?: readonly string[];
  /** null: none */
  contact?: string | null;
  headers?: readonly string[];
  body?: string;
  type?: string;
}

export interface ReplyOptions {
  reason?: string;
  /** null: no To tag */
  tag?: string | null;
  contact?: string | null;
  headers?: readonly string[];
  body?: string;
  /** Via values instead of the request's */
  via?: readonly string[];
  /** leaves Record-Route out */
  noRoutes?: boolean;
  /** changes the text before it goes */
  edit?: (text: string) => string;
}

const DEFAULT_MS = 3_000;

/** One endpoint within one scenario. */
export class Leg {
  readonly name: LegName;
  readonly play: Play;
  readonly entries: Entry[] = [];
  #waiters: (() => void)[] = [];

  constructor(play: Play, name: LegName) {
    this.play = play;
    this.name = name;
  }

  get address(): string {
    return `${LEGS[this.name].ip}:${this.play.base + LEGS[this.name].port}`;
  }

  /** sip:name~scenario~@host:port of this leg */
  contact(params = '', user: string = this.name): string {
    return `<sip:${this.play.user(user)}@${this.address}${params}>`;
  }

  receive(text: string): void {
    this.entries.push({ text, atMs: this.play.elapsed(), sends: this.play.sends, taken: false });
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /** Sends bytes as they are. */
  raw(text: string, toPort?: number): void {
    this.play.sends++;
    this.play.wire.send(this.name, text, toPort);
  }

  request(method: string, uri: string, options: RequestOptions = {}): Sent {
    const sent = new Sent(this, method, uri, options);
    this.raw(sent.text);
    return sent;
  }

  /** An INVITE with a body to an AoR of the server. */
  invite(callee: string, options: RequestOptions = {}): Sent {
    return this.request('INVITE', this.play.aor(callee), { body: SDP, type: 'application/sdp', ...options });
  }

  /**
   * The first message that fits and that no expect() took yet.
   * @throws Error when it does not come in time
   */
  async expect(what: What, ms = DEFAULT_MS): Promise<Message> {
    const until = this.play.elapsed() + ms * this.play.patience;
    for (;;) {
      for (const entry of this.entries) {
        if (entry.taken) continue;
        const message = new Message(entry.text);
        if (!fits(message, what)) continue;
        entry.taken = true;
        return message;
      }
      const left = until - this.play.elapsed();
      if (left <= 0)
        throw new Error(`${this.name} did not get ${describe(what)} within ${ms} ms; it has ${this.seen()}`);
      await new Promise<void>(resolve => {
        const late = setTimeout(resolve, left);
        this.#waiters.push(() => {
          clearTimeout(late);
          resolve();
        });
      });
    }
  }

  /**
   * Like expect(), for a message that a timer causes.
   * @param fromMs since what `since` says  @param toMs  @param since elapsed() at the start of the timer
   * @throws Error when it comes too early or too late
   */
  async expectAt(what: What, since: number, fromMs: number, toMs: number): Promise<Message> {
    const message = await this.expect(what, toMs - (this.play.elapsed() - since) + 500);
    const entry = this.entries.find(e => e.text === message.text && e.taken && e.atMs - since >= fromMs);
    const at = this.entries.filter(e => e.text === message.text).map(e => Math.round(e.atMs - since));
    if (!entry) throw new Error(`${this.name} got ${describe(what)} after ${at} ms, not within ${fromMs}..${toMs}`);
    return message;
  }

  /**
   * How often a message came so far.
   * @throws Error when not within these bounds
   */
  count(what: What, min: number, max = min): void {
    const n = this.entries.filter(e => fits(new Message(e.text), what)).length;
    if (n < min || n > max) throw new Error(`${this.name} got ${describe(what)} ${n} times, not ${min}..${max}`);
  }

  /** Leaves what came behind the first `keep` datagrams out of the trace: their number is not to be compared. */
  forget(keep = 0): void {
    this.entries.length = keep;
  }

  /** Milliseconds between the copies of a message that was sent again and again. */
  gaps(what: What): number[] {
    const at = this.entries.filter(e => fits(new Message(e.text), what)).map(e => e.atMs);
    return at.slice(1).map((ms, i) => ms - at[i]!);
  }

  /** Answers a request that came here, back to the server. */
  reply(request: Message, status: number, options: ReplyOptions = {}): string {
    const dialog = /^(INVITE|SUBSCRIBE)$/.test(request.method) && status > 100 && status < 300;
    const tag = options.tag === undefined ? (status > 100 ? `${this.name}~tag` : null) : options.tag;
    const to = request.need('To');
    const contact = options.contact === undefined ? (dialog ? this.contact() : null) : options.contact;
    const routes = options.noRoutes || status === 100 || !dialog ? [] : request.headers('Record-Route');
    const lines = [
      `SIP/2.0 ${status} ${options.reason ?? REASONS[status] ?? 'Whatever'}`,
      ...(options.via ?? request.headers('Via')).map(v => `Via: ${v}`),
      ...routes.map(v => `Record-Route: ${v}`),
      `From: ${request.need('From')}`,
      `To: ${to}${tag !== null && !/;tag=/.test(to) ? `;tag=${tag}` : ''}`,
      `Call-ID: ${request.need('Call-ID')}`,
      `CSeq: ${request.need('CSeq')}`,
      ...(contact === null ? [] : [`Contact: ${contact}`]),
      ...(options.headers ?? []),
      ...(options.body ? ['Content-Type: application/sdp'] : []),
    ];
    const text = build(lines, options.body);
    const bytes = options.edit ? options.edit(text) : text;
    this.raw(bytes);
    return bytes;
  }

  /** The callee's side of the dialog that an INVITE made, for requests from this leg. */
  dialogOf(request: Message, tag = `${this.name}~tag`, cseq = 100): Dialog {
    return new Dialog(this, {
      local: `${request.need('To')};tag=${tag}`,
      remote: request.need('From'),
      callId: request.need('Call-ID'),
      target: uriOf(request.header('Contact') ?? request.need('From')),
      routes: list(request.headers('Record-Route')),
      cseq,
    });
  }

  seen(): string {
    if (this.entries.length === 0) return 'nothing';
    return this.entries.map(e => `${e.taken ? '' : '+'}${e.text.split('\r\n', 1)[0]}`).join(' | ');
  }
}

/** A request that a leg sent. */
export class Sent {
  readonly leg: Leg;
  readonly method: string;
  readonly uri: string;
  readonly options: RequestOptions;
  readonly text: string;
  readonly atMs: number;

  constructor(leg: Leg, method: string, uri: string, options: RequestOptions) {
    const { play } = leg;
    this.leg = leg;
    this.method = method;
    this.uri = uri;
    this.atMs = play.elapsed();
    this.options = {
      ...options,
      callId: options.callId ?? play.callId(),
      branch: options.branch ?? play.branch(),
      cseq: options.cseq ?? 1,
    };
    this.text = this.#text(method, this.options);
  }

  #text(method: string, o: RequestOptions): string {
    const { leg } = this;
    const from = o.from ?? `<${leg.play.aor(leg.name)}>`;
    const dialog = /^(INVITE|SUBSCRIBE|REFER|UPDATE|NOTIFY)$/.test(method);
    const contact = o.contact === undefined ? (dialog ? leg.contact() : null) : o.contact;
    const maxForwards = o.maxForwards === undefined ? 70 : o.maxForwards;
    const via = o.via ?? [`SIP/2.0/UDP ${leg.address};branch=${o.branch}${o.viaParams ?? ''}`];
    const lines = [
      `${method} ${this.uri} SIP/2.0`,
      ...via.map(v => `Via: ${v}`),
      ...(o.route ?? []).map(v => `Route: ${v}`),
      ...(maxForwards === null ? [] : [`Max-Forwards: ${maxForwards}`]),
      `From: ${from}${/;tag=/.test(from) ? '' : `;tag=${o.fromTag ?? `${leg.name}~from`}`}`,
      `To: ${o.to ?? `<${this.uri}>`}`,
      `Call-ID: ${o.callId}`,
      `CSeq: ${o.cseq} ${method}`,
      ...(contact === null ? [] : [`Contact: ${contact}`]),
      ...(o.headers ?? []),
      ...(o.body ? [`Content-Type: ${o.type ?? 'text/plain'}`] : []),
    ];
    return build(lines, o.body);
  }

  /** Sends the same bytes again. */
  again(): void {
    this.leg.raw(this.text);
  }

  /** The ACK of this hop to a final reply that is not a 2xx. */
  ack(reply: Message, options: RequestOptions = {}): void {
    this.#hop('ACK', { to: reply.need('To'), ...options });
  }

  cancel(options: RequestOptions = {}): Sent {
    return this.#hop('CANCEL', options);
  }

  #hop(method: string, options: RequestOptions): Sent {
    const { from, fromTag, to, callId, branch, via, viaParams, cseq, route, maxForwards } = this.options;
    const same = { from, fromTag, to, callId, branch, via, viaParams, cseq, route, maxForwards };
    const given = Object.fromEntries(Object.entries(same).filter(([, v]) => v !== undefined)) as RequestOptions;
    return this.leg.request(method, this.uri, { ...given, contact: null, ...options });
  }

  /** The caller's side of the dialog that a reply made. */
  dialog(reply: Message): Dialog {
    return new Dialog(this.leg, {
      local: reply.need('From'),
      remote: reply.need('To'),
      callId: reply.need('Call-ID'),
      target: uriOf(reply.header('Contact') ?? this.uri),
      routes: list(reply.headers('Record-Route')).reverse(),
      cseq: this.options.cseq ?? 1,
    });
  }
}

interface DialogState {
  readonly local: string;
  readonly remote: string;
  readonly callId: string;
  readonly target: string;
  readonly routes: readonly string[];
  cseq: number;
}

/** One side of a dialog: sends requests along the route set. */
export class Dialog {
  readonly leg: Leg;
  readonly state: DialogState;

  constructor(leg: Leg, state: DialogState) {
    this.leg = leg;
    this.state = state;
  }

  request(method: string, options: RequestOptions & { uri?: string } = {}): Sent {
    const { state } = this;
    const cseq = options.cseq ?? (method === 'ACK' ? state.cseq : ++state.cseq);
    return this.leg.request(method, options.uri ?? state.target, {
      from: state.local,
      to: state.remote,
      callId: state.callId,
      route: state.routes,
      ...options,
      cseq,
    });
  }
}

/** One run of one scenario. */
export class Play {
  readonly wire: Wire;
  readonly mark: string;
  /** how much longer than written everything may take: the machine may be busy */
  readonly patience: number;
  readonly legs: Record<LegName, Leg>;
  sends = 0;
  readonly #started = performance.now();
  #branches = 0;
  #calls = 0;

  constructor(wire: Wire, mark: string, patience = 1) {
    this.wire = wire;
    this.mark = mark;
    this.patience = patience;
    this.legs = Object.fromEntries(LEG_NAMES.map(name => [name, new Leg(this, name)])) as Record<LegName, Leg>;
  }

  get base(): number {
    return this.wire.base;
  }
  get alice(): Leg {
    return this.legs.alice;
  }
  get bob(): Leg {
    return this.legs.bob;
  }
  get carol(): Leg {
    return this.legs.carol;
  }
  get dave(): Leg {
    return this.legs.dave;
  }
  get upstream(): Leg {
    return this.legs.upstream;
  }
  get stranger(): Leg {
    return this.legs.stranger;
  }

  elapsed(): number {
    return performance.now() - this.#started;
  }

  /** host and port of the server: its domain */
  get domain(): string {
    return `127.0.0.1:${this.base}`;
  }

  get deadAddress(): string {
    return `127.0.0.1:${this.base + DEAD_PORT}`;
  }

  user(name: string): string {
    return `${name}~${this.mark}~`;
  }

  aor(name: string): string {
    return `sip:${this.user(name)}@${this.domain}`;
  }

  callId(): string {
    return `${++this.#calls}~${this.mark}~@example.com`;
  }

  branch(): string {
    return `z9hG4bK~${this.mark}~${++this.#branches}`;
  }

  /** Waits until the server has handled everything that was sent to it. */
  async settle(): Promise<void> {
    await this.wire.settled();
  }

  async pause(ms: number): Promise<void> {
    await new Promise(resolve => setTimeout(resolve, ms));
  }

  /** Registers the contacts of some legs for one user: `register('bob', ['bob', 'carol'])`. */
  async register(
    user: string,
    contacts: readonly (LegName | { leg: LegName; contact: string })[] = [user as LegName],
    options: RequestOptions = {},
  ): Promise<void> {
    let cseq = 1;
    for (const one of contacts) {
      const [name, contact] = typeof one === 'string' ? [one, undefined] : [one.leg, one.contact];
      const leg = this.legs[name];
      leg.request('REGISTER', `sip:${this.domain}`, {
        from: `<${this.aor(user)}>`,
        to: `<${this.aor(user)}>`,
        contact: contact ?? leg.contact(),
        callId: `reg-${name}-${cseq}~${this.mark}~@example.com`,
        cseq: cseq++,
        headers: ['Expires: 600'],
        ...options,
      });
      await leg.expect(200);
    }
  }

  trace(): Trace {
    return Object.fromEntries(LEG_NAMES.map(name => [name, this.legs[name].entries])) as Trace;
  }
}

function fits(message: Message, what: What): boolean {
  if (typeof what === 'function') return what(message);
  return typeof what === 'number' ? message.status === what : message.status === 0 && message.method === what;
}

const describe = (what: What) => (typeof what === 'function' ? 'the message' : String(what));

const REASONS: Record<number, string> = {
  100: 'Trying',
  180: 'Ringing',
  183: 'Session Progress',
  200: 'OK',
  202: 'Accepted',
  302: 'Moved Temporarily',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  486: 'Busy Here',
  487: 'Request Terminated',
  500: 'Server Internal Error',
  503: 'Service Unavailable',
  600: 'Busy Everywhere',
  603: 'Decline',
};
