/** What every transport must do; each implementation's test calls it. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Source, Transport } from '../../../src/transport/transport.ts';

export interface TransportFixture {
  create(): Transport;
  /** an address that can be opened, with a free port of the caller's choice or 0 */
  host: string;
  otherFamily: string;
  /** UDP when absent */
  proto?: 'udp' | 'tcp' | 'tls';
  /** what carries the text, for transports that must see where a message ends; the text itself when absent */
  frame?: (text: string) => string;
}

const encode = (text: string) => new TextEncoder().encode(text);

/** Holds a transport to the contract of src/transport/transport.ts. */
export function transportContract(name: string, fixture: () => TransportFixture): void {
  describe(`${name} keeps the contract of a transport`, () => {
    const open: Transport[] = [];
    afterEach(async () => {
      await Promise.all(open.splice(0).map(t => t.close()));
    });
    const create = () => {
      const t = fixture().create();
      open.push(t);
      return t;
    };
    const { proto = 'udp', frame = (text: string) => text } = fixture();
    const datagrams = proto === 'udp';
    const bytes = (text: string) => encode(frame(text));
    const listen = (t: Transport, port = 0) => t.open([{ proto, host: fixture().host, port }]);
    /** collects what arrives */
    const collect = (t: Transport) => {
      const got: { text: string; from: Source; socket: number }[] = [];
      let wake = () => {};
      t.start((b, from, socket) => {
        got.push({ text: new TextDecoder().decode(b), from, socket });
        wake();
      });
      return {
        got,
        async until(count: number) {
          while (got.length < count) await new Promise<void>(resolve => (wake = resolve));
          return got;
        },
      };
    };

    it('open() gives each socket an index, the address and the port it got', async () => {
      const t = create();
      const first = await listen(t);
      const second = await listen(t);
      expect(first).toMatchObject([{ index: 0, proto, ip: fixture().host }]);
      expect(second).toMatchObject([{ index: 1 }]);
      expect(first[0]!.port).toBeGreaterThan(0);
      expect(t.sockets).toEqual([...first, ...second]);
    });

    it('open() of an address in use throws KEMI_ERR_LISTEN and leaves no socket of that call behind', async () => {
      const a = create();
      const b = create();
      const [taken] = await listen(a);
      const wanted = [
        { proto, host: fixture().host, port: 0 },
        { proto, host: fixture().host, port: taken!.port },
      ] as const;
      await expect(b.open(wanted)).rejects.toMatchObject({ code: 'KEMI_ERR_LISTEN' });
      await expect(b.open(wanted)).rejects.toThrow(/in use/);
      expect(b.sockets).toEqual([]);
    });

    it('send() carries the bytes from the named socket to the receiver, with their source', async () => {
      const a = create();
      const b = create();
      const from = [...(await listen(a)), ...(await listen(a))];
      const [to] = await listen(b);
      const { until } = collect(b);
      expect(a.send(1, bytes('one'), to!.ip, to!.port)).toBe(true);
      const [message] = await until(1);
      const family = from[1]!.ip.includes(':') ? 6 : 4;
      expect(message).toEqual({
        text: frame('one'),
        from: datagrams
          ? { ip: from[1]!.ip, port: from[1]!.port, family }
          : { ip: from[1]!.ip, port: expect.any(Number), family, connection: expect.any(Number) },
        socket: 0,
      });
      const { length } = bytes('one');
      expect(b.counters).toMatchObject({ received: 1, receivedBytes: length });
      await a.close();
      expect(a.counters).toMatchObject({ sent: 1, sentBytes: length, sendErrors: 0 });
    });

    it('send() copies: the caller may reuse the bytes at once', async () => {
      const a = create();
      const b = create();
      await listen(a);
      const [to] = await listen(b);
      const { until } = collect(b);
      const buffer = bytes('first');
      a.send(0, buffer, to!.ip, to!.port);
      buffer.set(bytes('XXXXX'));
      a.send(0, buffer, to!.ip, to!.port);
      const got = await until(2);
      expect(got.map(d => d.text).sort()).toEqual([frame('XXXXX'), frame('first')].sort());
    });

    it.runIf(datagrams)('carries an empty datagram and one of 60,000 bytes', async () => {
      const a = create();
      const b = create();
      await listen(a);
      const [to] = await listen(b);
      const { until } = collect(b);
      a.send(0, new Uint8Array(0), to!.ip, to!.port);
      a.send(0, new Uint8Array(60000).fill(65), to!.ip, to!.port);
      const got = await until(2);
      expect(got.map(d => d.text.length)).toEqual([0, 60000]);
    });

    it('never calls the receiver from inside send()', async () => {
      const a = create();
      const [self] = await listen(a);
      let sending = false;
      let inside = 0;
      let wake = () => {};
      a.start(() => {
        if (sending) inside++;
        wake();
      });
      const arrived = new Promise<void>(resolve => (wake = resolve));
      sending = true;
      a.send(0, bytes('to myself'), self!.ip, self!.port);
      sending = false;
      await arrived;
      expect(inside).toBe(0);
    });

    it('send() says no and counts: no such socket, another address family', async () => {
      const a = create();
      await listen(a);
      expect(a.send(7, bytes('x'), fixture().host, 5060)).toBe(false);
      expect(a.send(0, bytes('x'), fixture().otherFamily, 5060)).toBe(false);
      expect(a.counters.sendErrors).toBe(2);
    });

    it('a receiver that throws is counted and does not stop the next datagram', async () => {
      const a = create();
      const b = create();
      await listen(a);
      const [to] = await listen(b);
      let seen = 0;
      let wake = () => {};
      const two = new Promise<void>(resolve => (wake = resolve));
      b.start(() => {
        if (++seen === 2) wake();
        throw new Error('a bug above');
      });
      a.send(0, bytes('1'), to!.ip, to!.port);
      a.send(0, bytes('2'), to!.ip, to!.port);
      await two;
      expect(b.counters).toMatchObject({ received: 2, receiveErrors: 2 });
    });

    it('after stop() nothing comes in, and sending goes on', async () => {
      const a = create();
      const b = create();
      const [one] = await listen(a);
      const [two] = await listen(b);
      const atA = collect(a);
      const atB = collect(b);
      b.stop();
      a.send(0, bytes('lost'), two!.ip, two!.port);
      expect(b.send(0, bytes('answer'), one!.ip, one!.port)).toBe(true);
      await atA.until(1);
      expect(atB.got).toEqual([]);
    });

    it('close() frees the address, ends sending, and may be called twice', async () => {
      const a = create();
      const [socket] = await listen(a);
      await a.close();
      await a.close();
      expect(a.send(0, bytes('x'), socket!.ip, socket!.port)).toBe(false);
      await expect(listen(a)).rejects.toMatchObject({ code: 'KEMI_ERR_CLOSED' });
      const b = create();
      await expect(listen(b, socket!.port)).resolves.toMatchObject([{ port: socket!.port }]);
    });
  });
}
