import { expect, it } from 'vitest';
import { bytesOf } from '../../../src/core/memory.ts';
import { levelOf } from '../../../src/modules/kex/kex.ts';
import { testRuntime } from '../../support/runtime.ts';

it('KSR.kex.setdebug() and resetdebug()', async () => {
  const t = testRuntime(`function ksr_request_route()
    print(KSR.kex.setdebug(-1), KSR.get_debug())
    KSR.info("hidden\\n")
    KSR.err("seen\\n")
    print(KSR.kex.setdebug(-100), KSR.get_debug())
    KSR.crit("hidden\\n")
    print(KSR.kex.resetdebug(), KSR.get_debug())
    KSR.info("seen too\\n")
  end`);
  t.runtime.receive(
    bytesOf(
      'OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n',
    ),
    { ip: '127.0.0.1', port: 5070 },
  );
  // print() goes to the log; this logger keeps all it gets, so what is missing the core kept back
  expect(t.log.lines.map(l => l.message)).toEqual(['1\t-1', 'seen', expect.stringMatching(/^1\t/), '1\t3', 'seen too']);
  expect(t.log.level).toBe('trace');
  await t.runtime.close();
});

it.each([
  [100, 'debug'],
  [3, 'debug'],
  [2, 'info'],
  [0, 'warn'],
  [-1, 'error'],
  [-5, 'fatal'],
  [-6, 'silent'],
])('level %i is %s', (debug, level) => {
  expect(levelOf(debug)).toBe(level);
});
