/** One message over HTTP: routed as if it had come over the network, and what it led to as JSON. docs/edge.md has the schema. */
import { KemiError } from '../../errors.ts';
import { numericHost } from '../../kemi/ip.ts';
import { parseListenAddress } from '../listen-address.ts';
import { base64Bytes, HttpError, json, readBody, toBase64 } from './http.ts';
import type { LogLine } from './log.ts';
import type { Sent, Service } from './service.ts';

/** longest ?wait=, milliseconds */
const MAX_WAIT_MS = 30_000;
/** how long a route that waits (a timer, a database) is waited for when nobody says, milliseconds */
const SUSPENDED_WAIT_MS = 5_000;
/** what is reported at most; more is counted */
const MAX_ACTIONS = 100;
const MAX_LOG_LINES = 200;

export interface Origin {
  readonly proto: Sent['proto'];
  readonly ip: string;
  readonly port: number;
}

/** Where the message is to come from: `from=PROTO:IP:PORT`. @throws HttpError 400 */
export function originOf(url: URL): Origin | undefined {
  const text = url.searchParams.get('from');
  if (text === null) return undefined;
  try {
    const { proto, host, port } = parseListenAddress(text);
    if (!numericHost(host) || port === 0) throw new HttpError(400, 'from: write PROTO:IP:PORT');
    return { proto, ip: host, port };
  } catch (error) {
    if (error instanceof KemiError) throw new HttpError(400, `from: ${error.message}`);
    throw error;
  }
}

/**
 * @param origin where the message comes from  @param socket index of the runtime's socket that it comes in by
 * @param alone nobody else uses the service: all that is sent is this message's doing
 */
export async function routeMessage(
  service: Service,
  request: Request,
  origin: Origin,
  socket: number,
  alone: boolean,
): Promise<Response> {
  const url = new URL(request.url);
  const { messageBytes } = service.runtime.limits;
  const encoded = /^base64$/i.test(
    request.headers.get('Content-Transfer-Encoding') ?? url.searchParams.get('encoding') ?? '',
  );
  const body = await readBody(request, encoded ? Math.ceil(messageBytes / 3) * 4 + 1024 : messageBytes);
  const bytes = encoded ? base64Bytes(new TextDecoder().decode(body)) : body;
  if (bytes.length === 0) throw new HttpError(400, 'the body is empty: write a SIP message');
  if (bytes.length > messageBytes) throw new HttpError(413, `the message is longer than ${messageBytes} bytes`);
  const waitMs = waitOf(url);

  const actions: Sent[] = [];
  const log: LogLine[] = [];
  let left = 0;
  let listening = true;
  let final = () => {};
  const stop = service.watch({
    sent(what) {
      const back = what.ip === from.ip && what.port === from.port;
      // while others wait their turn in the same object, what they send is none of ours
      if (!listening && !back && !alone) return;
      if (actions.length < MAX_ACTIONS) actions.push(what);
      else left++;
      if (back && isFinal(what.bytes)) final();
    },
    log(line) {
      if (!listening && !alone) return;
      if (log.length < MAX_LOG_LINES) log.push(line);
      else left++;
    },
  });
  // Answers to it go over a connection that leads here.
  const stream = origin.proto !== 'udp';
  const connection = stream
    ? service.connections.accept({ send() {}, close() {} }, { ip: origin.ip, ...(alone && { port: origin.port }) })
    : undefined;
  const from = connection?.from ?? { ip: origin.ip, port: origin.port, family: origin.ip.includes(':') ? 6 : 4 };
  try {
    const { runtime } = service;
    const { scriptErrors, overload } = runtime.counters;
    const isRequest = !isReply(bytes);
    const answered = new Promise<void>(resolve => {
      final = resolve;
    });
    const verdict = service.receive(bytes, from, socket);
    listening = alone || verdict === 'suspended';
    const wait = waitMs ?? (verdict === 'suspended' ? SUSPENDED_WAIT_MS : 0);
    const done = actions.some(a => a.ip === from.ip && a.port === from.port && isFinal(a.bytes));
    if (wait > 0 && isRequest && !done && (verdict === 'routed' || verdict === 'suspended'))
      await Promise.race([answered, new Promise(resolve => setTimeout(resolve, wait))]);
    const broken = verdict === 'failed' || runtime.counters.scriptErrors > scriptErrors;
    const status = broken ? 500 : runtime.counters.overload > overload ? 503 : verdict === 'bad' ? 400 : 200;
    return json(status, {
      verdict,
      from: { proto: origin.proto, ip: from.ip, port: from.port },
      actions: actions.map(a => actionOf(a, a.ip === from.ip && a.port === from.port)),
      log: log.map(({ level, time: _time, msg, ...fields }) => ({ level, msg, ...fields })),
      ...(left > 0 && { leftOut: left }),
      memoryBytes: runtime.memoryBytes,
    });
  } finally {
    stop();
    if (connection) service.connections.drop(connection);
  }
}

/** @throws HttpError 400 */
function waitOf(url: URL): number | undefined {
  const text = url.searchParams.get('wait');
  if (text === null) return undefined;
  const wait = Number(text);
  if (!/^\d{1,6}$/.test(text) || wait > MAX_WAIT_MS)
    throw new HttpError(400, `wait: write milliseconds, 0 to ${MAX_WAIT_MS}`);
  return wait;
}

function actionOf({ proto, ip, port, sent, bytes }: Sent, back: boolean): Record<string, unknown> {
  return {
    kind: isReply(bytes) ? 'reply' : 'request',
    to: { proto, ip, port, ...(back && { sender: true }) },
    sent,
    ...textOf(bytes),
  };
}

function textOf(bytes: Uint8Array): { text: string } | { base64: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { base64: toBase64(bytes) };
  }
}

/** "SIP/" */
function isReply(bytes: Uint8Array): boolean {
  return bytes[0] === 83 && bytes[1] === 73 && bytes[2] === 80 && bytes[3] === 47;
}

/** "SIP/2.0 2" and up */
function isFinal(bytes: Uint8Array): boolean {
  return isReply(bytes) && bytes[8]! >= 50;
}
