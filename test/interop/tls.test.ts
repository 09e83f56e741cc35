/**
 * Calls over TLS through the whole server with Kamailio's sample configuration: from TLS to TLS, and across to UDP and TCP and back, with two Record-Routes. SIPp of
 * Debian has no TLS: a tunnel gives it that. And what both servers say of a connection.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { identity, tlsFile } from '../support/tls.ts';
import { startKamailioWith } from './kamailio.ts';
import { needs } from './needs.ts';
import { configuration } from './scenario/servers.ts';
import { startServer } from './server.ts';
import { sipp, sippServer } from './sipp.ts';
import { type Tunnel, tunnel } from './tls-tunnel.ts';
import { lacksServer, type Which } from './with-server.ts';

const PORT = 22120;
const TLS_PORT = PORT + 1;
const CALLER = PORT + 2;
const CALLEE = PORT + 3;
const CALLER_TUNNEL = PORT + 4;
const CALLEE_TUNNEL = PORT + 5;
const FIXTURES = new URL('../fixtures/sipp/', import.meta.url).pathname;
const CALLS = 1_000;

const TLS_CONFIG = `[server:default]
certificate = ${tlsFile('server.pem')}
private_key = ${tlsFile('server.key')}
ca_list = ${tlsFile('ca.pem')}
verify_client = optional_no_ca
[client:default]
`;

async function withServer<T>(
  which: Which,
  text: (dir: string) => string,
  run: (dir: string) => Promise<T>,
): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'tls-'));
  const file = join(dir, 'kamailio.cfg');
  writeFileSync(join(dir, 'tls.cfg'), TLS_CONFIG);
  writeFileSync(file, text(dir));
  const server =
    which === 'kamailio'
      ? await startKamailioWith(file, PORT, dir)
      : await startServer(['-f', file, '--no-ctl', '--log-level', 'error'], PORT, 20_000);
  try {
    const result = await run(dir);
    // the real one logs an error for each pseudo-variable that has no value
    if (which === 'ours') expect(server.log()).not.toMatch(/error/i);
    return result;
  } finally {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The sample with UDP, TCP and TLS. */
