import { expect, test } from 'vitest';
import { silentLogger } from '../../../../src/core/log.ts';
import { bytesOf } from '../../../../src/core/memory.ts';
import { testRuntime } from '../../../support/runtime.ts';

const request = (id: number) =>
  bytesOf(
    [
      'OPTIONS sip:b@example.com SIP/2.0',
      `Via: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bK${id}`,
      'From: <sip:a@example.net>;tag=f',
      'To: <sip:b@example.com>',
      `Call-ID: c${id}`,
      `CSeq: ${id} OPTIONS`,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );
const FROM = { ip: '127.0.0.1', port: 5062 };

test('script flags begin at 0 in each route, whatever the route before left', () => {
  const { runtime, log } = testRuntime(`function ksr_request_route()
    KSR.err(tostring(KSR.issflagset(3)) .. tostring(KSR.isflagset(4)) .. KSR.pv.get('$sf'))
    KSR.setsflag(3) KSR.setflag(4)
    KSR.err(tostring(KSR.issflagset(3)) .. tostring(KSR.isflagset(4)) .. KSR.pv.get('$sf'))
  end`);
  runtime.receive(request(1), FROM);
  runtime.receive(request(2), FROM);
  const lines = log.lines.filter(l => l.level === 'error').map(l => l.message);
  expect(lines).toEqual(['falsefalse0', 'truetrue8', 'falsefalse0', 'truetrue8']);
});

test('a callback that a route runs has script flags of its own', () => {
  const lines: string[] = [];
  const error = (_fields: object, line: string) => {
    lines.push(line);
    // in the middle of the route, as a module would
    if (line === 'outer') runtime.host.runRoute('nested');
  };
  const { runtime } = testRuntime(
    `
    function nested() KSR.err(KSR.pv.get('$sf') .. '') KSR.setsflag(7) end
    function ksr_request_route() KSR.setsflag(3) KSR.err('outer') KSR.err(KSR.pv.get('$sf') .. '') end`,
    { log: { ...silentLogger, level: 'debug', error } },
  );
  runtime.receive(request(1), FROM);
  expect(lines).toEqual(['outer', '0', '8']);
});

test('set_drop() does nothing in the request route, and keeps a reply from going on', () => {
  const { runtime, sent } = testRuntime(`
  function ksr_request_route() KSR.set_drop() KSR.sl.sl_send_reply(200, 'OK') end
  function ksr_reply_route() KSR.set_drop() end`);
  runtime.receive(request(1), FROM);
  expect(sent).toHaveLength(1);
  const reply = `SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx\r\nVia: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKy\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: r\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`;
  runtime.receive(bytesOf(reply), FROM);
  expect(sent).toHaveLength(1);
});
