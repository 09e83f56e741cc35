/** What forwarded messages and replies look like: test/golden/write/*.md. The bytes were recorded from Kamailio; where they differ from 5.6.3's, the prose says why. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as L from '../../src/core/gen/layout.gen.ts';
import type { SipMsg } from '../../src/core/sip-msg.ts';
import { bytesAt, openCore, output, withMsg } from '../support/core.ts';
import { fromBlock, readCases, rewrite, toBlock } from './golden.ts';

const SERVER = 'Server: test';
const FOLDER = new URL('./write/', import.meta.url);

for (const build of ['core', 'core.debug'] as const) {
  const core = openCore(build);
  core.x.setServerHeader(bytesAt(core, SERVER), SERVER.length);
  const reason = (text: string) => bytesAt(core, text);
  const source = (m: SipMsg, ip: string, port: number) => {
    m.setU32(L.M_SRCIP, m.store(ip));
    m.setU32(L.M_SRCIP + 4, ip.length);
    m.setU16(L.M_SRCPORT, port);
  };
  /** one line of a steps block; the last one returns what was written */
  const step = (m: SipMsg, line: string): string | undefined => {
    const [, word = '', rest = ''] = /^(\S+) ?(.*)$/.exec(line)!;
    const text = `${rest}\r\n`;
    switch (word) {
      case 'source':
        source(m, rest.split(' ')[0]!, Number(rest.split(' ')[1]));
        break;
      case 'append':
        m.appendHeader(text);
        break;
      case 'insert':
        m.insertHeader(text);
        break;
      case 'before':
      case 'after': {
        const h = m.named(rest.split(' ')[0]!)[0]!;
        m.edit(word === 'before' ? h.offset : h.end, 0, `${rest.slice(rest.indexOf(' ') + 1)}\r\n`, L.EK_ADD_HDR);
        break;
      }
      case 'remove':
        for (const h of m.named(rest)) m.removeHeader(h.index);
        break;
      case 'body':
        m.edit(m.bodyOffset, m.length - m.bodyOffset, rest, L.EK_BODY);
        break;
      case 'uri':
        m.ruri = rest;
        break;
      case 'force_rport':
        m.setU32(L.M_MFLAGS, L.MFL_FORCE_RPORT);
        break;
      case 'append_to_reply':
        m.addReplyHeader(text);
        break;
      case 'reply_body':
        m.setReplyBody(rest.slice(rest.indexOf(' ') + 1), rest.split(' ')[0]!);
        break;
      case 'status': {
        const phrase = rest.slice(4);
        m.setU16(L.M_NEWSTATUS, Number(rest.slice(0, 3)));
        m.setU32(L.M_NEWREASON, m.store(phrase));
        m.setU32(L.M_NEWREASON + 4, phrase.length);
        break;
      }
      case 'reply':
        return output(core, core.x.replyBuild(m.at, Number(rest.slice(0, 3)), reason(rest.slice(4)), rest.length - 4));
      case 'forward':
        return output(core, core.x.msgForward(m.at, reason(text), text.length, -1));
      case 'forward_reply':
        return output(core, core.x.msgReplyForward(m.at));
      case 'write':
        return m.applied();
      default:
        throw new Error(`unknown step ${line}`);
    }
    return undefined;
  };

  for (const name of readdirSync(FOLDER)) {
    const file = new URL(name, FOLDER);
    test.each(readCases(file))(`${build} ${name}: $title`, ({ title, blocks }) => {
      withMsg(core, fromBlock(blocks.get('sip')!), (m, status) => {
        expect(status).toBe(0);
        source(m, '127.0.0.1', 20021);
        let written: string | undefined;
        for (const line of blocks.get('steps')!.trim().split('\n')) written = step(m, line);
        const block = toBlock(written!.replace(/[0-9a-f]{32}\.[0-9a-f]{8}/, 'TAG'));
        if (process.env.UPDATE_GOLDEN) rewrite(file, title, 'out', block);
        else expect(block).toBe(blocks.get('out'));
      });
      expect(core.x.msgLive()).toBe(0);
    });
  }
}
