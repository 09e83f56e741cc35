/** The contract of src/transport/transport.ts: what every transport must do, whatever it runs on. */
import type { Socket } from '../../../src/kemi/host.ts';
import type { Source, Transport } from '../../../src/transport/transport.ts';
import { contains, decode, encode, equal, ok, rejects, sleep, until } from './check.ts';
import type { Suite } from './suite.ts';

export interface TransportFixture {
  create(): Transport;
  /** an address that can be opened, with a free port of the caller's choice or 0 */
  readonly host: string;
  readonly otherFamily: string;
  /** UDP when absent */
  readonly proto?: 'udp' | 'tcp' | 'tls';
  /** what carries the text, for transports that must see where a message ends; the text itself when absent */
  readonly frame?: (text: string) => string;
  /** longest datagram that the network takes; absent: it takes any */
  readonly maxBytes?: number;
  /** why none of it can be asked here */
  readonly skip?: string | undefined;
}

interface Got {
  readonly text: string;
  readonly length: number;
  readonly from: Source;
  readonly socket: number;
}

/** @param fixture is asked once for each case */
export function transportContract(name: string, fixture: () => TransportFixture): Suite {
  const { proto = 'udp', host, otherFamily, frame = text => text, maxBytes, skip } = fixture();
  const datagrams = proto === 'udp';
  const bytes = (text: string) => encode(frame(text));

  /** The transports of one case; all of them are closed behind it. */
  class World {
    readonly #open: Transport[] = [];

    create(): Transport {
      const t = fixture().create();
      this.#open.push(t);
      return t;
    }

    listen(t: Transport, port = 0): Promise<readonly Socket[]> {
      return t.open([{ proto, host, port }]);
    }

    /** a transport that listens, and where */
    async listening(): Promise<[Transport, Socket]> {
      const t = this.create();
      const [socket] = await this.listen(t);
      return [t, socket!];
    }

    collect(t: Transport): { got: Got[]; count: (n: number) => Promise<Got[]> } {
      const got: Got[] = [];
      t.start((b, from, socket) => void got.push({ text: decode(b), length: b.length, from, socket }));
      const count = async (n: number) => {
        await until(() => got.length >= n, `message ${n}`);
        return got;
      };
      return { got, count };
    }

    async close(): Promise<void> {
      await Promise.all(this.#open.map(t => t.close()));
    }
  }

  const cases: [name: string, run: (w: World) => Promise<void>][] = [
    [
      'open() gives each socket an index, the address and the port it got',
      async w => {
        const t = w.create();
        const first = await w.listen(t);
        const second = await w.listen(t);
        equal(
          [first, second].map(([s]) => [s!.index, s!.proto, s!.ip]),
          [
            [0, proto, host],
            [1, proto, host],
          ],
        );
        ok(first[0]!.port > 0, 'a port');
        equal(t.sockets, [...first, ...second]);
      },
    ],
    [
      'open() of an address in use throws KEMI_ERR_LISTEN and leaves no socket of that call behind',
      async w => {
        const [, taken] = await w.listening();
        const b = w.create();
        const wanted = [
          { proto, host, port: 0 },
          { proto, host, port: taken.port },
        ] as const;
        for (let i = 0; i < 2; i++) contains((await rejects(b.open(wanted), 'KEMI_ERR_LISTEN')).message, 'in use');
        equal(b.sockets, []);
      },
    ],
    [
      'send() carries the bytes from the named socket to the receiver, with their source',
      async w => {
        const a = w.create();
        const from = [...(await w.listen(a)), ...(await w.listen(a))];
        const [b, to] = await w.listening();
        const { count } = w.collect(b);
        equal(a.send(1, bytes('one'), to.ip, to.port), true);
        const [message] = await count(1);
        equal([message!.text, message!.socket], [frame('one'), 0]);
        equal([message!.from.ip, message!.from.family], [from[1]!.ip, host.includes(':') ? 6 : 4]);
        if (datagrams) equal([message!.from.port, message!.from.connection], [from[1]!.port, undefined]);
        else ok(message!.from.port > 0 && message!.from.connection! > 0, 'a port and a connection');
        const { length } = bytes('one');
        equal([b.counters.received, b.counters.receivedBytes], [1, length]);
        await a.close();
        equal([a.counters.sent, a.counters.sentBytes, a.counters.sendErrors], [1, length, 0]);
      },
    ],
    [
      'send() copies: the caller may reuse the bytes at once',
      async w => {
        const [a] = await w.listening();
        const [b, to] = await w.listening();
        const { count } = w.collect(b);
        const buffer = bytes('first');
        a.send(0, buffer, to.ip, to.port);
        buffer.set(bytes('XXXXX'));
        a.send(0, buffer, to.ip, to.port);
        const got = await count(2);
        equal(got.map(d => d.text).sort(), [frame('XXXXX'), frame('first')].sort());
      },
    ],
    [
      '2,000 messages in turns of 50 all arrive, and the answers to them',
      async w => {
        const [a, self] = await w.listening();
        const [b, to] = await w.listening();
        const back = w.collect(a);
        let seen = 0;
        b.start((data, from, socket) => {
          seen++;
          const how = from.connection === undefined ? undefined : { connection: from.connection };
          b.send(socket, data, datagrams ? self.ip : from.ip, datagrams ? self.port : from.port, how);
        });
        const texts = Array.from({ length: 2000 }, (_, i) => `number ${i} ${'x'.repeat(i % 1300)}`);
        for (let i = 0; i < texts.length; i += 50) {
          for (const text of texts.slice(i, i + 50)) equal(a.send(0, bytes(text), to.ip, to.port), true);
          await back.count(i + 50);
        }
        equal(seen, 2000);
        equal(new Set(back.got.map(g => g.text)).size, 2000);
        equal(
          back.got.every(g => g.length === encode(g.text).length),
          true,
        );
      },
    ],
    [
      'never calls the receiver from inside send()',
      async w => {
        const [a, self] = await w.listening();
        let sending = false;
        const seen: boolean[] = [];
        a.start(() => void seen.push(sending));
        sending = true;
        a.send(0, bytes('to myself'), self.ip, self.port);
        sending = false;
        await until(() => seen.length === 1, 'the message');
        equal(seen, [false]);
      },
    ],
    [
      'send() says no and counts: no such socket, another address family, a port that is none',
      async w => {
        const [a] = await w.listening();
        equal(a.send(7, bytes('x'), host, 5060), false);
        equal(a.send(0, bytes('x'), otherFamily, 5060), false);
        equal(a.counters.sendErrors, 2);
        if (datagrams) equal([a.send(0, bytes('x'), host, 0), a.send(0, bytes('x'), host, 65536)], [false, false]);
      },
    ],
    [
      'a receiver that throws is counted and does not stop the next message',
      async w => {
        const [a] = await w.listening();
        const [b, to] = await w.listening();
        let seen = 0;
        b.start(() => {
          seen++;
          throw new Error('a bug above');
        });
        a.send(0, bytes('1'), to.ip, to.port);
        a.send(0, bytes('2'), to.ip, to.port);
        await until(() => seen === 2, 'the second message');
        await until(() => b.counters.receiveErrors === 2, 'the second count');
        equal(b.counters.received, 2);
      },
    ],
    [
      'after stop() nothing comes in, and sending goes on',
      async w => {
        const [a, one] = await w.listening();
        const [b, two] = await w.listening();
        const atA = w.collect(a);
        const atB = w.collect(b);
        b.stop();
        a.send(0, bytes('lost'), two.ip, two.port);
        equal(b.send(0, bytes('answer'), one.ip, one.port), true);
        await atA.count(1);
        equal(atB.got, []);
      },
    ],
    [
      'what was sent just before close() leaves',
      async w => {
        const [a] = await w.listening();
        const [b, to] = await w.listening();
        const { count } = w.collect(b);
        for (let i = 0; i < 20; i++) a.send(0, bytes(`last ${i}`), to.ip, to.port);
        await a.close();
        await count(20);
      },
    ],
    [
      'close() frees the address, ends sending, and may be called twice',
      async w => {
        const [a, socket] = await w.listening();
        await a.close();
        await a.close();
        equal(a.send(0, bytes('x'), socket.ip, socket.port), false);
        await rejects(w.listen(a), 'KEMI_ERR_CLOSED');
        const b = w.create();
        equal((await w.listen(b, socket.port))[0]!.port, socket.port);
      },
    ],
  ];
  const ofDatagrams: typeof cases = [
    [
      'carries an empty datagram and one of 60,000 bytes',
      async w => {
        const [a] = await w.listening();
        const [b, to] = await w.listening();
        const { count } = w.collect(b);
        a.send(0, new Uint8Array(0), to.ip, to.port);
        a.send(0, new Uint8Array(60000).fill(65), to.ip, to.port);
        const got = await count(2);
        equal(got.map(d => d.length).sort(), [0, 60000]);
      },
    ],
    [
      'a datagram that nobody takes, and the error that comes back for it, stop nothing',
      async w => {
        const [gone, nobody] = await w.listening();
        await gone.close();
        const [a] = await w.listening();
        const [b, to] = await w.listening();
        const { count } = w.collect(b);
        for (let i = 0; i < 5; i++) {
          a.send(0, bytes('to nobody'), nobody.ip, nobody.port);
          await sleep(5);
          a.send(0, bytes(`${i}`), to.ip, to.port);
        }
        const got = await count(5);
        equal(
          got.map(d => d.text),
          ['0', '1', '2', '3', '4'].map(frame),
        );
      },
    ],
  ];
  const ofLimits: typeof cases = [
    [
      'a datagram that is too long is counted, those before and behind it leave',
      async w => {
        const [a] = await w.listening();
        const [b, to] = await w.listening();
        const { count } = w.collect(b);
        const long = new Uint8Array(maxBytes! + 1);
        for (const part of [bytes('1'), long, long, bytes('2'), long, bytes('3')]) a.send(0, part, to.ip, to.port);
        const got = await count(3);
        equal(
          got.map(d => d.text),
          ['1', '2', '3'],
        );
        await a.close();
        equal([a.counters.sent, a.counters.sentBytes, a.counters.sendErrors], [3, 3, 3]);
      },
    ],
  ];
  const all = [...cases, ...(datagrams ? ofDatagrams : []), ...(maxBytes === undefined ? [] : ofLimits)];
  return {
    name: `${name} keeps the contract of a transport`,
    ability: datagrams ? 'SIP over UDP' : proto === 'tls' ? 'SIP over TLS' : 'SIP over TCP',
    cases: all.map(([title, run]) => ({
      name: title,
      skip,
      async run() {
        const world = new World();
        try {
          await run(world);
        } finally {
          await world.close();
        }
      },
    })),
  };
}
