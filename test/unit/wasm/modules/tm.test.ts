/** What tm asks of the core: keys of requests, what a reply's branch says, answers that are kept. */
import { describe, expect, test } from 'vitest';
import * as L from '../../../../src/core/gen/layout.gen.ts';
import type { Core } from '../../../../src/core/load.ts';
import type { ByteStr } from '../../../../src/core/memory.ts';
import { byteStr } from '../../../../src/core/memory.ts';
import { bytesAt, openCore, output, place, sip, withMsg } from '../../../support/core.ts';

const request = (branch: string, method = 'INVITE') =>
  sip([
    `${method} sip:b@x SIP/2.0`,
    `Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK${branch}`,
    'From: <sip:a@x>;tag=f',
    'To: <sip:b@x>',
    'Call-ID: c',
    `CSeq: 1 ${method}`,
  ]);
const reply = (vias: readonly string[], cseq = '1 INVITE') =>
  sip([
    'SIP/2.0 180 Ringing',
    ...vias.map(v => `Via: ${v}`),
    'From: <sip:a@x>;tag=f',
    'To: <sip:b@x>;tag=t',
    'Call-ID: c',
    `CSeq: ${cseq}`,
  ]);

/** words of tmFound() */
const BRANCH = 4;
const METHOD = 8;
const NEXT_VIA = 12;
const BLOCK = 16;

function open(build: 'core' | 'core.debug'): Core {
  const core = openCore(build);
  core.x.tmSetup(bytesAt(core, '0123456789abcdef'), 6, 3);
  return core;
}

for (const build of ['core', 'core.debug'] as const)
  describe(build, () => {
    test('a request is found by its key; the key follows its bytes when they change in place', () => {
      const core = open(build);
      const { x, mem } = core;
      const write = (msg: number, text: ByteStr) => {
        mem.putStr(mem.u32(msg + L.M_BUF), text);
        expect(x.msgIndex(msg)).toBeGreaterThanOrEqual(0);
      };
      const msg = place(core, request('one'));
      write(msg, request('one'));
      expect(x.tmFind(msg)).toBe(0);
      expect(x.tmInsert(msg, 7)).toBe(1);
      expect(x.tmFind(msg)).toBe(7);
      write(msg, request('two'));
      expect(x.tmFind(msg)).toBe(0);
      write(msg, request('one'));
      expect(x.tmFind(msg)).toBe(7);
      withMsg(core, request('two'), m => expect(x.tmFind(m.at)).toBe(0));
      withMsg(core, request('one', 'ACK'), m => {
        expect(x.tmFind(m.at)).toBe(7);
        expect(x.tmFindDialog(m.at)).toBe(0);
        expect(x.tmInsertDialog(msg, 7)).toBe(1);
        expect(x.tmFindDialog(m.at)).toBe(7);
      });
      withMsg(core, request('one', 'CANCEL'), m => {
        expect(x.tmFind(m.at)).toBe(0);
        expect(x.tmFindCanceled(m.at)).toBe(7);
        expect(x.tmFind(m.at)).toBe(0);
      });
      x.tmRemove(7);
      expect(x.tmFind(msg)).toBe(0);
      withMsg(core, request('one', 'ACK'), m => expect(x.tmFindDialog(m.at)).toBe(0));
      expect(x.tmTable()).toBe(0);
      x.msgFree(msg);
    });

    test('a slot that is used again has the key of its new message', () => {
      const core = open(build);
      const { x } = core;
      withMsg(core, request('one'), m => x.tmInsert(m.at, 1));
      withMsg(core, request('two'), m => x.tmInsert(m.at, 2));
      for (let i = 0; i < 4; i++) {
        withMsg(core, request('one'), m => expect(x.tmFind(m.at)).toBe(1));
        withMsg(core, request('two'), m => expect(x.tmFind(m.at)).toBe(2));
      }
    });

    test('a reply says transaction, label, branch, method, and whether it has a Via below ours', () => {
      const core = open(build);
      const { x, mem } = core;
      const found: number = x.tmFound();
      const prefix = 'SIP/2.0/UDP 192.0.2.9;branch=';
      const via = byteStr(
        mem.bytes(x.tmViaLine(), x.tmVia(0, bytesAt(core, prefix), prefix.length, 5, 0xabcdef01, 11) - 2),
      );
      const next = 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx';
      for (const [vias, below] of [
        [[via, next], 1],
        [[`${via}, ${next}`], 1],
        [[via], 0],
      ] as const)
        withMsg(core, reply(vias), m => {
          expect(x.tmMatchReply(m.at)).toBe(5);
          expect(mem.u32(found)).toBe(0xabcdef01);
          expect(mem.u32(found + BRANCH)).toBe(11);
          expect(mem.u32(found + METHOD)).toBe(L.METHOD_INVITE);
          expect(mem.u32(found + NEXT_VIA)).toBe(below);
        });
      withMsg(core, reply([via], '1 CANCEL'), m => {
        expect(x.tmMatchReply(m.at)).toBe(5);
        expect(mem.u32(found + METHOD)).toBe(L.METHOD_CANCEL);
      });
      withMsg(core, reply([via.replace(/.$/, 'c'), next]), m => expect(x.tmMatchReply(m.at)).toBe(0));
      withMsg(core, reply([next]), m => expect(x.tmMatchReply(m.at)).toBe(0));
    });

    test('an answer is kept in the place of the one before it; what cannot be built changes nothing', () => {
      const core = open(build);
      const { x, mem } = core;
      const found: number = x.tmFound();
      const reason = bytesAt(core, 'trying');
      withMsg(core, request('one'), m => {
        const length: number = x.tmAnswer(m.at, 100, reason, 6, 0);
        const first = mem.u32(found + BLOCK);
        expect(byteStr(mem.bytes(first, length))).toBe(output(core, length));
        expect(output(core, length)).toMatch(/^SIP\/2\.0 100 trying\r\n/);
        expect(m.u32(L.M_MFLAGS) & L.MFL_FINAL_REPLY).toBe(0);
        expect(x.tmBlocks()).toBe(1);
        expect(x.tmAnswer(m.at, 99, reason, 6, first)).toBe(-L.ST_STATUS);
        expect(x.tmBlocks()).toBe(1);
        expect(x.tmAnswer(m.at, 404, reason, 6, first)).toBeGreaterThan(0);
        expect(m.u32(L.M_MFLAGS) & L.MFL_FINAL_REPLY).not.toBe(0);
        expect(x.tmBlocks()).toBe(1);
        x.tmDrop(mem.u32(found + BLOCK));
      });
      withMsg(core, reply(['SIP/2.0/UDP 192.0.2.9', 'SIP/2.0/UDP 192.0.2.1']), m => {
        const length: number = x.tmRelay(m.at, 0);
        expect(byteStr(mem.bytes(mem.u32(found + BLOCK), length))).toBe(reply(['SIP/2.0/UDP 192.0.2.1']));
        x.tmDrop(mem.u32(found + BLOCK));
      });
      withMsg(core, reply([]), m => expect(x.tmRelay(m.at, 0)).toBe(-L.ST_NO_VIA));
      expect(x.tmBlocks()).toBe(0);
    });
  });
