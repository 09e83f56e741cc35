/** Reading of a password: from the terminal without echo, or the first line of what is piped in. */
import { type ByteStr, byteStr } from '../core/memory.ts';
import { UsageError } from './usage.ts';

const MAX_BYTES = 1024;
const ENTER = [10, 13];
const ERASE = [8, 127];
const CTRL_C = 3;
const CTRL_D = 4;
const CTRL_U = 21;

/** What a password is read from: process.stdin, or a stand-in. */
export interface Input extends AsyncIterable<Uint8Array> {
  readonly isTTY?: boolean;
  setRawMode?(on: boolean): void;
}

/**
 * @param input read to the end of one line (terminal) or of everything (pipe)
 * @param say writes a prompt
 * @throws UsageError no password, one that is too long or that no client can send, or two that differ
 */
export async function readPassword(input: Input, say: (text: string) => void): Promise<ByteStr> {
  const password = input.isTTY ? await twice(input, say) : await firstLine(input);
  if (!password) throw new UsageError('the password is empty');
  for (const c of password)
    if (c < ' ' || c === '\x7f') throw new UsageError('the password has control characters in it');
  return password;
}

async function twice(input: Input, say: (text: string) => void): Promise<ByteStr> {
  const keys = keysOf(input);
  input.setRawMode?.(true);
  try {
    say('Password: ');
    const first = await line(keys);
    say('\nOnce more: ');
    const second = await line(keys);
    say('\n');
    if (first !== second) throw new UsageError('the two passwords are not the same');
    return first;
  } finally {
    input.setRawMode?.(false);
    await keys.return?.(undefined);
  }
}

async function* keysOf(input: Input): AsyncGenerator<number, undefined> {
  for await (const chunk of input) yield* chunk;
  return undefined;
}

/** @throws UsageError Ctrl-C, Ctrl-D, the end of the input */
async function line(keys: AsyncGenerator<number, undefined>): Promise<ByteStr> {
  let bytes: number[] = [];
  for (;;) {
    const { value: key, done } = await keys.next();
    if (done || key === CTRL_C || (key === CTRL_D && !bytes.length)) throw new UsageError('nothing was changed');
    if (ENTER.includes(key)) return byteStr(Uint8Array.from(bytes));
    if (key === CTRL_U) bytes = [];
    else if (ERASE.includes(key)) {
      // A letter of UTF-8 goes as a whole.
      while (bytes.length && (bytes.at(-1)! & 0xc0) === 0x80) bytes.pop();
      bytes.pop();
    } else if (bytes.push(key) > MAX_BYTES) throw new UsageError(`the password is longer than ${MAX_BYTES} bytes`);
  }
}

async function firstLine(input: Input): Promise<ByteStr> {
  let text = '';
  for await (const chunk of input) {
    text += byteStr(chunk);
    if (text.includes('\n')) break;
    if (text.length > MAX_BYTES + 2) break;
  }
  const [first = ''] = text.split('\n');
  const password = first.replace(/\r$/, '');
  if (password.length > MAX_BYTES) throw new UsageError(`the password is longer than ${MAX_BYTES} bytes`);
  return password;
}
