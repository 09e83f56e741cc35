import { expect, test } from 'vitest';
import * as L from '../../../../src/core/gen/layout.gen.ts';
import { openCore, withMsg } from '../../../support/core.ts';

const core = openCore();
const idOf = (method: string) =>
  withMsg(core, `${method} sip:a@b SIP/2.0\r\nCSeq: 1 ${method}\r\n\r\n`, m => {
    core.x.parseCseq(m.at);
    expect(core.mem.u32(m.at + L.M_CSEQ + 8)).toBe(m.methodId);
    return m.methodId;
  });

test('methodId() knows each method by its exact name', () => {
  L.METHODS.forEach((method, id) => {
    if (!method) return;
    expect(idOf(method)).toBe(id);
    for (const other of [`${method}S`, method.slice(0, -1), method.toLowerCase(), `X${method}`, `${method}${method}`])
      expect(L.METHODS.includes(other) ? 0 : idOf(other)).toBe(0);
  });
});

test('a method longer than any known is one of its own', () => {
  expect(idOf('A'.repeat(300))).toBe(0);
  expect(idOf('SUBSCRIBESUBSCR')).toBe(0);
});
