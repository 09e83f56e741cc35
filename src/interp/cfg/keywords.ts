/**
 * What looks like a command and is a word of the language: it does not set $rc, and 0 from it ends nothing. Most are KEMI functions of the core; a few
 * have no such function and are made of variables here.
 */
import type { At } from '../../cfg/config.ts';
import { type ByteStr, utf8Of } from '../../core/memory.ts';
import type { NativeRoute } from '../../kemi/table.ts';
import type { CallExpr, Expr } from './ast.ts';
import { type Command, type CompiledCall, compileCommand } from './commands.ts';
import type { Evaluate } from './compile-expression.ts';
import { type Context, pvOf } from './context.ts';
import { compileForward, FORWARDS } from './forward-word.ts';
import { Mistake } from './token-list.ts';
import { toStr } from './values.ts';

/** Words that are KEMI functions of the core. */
const OF_THE_CORE = [
  'setflag',
  'resetflag',
  'isflagset',
  'force_rport',
  'add_rport',
  'add_local_rport',
  'set_advertised_address',
  'set_advertised_port',
  'set_reply_close',
  'set_reply_no_connect',
  'set_forward_close',
  'set_forward_no_connect',
  'force_tcp_alias',
  'add_tcp_alias',
  'force_send_socket',
  'forward',
  'sethost',
  'rewritehost',
  'seturi',
  'rewriteuri',
  'setuser',
  'rewriteuser',
] as const;

type Maker = (cx: Context, args: readonly Expr[], at: At) => () => number;

/** Words made of variables: count and type of the parameters, and what they do. */
const MADE: Readonly<Record<string, readonly [params: string, make: Maker]>> = {
  setport: ['text', assign('$rp')],
  rewriteport: ['text', assign('$rp')],
  sethostport: ['text', hostPort],
  rewritehostport: ['text', hostPort],
  strip: ['number', user((name, n) => name.slice(n))],
  strip_tail: ['number', user((name, n) => name.slice(0, Math.max(0, name.length - n)))],
  prefix: ['text', prefix],
  sethostporttrans: ['text', hostPortTransport],
  rewritehostporttrans: ['text', hostPortTransport],
  userphone: ['', userPhone],
  revert_uri: ['', revert],
  log: ['text', log],
};

/** Words that are not there, and why. */
const NOT_HERE: Readonly<Record<string, string>> = {
  udp_mtu_try_proto: 'the size of a message does not change its transport',
  cfg_select: 'settings are not changed while it runs',
  cfg_reset: 'settings are not changed while it runs',
  exec: 'no programs are run',
  error: 'Kamailio does not do anything with it either',
  setuserpass: "Kamailio writes the password in the user's place: write $ru",
  rewriteuserpass: "Kamailio writes the password in the user's place: write $ru",
};

export const isKeyword = (name: string): boolean =>
  (OF_THE_CORE as readonly string[]).includes(name) ||
  (FORWARDS as readonly string[]).includes(name) ||
  Object.hasOwn(MADE, name) ||
  Object.hasOwn(NOT_HERE, name);

/** Words that are allowed while a message is being sent. */
const WHILE_SENDING = [
  'setflag',
  'resetflag',
  'isflagset',
  'log',
  'set_reply_close',
  'set_reply_no_connect',
  'set_forward_close',
  'set_forward_no_connect',
];

/** @throws Mistake */
export function compileKeyword(
  cx: Context,
  commands: ReadonlyMap<string, readonly Command[]>,
  call: CallExpr,
  kind: NativeRoute | 'any',
  value: (expr: Expr) => Evaluate,
): CompiledCall {
  if (kind === 'onsend' && !WHILE_SENDING.includes(call.name))
    throw new Mistake(call.at, `${call.name} cannot be used in onsend_route`);
  if (Object.hasOwn(NOT_HERE, call.name))
    throw new Mistake(call.at, `${call.name} is not available in this version: ${NOT_HERE[call.name]}`);
  if ((FORWARDS as readonly string[]).includes(call.name)) {
    const forwards = compileForward(cx, call);
    return forwards ?? compileCommand(cx, commands, { ...call, args: [] }, kind, value);
  }
  const made = Object.hasOwn(MADE, call.name) ? MADE[call.name] : undefined;
  if (!made) return compileCommand(cx, commands, call, kind, value);
  const [params, make] = made;
  const { args, at, name } = call;
  // log(level, text): the level may be left out
  const wanted = name === 'log' ? args.slice(-1) : args;
  const count = params ? 1 : 0;
  if (wanted.length !== count || args.length > count + (name === 'log' ? 1 : 0))
    throw new Mistake(at, `${name} takes ${count || 'no'} parameter${count === 1 ? '' : 's'}, not ${args.length}`);
  const [arg] = wanted;
  if (params === 'text' && arg!.kind !== 'str') throw new Mistake(arg!.at, `${name} takes a text in quotes`);
  if (params === 'number' && (arg!.kind !== 'int' || arg!.value < 0))
    throw new Mistake(arg!.at, `${name} takes a number, 0 or more`);
  const invoke = make(cx, args, at);
  return { waits: false, invoke, code: v => v as number };
}

