/** The suites inside of workerd: a worker that runs them and answers with the report. */
import core from 'core.wasm';
import lua from 'lua.wasm';
import * as api from '../../src/index.ts';
import { runtimeHostContract } from './contract/runtime-host.ts';
import { type Report, runSuites } from './contract/suite.ts';

export default {
  async fetch(request: Request): Promise<Response> {
    const runtime = new URL(request.url).searchParams.get('runtime') ?? 'workerd';
    const report: Report = { runtime, suites: await runSuites(runtimeHostContract({ api, wasm: { lua, core } })) };
    return Response.json(report);
  },
};
