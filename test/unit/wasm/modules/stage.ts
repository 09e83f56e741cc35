/**
 * The modules of the hot path on one core, without an engine, and the recordings of the real Kamailio 5.6.3 (test/golden/hot): one JSON value a line, the first
 * says what the file holds. Recorded on 127.0.0.1:20500 (UDP and TCP), [::1]:20500 and 127.0.0.1:20501, from port 20510, with the alias example.com.
 */
import { readFileSync } from 'node:fs';
import * as L from '../../../../src/core/gen/layout.gen.ts';
import { byteStr } from '../../../../src/core/memory.ts';
import { SipMsg } from '../../../../src/core/sip-msg.ts';
import type { Socket } from '../../../../src/kemi/host.ts';
import type { XVal } from '../../../../src/kemi/table.ts';
import core from '../../../../src/modules/core/index.ts';
import corex from '../../../../src/modules/corex/index.ts';
import hdr from '../../../../src/modules/hdr/index.ts';
import kx from '../../../../src/modules/kx/index.ts';
import maxfwd from '../../../../src/modules/maxfwd/index.ts';
import siputils from '../../../../src/modules/siputils/index.ts';
import sl from '../../../../src/modules/sl/index.ts';
import { SelfAddresses } from '../../../../src/runtime/self.ts';
import { openCore, place } from '../../../support/core.ts';
import { FakeHost } from '../../modules/fake-host.ts';

export interface From {
  readonly to?: number;
  readonly v6?: boolean;
  readonly tcp?: boolean;
  /** source port, 20510 when absent */
  readonly port?: number;
}

const SOCKETS: readonly Socket[] = [
  { index: 0, proto: 'udp', ip: '127.0.0.1', port: 20500 },
  { index: 1, proto: 'udp', ip: '::1', port: 20500 },
  { index: 2, proto: 'tcp', ip: '127.0.0.1', port: 20500 },
  {
    index: 3,
    proto: 'udp',
    ip: '127.0.0.1',
    port: 20501,
    name: 'sock1',
    advertisedIp: '192.0.2.77',
    advertisedPort: 5099,
  },
];

/** @param build 'core' (release) or 'core.debug' */
export function openStage(build: 'core' | 'core.debug' = 'core') {
  const wasm = openCore(build);
  const self = new SelfAddresses(SOCKETS, ['example.com']);
  const sent: string[] = [];
  const fake = new FakeHost(
    [core, corex, hdr, kx, maxfwd, siputils, sl],
    {},
    {
      core: wasm,
      sockets: SOCKETS,
      isMyself: (host, port, proto) => self.has(host, port, proto),
      defines: new Map([
        ['WITH_TEST', ''],
        ['NUMDEF', '42'],
      ]),
    },
  );
  // no module pv here: the destination set of redirections is tested with a runtime
  wasm.hooks.pvResolve = () => 0;
  wasm.hooks.sendReply = (at, length) => {
    sent.push(byteStr(wasm.mem.bytes(at, length)));
    return 1;
  };
  let live = 0;
  let nowMs = 1_000_000;

  return {
    wasm,
    fake,
    /** replies sent */
    sent,
    /** Moves the clock that messages are stamped with. */
    advance(ms: number) {
      nowMs += ms;
    },
    /** Makes a message the current one. @returns 0 or -ST_* of its index */
    receive(message: string, from: From = {}): number {
      if (live) wasm.x.msgFree(live);
      const at = place(wasm, message);
      live = at;
      const status: number = wasm.x.msgIndex(at);
      const msg = new SipMsg(wasm, at);
      const ip = from.v6 ? '::1' : '127.0.0.1';
      msg.setU32(L.M_SRCIP, msg.store(ip));
      msg.setU32(L.M_SRCIP + 4, ip.length);
      msg.setU16(L.M_SRCPORT, from.port ?? 20510);
      msg.setU16(L.M_SOCK, from.v6 ? 1 : from.tcp ? 2 : from.to === 20501 ? 3 : 0);
      wasm.mem.u8[at + L.M_PROTO] = from.tcp ? L.PROTO_TCP : L.PROTO_UDP;
      wasm.mem.u8[at + L.M_AF] = from.v6 ? 6 : 4;
      msg.setU32(L.M_CONID, from.tcp ? 1 : 0);
      wasm.mem.view.setFloat64(at + L.M_RECVMS, nowMs, true);
      fake.message = msg;
      wasm.x.setMsg(at);
      return status;
    },
    get msg(): SipMsg {
      return fake.message!;
    },
    /** Runs a call as the recordings write it: `KSR.hdr.get("Via")`. */
    run(call: string): XVal | boolean {
      const match = /^KSR\.([\w.]+)\((.*)\)$/s.exec(call);
      if (!match) throw new Error(`not a call: ${call}`);
      const args = JSON.parse(`[${match[2]!.replace(/\bnil\b/g, 'null')}]`) as XVal[];
      return (fake.call(match[1]!, ...args) ?? null) as XVal | boolean;
    },
  };
}

/** Lines of a recording: what it holds, then what it recorded. */
export function recording<Head, Row>(name: string): { head: Head; rows: Row[] } {
  const text = readFileSync(new URL(`../../../golden/hot/${name}.jsonl`, import.meta.url), 'utf8');
  const [head, ...rows] = text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as unknown);
  return { head: head as Head, rows: rows as Row[] };
}
