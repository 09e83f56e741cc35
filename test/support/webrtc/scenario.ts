/** What two browser phones do with a server that they reach by WebSocket: for any server, given its URL. */
import type { Page } from 'playwright-core';

export type PhoneKind = 'jssip' | 'sipjs';

export interface CallOptions {
  /** ws:// or wss:// */
  readonly url: string;
  /** the callee's, where it is another one */
  readonly calleeUrl?: string;
  /** domain of the phones' addresses */
  readonly domain: string;
  readonly caller: PhoneKind;
  readonly callee: PhoneKind;
  /** for both; none when absent */
  readonly password?: string;
  /** their user names; made up when absent */
  readonly names?: { readonly caller: string; readonly callee: string };
  /** who hangs up; the caller when absent */
  readonly hangup?: 'caller' | 'callee';
}

const WAIT_MS = 15_000;

let count = 0;

/** What the page offers: see phones.js. */
interface Phones {
  make(kind: string, name: string, options: object): void;
  run(name: string, what: string, ...args: string[]): Promise<void>;
  until(name: string, word: string, ms: number): Promise<string[]>;
  words(name: string): string[];
}

/**
 * Registers two phones, lets one call the other, hangs up and takes the registrations back.
 * @returns what each phone saw, in order
 * @throws Error that says which phone did not get how far
 */
export async function registerCallHangUp(
  page: Page,
  options: CallOptions,
): Promise<{ caller: string[]; callee: string[] }> {
  const { url, calleeUrl = url, domain, password, hangup = 'caller' } = options;
  const urls = { caller: url, callee: calleeUrl };
  // names of their own: a phone of an earlier call may still be known
  const n = ++count;
  const names = options.names ?? { caller: `caller${n}`, callee: `callee${n}` };
  const uri = (name: string) => `sip:${name}@${domain}`;
  const run = (name: string, what: string, ...args: string[]) =>
    page.evaluate(
      ([name, what, args]) => (globalThis as unknown as { phones: Phones }).phones.run(name, what, ...args),
      [name, what, args] as const,
    );
  const until = (name: string, word: string) =>
    page.evaluate(([name, word, ms]) => (globalThis as unknown as { phones: Phones }).phones.until(name, word, ms), [
      name,
      word,
      WAIT_MS,
    ] as const);
  for (const side of ['callee', 'caller'] as const) {
    await page.evaluate(
      ([kind, name, options]) => (globalThis as unknown as { phones: Phones }).phones.make(kind, name, options),
      [options[side], names[side], { url: urls[side], uri: uri(names[side]), ...(password && { password }) }] as const,
    );
    await run(names[side], 'start');
    await until(names[side], 'registered');
  }
  await run(names.caller, 'call', uri(names.callee));
  await until(names.callee, 'incoming');
  await Promise.all([until(names.caller, 'confirmed'), until(names.callee, 'confirmed')]);
  await run(names[hangup], 'hangup');
  await Promise.all([until(names.caller, 'ended'), until(names.callee, 'ended')]);
  for (const side of ['callee', 'caller'] as const) {
    await run(names[side], 'unregister');
    await until(names[side], 'unregistered');
    await run(names[side], 'stop');
  }
  const words = (name: string) =>
    page.evaluate(name => (globalThis as unknown as { phones: Phones }).phones.words(name), name);
  return { caller: await words(names.caller), callee: await words(names.callee) };
}
