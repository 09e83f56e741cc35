import { beforeEach, describe, expect, test } from 'vitest';
import type { ModParamValues } from '../../../../src/kemi/table.ts';
import xlog from '../../../../src/modules/xlog/index.ts';
import { pvBench } from '../../../support/pv.ts';

const open = (params: ModParamValues = {}) => {
  const bench = pvBench({ modules: [xlog], params: { xlog: params } });
  bench.message('BYE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nX-A: caf\xc3\xa9\r\n\r\n');
  return bench;
};
let bench = open();
const last = () => bench.lines.at(-1);

describe('KSR.xlog', () => {
  beforeEach(() => {
    bench = open();
  });

  test.each([
    ['L_ALERT', 'fatal', -5],
    ['L_BUG', 'fatal', -4],
    ['L_CRIT', 'fatal', -3],
    ['L_ERR', 'error', undefined],
    ['L_WARN', 'warn', undefined],
    ['L_NOTICE', 'info', undefined],
    ['L_INFO', 'info', undefined],
    ['L_DBG', 'debug', undefined],
    ['L_X', 'error', undefined],
    ['', 'error', undefined],
    ['$var(level)', 'warn', undefined],
    ['$var(text)', 'error', undefined],
    ['$nosuch', 'error', undefined],
  ])('xlog(%j) logs at %s', (name, level, kamailioLevel) => {
    bench.set('$var(level)', 0);
    bench.set('$var(text)', 'x');
    expect(bench.call('xlog.xlog', name, 'method $rm')).toBe(1);
    expect(last()).toEqual({ level, fields: kamailioLevel ? { kamailioLevel } : {}, message: '<script>: method BYE' });
  });

  test.each([
    ['xalert', 'fatal'],
    ['xcrit', 'fatal'],
    ['xerr', 'error'],
    ['xwarn', 'warn'],
    ['xnotice', 'info'],
    ['xinfo', 'info'],
    ['xdbg', 'debug'],
  ])('%s() logs at %s', (name, level) => {
    expect(bench.call(`xlog.${name}`, '$$ $hdr(No) $hdr(X-A)\n')).toBe(1);
    expect(last()).toMatchObject({ level, message: '<script>: $ <null> café' });
  });

  test('says -1 for a text that does not parse, and logs why', () => {
    expect(bench.call('xlog.xinfo', 'a $nope b')).toBe(-1);
    expect(bench.errors[0]).toContain('$nope');
    expect(bench.lines).toEqual([]);
  });

  test('xlog_facility() and log_facility name a facility', () => {
    expect(bench.call('xlog.xlog_facility', 'LOG_LOCAL3', 'L_INFO', 'x')).toBe(1);
    expect(last()).toEqual({ level: 'info', fields: { facility: 'LOG_LOCAL3' }, message: '<script>: x' });
    bench = open({ log_facility: 'LOG_DAEMON' });
    bench.call('xlog.xerr', 'x');
    expect(last()!.fields).toEqual({ facility: 'LOG_DAEMON' });
  });

  test('prefix, prefix_mode and buf_size shape the line', () => {
    bench = open({ prefix: '[$rm] ', buf_size: 5 });
    bench.call('xlog.xinfo', 'abcdefgh');
    expect(last()!.message).toBe('[$rm] abcde');
    bench = open({ prefix: '[$rm] ', prefix_mode: 1 });
    bench.call('xlog.xinfo', 'x');
    expect(last()!.message).toBe('[BYE] x');
    bench = open({ prefix: '' });
    bench.call('xlog.xinfo', '');
    expect(last()!.message).toBe('');
  });

  test.each([
    ['xx', '\x1b[0;39;49m'],
    ['bx', '\x1b[0;34;49m'],
    ['rg', '\x1b[0;31;42m'],
    ['Bs', '\x1b[1;34;40m'],
    ['pc', '\x1b[0;35;46m'],
  ])('$C(%s) is an escape sequence', (name, value) => {
    expect(bench.get(`$C(${name})`)).toBe(value);
  });

  test('$C() of other letters does not compile', () => {
    for (const name of ['qq', 'x', 'RG', 'Xx', 'yW', 'xxx']) expect(bench.get(`$C(${name})`), name).toBeUndefined();
  });
});
