/** The suites on Deno: `deno run -A test/runtime/deno.ts`. */
import process from 'node:process';
import * as server from '../../src/transport/node/index.ts';
import { runHere } from './run.ts';

await runHere(`Deno ${process.versions.deno}`, server);
