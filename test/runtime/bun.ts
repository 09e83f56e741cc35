/** The suites on Bun: `bun test/runtime/bun.ts`. */
import process from 'node:process';
import * as server from '../../src/transport/node/index.ts';
import { runHere } from './run.ts';

await runHere(`Bun ${process.versions.bun}`, server);
