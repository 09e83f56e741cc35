/**
 * Repeats what the real Kamailio 5.6.3 did with messages: golden files of one JSON value a line, first {name, message}, then
 * {msg, calls: [["module.function", args...]], results, end?, out?, reply?}. `out` is what it forwarded, without its own Via line; absent when the bytes
 * stayed as they were. `reply` is what it answered.
 */
import { readFileSync } from 'node:fs';
import * as L from '../../../src/core/gen/layout.gen.ts';
import type { Core } from '../../../src/core/load.ts';
import type { ByteStr } from '../../../src/core/memory.ts';
import { SipMsg } from '../../../src/core/sip-msg.ts';
import type { ModuleHost } from '../../../src/kemi/host.ts';
import type { Pv } from '../../../src/kemi/pv-types.ts';
import type { ModParamValues, ModuleDefinition, XVal } from '../../../src/kemi/table.ts';
import { openCore, place } from '../../support/core.ts';
import { FakeHost } from './fake-host.ts';

type Arg = string | number | null;
export interface GoldenCase {
  readonly msg: string;
  readonly calls: readonly (readonly [string, ...Arg[]])[];
  readonly results: readonly (XVal | boolean)[];
  readonly end?: 'forward' | 'reply';
  readonly out?: string;
  readonly reply?: string;
}

export function readGolden(name: string): { messages: Map<string, ByteStr>; cases: GoldenCase[] } {
  const text = readFileSync(new URL(`../../golden/modules/${name}.jsonl`, import.meta.url), 'utf8');
  const messages = new Map<string, ByteStr>();
  const cases: GoldenCase[] = [];
  for (const line of text.split('\n')) {
    if (!line) continue;
    const value = JSON.parse(line);
    if ('message' in value) messages.set(value.name, value.message);
    else cases.push(value);
  }
  return { messages, cases };
}

/** A core, modules and one message at a time. */
export class MessageBench {
  readonly core: Core = openCore();
  readonly fake: FakeHost;
  readonly perMessage = new Map<unknown, unknown>();
  readonly vars = new Map<string, XVal>();
  /** replies that modules sent to the message at hand */
  readonly replies: ByteStr[] = [];
  #at = 0;

