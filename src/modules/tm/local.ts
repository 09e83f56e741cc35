/** Requests of our own: t_uac_send(), keep-alives, and what other modules send (RFC 3261 8.1, 17.1). */

import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { headerId, type SipMsg } from '../../core/sip-msg.ts';
import { eventRoute } from '../../kemi/event-route.ts';
import { NoTarget, type Target } from '../../kemi/targets.ts';
import { socketFor, targetOf, viaText } from '../core/api.ts';
import type { LocalRequest } from './api.ts';
import { destined, fake, startBranch } from './client.ts';
import { wait } from './server.ts';
import type { Tm } from './state.ts';
import { Branch, type LocalReply, NOWHERE } from './transaction.ts';

const TOKEN = /^[A-Za-z0-9.!%*_+`'~-]+$/;
const MAX_BYTES = 60_000;

interface Line {
  readonly id: number;
  readonly name: ByteStr;
  value: ByteStr;
}

/** @returns undefined when a line is not a header, or would end the header part */
function linesOf(text: ByteStr): Line[] | undefined {
  const lines: Line[] = [];
  for (const line of text.replace(/\r\n[ \t]+/g, ' ').split(/\r\n|\n/)) {
    if (!line) continue;
    const m = /^([A-Za-z0-9.!%*_+`'~-]+)[ \t]*:[ \t]*(.*?)[ \t]*$/.exec(line);
    if (!m || /[\r\0]/.test(line)) return undefined;
    lines.push({ id: headerId(m[1]!), name: m[1]!, value: m[2]! });
  }
  return lines;
}

const unique = (tm: Tm, digits: number): ByteStr => {
  let text = '';
  while (text.length < digits)
    text += Math.floor(tm.host.random() * 0x100000000)
      .toString(16)
      .padStart(8, '0');
  return text.slice(0, digits);
};

