import { describe, expect, it } from 'vitest';
import { type LogLine, lineLogger } from '../../../../src/transport/edge/log.ts';

describe('lineLogger()', () => {
  const logger = (level: Parameters<typeof lineLogger>[0]) => {
    const lines: LogLine[] = [];
    return {
      lines,
      log: lineLogger(
        level,
        line => lines.push(line),
        () => 5,
      ),
    };
  };

  it('writes its level and above', () => {
    const { log, lines } = logger('warn');
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const) log[level]({}, level);
    expect(lines.map(l => l.msg)).toEqual(['warn', 'error', 'fatal']);
    const silent = logger('silent');
    silent.log.fatal({}, 'x');
    expect(silent.lines).toEqual([]);
  });

  it('fields that JSON cannot show become text, and none takes the place of level, time or message', () => {
    const { log, lines } = logger('trace');
    const circle: { self?: unknown } = {};
    circle.self = circle;
    log.info({ n: 1, big: 2n, circle, err: new TypeError('no'), level: 'x', msg: 'y', list: [{ a: 1 }] }, 'text');
    expect(lines).toEqual([
      {
        level: 'info',
        time: 5,
        msg: 'text',
        n: 1,
        big: '2',
        circle: '[object Object]',
        err: { message: 'no', stack: expect.stringContaining('TypeError: no') },
        list: [{ a: 1 }],
      },
    ]);
    expect(Object.keys(lines[0]!).slice(0, 3)).toEqual(['level', 'time', 'msg']);
    JSON.stringify(lines);
  });
});