  constructor(
    // biome-ignore lint/suspicious/noExplicitAny: any module can be under test
    modules: readonly ModuleDefinition<any>[],
    params: Record<string, ModParamValues> = {},
    more: Partial<ModuleHost> = {},
  ) {
    this.fake = new FakeHost(modules, params, {
      core: this.core,
      perMessage: this.perMessage,
      pv: spec => this.pv(spec),
      isMyself: (host, port) => host === '127.0.0.1' && (port === 0 || port === 20300),
      sockets: [{ index: 0, proto: 'udp', ip: '127.0.0.1', port: 20300 }],
      format: text => {
        let bad = false;
        const out = text.replace(/\$(\(.*?\)\)|\w+(\([^)]*\))?|\$|)/g, all => {
          const pv = this.pv(all);
          if (!pv) bad = true;
          return String(pv?.get() ?? '<null>');
        });
        return bad ? undefined : out;
      },
      ...more,
    });
    this.core.hooks.sendReply = (at, length) => {
      this.replies.push(this.core.mem.str(at, length));
      return 1;
    };
  }

  get msg(): SipMsg {
    return this.fake.message!;
  }

  open(message: ByteStr): SipMsg {
    this.close();
    this.#at = place(this.core, message);
    this.core.x.msgIndex(this.#at);
    this.core.x.setMsg(this.#at);
    this.fake.message = new SipMsg(this.core, this.#at);
    return this.fake.message;
  }

  close(): void {
    if (this.#at) {
      this.core.x.setMsg(0);
      this.core.x.msgFree(this.#at);
    }
    this.#at = 0;
    this.fake.message = undefined;
    this.perMessage.clear();
    this.vars.clear();
    this.replies.length = 0;
  }

  call(path: string, ...args: (XVal | undefined)[]): unknown {
    return this.fake.call(path, ...args);
  }

  /** what leaves: edits applied, the request URI and the reply's status as the script left them */
  written(): ByteStr {
    const { msg } = this;
    const text = msg.applied();
    if (msg.isRequest) {
      const end = text.indexOf('\r\n');
      const [method, , ...rest] = text.slice(0, end).split(' ');
      const line = text.slice(0, end);
      const uri = msg.originalUri;
      return msg.ruri === uri ? text : `${method} ${msg.ruri} ${rest.at(-1) ?? line}${text.slice(end)}`;
    }
    const code = msg.mem.u16(msg.at + L.M_NEWSTATUS);
    const reasonAt = msg.mem.u32(msg.at + L.M_NEWREASON);
    const reason = reasonAt ? msg.mem.str(reasonAt, msg.mem.u32(msg.at + L.M_NEWREASON + 4)) : msg.reason;
    const withoutVia = text.replace(/\r\nVia: [^\r]*/, '');
    return code ? withoutVia.replace(/^SIP\/2\.0 [^\r]*/, `SIP/2.0 ${code} ${reason}`) : withoutVia;
  }

  /** header text that scripts put into the replies of this request */
  additions(): ByteStr {
    const { mem, at } = this.msg;
    let text = '';
    const first = mem.u32(at + L.M_LUMPS);
    for (let i = 0; i < mem.u16(at + L.M_NLUMPS); i++) {
      const lump = first + i * L.EDIT_SIZE;
      text += mem.str(mem.u32(lump + L.E_SRC), mem.u32(lump + L.E_LEN));
    }
    return text;
  }

  pv(spec: ByteStr): Pv | undefined {
    const { vars } = this;
    const read = (): XVal | undefined => {
      const m = this.fake.message;
      switch (spec) {
        case '$$':
          return '$';
        case '$ru':
          return m!.ruriParts ? m!.ruri : null;
        case '$ou':
          return m!.originalUri;
        case '$rU':
        case '$(ru{uri.user})':
          return m!.ruriParts?.user ?? null;
        case '$rd':
          return m!.ruriParts?.host ?? null;
        case '$rm':
          return m!.method;
        case '$si':
          return '127.0.0.1';
        case '$du':
          return m!.dstUri ?? null;
        case '$fU':
          return 'alice';
        case '$fd':
          return 'atlanta.example';
        case '$fn':
          return m!.from?.display ?? null;
        case '$ci':
          return m!.callId ?? null;
        case '$rb':
          return m!.body || null;
        case '$cl':
          return m!.contentLength;
        case '$cT':
          return m!.first(L.HDR_CONTENT_TYPE)?.body ?? null;
        case '$rs':
          return m!.status;
        case '$rr':
          return m!.reason;
        default:
          return undefined;
      }
    };
    const variable = /^\$(var|avp)\((\w+)\)$/.exec(spec);
    if (!variable && (read as () => unknown)() === undefined) return undefined;
    return {
      spec,
      id: 1,
      cls: { name: spec, doc: '' },
      plain: true,
      writable: true,
      get: () =>
        variable ? (vars.get(spec) ?? (variable[1] === 'var' ? (vars.has(spec) ? null : '') : null)) : (read() ?? null),
      set: value => {
        if (spec === '$ru') this.msg.ruri = String(value);
        else if (spec === '$du') this.msg.dstUri = String(value);
        else vars.set(spec, value);
        return true;
      },
    };
  }
}

/** functions that send a reply by themselves */
const REPLIES = /^(sanity\.|siputils\.options_reply)/;

/** Keys of differences: "msg module.function(args)". @returns what differs from the golden file, but for the calls in `except` */
export function replayMessages(
  bench: MessageBench,
  golden: string,
  only: RegExp,
  skip: (c: GoldenCase) => boolean,
): string[] {
  const { messages, cases } = readGolden(golden);
  const differences: string[] = [];
  for (const c of cases) {
    if (!c.calls.some(call => only.test(call[0])) || skip(c)) continue;
    const input = messages.get(c.msg)!;
    bench.open(input);
    const show = (call: readonly unknown[]) =>
      `${call[0]}(${call
        .slice(1)
        .map(a => JSON.stringify(a))
        .join(', ')})`;
    const say = (what: string, theirs: unknown, ours: unknown) =>
      differences.push(`${c.msg}: ${what}: theirs ${JSON.stringify(theirs)}, ours ${JSON.stringify(ours)}`);
    const sayBytes = (theirs: ByteStr, ours: ByteStr) => {
      const [a, b] = [theirs.split('\r\n'), ours.split('\r\n')];
      const first = a.findIndex((line, i) => line !== b[i]);
      const from = first < 0 ? a.length : first;
      say(c.calls.map(show).join('; '), a.slice(from, from + 4), b.slice(from, from + 4));
    };
    c.calls.forEach((call, i) => {
      const [name, ...args] = call;
      let ours: unknown;
      if (name === 'pv.get') ours = bench.pv(args[0] as string)?.get();
      else if (name === 'pv.sets') ours = bench.pv(args[0] as string)?.set(args[1]!);
      else if (name === 'pv.unset') ours = bench.vars.delete(args[0] as string) || true;
      else if (name === 'force_rport') ours = true;
      else ours = bench.call(name, ...args);
      const theirs = c.results[i];
      if (name === 'pv.get' && String(args[0]).startsWith('$var') && theirs === 0 && (ours === '' || ours === null))
        return;
      if (ours !== theirs) say(show(call), theirs, ours);
    });
    if (c.end === 'forward' || (c.end === undefined && c.out !== undefined)) {
      const theirs = c.out ?? input;
      const ours = bench.written();
      if (ours !== theirs) sayBytes(theirs, ours);
    }
    if (c.end === 'reply' && c.reply) {
      const between = /CSeq: [^\r]*\r\n([\s\S]*?)Server: K/i.exec(c.reply)?.[1] ?? '';
      if (bench.additions() !== between) sayBytes(between, bench.additions());
    }
    if (c.end === undefined && c.calls.some(call => REPLIES.test(call[0]))) {
      const lines = (text: ByteStr | undefined) =>
        (text ?? '').split('\r\n').filter((line, i) => i === 0 || /^(Accept|Supported|Unsupported)/.test(line));
      const [theirs, ours] = [lines(c.reply), lines(bench.replies[0])];
      if (JSON.stringify(theirs) !== JSON.stringify(ours)) say(`${c.calls.map(show).join('; ')} reply`, theirs, ours);
    }
    bench.close();
  }
  return differences;
}

/**
 * Sorts differences by the reasons that docs/differences.md gives.
 * @param reasons reason -> what its differences look like  @returns differences without a reason, and reasons without a difference
 */
export function unexplained(differences: readonly string[], reasons: Readonly<Record<string, RegExp>>): string[] {
  const left = differences.filter(d => !Object.values(reasons).some(r => r.test(d)));
  const idle = Object.entries(reasons).filter(([, r]) => !differences.some(d => r.test(d)));
  return [...left, ...idle.map(([name]) => `nothing differs any more: ${name}`)];
}
