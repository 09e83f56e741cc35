/** TLS beyond the contract of a transport: certificates by name, who may speak, what is sent to whom, reload. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import type * as NodeServer from '../../../../src/transport/node/index.ts';
import type { Source } from '../../../../src/transport/transport.ts';
import { identity, SERVER, tlsFile, tlsText } from '../../../support/tls.ts';
import { contains, encode, equal, sleep, throws, until } from '../check.ts';
import type { Case, Suite } from '../suite.ts';
import { inFolder } from './folder.ts';

export type TlsFunctions = Pick<typeof NodeServer, 'TcpTransport' | 'TlsContexts'>;

const MESSAGE = encode('OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n');

export function tlsContract({ TcpTransport, TlsContexts }: TlsFunctions): Suite {
  /** The servers and clients of one case. */
  class World {
    readonly #close: (() => unknown)[] = [];

    async listen(source: NodeServer.TlsSource, limits: Partial<NodeServer.TcpLimits> = {}) {
      const contexts = new TlsContexts(source);
      const transport = new TcpTransport({ tls: contexts, limits });
      this.#close.push(() => transport.close());
      const [socket] = await transport.open([{ proto: 'tls', host: '127.0.0.1', port: 0 }]);
      const got: Source[] = [];
      transport.start((_bytes, from) => void got.push(from));
      return { contexts, transport, got, port: socket!.port };
    }

    client(port: number, options: tls.ConnectionOptions = {}): tls.TLSSocket {
      const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
      socket.on('error', () => {});
      this.#close.push(() => socket.destroy());
      return socket;
    }

    /** name in the certificate that the server shows */
    async shown(port: number, servername?: string): Promise<unknown> {
      const socket = this.client(port, servername === undefined ? {} : { servername });
      await once(socket, 'secureConnect');
      return socket.getPeerCertificate().subject.CN;
    }

    async close(): Promise<void> {
      for (const close of this.#close.reverse()) await close();
    }
  }

  const inWorld = (name: string, run: (w: World, folder: string) => Promise<void>): Case =>
    inFolder(name, async folder => {
      const world = new World();
      try {
        await run(world, folder);
      } finally {
        await world.close();
      }
    });

  const verifying = { ...SERVER, caList: tlsFile('ca.pem'), verifyCertificate: true };

  return {
    name: 'TLS',
    ability: 'SIP over TLS',
    cases: [
      inWorld('the certificate follows the name that is asked for', async (w, folder) => {
        const config = path.join(folder, 'tls.cfg');
        const section = (name: string) =>
          `certificate = ${tlsFile(`${name}.pem`)}\nprivate_key = ${tlsFile(`${name}.key`)}\n`;
        fs.writeFileSync(
          config,
          `[server:default]\n${section('server')}[server:any]\nserver_name = example.com\nserver_name_mode = 1\n${section('example')}`,
        );
        const { port } = await w.listen({ config });
        equal(await w.shown(port), 'localhost');
        equal(await w.shown(port, 'sip.example.com'), 'sip.example.com');
        equal(await w.shown(port, 'nobody.example.org'), 'localhost');
      }),
      inWorld('a client without a certificate that leads to the CA is not heard', async w => {
        const { got, port, transport } = await w.listen({ settings: { ...verifying, requireCertificate: true } });
        for (const options of [{}, identity('stranger')]) {
          const socket = w.client(port, options);
          socket.write(MESSAGE);
          await once(socket, 'close');
        }
        w.client(port, identity('client')).write(MESSAGE);
        await until(() => got.length === 1, 'the good one');
        equal(transport.statistics.tls_handshake_failed, 2);
      }),
      inWorld('a server whose certificate does not lead to the CA is told nothing; the sender hears of it', async w => {
        const there = await w.listen({ settings: SERVER });
        const good = await w.listen({ settings: verifying });
        equal(good.transport.send(0, MESSAGE, '127.0.0.1', there.port), true);
        await until(() => there.got.length === 1, 'the message');
        const strict = await w.listen({ settings: { ...verifying, caList: tlsFile('other-ca.pem') } });
        let lost = 0;
        equal(strict.transport.send(0, MESSAGE, '127.0.0.1', there.port, { lost: () => lost++ }), true);
        await until(() => lost === 1, 'the news');
        await sleep(50);
        equal(there.got.length, 1);
      }),
      inWorld('new certificates count for new connections; wrong ones change nothing', async (w, folder) => {
        const put = (name: string) => {
          fs.writeFileSync(path.join(folder, 'c.pem'), tlsText(`${name}.pem`));
          fs.writeFileSync(path.join(folder, 'k.pem'), tlsText(`${name}.key`));
        };
        put('server');
        const settings = { certificate: 'c.pem', privateKey: 'k.pem' };
        const { contexts, port } = await w.listen({ settings, folder });
        equal(await w.shown(port), 'localhost');
        put('example');
        fs.writeFileSync(path.join(folder, 'k.pem'), tlsText('server.key'));
        contains(
          throws(() => contexts.load(), 'KEMI_ERR_CONFIG').message,
          /k\.pem does not belong to the certificate .*c\.pem/,
        );
        equal(await w.shown(port), 'localhost');
        put('example');
        contexts.load();
        equal(await w.shown(port), 'sip.example.com');
      }),
      inWorld('a handshake that stalls ends in time', async w => {
        const { port, transport } = await w.listen({ settings: SERVER }, { connectMs: 300 });
        const stalled = net.connect(port, '127.0.0.1');
        stalled.on('error', () => {});
        await until(() => transport.connections === 1, 'it');
        await until(() => transport.connections === 0, 'its end');
        stalled.destroy();
        const next = w.client(port);
        await once(next, 'secureConnect');
      }),
    ],
  };
}