const sample = (dir: string) =>
  configuration('basic', PORT, dir)
    .replace(/^#!KAMAILIO\n/, '#!KAMAILIO\n#!define WITH_TLS\n')
    .replace(/^disable_tcp=yes/m, 'tcp_max_connections=4096')
    .replace(
      /^listen=udp:.*/m,
      `listen=udp:127.0.0.1:${PORT}\nlisten=tcp:127.0.0.1:${PORT}\nlisten=tls:127.0.0.1:${TLS_PORT}`,
    )
    .replace(/"config", "[^"]*tls\.cfg"/, `"config", "${dir}/tls.cfg"`);

/** A scenario for a phone on that transport; one on TLS is reached at its tunnel. */
function scenario(dir: string, name: string, secure: boolean, port: number): string {
  const [via, contact] = secure
    ? ['SIP/2.0/TLS', `${port};transport=tls>\n`]
    : ['SIP/2.0/[transport]', '[local_port];transport=[transport]>\n'];
  const text = readFileSync(`${FIXTURES}${name}.xml`, 'utf8')
    .replaceAll('SIP/2.0/UDP', via)
    // behind a tunnel the server has another port than SIPp sends to
    .replaceAll('[remote_port]', String(secure ? TLS_PORT : PORT))
    .replaceAll('[local_port]>\n', contact);
  const file = join(dir, `${name}.xml`);
  writeFileSync(file, text);
  return file;
}

/** Sends a request over TLS. @returns the answer, up to the end of a message without body */
async function ask(text: string, options: tls.ConnectionOptions = {}): Promise<string> {
  const socket = tls.connect({ port: TLS_PORT, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  try {
    socket.write(text);
    let reply = '';
    for await (const chunk of socket.setEncoding('latin1')) {
      reply += chunk;
      if (reply.includes('\r\n\r\n')) break;
    }
    return reply;
  } finally {
    socket.destroy();
  }
}

/** The callee's phone registers as "service", the user that SIPp calls. */
async function registerCallee(contact: string): Promise<void> {
  const reply = await ask(
    `REGISTER sip:127.0.0.1:${PORT} SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:${CALLEE};branch=z9hG4bKcallee\r\nFrom: <sip:service@127.0.0.1:${PORT}>;tag=1\r\nTo: <sip:service@127.0.0.1:${PORT}>\r\nCall-ID: callee\r\nCSeq: 1 REGISTER\r\nContact: <sip:service@127.0.0.1:${contact}>\r\nExpires: 600\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`,
  );
  expect(reply).toMatch(/^SIP\/2\.0 200 /);
}

describe.each<Which>(['kamailio', 'ours'])('with %s as the server', which => {
  const skip = needs('sipp') || lacksServer(which) || needs('kamailio-tls-modules');

  test.skipIf(skip).each([
    ['one TLS connection, to a callee on TLS', 'tls', 't1', 'tls', 200],
    ['a TLS connection per call, to a callee on TLS', 'tls', 'tn', 'tls', 100],
    ['UDP, to a callee on TLS', 'udp', 'u1', 'tls', 200],
    ['TLS, to a callee on UDP', 'tls', 't1', 'udp', 200],
    ['TCP, to a callee on TLS', 'tcp', 't1', 'tls', 200],
  ])('SIPp calls by %s', { timeout: 120_000 }, async (_what, caller, mode, callee, rate) => {
    await withServer(which, sample, async dir => {
      const secure = { caller: caller === 'tls', callee: callee === 'tls' };
      const uas = sippServer([
        ...['-sf', scenario(dir, 'uas-routes', secure.callee, CALLEE_TUNNEL)],
        ...['-t', secure.callee ? 't1' : 'u1', '-p', String(CALLEE)],
      ]);
      const tunnels: Tunnel[] = [];
      try {
        if (secure.caller) tunnels.push(await tunnel('client', CALLER_TUNNEL, TLS_PORT));
        if (secure.callee) tunnels.push(await tunnel('server', CALLEE_TUNNEL, CALLEE));
        await registerCallee(secure.callee ? `${CALLEE_TUNNEL};transport=tls` : String(CALLEE));
        const result = await sipp([
          ...['-sf', scenario(dir, 'uac-routes', secure.caller, CALLER), '-t', mode, '-p', String(CALLER)],
          ...['-max_socket', '2000', '-m', String(CALLS), '-r', String(rate), '-l', '400'],
          `127.0.0.1:${secure.caller ? CALLER_TUNNEL : PORT}`,
        ]);
        expect([result.successful, result.failed, result.code], result.detail).toEqual([CALLS, 0, 0]);
        const invite = tunnels.at(-1)!.seen.in;
        if (secure.callee && caller !== 'tls') {
          const routes = [...invite.slice(0, invite.indexOf('\r\n\r\n')).matchAll(/^Record-Route: (.*)\r$/gm)].map(
            m => m[1],
          );
          expect(routes).toEqual([
            expect.stringMatching(new RegExp(`^<sip:127\\.0\\.0\\.1:${TLS_PORT};transport=tls;r2=on;lr`)),
            expect.stringMatching(
              caller === 'udp' ? new RegExp(`^<sip:127\\.0\\.0\\.1:${PORT};r2=on;lr`) : /transport=tcp;r2=on;lr/,
            ),
          ]);
        }
      } finally {
        for (const each of tunnels) await each.close();
        await uas.stop();
      }
    });
  });

  const NAMES =
    'version cipher_info cipher_bits peer_version peer_serial peer_subject_cn peer_subject_country peer_subject_state peer_subject_locality peer_subject_organization peer_subject_unit peer_subject_uid peer_issuer_cn peer_issuer_unit peer_san_email peer_san_hostname peer_san_uri peer_san_ip peer_verified peer_revoked peer_expired peer_selfsigned peer_notBefore peer_notAfter peer_server_name peer_urlencoded_cert my_version my_serial my_subject_cn my_subject_locality my_san_hostname my_san_ip my_san_uri my_urlencoded_cert'.split(
      ' ',
    );
  const LINES = ['m_subject_line', 'm_issuer_line', 'p_subject_line', 'p_issuer_line'];

  /** A config whose answers carry the pseudo-variables. */
  const telling = (dir: string) =>
    [
      '#!KAMAILIO',
      'debug=0',
      'log_stderror=yes',
      'children=1',
      'enable_tls=yes',
      `listen=udp:127.0.0.1:${PORT}`,
      `listen=tls:127.0.0.1:${TLS_PORT}`,
      ...['pv', 'sl', 'textops', 'tls'].map(name => `loadmodule "${name}.so"`),
      `modparam("tls", "config", "${dir}/tls.cfg")`,
      'request_route {',
      '  if (is_peer_verified()) append_to_reply("X-is_peer_verified: $rc\\r\\n"); else append_to_reply("X-is_peer_verified: $rc\\r\\n");',
      ...NAMES.map(name => `  append_to_reply("X-${name}: $tls_${name}\\r\\n");`),
      ...LINES.map(name => `  append_to_reply("X-${name}: $tls(${name})\\r\\n");`),
      '  sl_send_reply("200", "OK");',
      '}',
      '',
    ].join('\n');

  const options = `OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:5099;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`;

  test.skipIf(skip)('pseudo-variables of a connection', { timeout: 30_000 }, async () => {
    await withServer(which, telling, async () => {
      const told = async (name: string, more: tls.ConnectionOptions = {}) => {
        const reply = await ask(options, { ...(name && identity(name)), ...more });
        return Object.fromEntries([...reply.matchAll(/^X-(\w+): (.*)\r$/gm)].map(m => [m[1], m[2]]));
      };
      const client = await told('client', { servername: 'sip.example.com' });
      const { peer_urlencoded_cert: cert = '', my_urlencoded_cert: own = '', ...rest } = client;
      expect(decodeURIComponent(cert)).toBe(readFileSync(tlsFile('client.pem'), 'latin1'));
      expect(decodeURIComponent(own)).toBe(readFileSync(tlsFile('server.pem'), 'latin1'));
      expect(rest).toEqual(KNOWN);
      expect(await told('stranger', { maxVersion: 'TLSv1.2' })).toMatchObject({
        version: 'TLSv1.2',
        is_peer_verified: '-1',
        peer_subject_cn: 'stranger',
        peer_verified: '0',
        peer_selfsigned: '0',
        peer_server_name: '<null>',
      });
      expect(await told('expired')).toMatchObject({
        peer_verified: '0',
        peer_expired: '1',
        peer_subject_cn: 'expired',
      });
      expect(await told('')).toMatchObject({
        peer_subject_cn: '<null>',
        peer_verified: '0',
        peer_expired: '0',
        peer_serial: '<null>',
        peer_urlencoded_cert: '<null>',
        p_subject_line: '<null>',
      });
    });
  });
});

const PEER_PORT = PORT + 10;
const PEER_TLS = PEER_PORT + 1;

/** A server that answers "end" with what it knows of its peer, and sends the rest to the other one; both show certificates and look at them. */
const trunk = (dir: string, port: number, secure: number, to: number) =>
  [
    '#!KAMAILIO',
    'debug=0',
    'log_stderror=yes',
    'children=1',
    'enable_tls=yes',
    `listen=udp:127.0.0.1:${port}`,
    `listen=tls:127.0.0.1:${secure}`,
    ...['tm', 'sl', 'pv', 'tls'].map(name => `loadmodule "${name}.so"`),
    `modparam("tls", "config", "${dir}/tls.cfg")`,
    'request_route {',
    '  if ($rU == "end" && is_peer_verified()) { sl_send_reply("200", "$tls_peer_subject_cn"); exit; }',
    '  if ($rU == "ping") { sl_send_reply("200", "OK"); exit; }',
    '  $rU = "end";',
    `  $du = "sip:127.0.0.1:${to};transport=tls";`,
    '  t_relay();',
    '}',
    '',
  ].join('\n');

test.skipIf(needs('kamailio-tls-modules'))(
  'both servers, one calling the other, each with a certificate',
  { timeout: 60_000 },
  async () => {
    const dirs = [mkdtempSync(join(tmpdir(), 'tls-')), mkdtempSync(join(tmpdir(), 'tls-'))] as const;
    const file = (dir: string) => join(dir, 'kamailio.cfg');
    const profile = (side: string, name: string) =>
      `[${side}:default]\ncertificate = ${tlsFile(`${name}.pem`)}\nprivate_key = ${tlsFile(`${name}.key`)}\nca_list = ${tlsFile('ca.pem')}\nverify_certificate = yes\nrequire_certificate = yes\nmethod = TLSv1.2+\n`;
    writeFileSync(join(dirs[0], 'tls.cfg'), profile('server', 'server') + profile('client', 'server'));
    writeFileSync(join(dirs[1], 'tls.cfg'), profile('server', 'example') + profile('client', 'example'));
    writeFileSync(file(dirs[0]), trunk(dirs[0], PORT, TLS_PORT, PEER_TLS));
    writeFileSync(file(dirs[1]), trunk(dirs[1], PEER_PORT, PEER_TLS, TLS_PORT));
    const kamailio = await startKamailioWith(file(dirs[0]), PORT, dirs[0]);
    const ours = await startServer(['-f', file(dirs[1]), '--no-ctl', '--log-level', 'error'], PEER_PORT, 20_000);
    try {
      const reason = async (port: number) => /^SIP\/2\.0 (.*)\r/.exec(await askUdp(port))?.[1];
      expect(await reason(PORT)).toBe('200 localhost');
      expect(await reason(PEER_PORT)).toBe('200 sip.example.com');
      expect(ours.log()).toBe('');
    } finally {
      await ours.stop();
      await kamailio.stop();
      for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
    }
  },
);

/** Sends an OPTIONS to be relayed. @returns the answer */
async function askUdp(port: number): Promise<string> {
  const socket = createSocket('udp4');
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  try {
    const own = socket.address().port;
    socket.send(
      `OPTIONS sip:x@127.0.0.1:${port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${own};branch=z9hG4bK${port}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: ${port}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`,
      port,
      '127.0.0.1',
    );
    const [data] = await once(socket, 'message', { signal: AbortSignal.timeout(5000) });
    return String(data);
  } finally {
    socket.close();
  }
}

/** What the real one says of client.pem. */
const KNOWN = {
  is_peer_verified: '1',
  version: 'TLSv1.3',
  cipher_info: 'TLS_AES_256_GCM_SHA384',
  cipher_bits: '256',
  peer_version: '2',
  peer_serial: '18',
  peer_subject_cn: 'alice',
  peer_subject_country: 'FR',
  peer_subject_state: 'Bretagne',
  peer_subject_locality: 'Brest',
  peer_subject_organization: 'kemi-wasm tests',
  peer_subject_unit: 'Phones',
  peer_subject_uid: '<null>',
  peer_issuer_cn: 'Test CA',
  peer_issuer_unit: '<null>',
  peer_san_email: 'alice@example.com',
  peer_san_hostname: 'alice.example.com',
  peer_san_uri: 'sip:alice@example.com',
  peer_san_ip: '192.0.2.5',
  peer_verified: '1',
  peer_revoked: '0',
  peer_expired: '0',
  peer_selfsigned: '0',
  peer_notBefore: 'Jan  1 00:00:00 2020 GMT',
  peer_notAfter: 'Jan  1 00:00:00 2120 GMT',
  peer_server_name: 'sip.example.com',
  my_version: '2',
  my_serial: '16',
  my_subject_cn: 'localhost',
  my_subject_locality: 'Berlin',
  my_san_hostname: 'localhost',
  my_san_ip: '127.0.0.1',
  my_san_uri: '<null>',
  m_subject_line: '/C=DE/L=Berlin/O=kemi-wasm tests/OU=SIP/CN=localhost',
  m_issuer_line: '/O=kemi-wasm tests/CN=Test CA',
  p_subject_line: '/C=FR/ST=Bretagne/L=Brest/O=kemi-wasm tests/OU=Phones/CN=alice/emailAddress=alice@example.com',
  p_issuer_line: '/O=kemi-wasm tests/CN=Test CA',
};