/** Sends a request of our own: see TmApi.request. */
export function sendLocal(
  tm: Tm,
  request: LocalRequest,
  done: ((reply: LocalReply) => void) | undefined,
): boolean | Promise<boolean> {
  const { host } = tm;
  const fail = (why: string): false => {
    host.log.error({ method: request.method, uri: request.ruri, why }, `Cannot send a request: ${why}`);
    return false;
  };
  const { method, ruri, body = '' } = request;
  if (!TOKEN.test(method) || method === 'ACK' || method === 'CANCEL')
    return fail(`"${method}" is not a method for this`);
  if (!ruri || /[\s\0]/.test(ruri)) return fail('the request URI is empty or has blanks');
  const lines = linesOf(request.headers);
  if (!lines) return fail('a header does not parse');
  const find = (id: number) => lines.find(line => line.id === id);
  const from = find(L.HDR_FROM);
  const to = find(L.HDR_TO);
  if (!from || !to) return fail('From or To is missing');
  if (body && !find(L.HDR_CONTENT_TYPE)) return fail('a body needs a Content-Type');
  if (!/;[ \t]*tag[ \t]*=/i.test(from.value)) from.value += `;tag=${unique(tm, 16)}`;
  let text = `${method} ${ruri} SIP/2.0\r\n`;
  const callId = find(L.HDR_CALL_ID)?.value ?? `${unique(tm, 16)}@${host.sockets[0]!.ip}`;
  const cseqText = find(L.HDR_CSEQ)?.value ?? '10';
  const cseq = Number(/^\d{1,10}/.exec(cseqText)?.[0] ?? Number.NaN);
  if (!Number.isInteger(cseq) || cseq > 0x7fffffff) return fail(`the CSeq "${cseqText}" is no number`);
  text += `To: ${to.value}\r\nFrom: ${from.value}\r\nCSeq: ${cseq} ${method}\r\nCall-ID: ${callId}\r\n`;
  if (!find(L.HDR_MAX_FORWARDS)) text += 'Max-Forwards: 70\r\n';
  text += `Content-Length: ${body.length}\r\n`;
  if (!find(L.HDR_USER_AGENT)) text += `User-Agent: kemi-wasm/${host.version}\r\n`;
  const own = new Set([L.HDR_TO, L.HDR_FROM, L.HDR_CSEQ, L.HDR_CALL_ID, L.HDR_CONTENT_LENGTH, L.HDR_VIA]);
  for (const line of lines) if (!own.has(line.id)) text += `${line.name}: ${line.value}\r\n`;
  text += `\r\n${body}`;
  if (text.length > MAX_BYTES) return fail('it is too big');

  const { x, mem } = host.core;
  const at: number = x.msgAlloc(text.length);
  if (at < 0) return fail('as many messages are alive as the limit allows');
  mem.putStr(mem.u32(at + L.M_BUF), text);
  if (x.msgIndex(at) < 0) {
    host.release(at);
    return fail('it does not parse');
  }
  const msg = host.at(at);
  mem.view.setFloat64(at + L.M_RECVMS, host.now(), true);
  if (request.socket !== undefined) msg.setU16(L.M_FSOCK, request.socket + 1);
  const route = find(L.HDR_ROUTE)?.value;
  const hop = request.dstUri || (route && /<([^>]*)>/.exec(route)?.[1]);
  if (hop) msg.dstUri = hop;
  const finish = (target: Target | NoTarget): boolean => {
    const sent = start(tm, msg, target, callId, cseq, done);
    host.release(at);
    return sent === true || fail(sent);
  };
  const resolve = (): boolean | Promise<boolean> => {
    const target = targetOf(host, msg.dstUri ?? msg.ruri);
    return target instanceof Promise ? target.then(finish) : finish(target);
  };
  const event = eventRoute(host, tm.params.event_callback, 'tm:local-request');
  if (!event) return resolve();
  const end = host.runRouteOn(at, L.RK_LOCAL, event, 'tm:local-request');
  const after = (bits: number): boolean | Promise<boolean> => {
    if (bits & 2) {
      host.release(at);
      return false;
    }
    return resolve();
  };
  return end instanceof Promise ? end.then(after) : after(end);
}

/** @returns true, or why it was not sent */
function start(
  tm: Tm,
  msg: SipMsg,
  target: Target | NoTarget,
  callId: ByteStr,
  cseq: number,
  done: ((reply: LocalReply) => void) | undefined,
): true | string {
  const { host } = tm;
  const { x } = host.core;
  if (target instanceof NoTarget) return target.why;
  const socket = socketFor(host, msg, target);
  if (!socket) return `no socket for ${target.proto}, IPv${target.family}`;
  const method = msg.methodId;
  const tx = tm.createLocal(method, method === L.METHOD_INVITE);
  if (!tx) return 'there are too many transactions';
  if (msg.u32(L.M_TMFLAGS) & L.TMF_SETTINGS) {
    const settings = tm.settingsOf(msg.at);
    if (settings) {
      tx.makeRare().settings = settings;
      tm.applySettings(tx);
    }
  }
  const rare = tx.makeRare();
  rare.callId = callId;
  rare.cseq = cseq;
  rare.callback = done;
  const branch = new Branch(tx, 0, msg.ruri, NOWHERE, false);
  branch.to = destined(tm, branch, socket, target, msg);
  tx.add(branch);
  const prefix = viaText(host, socket);
  const via: number = x.tmVia(0, prefix.at, prefix.length, tx.number, tx.label, 0);
  const length: number = x.msgForward(msg.at, x.tmViaLine(), via, -1);
  branch.block = length > 0 ? x.tmKeep(length) : 0;
  branch.length = length;
  if (!branch.block || !tm.send(branch.block, branch.length, branch.to)) {
    tm.destroy(tx);
    return 'it cannot be sent';
  }
  startBranch(tm, branch);
  return true;
}

/** what ends a request of our own when no answer does */
const OWN_REASONS: Readonly<Record<number, string>> = { 477: 'Send failed' };

