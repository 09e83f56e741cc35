/** The suites on Node: `node test/runtime/node.ts`. */
import process from 'node:process';
import * as server from '../../src/transport/node/index.ts';
import { runHere } from './run.ts';

await runHere(`Node ${process.versions.node}`, server);
