import { describe, expect, it } from 'vitest';
import { type LintTree, lintLua } from '../../../src/interp/lua/lint.ts';

const FUNCTIONS: Record<string, string[]> = {
  is_INVITE: [],
  'sl.sl_send_reply': ['int', 'str'],
  'hdr.append': ['str'],
};
const tree: LintTree = {
  params: path => FUNCTIONS[path],
  isModule: name => name === 'sl' || name === 'hdr',
  unavailable: path => (path.startsWith('tm.') ? `KSR.${path}: module tm is not available in this version` : undefined),
  suggest: path => (path === 'sl.sl_send_replyy' ? 'KSR.sl.sl_send_reply' : undefined),
};
const lint = (source: string) =>
  lintLua(source, 'x.lua', tree).map(d => `${d.line}:${d.column} ${d.severity} ${d.message}`);

describe('lintLua()', () => {
  it('says nothing about calls that fit', () => {
    expect(lint('if KSR.is_INVITE() then KSR.sl.sl_send_reply(200, "a, b") KSR.x.exit() end')).toEqual([]);
    expect(lint('KSR.hdr.append("X: " .. f(1, 2) .. "\\r\\n") KSR.hdr.append "x"')).toEqual([]);
    expect(lint('KSR.sl.sl_send_reply(f()) KSR.sl.sl_send_reply(...)')).toEqual([]);
  });
  it('names a misspelt function with line, column and the nearest name', () => {
    expect(lint('\n  KSR.sl.sl_send_replyy(1, "x")')).toEqual([
      '2:10 error KSR.sl.sl_send_replyy does not exist, did you mean KSR.sl.sl_send_reply',
    ]);
  });
  it('warns of functions of absent modules, and lets scripts ask whether a module is there', () => {
    expect(lint('if not KSR.tm then return end KSR.tm.t_relay()')).toEqual([
      '1:38 warning KSR.tm.t_relay: module tm is not available in this version',
    ]);
  });
  it('counts arguments across nested calls, tables and functions', () => {
    expect(lint('KSR.sl.sl_send_reply(200)')).toEqual([
      '1:8 error KSR.sl.sl_send_reply takes (int, str), 1 given: it would return false',
    ]);
    expect(lint('KSR.is_INVITE(1)')).toEqual([
      '1:5 error KSR.is_INVITE takes no parameters, 1 given: it would return false',
    ]);
    expect(lint('KSR.hdr.append("a", { 1, 2 }, function(a, b) return a, b end)')).toEqual([
      '1:9 warning KSR.hdr.append takes (str), 3 given: the rest is ignored',
    ]);
  });
  it('reads neither comments nor strings', () => {
    expect(
      lint('-- KSR.nope()\n--[[ KSR.nope() ]] local s = "KSR.nope()" local t = [[KSR.nope()]] a.KSR.nope()'),
    ).toEqual([]);
  });
  it('knows KSR.x', () => {
    expect(lint('KSR.x.exitt()')).toEqual([
      '1:7 error KSR.x.exitt does not exist: KSR.x has exit, drop, modf and probe',
    ]);
  });
});
