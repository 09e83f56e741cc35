import { expect, test } from 'vitest';
import * as L from '../../../../src/core/gen/layout.gen.ts';
import { SipMsg } from '../../../../src/core/sip-msg.ts';
import { openCore, place, statusName } from '../../../support/core.ts';

const handleOf = (core: ReturnType<typeof openCore>, msg: number) => core.mem.u32(msg + L.M_HANDLE);

test('msgAlloc() gives messages their own slots, handles, ids and bytes', () => {
  const core = openCore();
  const { x, mem } = core;
  const all = Array.from({ length: 300 }, (_, i) => place(core, `message ${i}`));
  expect(x.msgLive()).toBe(300);
  expect(new Set(all.map(m => handleOf(core, m))).size).toBe(300);
  all.forEach((msg, i) => {
    expect(mem.str(msg + L.MSG_BYTES, mem.u32(msg + L.M_LEN))).toBe(`message ${i}`);
    expect(mem.u32(msg + L.M_BUF)).toBe(msg + L.MSG_BYTES);
    expect(mem.u32(msg + L.M_ID)).toBe(i + 1);
    expect(x.msgByHandle(handleOf(core, msg))).toBe(msg);
  });
  for (const msg of all) x.msgFree(msg);
  expect(x.msgLive()).toBe(0);
});

test('a stale handle finds nothing, and freeing twice frees nothing else', () => {
  const core = openCore();
  const { x } = core;
  const first = place(core, 'a');
  const handle = handleOf(core, first);
  const message = new SipMsg(core, first);
  message.assertLive();
  x.msgFree(first);
  expect(x.msgByHandle(handle)).toBe(0);
  expect(() => message.assertLive()).toThrow(expect.objectContaining({ code: 'KEMI_ERR_STALE_MSG' }));
  const second = place(core, 'b');
  expect(second).toBe(first);
  expect(handleOf(core, second)).not.toBe(handle);
  expect(() => message.assertLive()).toThrow();
  x.msgFree(0);
  x.msgFree(second);
  x.msgFree(second);
  expect(x.msgLive()).toBe(0);
  for (const bad of [0, 1, 0xffff, 0xffffffff, 0x7fffffff]) expect(x.msgByHandle(bad)).toBe(0);
});

test('generations go on past 65535 and are never 0', () => {
  const core = openCore();
  const { x } = core;
  const seen = new Set<number>();
  for (let i = 0; i < 65536; i++) {
    const msg = x.msgAlloc(1);
    seen.add(handleOf(core, msg));
    x.msgFree(msg);
  }
  expect(seen.size).toBe(65535);
  expect([...seen].every(h => h >>> 16 > 0)).toBe(true);
});

test('a fresh slot has nothing of the message before', () => {
  const core = openCore();
  const { x, mem } = core;
  const msg = place(core, 'INVITE sip:a SIP/2.0\r\nTo: x\r\n\r\n');
  x.msgIndex(msg);
  mem.u8.fill(0xff, msg + L.M_SFLAGS, msg + L.M_EDITS);
  x.editAdd(msg, 0, 1, 0, 0, 0);
  x.replyAdd(msg, msg, 1);
  x.msgFree(msg);
  expect(place(core, 'b')).toBe(msg);
  for (const field of [
    L.M_KIND,
    L.M_NHDR,
    L.M_DONE,
    L.M_SFLAGS,
    L.M_MFLAGS,
    L.M_NEWURI,
    L.M_DSTURI,
    L.M_SRCIP,
    L.M_EDITS,
    L.M_NEDITS,
    L.M_LUMPS,
    L.M_REPLYBODY,
    L.M_NEWSTATUS,
    L.M_SOFTERR,
  ])
    expect(mem.u8[msg + field]).toBe(0);
  expect(mem.i32(msg + L.M_CLEN)).toBe(-1);
});

test('size classes take up to 65535 bytes', () => {
  const core = openCore();
  const { x } = core;
  const classes = [0, 2048, 2049, 8192, 8193, 65535].map(n => {
    const msg = x.msgAlloc(n);
    const size = core.mem.u8[msg + L.M_CLASS];
    x.msgFree(msg);
    return size;
  });
  expect(classes).toEqual([0, 0, 1, 1, 2, 2]);
  expect(statusName(x.msgAlloc(65536))).toBe('ST_TOO_BIG');
  expect(statusName(x.msgAlloc(-1))).toBe('ST_TOO_BIG');
});

test('msgLimit() bounds the messages that are alive', () => {
  const core = openCore();
  const { x } = core;
  x.msgLimit(3);
  const all = [1, 2, 3].map(n => x.msgAlloc(n));
  expect(statusName(x.msgAlloc(1))).toBe('ST_NO_SLOT');
  x.msgFree(all[0]);
  expect(x.msgAlloc(1)).toBeGreaterThan(0);
});

test('the memory stays flat over many messages of all sizes', () => {
  const core = openCore();
  const { x } = core;
  const round = () => {
    const all = Array.from({ length: 200 }, (_, i) => x.msgAlloc([100, 5000, 60000][i % 3]!));
    for (const msg of all) {
      x.arenaAlloc(msg, 100_000);
      x.msgFree(msg);
    }
  };
  round();
  const bytes = core.mem.memory.buffer.byteLength;
  for (let i = 0; i < 50; i++) round();
  expect(core.mem.memory.buffer.byteLength).toBe(bytes);
});

test('when the memory limit is reached, msgAlloc() says so and works again later', () => {
  const core = openCore('core', 400);
  const { x } = core;
  const all: number[] = [];
  let status: number;
  while ((status = x.msgAlloc(65535)) > 0) all.push(status);
  expect(statusName(status)).toBe('ST_NO_MEMORY');
  expect(all.length).toBeGreaterThan(50);
  for (const msg of all) x.msgFree(msg);
  expect(x.msgAlloc(100)).toBeGreaterThan(0);
});

test('arenaAlloc() gives zero-overlap blocks until the share of the message is used up', () => {
  const core = openCore();
  const { x } = core;
  const msg = x.msgAlloc(10);
  let last = 0;
  let total = 0;
  for (;;) {
    const at = x.arenaAlloc(msg, 1000);
    if (!at) break;
    expect(at % 8).toBe(0);
    core.mem.u8.fill(1, at, at + 1000);
    expect(at).not.toBe(last);
    last = at;
    total += 1000;
  }
  expect(total).toBeGreaterThan(700_000);
  expect(total).toBeLessThanOrEqual(1 << 20);
  expect(x.arenaAlloc(msg, -1)).toBe(0);
  expect(x.arenaAlloc(msg, (1 << 20) + 1)).toBe(0);
  x.msgFree(msg);
  expect(x.msgLive()).toBe(0);
});
