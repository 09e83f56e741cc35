/** SIP over WebSocket (RFC 7118) with a server that lets phones register and call each other: by any client that has the standard WebSocket. */
import { firstLine, SipPhone } from '../../support/sip-phone.ts';
import { equal, ok } from './check.ts';
import type { Suite } from './suite.ts';

export interface WebSocketFixture {
  /** ws:// */
  readonly url: string;
  /** domain of the phones */
  readonly domain: string;
}

/** @param fixture called when the first case runs */
export function webSocketContract(fixture: () => WebSocketFixture): Suite {
  let count = 0;
  const open = (name: string) => {
    const { url, domain } = fixture();
    return SipPhone.open(url, `${name}${++count}`, domain);
  };
  const registered = async (name: string) => {
    const phone = await open(name);
    equal(firstLine(await phone.register()), 'SIP/2.0 200 OK');
    return phone;
  };
  return {
    name: 'SIP over WebSocket',
    ability: 'SIP over WebSocket',
    cases: [
      {
        name: 'a client that does not offer the sub-protocol sip is refused',
        async run() {
          const socket = new WebSocket(fixture().url);
          const outcome = await new Promise(resolve => {
            socket.addEventListener('open', () => resolve('open'));
            socket.addEventListener('error', () => resolve('refused'));
          });
          equal(outcome, 'refused');
        },
      },
      {
        name: 'two phones register, call each other and hang up',
        async run() {
          const alice = await registered('alice');
          const bob = await registered('bob');
          alice.send(alice.request('INVITE', `${bob.name}@${bob.domain}`, [`Contact: ${alice.contact}`]));
          const invite = await bob.next();
          ok(invite.startsWith('INVITE '), firstLine(invite));
          bob.accept(invite, [`Contact: ${bob.contact}`]);
          const answer = await alice.next();
          equal(firstLine(answer), 'SIP/2.0 200 OK');
          alice.send(alice.within(answer, 'ACK', 1));
          const ack = await bob.next();
          ok(ack.startsWith('ACK '), firstLine(ack));
          alice.send(alice.within(answer, 'BYE', 2));
          const bye = await bob.next();
          ok(bye.startsWith('BYE '), firstLine(bye));
          bob.accept(bye);
          equal(firstLine(await alice.next()), 'SIP/2.0 200 OK');
          alice.close();
          bob.close();
        },
      },
      {
        name: 'a keep-alive is answered with one line end',
        async run() {
          const phone = await open('carol');
          phone.send('\r\n\r\n');
          equal(await phone.frame(), '\r\n');
          phone.close();
        },
      },
      {
        name: 'bytes that are no UTF-8 arrive as they were sent',
        async run() {
          const alice = await registered('alice');
          const bob = await registered('bob');
          const text = alice.request('MESSAGE', `${bob.name}@${bob.domain}`, ['Subject: ???']);
          alice.send(Uint8Array.from(text, c => (c === '?' ? 0xe9 : c.charCodeAt(0))));
          const frame = await bob.frame();
          ok(frame instanceof ArrayBuffer, 'it is a binary frame');
          equal(new Uint8Array(frame as ArrayBuffer).filter(b => b === 0xe9).length, 3);
          alice.close();
          bob.close();
        },
      },
      {
        name: 'garbage and empty frames cost nothing but themselves',
        async run() {
          const phone = await open('dave');
          for (const frame of ['hello', '\0\0\0']) phone.send(frame);
          phone.send(new Uint8Array([0xff, 0xfe, 0, 1]));
          const other = await open('erin');
          ok((await other.ask('OPTIONS', other.domain)).startsWith('SIP/2.0 '), 'others are served');
          phone.close();
          other.close();
        },
      },
    ],
  };
}
