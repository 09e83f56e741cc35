/** `kemi-wasm check`: diagnostics of scripts, with file:line:column. */
import fs from 'node:fs';
import type { Diagnostic } from '../errors.ts';
import { MemoryDatabase } from '../kemi/db-memory.ts';
import { createRuntime } from '../runtime/runtime.ts';
import { loadWasm } from '../transport/node/assets.ts';
import { ScriptFiles } from '../transport/node/script-files.ts';
import { HELP } from './help.ts';
import { asUsage, list, oneOf, readDefines, readLimits, readModparams, readOptions, UsageError } from './usage.ts';

const OPTIONS = {
  format: { type: 'string' },
  define: { type: 'string', short: 'A', multiple: true },
  modparam: { type: 'string', multiple: true },
  limits: { type: 'string', multiple: true },
  help: { type: 'boolean', short: 'h' },
} as const;

/** A script that loops at its top level must not hang a check: the limit that a load has when none is given for it. */
export async function check(args: readonly string[]): Promise<number> {
  const parsed = readOptions('check', args, OPTIONS);
  if (parsed.values.help) {
    process.stdout.write(HELP.check);
    return 0;
  }
  if (parsed.positionals.length === 0) throw new UsageError('no script to check; write kemi-wasm check SCRIPT...');
  const format = oneOf(parsed, 'format', ['text', 'json'], 'text');
  const defines = readDefines(list(parsed, 'define'));
  const modparams = readModparams(list(parsed, 'modparam'));
  const limits = readLimits(list(parsed, 'limits'));
  const wasm = await loadWasm();
  const found: Diagnostic[] = [];
  for (const name of parsed.positionals) {
    let source: Uint8Array;
    try {
      source = fs.readFileSync(name);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const why = code === 'ENOENT' ? 'no such file' : message;
      found.push({ severity: 'error', file: name, line: 0, column: 0, message: `cannot read it: ${why}` });
      continue;
    }
    const runtime = asUsage(() =>
      createRuntime({
        wasm,
        sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 5060 }],
        send: () => false,
        readFile: new ScriptFiles(name).read,
        // What db_url names is neither opened nor made.
        openDatabase: url => new MemoryDatabase(url),
        // What the script prints is no finding.
        print: line => process.stderr.write(`${line}\n`),
        defines,
        modparams,
        limits,
      }),
    );
    found.push(...runtime.check({ name, source }));
    await runtime.close(0);
  }
  const errors = found.filter(d => d.severity === 'error').length;
  if (format === 'json') process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
  else {
    for (const d of found) process.stdout.write(`${formatDiagnostic(d)}\n`);
    const count = parsed.positionals.length;
    const plural = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
    process.stderr.write(
      `${plural(count, 'script')}: ${plural(errors, 'error')}, ${plural(found.length - errors, 'warning')}\n`,
    );
  }
  return errors > 0 ? 1 : 0;
}

/** `file:line:column: severity: message`, without what is not known */
export function formatDiagnostic(d: Diagnostic): string {
  const at = [d.file, ...(d.line ? [d.line] : []), ...(d.line && d.column ? [d.column] : [])].join(':');
  return `${at}: ${d.severity}: ${d.message}`;
}
