/** A runtime in memory with usrloc, registrar and the script of test/fixtures/location, whose requests bring the code to run. */
import { readFileSync } from 'node:fs';
import type { Database } from '../../src/kemi/db.ts';
import type { RuntimeOptions } from '../../src/runtime/options.ts';
import { CLIENT, type Param, SERVER } from '../fixtures/location/cases.ts';
import { fence, fenceResults } from '../fixtures/location/golden.ts';
import { testRuntime } from './runtime.ts';

const script = readFileSync(new URL('../fixtures/location/location.lua', import.meta.url), 'utf8');

export interface Answered {
  /** first line and the headers that registrar makes */
  readonly reply: string;
  /** what the code returned */
  readonly results: readonly string[];
}

export function locationRuntime(
  params: readonly Param[] = [],
  database?: Database,
  options: Partial<RuntimeOptions> = {},
) {
  const fake = testRuntime(script + (options.env?.extra ?? ''), {
    sockets: [{ proto: 'udp', ...SERVER }],
    serverHeader: '',
    ...(database && { openDatabase: () => database }),
    ...options,
    modparams: params.map(([module, name, value]) => ({ module, name, value })),
  });
  let fences = 0;
  const results = () => fenceResults(fake.receive(fence(++fences), CLIENT)[0]!.text) ?? [];
  const brief = (texts: readonly string[]) =>
    texts
      .map(text =>
        text
          .split('\r\n')
          .filter(line => line !== '' && !/^(Via|From|To|Call-ID|CSeq|Content-Length):/.test(line))
          .join('\n'),
      )
      .join('\n\n');
  return {
    ...fake,
    brief,
    results,
    /** Sends a request; all is answered at once. */
    send(message: string): Answered {
      const reply = brief(fake.receive(message, CLIENT).map(s => s.text));
      return { reply, results: results() };
    },
    /** Sends requests together and waits until all their routes are done. */
    async sendAll(...messages: string[]): Promise<Answered> {
      const before = fake.sent.length;
      for (const message of messages) fake.receive(message, CLIENT);
      while (fake.runtime.liveMessages > 0) await new Promise(resolve => setTimeout(resolve, 1));
      const reply = brief(fake.sent.slice(before).map(s => s.text));
      return { reply, results: results() };
    },
    rpc: (name: string, ...args: unknown[]) => fake.runtime.rpc.call(name, args),
  };
}
