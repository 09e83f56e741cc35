/** The connection by which a request leaves: tcp_set_otcpid(), and what lookup() left. The rest of KSR.tcpops: test/unit/transport/node/server-tls.test.ts. */
import { describe, expect, test } from 'vitest';
import type { SendHow } from '../../../src/kemi/host.ts';
import { request, testRuntime } from '../../support/runtime.ts';

function send(before: string, how: 'KSR.forward()' | 'KSR.tm.t_relay()', uri = 'sip:bob@192.0.2.1;transport=tcp') {
  const sent: { ip: string; connection: number | undefined }[] = [];
  const t = testRuntime(`function ksr_request_route() ${before} ${how} end`, {
    sockets: [
      { proto: 'udp', ip: '127.0.0.1', port: 5060 },
      { proto: 'tcp', ip: '127.0.0.1', port: 5060 },
    ],
    send: (_socket, _data, ip, _port, given?: SendHow) => {
      sent.push({ ip, connection: given?.connection });
      return true;
    },
  });
  t.runtime.receive(Buffer.from(request('OPTIONS', uri)), { ip: '127.0.0.1', port: 5062 });
  return sent.filter(s => s.ip !== '127.0.0.1');
}

describe.each(['KSR.forward()', 'KSR.tm.t_relay()'] as const)('%s', how => {
  test('leaves by the named connection once the flag says so', () => {
    const set = 'KSR.tcpops.tcp_set_otcpid(77)';
    expect(send(set, how)).toEqual([{ ip: '192.0.2.1', connection: undefined }]);
    expect(send(`${set} KSR.tcpops.tcp_set_otcpid_flag(1)`, how)).toEqual([{ ip: '192.0.2.1', connection: 77 }]);
    expect(send(`${set} KSR.tcpops.tcp_set_otcpid_flag(1) KSR.tcpops.tcp_set_otcpid_flag(0)`, how)).toEqual([
      { ip: '192.0.2.1', connection: undefined },
    ]);
    expect(send('KSR.tcpops.tcp_set_otcpid_flag(1)', how)).toEqual([{ ip: '192.0.2.1', connection: undefined }]);
  });

  test('a datagram has none', () => {
    const set = 'KSR.tcpops.tcp_set_otcpid(77) KSR.tcpops.tcp_set_otcpid_flag(1)';
    expect(send(set, how, 'sip:bob@192.0.2.1')).toEqual([{ ip: '192.0.2.1', connection: undefined }]);
  });
});
