/** The built-in registrar and proxy between phones on TCP and on UDP: a phone behind a NAT is called by the connection that it registered by. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createServer, type Server } from '../../../../src/transport/node/index.ts';
import { answerTo, header } from '../../../support/proxy.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(): Promise<Server> {
  const server = await createServer({ listen: ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0'], aliases: ['example.com'] });
  closing.push(() => server.close(0));
  return server;
}

/** A phone on TCP: one connection, messages without bodies. */
async function tcpPhone(port: number) {
  const socket = net.connect(port, '127.0.0.1').setEncoding('latin1');
  closing.push(() => socket.destroy());
  await once(socket, 'connect');
  let text = '';
  socket.on('data', chunk => {
    text += chunk;
  });
  return {
    socket,
    send: (message: string) => socket.write(message, 'latin1'),
    /** The next message that begins like this; what comes before it is passed over. */
    async next(start: string): Promise<string> {
      for (;;) {
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) {
          await once(socket, 'data');
          continue;
        }
        const message = text.slice(0, end + 4);
        text = text.slice(end + 4);
        if (message.startsWith(start)) return message;
      }
    },
  };
}

async function udpPhone(port: number) {
  const socket = dgram.createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  closing.push(() => socket.close());
  await once(socket, 'listening');
  const got: string[] = [];
  socket.on('message', data => got.push(data.toString('latin1')));
  return {
    port: socket.address().port,
    send: (message: string) => socket.send(message, port, '127.0.0.1'),
    async next(start: string): Promise<string> {
      for (;;) {
        const message = got.shift();
        if (message === undefined) await once(socket, 'message');
        else if (message.startsWith(start)) return message;
      }
    },
  };
}

const BOB = '<sip:bob@example.com>';
const message = (
  method: string,
  uri: string,
  via: string,
  more: string[],
  to = BOB,
  from = '<sip:alice@example.com>;tag=from',
) =>
  `${[
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/${via};rport;branch=z9hG4bK${Math.random().toString(36).slice(2)}`,
    `From: ${from}`,
    `To: ${to}`,
    `Call-ID: ${method === 'REGISTER' ? 'r' : 'c'}@example.com`,
    `CSeq: 1 ${method}`,
    'Max-Forwards: 70',
    ...more,
    'Content-Length: 0',
  ].join('\r\n')}\r\n\r\n`;

it('a call from UDP reaches a phone behind a NAT by its TCP connection, and goes on along two Record-Routes', async () => {
  const server = await start();
  const [udp, tcp] = server.sockets;
  const bob = await tcpPhone(tcp!.port);
  // the address is Bob's own, and means nothing here
  const contact = ['Contact: <sip:bob@10.99.0.5:5060;transport=tcp>', 'Expires: 600'];
  bob.send(message('REGISTER', 'sip:example.com', 'TCP 10.99.0.5:5060', contact, BOB, `${BOB};tag=r`));
  expect(await bob.next('SIP/2.0')).toMatch(/^SIP\/2\.0 200 /);

  const alice = await udpPhone(udp!.port);
  const via = `UDP 127.0.0.1:${alice.port}`;
  const aliceContact = [`Contact: <sip:alice@127.0.0.1:${alice.port}>`];
  alice.send(message('INVITE', 'sip:bob@example.com', via, aliceContact));
  const invite = await bob.next('INVITE');
  expect(header(invite, 'Via')).toMatch(new RegExp(`^SIP/2\\.0/TCP 127\\.0\\.0\\.1:${tcp!.port};branch=`));
  const routes = [...invite.matchAll(/^Record-Route: (.*)\r$/gm)].map(m => m[1]!);
  expect(routes.map(r => r.replace(/;lr.*>/, ';lr>'))).toEqual([
    `<sip:127.0.0.1:${tcp!.port};transport=tcp;r2=on;lr>`,
    `<sip:127.0.0.1:${udp!.port};r2=on;lr>`,
  ]);
  bob.send(answerTo(invite, 200, 'OK', { tag: 'b', headers: contact.slice(0, 1) }));
  const ok = await alice.next('SIP/2.0 200');
  const remote = /<(.*)>/.exec(header(ok, 'Contact'))![1]!;
  const back = [...routes].reverse().map(r => `Route: ${r}`);
  alice.send(message('ACK', remote, via, back, header(ok, 'To')));
  expect(header(await bob.next('ACK'), 'CSeq')).toBe('1 ACK');
  // Bob hangs up: from his connection to Alice's datagrams
  bob.send(
    message(
      'BYE',
      `sip:alice@127.0.0.1:${alice.port}`,
      'TCP 10.99.0.5:5060',
      routes.map(r => `Route: ${r}`),
      '<sip:alice@example.com>;tag=from',
      header(ok, 'To'),
    ),
  );
  const bye = await alice.next('BYE');
  alice.send(answerTo(bye, 200, 'OK'));
  expect(await bob.next('SIP/2.0')).toMatch(/^SIP\/2\.0 200 /);
  expect(server.runtime.stats.get('tcp', 'connect_success')).toBe(0);
});

it('nobody listens at the contact: the caller hears of it at once', async () => {
  const server = await start();
  const [, tcp] = server.sockets;
  const free = net.createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as net.AddressInfo;
  await new Promise(resolve => free.close(resolve));
  const phone = await tcpPhone(tcp!.port);
  const local = (phone.socket.address() as net.AddressInfo).port;
  const contact = [`Contact: <sip:bob@127.0.0.1:${port};transport=tcp>`, 'Expires: 600'];
  phone.send(message('REGISTER', 'sip:example.com', `TCP 127.0.0.1:${local}`, contact, BOB, `${BOB};tag=r`));
  expect(await phone.next('SIP/2.0')).toMatch(/^SIP\/2\.0 200 /);
  phone.send(
    message('INVITE', 'sip:bob@example.com', `TCP 127.0.0.1:${local}`, [
      `Contact: <sip:alice@127.0.0.1:${local};transport=tcp>`,
    ]),
  );
  expect(await phone.next('SIP/2.0 1')).toMatch(/^SIP\/2\.0 100 /);
  expect(await phone.next('SIP/2.0')).toMatch(/^SIP\/2\.0 4(77|80) /);
});
