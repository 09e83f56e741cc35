import fs from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { TlsContexts, type TlsSource } from '../../../../src/transport/node/tls-context.ts';
import { recordingLogger } from '../../../support/log.ts';
import { SERVER, tlsFile, tlsText } from '../../../support/tls.ts';

const file = tlsFile;
const pem = tlsText;
const ADDRESS = { ip: '127.0.0.1', port: 5061 };

describe('TlsContexts', () => {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    await Promise.all(closing.splice(0).map(close => close()));
  });

  function folder(files: Record<string, string> = {}): string {
    const dir = fs.mkdtempSync(path.join(tmpdir(), 'tls-context-'));
    closing.push(() => fs.rmSync(dir, { recursive: true }));
    for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(dir, name), text);
    return dir;
  }

  const withConfig = (text: string): TlsSource => ({ config: path.join(folder({ 'tls.cfg': text }), 'tls.cfg') });

  /** A listener that takes TLS by an acceptor, and counts what becomes of its connections. */
  async function listen(contexts: TlsContexts, timeoutMs = 2000) {
    const failed: string[] = [];
    const secured: tls.TLSSocket[] = [];
    const acceptor = contexts.acceptor(ADDRESS, timeoutMs, {
      secured: socket => {
        secured.push(socket);
        socket.on('error', () => {});
        socket.on('data', data => socket.write(data));
      },
      failed: (_raw, why) => failed.push(why),
    });
    const server = net.createServer({ allowHalfOpen: true }, raw => {
      raw.on('error', () => {});
      acceptor.accept(raw);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise(resolve => server.close(resolve)));
    closing.push(() => secured.forEach(s => void s.destroy()));
    return { port: (server.address() as net.AddressInfo).port, failed, secured };
  }

  /** @returns what the peer saw: the server's CN and an echo, or how it ended */
  function ask(port: number, options: tls.ConnectionOptions = {}): Promise<string> {
    return new Promise(resolve => {
      const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
      closing.push(() => socket.destroy());
      socket.on('secureConnect', () => socket.write('hello'));
      socket.on('data', data => {
        const { subject } = socket.getPeerCertificate();
        resolve(`${subject.CN} ${socket.getProtocol()} ${data}`);
        socket.destroy();
      });
      socket.on('error', error => resolve((error as NodeJS.ErrnoException).code ?? error.message));
      socket.on('close', () => resolve('closed'));
    });
  }

  it('serves with one certificate, and takes no version below TLS 1.2', async () => {
    const { port, failed } = await listen(new TlsContexts({ settings: SERVER }));
    expect(await ask(port)).toBe('localhost TLSv1.3 hello');
    expect(await ask(port, { maxVersion: 'TLSv1.2' })).toBe('localhost TLSv1.2 hello');
    expect(await ask(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' })).toMatch(
      /^ERR_SSL/,
    );
    expect(failed).toEqual([expect.stringMatching(/version|protocol/)]);
  });

  it('chooses the certificate by the name that is asked for', async () => {
    const contexts = new TlsContexts(
      withConfig(`
[server:default]
certificate = ${file('server.pem')}
private_key = ${file('server.key')}
[server:any]
certificate = ${file('example.pem')}
private_key = ${file('example.key')}
server_name = example.com
server_name_mode = 1
`),
    );
    const { port } = await listen(contexts);
    expect(await ask(port, { servername: 'sip.example.com' })).toMatch(/^sip\.example\.com /);
    expect(await ask(port, { servername: 'example.com' })).toMatch(/^sip\.example\.com /);
    expect(await ask(port, { servername: 'localhost' })).toMatch(/^localhost /);
    expect(await ask(port)).toMatch(/^localhost /);
  });

  it('takes only who has a certificate of the CA, when asked to', async () => {
    const settings = { ...SERVER, caList: file('ca.pem'), verifyCertificate: true, requireCertificate: true };
    const { port, failed, secured } = await listen(
      new TlsContexts({ settings: { ...settings, crl: file('crl.pem') } }),
    );
    const as = (name: string) => ({ cert: pem(`${name}.pem`), key: pem(`${name}.key`) });
    expect(await ask(port, as('client'))).toMatch(/hello$/);
    for (const wrong of [{}, as('stranger'), as('revoked')]) expect(await ask(port, wrong)).not.toMatch(/hello/);
    expect(secured.length).toBe(1);
    expect(failed).toEqual([
      'the peer has no certificate',
      expect.stringMatching(/^the peer's certificate is not trusted: UNABLE_TO_/),
      "the peer's certificate is not trusted: CERT_REVOKED",
    ]);
  });

  it('verify_certificate alone lets peers without a certificate in; optional_no_ca everybody', async () => {
    const stranger = { cert: pem('stranger.pem'), key: pem('stranger.key') };
    const optional = await listen(
      new TlsContexts({ settings: { ...SERVER, caList: file('ca.pem'), verifyCertificate: true } }),
    );
    expect(await ask(optional.port)).toMatch(/hello/);
    expect(await ask(optional.port, stranger)).not.toMatch(/hello/);
    const open = await listen(new TlsContexts({ settings: { ...SERVER, verifyClient: 'optional_no_ca' } }));
    expect(await ask(open.port, stranger)).toMatch(/hello/);
    expect(open.secured[0]).toMatchObject({ authorized: false });
  });

  it('asks each name for what its own profile wants', async () => {
    const contexts = new TlsContexts(
      withConfig(`
[server:default]
certificate = ${file('server.pem')}
private_key = ${file('server.key')}
[server:any]
certificate = ${file('example.pem')}
private_key = ${file('example.key')}
ca_list = ${file('ca.pem')}
verify_client = on
server_name = example.com
`),
    );
    const { port } = await listen(contexts);
    expect(await ask(port)).toMatch(/hello/);
    expect(await ask(port, { servername: 'example.com' })).not.toMatch(/hello/);
    const client = { cert: pem('client.pem'), key: pem('client.key') };
    expect(await ask(port, { servername: 'example.com', ...client })).toMatch(/hello/);
  });

  it('ends a handshake that stalls, and one that is none', async () => {
    const { port, failed } = await listen(new TlsContexts({ settings: SERVER }), 100);
    const stalled = net.connect(port, '127.0.0.1');
    const closed = new Promise(resolve => stalled.on('close', resolve));
    closing.push(() => stalled.destroy());
    await closed;
    expect(failed).toEqual([expect.stringMatching(/timeout/i)]);
    const plain = net.connect(port, '127.0.0.1');
    plain.on('error', () => {});
    plain.write('OPTIONS sip:a SIP/2.0\r\n\r\n');
    await new Promise(resolve => plain.on('close', resolve));
    expect(failed.length).toBe(2);
    const gone = net.connect(port, '127.0.0.1');
    gone.on('connect', () => gone.resetAndDestroy());
    while (failed.length < 3) await new Promise(resolve => setTimeout(resolve, 5));
  });

  it('load() takes new files for new connections; a bad one changes nothing', async () => {
    const dir = folder({ 'c.pem': pem('server.pem'), 'k.pem': pem('server.key') });
    const contexts = new TlsContexts({ settings: { certificate: 'c.pem', privateKey: 'k.pem' }, folder: dir });
    const { port, secured } = await listen(contexts);
    expect(await ask(port)).toMatch(/^localhost/);
    const old = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    closing.push(() => old.destroy());
    await new Promise(resolve => old.once('secureConnect', resolve));
    fs.writeFileSync(path.join(dir, 'c.pem'), pem('example.pem'));
    expect(() => contexts.load()).toThrow(
      `the private key ${dir}/k.pem does not belong to the certificate ${dir}/c.pem`,
    );
    expect(await ask(port)).toMatch(/^localhost/);
    fs.writeFileSync(path.join(dir, 'k.pem'), pem('example.key'));
    contexts.load();
    expect(await ask(port)).toMatch(/^sip\.example\.com/);
    old.write('still there');
    expect(String(await new Promise(resolve => old.once('data', resolve)))).toBe('still there');
    expect(secured.length).toBe(4);
  });

  it.each([
    [
      'no such file',
      { certificate: '/nowhere/c.pem' },
      /^Cannot read the certificate \/nowhere\/c\.pem: no such file$/,
    ],
    ['no certificate', { certificate: file('server.key') }, /there is no PEM certificate in .*server\.key/],
    ['no key', { certificate: file('server.pem') }, /there is no PEM private key in .*server\.pem/],
    [
      'a key of another',
      { certificate: file('server.pem'), privateKey: file('client.key') },
      /the private key .*client\.key does not belong to the certificate .*server\.pem/,
    ],
    ['no ciphers', { ...SERVER, cipherList: 'NOTHING' }, /\[server:default\]: .*no cipher match/i],
    ['a CA list that is a folder', { ...SERVER, caList: '/tmp' }, /Cannot read the CA list \/tmp: it is no plain file/],
    ['a method', { ...SERVER, method: 'SSLv3' }, /SSLv3 is broken/],
  ])('load() says which file is wrong: %s', (_what, settings, message) => {
    const contexts = new TlsContexts({ settings });
    expect(() => contexts.load()).toThrow(message);
    expect(() => contexts.load()).toThrow(expect.objectContaining({ code: 'KEMI_ERR_CONFIG' }));
  });

  it('load() refuses what leaves a listening address without a certificate', async () => {
    const dir = folder({
      'tls.cfg': `[server:default]\ncertificate = ${file('server.pem')}\nprivate_key = ${file('server.key')}\n`,
    });
    const contexts = new TlsContexts({ config: path.join(dir, 'tls.cfg') });
    const { port } = await listen(contexts);
    fs.writeFileSync(path.join(dir, 'tls.cfg'), '[client:default]\n');
    expect(() => contexts.load()).toThrow(/Cannot serve TLS on tls:127\.0\.0\.1:5061: it has no certificate/);
    expect(await ask(port)).toMatch(/^localhost/);
  });

  it('says that a profile has no certificate, and warns of one that can trust nobody', () => {
    const server = `[server:default]\ncertificate = ${file('server.pem')}\nprivate_key = ${file('server.key')}\n`;
    const bare = withConfig(`${server}[server:any]\nserver_name = a\n`);
    expect(() => new TlsContexts(bare).load()).toThrow(
      'Cannot use the TLS profile [server:any]: it has no certificate',
    );
    const log = recordingLogger();
    new TlsContexts({
      ...withConfig(
        `${server}verify_client = on\n[client:default]\nca_list = ${file('ca.pem')}\nverify_certificate = yes\n`,
      ),
      log,
    }).load();
    expect(log.lines.map(l => l.message)).toEqual([
      '[server:default] looks at certificates and trusts no CA: none is good; set ca_list',
    ]);
  });

  it('says that there is no certificate for an address, and how to give one', () => {
    expect(() => new TlsContexts({}).serverSide(ADDRESS)).toThrow(
      /tls:127\.0\.0\.1:5061: it has no certificate; give --tls-cert/,
    );
  });

  it('sections of a tls.cfg take nothing from each other or from modparams, but for the default certificate', () => {
    const text = `[server:default]\ncertificate = ${file('server.pem')}\nprivate_key = ${file('server.key')}\nserver_name = d\n[server:127.0.0.1:5061]\nverify_depth = 3\n`;
    const dir = folder({ 'tls.cfg': text, 'cert.pem': pem('example.pem') + pem('example.key') });
    const contexts = new TlsContexts({
      config: 'tls.cfg',
      folder: dir,
      settings: { ...SERVER, verifyCertificate: true },
    });
    contexts.load();
    expect(contexts.profiles).toEqual([
      { side: 'server', name: '127.0.0.1:5061', ip: '127.0.0.1', port: 5061, verifyDepth: 3, certificate: 'cert.pem' },
      {
        side: 'server',
        name: 'default',
        certificate: file('server.pem'),
        privateKey: file('server.key'),
        serverName: 'd',
      },
      { side: 'client', name: 'default' },
    ]);
  });

  it('reads a folder of configs, and tells mistakes with file and line', () => {
    const dir = folder({
      'a.cfg': '[server:default]\nverify_depth = x\n',
      'b.cfg': '[client:nowhere]\n',
      'c.txt': 'no',
    });
    expect(() => new TlsContexts({ config: dir }).load()).toThrow(
      `${dir}/a.cfg:2: verify_depth: "x" is not a number from 0 to 100\n${dir}/b.cfg:1: [client:nowhere]: "nowhere" is not IP:PORT (IPv6 in brackets), default or any`,
    );
  });

  it('warns of a certificate that has expired, and serves with it', () => {
    const log = recordingLogger();
    new TlsContexts({ settings: { certificate: file('expired.pem'), privateKey: file('expired.key') }, log }).load();
    expect(log.lines.map(l => l.message)).toEqual(
      Array(2).fill(`The certificate ${file('expired.pem')} is not valid since Jan  1 00:00:00 2021 GMT`),
    );
  });

  describe('as a client', () => {
    /** @returns undefined when the server is one to talk to */
    async function connect(
      contexts: TlsContexts,
      port: number,
      target = {},
    ): Promise<{ refused: string | undefined; sni: unknown }> {
      const side = contexts.client({ ip: '127.0.0.1', port, ...target });
      const socket = tls.connect({ host: '127.0.0.1', port, ...side.options });
      closing.push(() => socket.destroy());
      await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
      return { refused: side.refusal(socket), sni: side.options.servername };
    }

    it('looks at nothing by default, as Kamailio; at the certificate with verify_certificate; at its name too when there is one', async () => {
      const { port } = await listen(new TlsContexts({ settings: SERVER }));
      const trusted = { caList: file('ca.pem'), verifyCertificate: true };
      expect(await connect(new TlsContexts({}), port)).toEqual({ refused: undefined, sni: undefined });
      expect(await connect(new TlsContexts({ settings: trusted }), port)).toEqual({
        refused: undefined,
        sni: undefined,
      });
      const strange = await connect(new TlsContexts({ settings: { ...trusted, caList: file('other-ca.pem') } }), port);
      expect(strange.refused).toMatch(/not trusted: UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED|UNABLE_TO_GET/);
      const none = await connect(new TlsContexts({ settings: { verifyCertificate: true } }), port);
      expect(none.refused).toMatch(/not trusted/);
      const named = new TlsContexts({ settings: { ...trusted, serverName: 'localhost' } });
      expect(await connect(named, port)).toEqual({ refused: undefined, sni: 'localhost' });
      // an address is not asked for, but looked at
      expect(await connect(named, port, { serverName: '127.0.0.1' })).toEqual({ refused: undefined, sni: undefined });
      expect((await connect(named, port, { serverName: '192.0.2.1' })).refused).toMatch(/ALTNAME_INVALID/);
      const other = await connect(named, port, { serverName: 'example.com' });
      expect(other).toEqual({
        refused: expect.stringMatching(/not trusted: ERR_TLS_CERT_ALTNAME_INVALID/),
        sni: 'example.com',
      });
    });

    it('chooses its profile by id, by address, by name', () => {
      const contexts = new TlsContexts(
        withConfig(`
[client:default]
server_name = default
[client:192.0.2.1:5061]
server_name = address
[client:[2001:db8::1]:5061]
server_name = six
[client:any]
server_name = any
[client:any]
server_id = id
`),
      );
      const sni = (target: object) => contexts.client({ ip: '192.0.2.9', port: 5061, ...target }).options.servername;
      expect(sni({})).toBe('default');
      expect(sni({ ip: '192.0.2.1' })).toBe('address');
      expect(sni({ ip: '2001:db8::1' })).toBe('six');
      expect(sni({ serverId: 'nobody', ip: '192.0.2.1' })).toBe('address');
      expect(sni({ serverName: 'any' })).toBe('any');
      expect(sni({ serverId: 'id', ip: '192.0.2.1' })).toBeUndefined();
    });
  });
});