/** An answer to a request of our own. */
export function localAnswer(tm: Tm, branch: Branch, at: number, code: number): void {
  const { tx } = branch;
  const { host } = tm;
  if (code < 200 && !tm.params.pass_provisional_replies) return;
  if (tx.status >= 200) {
    // RFC 3261 13.2.2.4: a 2xx that comes again gets its ACK again
    if (tx.isInvite && code < 300 && at) acknowledgeSuccess(tm, branch, host.at(at));
    return;
  }
  const reason = at ? host.at(at).reason : (OWN_REASONS[code] ?? 'Request Timeout');
  const rare = tx.rare!;
  const { callback } = rare;
  if (code >= 200) {
    tm.setStatus(tx, code);
    rare.callback = undefined;
    if (tx.isInvite && code < 300 && at) acknowledgeSuccess(tm, branch, host.at(at));
    wait(tm, tx);
  }
  try {
    callback?.({ code, reason, msg: at });
  } catch (error) {
    host.log.error({ err: error }, 'The callback of a request of our own failed');
  }
  if (code >= 200) tm.dropReply(branch);
}

/** The ACK to a 2xx (RFC 3261 13.2.2.4): to its Contact by its Record-Routes, or as local_ack_mode says. */
function acknowledgeSuccess(tm: Tm, branch: Branch, reply: SipMsg): void {
  const { host } = tm;
  const { core } = host;
  const { x, mem } = core;
  const contact = [...reply.addresses(L.HDR_CONTACT)][0]?.uri ?? branch.uri;
  const routes = [...reply.addresses(L.HDR_RECORD_ROUTE)]
    .reverse()
    .map(r => `<${r.uri}${r.params ? `>;${r.params}` : '>'}`);
  const from = reply.first(L.HDR_FROM)?.body ?? '';
  const to = reply.first(L.HDR_TO)?.body ?? '';
  const prefix = viaText(host, host.sockets[branch.to.socket]!);
  const { tx } = branch;
  // a transaction of its own: another branch
  const via: number = x.tmVia(0, prefix.at, prefix.length, tx.number, tx.label, 200);
  const line = mem.str(x.tmViaLine(), via);
  const text =
    `ACK ${contact} SIP/2.0\r\n${line}${routes.map(r => `Route: ${r}\r\n`).join('')}` +
    `From: ${from}\r\nTo: ${to}\r\nCall-ID: ${tx.rare?.callId ?? ''}\r\nCSeq: ${tx.rare?.cseq} ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`;
  const send = (ip: ByteStr, port: number) => {
    const out: number = x.outArea();
    core.mem.putStr(out, text);
    tm.send(out, text.length, { ...branch.to, ip, port });
  };
  switch (tm.params.local_ack_mode) {
    case 1:
      send(branch.to.ip, branch.to.port);
      return;
    case 2:
      send(reply.srcIp, reply.srcPort);
      return;
    default: {
      const hop = routes.length ? /<([^>]*)>/.exec(routes[0]!)![1]! : contact;
      const target = targetOf(host, hop);
      const go = (found: Target | NoTarget) => {
        if (found instanceof NoTarget) host.log.error({ uri: hop }, `Cannot acknowledge: ${found.why}`);
        else send(found.ip, found.port);
      };
      if (target instanceof Promise) void target.then(go);
      else go(target);
    }
  }
}

/** tm.cancel: gives up a request of our own. @returns whether there is one */
export function cancelLocal(tm: Tm, callId: ByteStr, cseq: number, cancel: (branch: Branch) => void): boolean {
  for (const tx of tm.table) {
    if (!tx?.local || tx.rare?.callId !== callId || tx.rare.cseq !== cseq || tx.status >= 200) continue;
    for (const branch of tx.branches) {
      if (branch.done) continue;
      if (tx.isInvite) cancel(branch);
      else fake(tm, branch, 487);
    }
    return true;
  }
  return false;
}
