/** Names in certificates, as pseudo-variables give them; and who asks without TLS. */
import { describe, expect, test } from 'vitest';
import { byteStrOf } from '../../../src/core/memory.ts';
import type { Certificate, Connections, Security } from '../../../src/kemi/host.ts';
import tls from '../../../src/modules/tls/index.ts';
import { alternativeName, certificateTime, nameLine, namePart, urlEncoded } from '../../../src/modules/tls/names.ts';
import { request, testRuntime } from '../../support/runtime.ts';

describe('names', () => {
  test('parts of a distinguished name, escapes undone, as bytes', () => {
    const name = 'C=DE\nO=A\\, B \\+ C\nCN=Jürgen\\0A\nOU=one\nOU=two';
    expect(namePart(name, 'O')).toBe('A, B + C');
    expect(namePart(name, 'CN')).toBe(byteStrOf('Jürgen\n'));
    expect(namePart(name, 'OU')).toBe('one');
    expect([namePart(name, 'L'), namePart('', 'CN')]).toEqual([null, null]);
    expect(nameLine('C=DE\nCN=a')).toBe('/C=DE/CN=a');
    expect(nameLine('')).toBeNull();
  });

  test('alternative names by kind', () => {
    const text =
      'DNS:a.example, URI:"sip:a,b", email:x@y, IP Address:192.0.2.1, DNS:b.example, othername:<unsupported>';
    expect(['DNS', 'URI', 'email', 'IP Address', 'RID'].map(label => alternativeName(text, label))).toEqual([
      'a.example',
      'sip:a,b',
      'x@y',
      '192.0.2.1',
      null,
    ]);
    // a name that tries to look like another one
    expect(alternativeName('DNS:"a, URI:sip:root@b"', 'URI')).toBeNull();
  });

  test('PEM for a header, times', () => {
    expect(urlEncoded('-----BEGIN A-----\nx+/=\n')).toBe('-----BEGIN%20A-----%0ax%2b%2f%3d%0a');
    expect(certificateTime(Date.UTC(2020, 0, 1))).toBe('Jan  1 00:00:00 2020 GMT');
    expect(certificateTime(Date.UTC(2120, 11, 31, 23, 59, 58))).toBe('Dec 31 23:59:58 2120 GMT');
  });
});

const certificate: Certificate = {
  pem: 'PEM\n',
  subject: 'CN=alice',
  issuer: 'CN=ca',
  serial: 'FF00000000000000000000000000000000000001',
  notBeforeMs: 0,
  notAfterMs: 0,
  version: 3,
  alternative: '',
};

function values(security: Security | undefined, names: readonly string[]): string[] {
  const script = `function ksr_request_route() ${names.map(n => `KSR.info(tostring(KSR.pv.get("$${n}")))`).join(' ')} end`;
  const connections = { security: () => security } as Partial<Connections> as Connections;
  const t = testRuntime(script, { connections, sockets: [{ proto: 'tls', ip: '127.0.0.1', port: 5061 }] });
  t.runtime.receive(Buffer.from(request()), { ip: '127.0.0.1', port: 40000, connection: 7 });
  return t.log.lines.map(l => l.message);
}

describe('pseudo-variables', () => {
  test('every one is null where there is no TLS', () => {
    const names = tls.pvs!.filter(pv => pv.inner === undefined).map(pv => pv.name);
    expect(names.length).toBe(59);
    expect(new Set(values(undefined, names))).toEqual(new Set(['nil']));
  });

  test('a serial number of any length; names in one line', () => {
    const security: Security = { version: 'TLSv1.3', cipher: 'C', bits: 256, verified: true, peer: certificate };
    expect(
      values(security, [
        'tls_peer_serial',
        'tls_peer_subject',
        'tls(p_issuer_line)',
        'tls_description',
        'tls_my_serial',
      ]),
    ).toEqual([BigInt(`0x${certificate.serial}`).toString(), '/CN=alice', '/CN=ca', 'C TLSv1.3', 'nil']);
  });

  test.each([
    ['CERT_REVOKED', '1 0 0'],
    ['CERT_HAS_EXPIRED', '0 1 0'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', '0 0 1'],
    ['SELF_SIGNED_CERT_IN_CHAIN', '0 0 0'],
  ])('what is wrong: %s', (verifyError, flags) => {
    const security: Security = { version: '', cipher: '', bits: 0, verified: false, verifyError, peer: certificate };
    expect(
      values(security, ['tls_peer_revoked', 'tls_peer_expired', 'tls_peer_selfsigned', 'tls_peer_verified']).join(' '),
    ).toBe(`${flags} 0`);
  });
});

test('RPC and functions where no transport has connections', async () => {
  const t = testRuntime(
    'function ksr_request_route() KSR.info(KSR.tls.is_peer_verified() .. " " .. KSR.tls.set_connect_server_id("x") .. " " .. KSR.tls.set_connect_server_id("") .. " " .. KSR.tcpops.tcp_close_connection()) end',
  );
  t.receive(request());
  expect(t.log.lines.map(l => l.message)).toEqual(['-1 1 1 -1']);
  const { rpc } = t.runtime;
  expect(await rpc.call('tls.list')).toEqual([]);
  expect(await rpc.call('core.tcp_list')).toEqual([]);
  expect(await rpc.call('tls.info')).toEqual({
    max_connections: 0,
    opened_connections: 0,
    clear_text_write_queued_bytes: 0,
  });
  expect(await rpc.call('core.tcp_info')).toMatchObject({ opened_connections: 0 });
  await expect(rpc.call('tls.reload')).rejects.toThrow('There is no TLS here');
});
