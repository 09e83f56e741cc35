/** What the suites of the runtime host are given: the package as somebody who embeds it sees it, and a runtime around it that keeps what it sends. */
import type * as Api from '../../../src/index.ts';
import { encode } from './check.ts';

export type { Api };

export interface HostFixture {
  /** what `import 'kemi-wasm'` gives */
  readonly api: Pick<typeof Api, 'createRuntime' | 'defineModule' | 'exportsOf'>;
  /** compiled build/lua.wasm and build/core.wasm, and byteText where the runtime has one */
  readonly wasm: Api.RuntimeOptions['wasm'];
}

export interface Sent {
  /** one char a byte */
  readonly text: string;
  readonly ip: string;
  readonly port: number;
}

const FROM = { ip: '198.51.100.7', port: 5062 };

/** A runtime with the clocks, timers and random numbers of where it runs. */
export class TestHost {
  readonly runtime: Api.Runtime;
  readonly sent: Sent[] = [];
  readonly logged: { level: string; text: string }[] = [];
  #branch = 0;

  /** @param script Lua source; none when absent */
  constructor({ api, wasm }: HostFixture, script?: string, options: Partial<Api.RuntimeOptions> = {}) {
    const at = (level: string) => (_fields: object, text: string) => void this.logged.push({ level, text });
    this.runtime = api.createRuntime({
      wasm,
      sockets: [{ proto: 'udp', ip: '192.0.2.1', port: 5060 }],
      send: (_socket, data, ip, port) => {
        this.sent.push({ text: latin1(data), ip, port });
        return true;
      },
      log: {
        level: 'debug',
        trace: at('trace'),
        debug: at('debug'),
        info: at('info'),
        warn: at('warn'),
        error: at('error'),
        fatal: at('fatal'),
      },
      ...options,
    });
    if (script !== undefined) this.load(script);
  }

  load(source: string, name = 'route.lua'): Api.Running {
    return this.runtime.load({ name, source: encode(source) });
  }

  /** Routes an OPTIONS of its own transaction. @returns status and reason of what was sent because of it: '200 OK' */
  ask(headers: readonly string[] = []): string[] {
    const before = this.sent.length;
    this.runtime.receive(request(`c${++this.#branch}`, headers), FROM);
    return this.sent.slice(before).map(statusOf);
  }
}

export const statusOf = ({ text }: Sent): string => /^SIP\/2\.0 ([^\r]*)/.exec(text)?.[1] ?? text.slice(0, 40);

/** @param id makes branch and Call-ID */
export function request(id: string, headers: readonly string[] = [], method = 'OPTIONS'): Uint8Array<ArrayBuffer> {
  return encode(
    [
      `${method} sip:bob@192.0.2.1 SIP/2.0`,
      `Via: SIP/2.0/UDP ${FROM.ip}:${FROM.port};branch=z9hG4bK${id}`,
      'From: "Alice" <sip:alice@example.com>;tag=a1',
      'To: <sip:bob@example.com>',
      `Call-ID: ${id}@example.com`,
      `CSeq: 1 ${method}`,
      'Max-Forwards: 70',
      ...headers,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