const textIn = (args: readonly Expr[]): ByteStr => (args.at(-1) as Expr & { kind: 'str' }).value;

function assign(spec: ByteStr): Maker {
  return (cx, args, at) => {
    const pv = pvOf(cx, spec, at);
    const text = textIn(args);
    return () => (pv.set(text) ? 1 : -1);
  };
}

function hostPort(cx: Context, args: readonly Expr[], at: At): () => number {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(textIn(args));
  if (!match) throw new Mistake(at, `"${utf8Of(textIn(args))}" is no host:port`);
  const host = pvOf(cx, '$rd', at);
  const port = pvOf(cx, '$rp', at);
  return () => (host.set(match[1]!) && (match[2] === undefined || port.set(match[2])) ? 1 : -1);
}

/** host:port;transport=x in the place of all three; a port or a transport that it does not give is taken away. */
function hostPortTransport(cx: Context, args: readonly Expr[], at: At): () => number {
  const match = /^(\[[^\]]*\]|[^:;]+)(:\d+)?(;transport=\w+)?$/i.exec(textIn(args));
  if (!match) throw new Mistake(at, `"${utf8Of(textIn(args))}" is no host:port;transport=name`);
  const [, host, port = '', transport = ''] = match;
  const pv = pvOf(cx, '$ru', at);
  return () => {
    const uri = /^(\w+:(?:[^@]*@)?)(?:\[[^\]]*\]|[^:;?]*)(?::\d+)?([^?]*)(.*)$/s.exec(toStr(pv.get()));
    if (!uri) return -1;
    const [, user, params, headers] = uri;
    return pv.set(`${user}${host}${port}${transport}${params!.replace(/;transport=[^;]*/gi, '')}${headers}`) ? 1 : -1;
  };
}

/** Says that the user part is a telephone number, where it does not say so yet. */
function userPhone(cx: Context, _args: readonly Expr[], at: At): () => number {
  const pv = pvOf(cx, '$ru', at);
  return () => {
    const uri = toStr(pv.get());
    if (uri === '') return -1;
    const end = uri.includes('?') ? uri.indexOf('?') : uri.length;
    if (/;user=phone(;|$)/i.test(uri.slice(0, end))) return 1;
    return pv.set(`${uri.slice(0, end)};user=phone${uri.slice(end)}`) ? 1 : -1;
  };
}

/** Cuts the user part of the request URI; what is longer than it leaves no user. */
function user(change: (name: ByteStr, n: number) => ByteStr): Maker {
  return (cx, args, at) => {
    const pv = pvOf(cx, '$rU', at);
    const n = (args[0] as Expr & { kind: 'int' }).value;
    return () => {
      const name = pv.get();
      if (name === null) return -1;
      const left = change(toStr(name), n);
      return pv.set(left === '' ? null : left) ? 1 : -1;
    };
  };
}

function prefix(cx: Context, args: readonly Expr[], at: At): () => number {
  const pv = pvOf(cx, '$rU', at);
  const text = textIn(args);
  return () => (pv.set(text + toStr(pv.get())) ? 1 : -1);
}

function revert(cx: Context, _args: readonly Expr[], at: At): () => number {
  const now = pvOf(cx, '$ru', at);
  const original = pvOf(cx, '$ou', at);
  return () => (now.set(original.get()) ? 1 : -1);
}

/** log("text"), log(level, "text"): the text as it stands, no variables. */
function log(cx: Context, args: readonly Expr[]): () => number {
  const text = utf8Of(textIn(args));
  const level = args.length > 1 ? args[0]! : undefined;
  if (level && level.kind !== 'int') throw new Mistake(level.at, 'log takes a level (a number) and a text');
  const n = level?.kind === 'int' ? level.value : 1;
  const { log: logger } = cx.host;
  const line = text.replace(/\s+$/, '');
  return () => {
    if (n >= 3) logger.debug({}, line);
    else if (n >= 1) logger.info({}, line);
    else if (n === 0) logger.warn({}, line);
    else logger.error({}, line);
    return 1;
  };
}
