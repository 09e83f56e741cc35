/** What a server reads of its machine: files of scripts, their changes, names. */
import dgram from 'node:dgram';
import fs from 'node:fs';
import path from 'node:path';
import type * as NodeServer from '../../../../src/transport/node/index.ts';
import { ScriptFiles } from '../../../../src/transport/node/script-files.ts';
import { watchFiles } from '../../../../src/transport/node/watch.ts';
import { decode, equal, ok, rejects, sleep, until } from '../check.ts';
import type { Case, Suite } from '../suite.ts';
import { inFolder } from './folder.ts';

export function filesContract({ nodeResolver }: Pick<typeof NodeServer, 'nodeResolver'>): Suite[] {
  return [
    {
      name: 'files of a script and their changes',
      ability: 'files, watcher, names',
      cases: [
        inFolder('a script reads what lies beside and below it, and nothing else', root => {
          const folder = path.join(root, 'scripts');
          fs.mkdirSync(path.join(folder, 'lib'), { recursive: true });
          fs.writeFileSync(path.join(folder, 'lib', 'a.lua'), 'a');
          fs.writeFileSync(path.join(root, 'secret.lua'), 'secret');
          fs.symlinkSync(path.join(root, 'secret.lua'), path.join(folder, 'link.lua'));
          fs.symlinkSync(root, path.join(folder, 'up'));
          const { read } = new ScriptFiles(path.join(folder, 'main.lua'));
          equal(decode(read(path.join(folder, 'lib/a.lua'))!), 'a');
          for (const name of ['../secret.lua', 'link.lua', 'up/secret.lua', '/etc/passwd', '', 'lib', '..', 'none.lua'])
            equal(read(path.resolve(folder, name)), undefined, name);
        }),
        inFolder(
          'the watcher tells of a write, of a rename over the file, and of a file that appears',
          async folder => {
            const main = path.join(folder, 'main.lua');
            const later = path.join(folder, 'later.lua');
            fs.writeFileSync(main, 'main');
            let changes = 0;
            const watcher = await watchFiles(
              () => [main, later],
              () => void changes++,
            );
            try {
              fs.writeFileSync(main, 'changed');
              await until(() => changes === 1, 'the first change');
              fs.writeFileSync(`${main}~`, 'replaced');
              fs.renameSync(`${main}~`, main);
              await until(() => changes === 2, 'the second change');
              fs.writeFileSync(later, 'new');
              await until(() => changes === 3, 'the third change');
              fs.writeFileSync(path.join(folder, 'other.lua'), 'x');
              await sleep(300);
              equal(changes, 3);
            } finally {
              await watcher.close();
            }
          },
        ),
      ],
    },
    { name: 'names', ability: 'files, watcher, names', cases: names(nodeResolver) },
  ];
}

function names(nodeResolver: typeof NodeServer.nodeResolver): Case[] {
  return [
    {
      name: 'the hosts file is read',
      async run() {
        const found = await nodeResolver().addresses('localhost');
        ok(
          found.some(a => a.ip === '127.0.0.1' && a.family === 4),
          `127.0.0.1 in ${JSON.stringify(found)}`,
        );
      },
    },
    {
      name: 'a name that does not exist has no addresses',
      async run() {
        equal(
          await nodeResolver()
            .addresses('nosuchhost.invalid')
            .catch(() => []),
          [],
        );
      },
    },
    {
      name: 'SRV and NAPTR records come from the DNS server; a name without them is an empty answer; no server, a failure',
      async run() {
        const server = await dnsServer();
        const { port } = server.address();
        const resolver = nodeResolver({ servers: [`127.0.0.1:${port}`], timeoutMs: 1000, tries: 1 });
        try {
          equal(await resolver.srv('_sip._udp.example.org'), [
            { priority: 10, weight: 5, port: 5070, target: 'a.example.org' },
          ]);
          equal(await resolver.naptr('example.org'), [
            {
              order: 1,
              preference: 2,
              flags: 's',
              services: 'SIP+D2U',
              regexp: '',
              replacement: '_sip._udp.example.org',
            },
          ]);
          equal(await resolver.srv('_sip._udp.nowhere.test'), []);
        } finally {
          server.close();
        }
        await rejects(
          nodeResolver({ servers: [`127.0.0.1:${port}`], timeoutMs: 100, tries: 1 }).srv('_sip._udp.x.org'),
        );
      },
    },
  ];
}

/** Labels of a name as DNS writes them. */
const labels = (name: string) =>
  Buffer.concat([...name.split('.').map(l => Buffer.from([l.length, ...Buffer.from(l)])), Buffer.from([0])]);
const u16 = (...values: number[]) => Buffer.from(values.flatMap(v => [v >> 8, v & 255]));

/** A DNS server that knows one SRV record and one NAPTR record of names with "example", and no other name. */
async function dnsServer(): Promise<dgram.Socket> {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (query, from) => {
    const end = query.indexOf(0, 12) + 5;
    const question = query.subarray(12, end);
    const type = query.readUInt16BE(end - 4);
    const data =
      type === 33
        ? Buffer.concat([u16(10, 5, 5070), labels('a.example.org')])
        : Buffer.concat([u16(1, 2), Buffer.from('\x01s\x07SIP+D2U\0', 'latin1'), labels('_sip._udp.example.org')]);
    const known = question.includes('example') && (type === 33 || type === 35);
    const answer = known ? Buffer.concat([u16(0xc00c, type, 1, 0, 60, data.length), data]) : Buffer.alloc(0);
    const header = Buffer.concat([query.subarray(0, 2), u16(known ? 0x8180 : 0x8183, 1, known ? 1 : 0, 0, 0)]);
    socket.send(Buffer.concat([header, question, answer]), from.port, from.address);
  });
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  return socket;
}
