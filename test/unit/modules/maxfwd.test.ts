import { expect, test } from 'vitest';
import { bytesOf } from '../../../src/core/memory.ts';
import { testRuntime } from '../../support/runtime.ts';

const request = (maxForwards?: string) =>
  bytesOf(
    [
      'OPTIONS sip:b@127.0.0.1:5070 SIP/2.0',
      'Via: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKa',
      'From: <sip:a@example.net>;tag=f',
      'To: <sip:b@example.com>',
      'Call-ID: c',
      'CSeq: 1 OPTIONS',
      ...(maxForwards === undefined ? [] : [`Max-Forwards: ${maxForwards}`]),
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );

function forwarded(maxForwards?: string, limit?: number) {
  const { runtime, sent, log } = testRuntime(
    'function ksr_request_route() KSR.err(KSR.maxfwd.process_maxfwd(10)) KSR.forward() end',
    limit === undefined ? {} : { modparams: [{ module: 'maxfwd', name: 'max_limit', value: limit }] },
  );
  runtime.receive(request(maxForwards), { ip: '127.0.0.1', port: 5062 });
  return [
    log.lines.find(l => l.level === 'error')?.message,
    ...(sent[0]?.text.match(/^Max-Forwards:.*(?=\r$)/gm) ?? []),
  ];
}

test('process_maxfwd() counts down what is forwarded, same width', () => {
  expect(forwarded('70')).toEqual(['1', 'Max-Forwards: 69']);
  expect(forwarded('0070')).toEqual(['1', 'Max-Forwards:   69']);
  expect(forwarded('1')).toEqual(['1', 'Max-Forwards: 0']);
});

test('process_maxfwd() adds the header when it is missing', () => {
  expect(forwarded()).toEqual(['2', 'Max-Forwards: 10']);
});

test('process_maxfwd() lowers a value to max_limit', () => {
  expect(forwarded('255')).toEqual(['1', 'Max-Forwards:  70']);
  expect(forwarded('255', 7)).toEqual(['1', 'Max-Forwards:   7']);
});

test('max_limit outside of 1..255 is an error', () => {
  expect(() => forwarded('70', 0)).toThrow(/max_limit/);
  expect(() => forwarded('70', 256)).toThrow(/max_limit/);
});
