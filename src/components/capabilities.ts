/** What components may call: the functions of wit/kemi.wit, one table. An interface is a capability; an operator grants it by its name. */
import * as L from '../core/gen/layout.gen.ts';
import type { ByteStr } from '../core/memory.ts';
import type { SipMsg } from '../core/sip-msg.ts';
import type { ModuleHost } from '../kemi/host.ts';
import { bodyOf, dropAdded, headersNamed, removeHeader, replaceBody } from '../kemi/message-edits.ts';
import { sendReply } from '../kemi/reply.ts';
import { tableNamed } from '../modules/htable/api.ts';
import type { Value } from './canonical.ts';

/** What a host function knows of who calls it. */
export interface Caller {
  readonly name: string;
  readonly host: ModuleHost;
  /** whether a capability was granted */
  has(grant: Grant): boolean;
  /** Starts a timer of the module. @returns its id, 0 when it has too many */
  startTimer(ms: number, again: boolean): number;
  stopTimer(id: number): void;
}

export interface HostFunction {
  /** its type as WIT writes it */
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: the arguments have the types that `type` says: a component with others is not loaded
  readonly run: (caller: Caller, ...args: any[]) => Value;
}

export const GRANTS = ['message', 'edit', 'reply', 'log', 'kv', 'timer', 'clock'] as const;
export type Grant = (typeof GRANTS)[number];
/** what a component gets without being asked for */
export const DEFAULT_GRANTS: readonly Grant[] = ['message', 'log'];

/** of wit/kemi.wit */
export const WIT_PACKAGE = 'kemi:module';
export const WIT_VERSION = '0.1.0';

const IS_NAME = /^[!-9;-~]+$/;
const BREAKS_LINE = /[\r\n\0]/;
/** longest line of a module in the log, bytes */
const MAX_LOG = 4096;

function headerAt(msg: SipMsg | undefined, name: ByteStr, index: number): ByteStr | null {
  if (!msg) return null;
  return headersNamed(msg, name).at(index)?.body ?? null;
}

