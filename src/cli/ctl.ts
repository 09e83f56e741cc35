/** `kemi-wasm ctl`: one call to a server that runs. */
import { callCtl, defaultCtlPath } from '../transport/node/ctl.ts';
import { HELP } from './help.ts';
import { oneOf, readOptions, text, UsageError } from './usage.ts';

const OPTIONS = {
  ctl: { type: 'string' },
  timeout: { type: 'string' },
  format: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

export async function ctl(args: readonly string[]): Promise<number> {
  // Behind the method everything is an argument, "-1" too.
  let split = 0;
  while (split < args.length && args[split]!.startsWith('-') && args[split] !== '--')
    split += /^--(ctl|timeout|format)$/.test(args[split]!) ? 2 : 1;
  const parsed = readOptions('ctl', args.slice(0, split), OPTIONS);
  if (parsed.values.help) {
    process.stdout.write(HELP.ctl);
    return 0;
  }
  const [method, ...rest] = args.slice(args[split] === '--' ? split + 1 : split);
  if (method === undefined)
    throw new UsageError('no method to call; kemi-wasm ctl system.listMethods shows what a server has');
  const format = oneOf(parsed, 'format', ['text', 'json'], 'text');
  const seconds = Number(text(parsed, 'timeout') ?? 10);
  if (!(seconds > 0 && seconds <= 3600)) throw new UsageError('--timeout takes seconds, from 0.001 to 3600');
  const file = text(parsed, 'ctl') ?? defaultCtlPath();
  const result = await callCtl(file, method, rest.map(readArgument), Math.ceil(seconds * 1000));
  process.stdout.write(`${format === 'json' ? JSON.stringify(result) : formatResult(result)}\n`);
  return 0;
}

/** JSON where it reads as JSON, else a string: 5, true, {"a":1}, "5", abc */
export function readArgument(argument: string): unknown {
  try {
    return JSON.parse(argument);
  } catch {
    return argument;
  }
}

/** For people: strings bare, a list of plain values one a line, anything else as JSON. */
export function formatResult(result: unknown): string {
  if (typeof result === 'string') return result;
  if (Array.isArray(result) && result.length > 0 && result.every(r => typeof r !== 'object')) return result.join('\n');
  return JSON.stringify(result, null, 2);
}
