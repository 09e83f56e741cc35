#!/usr/bin/env node
/** The command `kemi-wasm`. */

import { ConfigError, KemiError, RpcError, ScriptError } from '../errors.ts';
import { DbError } from '../kemi/db.ts';
import { closest } from '../kemi/suggest.ts';
import { VERSION } from '../version.ts';
import { check, formatDiagnostic } from './check.ts';
import { ctl } from './ctl.ts';
import { type Command, HELP } from './help.ts';
import { KitError } from './kit/tools.ts';
import { module } from './module.ts';
import { run } from './run.ts';
import { UsageError } from './usage.ts';
import { user } from './user.ts';

const COMMANDS: Readonly<Record<Command, (args: readonly string[]) => Promise<number>>> = {
  run,
  check,
  ctl,
  user,
  module,
};

/** @returns the exit code */
async function main([command, ...args]: readonly string[]): Promise<number> {
  if (command === '--version' || command === '-v') {
    process.stdout.write(`kemi-wasm ${VERSION}\n`);
    return 0;
  }
  if (command === '--help' || command === '-h' || command === 'help') {
    const [topic] = args;
    process.stdout.write(topic && Object.hasOwn(HELP, topic) ? HELP[topic as Command] : HELP['']);
    return 0;
  }
  if (command === undefined)
    throw new UsageError('no command: write run, check, ctl, user or module; kemi-wasm --help shows all');
  if (!Object.hasOwn(COMMANDS, command)) {
    const near = closest(command, Object.keys(COMMANDS));
    const script = /\.\w+$/.test(command) ? `, did you mean kemi-wasm run ${command}` : '';
    throw new UsageError(
      `unknown command ${command}${near ? `, did you mean ${near}` : script}; kemi-wasm --help shows all`,
    );
  }
  return COMMANDS[command as Command](args);
}

/** @returns the exit code for what went wrong, after telling it on stderr */
function tell(error: unknown): number {
  const say = (text: string) => process.stderr.write(`kemi-wasm: ${text}\n`);
  if (error instanceof UsageError) {
    say(error.message);
    return 2;
  }
  if (error instanceof ScriptError || error instanceof ConfigError) {
    for (const d of error.diagnostics) {
      say(formatDiagnostic(d));
      if (d.traceback) process.stderr.write(`${d.traceback}\n`);
    }
    return 1;
  }
  if (error instanceof RpcError) {
    say(`${error.rpcCode} ${error.message}`);
    return 1;
  }
  if (error instanceof KitError) {
    say(error.message);
    return 1;
  }
  if (error instanceof DbError) {
    say(`Cannot use the database: ${error.message}`);
    return 1;
  }
  if (error instanceof KemiError) {
    say(error.message);
    return error.code === 'KEMI_ERR_CONFIG' ? 2 : 1;
  }
  say(`internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return 1;
}

main(process.argv.slice(2)).then(
  code => {
    process.exitCode = code;
  },
  error => {
    process.exitCode = tell(error);
  },
);