/** Pseudo-variables that lead to what has a capability of its own, or none. */
const TABLES = /\$\(?sht/;
const SURROUNDINGS = /\$\(?env\b/;

/** Whether a module may use the pseudo-variables in a text. */
function mayUse({ has, host, name }: Caller, text: ByteStr): boolean {
  const what = TABLES.test(text) && !has('kv') ? 'kv' : SURROUNDINGS.test(text) ? 'the environment' : undefined;
  if (what === undefined) return true;
  host.log.error({ module: name }, `${name} used ${text}, and was not granted ${what}`);
  return false;
}

function header(name: ByteStr, value: ByteStr): ByteStr | undefined {
  return IS_NAME.test(name) && !BREAKS_LINE.test(value) ? `${name}: ${value}\r\n` : undefined;
}

function setBody(msg: SipMsg, body: ByteStr, type: ByteStr): boolean {
  if (!type || BREAKS_LINE.test(type)) return false;
  const present = [...msg.headers()].filter(h => h.id === L.HDR_CONTENT_TYPE);
  dropAdded(msg, 'Content-Type:');
  if (present.length !== 1 || present[0]!.body !== type) {
    for (const h of present) if (!removeHeader(msg, h.index)) return false;
    if (!msg.appendHeader(`Content-Type: ${type}\r\n`)) return false;
  }
  return replaceBody(msg, body);
}

const logAt =
  (level: 'error' | 'warn' | 'info' | 'debug') =>
  ({ host, name }: Caller, text: ByteStr): undefined => {
    const line = new TextDecoder().decode(Uint8Array.from(text.slice(0, MAX_LOG), c => c.charCodeAt(0)));
    host.log[level]({ module: name }, `${name}: ${line.trimEnd()}`);
  };

export const INTERFACES: Readonly<Record<Grant, Readonly<Record<string, HostFunction>>>> = {
  message: {
    'header-count': {
      type: 'func(string) -> s32',
      run: ({ host }, name: ByteStr) => (host.message ? headersNamed(host.message, name).length : 0),
    },
    header: {
      type: 'func(string, s32) -> option<string>',
      run: ({ host }, name: ByteStr, index: number) => headerAt(host.message, name, index),
    },
    'header-bytes': {
      type: 'func(string, s32) -> option<list<u8>>',
      run: ({ host }, name: ByteStr, index: number) => headerAt(host.message, name, index),
    },
    pv: {
      type: 'func(string) -> option<string>',
      run: (caller, name: ByteStr) => {
        const value = mayUse(caller, name) ? (caller.host.pv(name)?.get() ?? null) : null;
        return value === null ? null : String(value);
      },
    },
    format: {
      type: 'func(string) -> option<string>',
      run: (caller, text: ByteStr) => (mayUse(caller, text) ? (caller.host.format(text) ?? null) : null),
    },
    body: { type: 'func() -> list<u8>', run: ({ host }) => (host.message ? bodyOf(host.message) : '') },
    'is-request': { type: 'func() -> bool', run: ({ host }) => host.message?.isRequest ?? false },
    method: { type: 'func() -> string', run: ({ host }) => host.message?.method ?? '' },
    status: {
      type: 'func() -> s32',
      run: ({ host }) => (host.message?.isReply ? host.message.status : 0),
    },
    'source-ip': { type: 'func() -> string', run: ({ host }) => host.message?.srcIp ?? '' },
    'source-port': { type: 'func() -> s32', run: ({ host }) => host.message?.srcPort ?? 0 },
  },
  edit: {
    'append-header': {
      type: 'func(string, string) -> bool',
      run: ({ host: { message } }, name: ByteStr, value: ByteStr) => {
        const text = header(name, value);
        return text !== undefined && message?.appendHeader(text) === true;
      },
    },
    'remove-header': {
      type: 'func(string) -> s32',
      run: ({ host: { message } }, name: ByteStr) => {
        if (!message || !name) return 0;
        return headersNamed(message, name).filter(h => removeHeader(message, h.index)).length;
      },
    },
    'append-to-reply': {
      type: 'func(string, string) -> bool',
      run: ({ host: { message } }, name: ByteStr, value: ByteStr) => {
        const text = header(name, value);
        return text !== undefined && message?.isRequest === true && message.addReplyHeader(text);
      },
    },
    'set-pv': {
      type: 'func(string, string) -> bool',
      run: (caller, name: ByteStr, value: ByteStr) => {
        const pv = mayUse(caller, name) ? caller.host.pv(name) : undefined;
        return pv?.writable === true && pv.set(value);
      },
    },
    'set-body': {
      type: 'func(list<u8>, string) -> bool',
      run: ({ host: { message } }, body: ByteStr, type: ByteStr) =>
        message !== undefined && setBody(message, body, type),
    },
  },
  reply: {
    send: {
      type: 'func(s32, string) -> bool',
      run: ({ host }, code: number, reason: ByteStr) => {
        const msg = host.message;
        if (!msg?.isRequest || !reason || BREAKS_LINE.test(reason)) return false;
        return sendReply({ state: undefined, host, msg }, code, reason) === 1;
      },
    },
  },
  log: {
    error: { type: 'func(string)', run: logAt('error') },
    warn: { type: 'func(string)', run: logAt('warn') },
    info: { type: 'func(string)', run: logAt('info') },
    debug: { type: 'func(string)', run: logAt('debug') },
  },
  kv: {
    get: {
      type: 'func(string, string) -> option<string>',
      run: ({ host }, table: ByteStr, key: ByteStr) => {
        const value = tableNamed(host, table)?.get(key) ?? null;
        return value === null ? null : String(value);
      },
    },
    set: {
      type: 'func(string, string, string, u32) -> bool',
      run: ({ host }, table: ByteStr, key: ByteStr, value: ByteStr, ttl: number) =>
        tableNamed(host, table)?.set(key, value, ttl) ?? false,
    },
    remove: {
      type: 'func(string, string) -> bool',
      run: ({ host }, table: ByteStr, key: ByteStr) => tableNamed(host, table)?.delete(key) ?? false,
    },
    add: {
      type: 'func(string, string, s32) -> option<s32>',
      run: ({ host }, name: ByteStr, key: ByteStr, by: number) => {
        const table = tableNamed(host, name);
        if (!table) return null;
        if (table.get(key) === null) return table.set(key, by) ? by : null;
        return table.count(key, by) ?? null;
      },
    },
  },
  timer: {
    after: { type: 'func(u32) -> u32', run: (caller, ms: number) => caller.startTimer(Math.max(ms, 1), false) },
    every: { type: 'func(u32) -> u32', run: (caller, ms: number) => caller.startTimer(Math.max(ms, 10), true) },
    cancel: { type: 'func(u32)', run: (caller, id: number) => caller.stopTimer(id) as undefined },
  },
  clock: {
    now: { type: 'func() -> u64', run: ({ host }) => host.now() },
    monotonic: { type: 'func() -> u64', run: ({ host }) => Math.max(0, host.monotonic()) },
  },
};

/** Which capability an imported interface is: 'kemi:module/log@0.1.0' is log. undefined for one of somebody else. */
export function capabilityOf(from: string): Grant | undefined {
  const name = /^kemi:module\/([\w-]+)(@|$)/.exec(from)?.[1];
  return GRANTS.find(g => g === name);
}
