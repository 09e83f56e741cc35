/** The suites inside of workerd: a worker that runs them and answers with the report. */
import core from 'core.wasm';
import lua from 'lua.wasm';
import * as api from '../../src/index.ts';
import { OBJECT_URL, type ObjectState, openObjectStorage } from '../../src/transport/edge/index.ts';
import { databaseContract } from './contract/database.ts';
import { runtimeHostContract } from './contract/runtime-host.ts';
import { runSuites } from './contract/suite.ts';

/** The suites of what only a Durable Object has. */
export class SipObject {
  readonly #state: ObjectState;

  constructor(state: ObjectState) {
    this.#state = state;
  }

  async fetch(): Promise<Response> {
    const open = openObjectStorage(this.#state.storage);
    return Response.json(
      await runSuites([databaseContract('the storage of a Durable Object', () => open(OBJECT_URL))]),
    );
  }
}

interface Env {
  readonly SIP: { idFromName(name: string): unknown; get(id: unknown): { fetch(request: Request): Promise<Response> } };
}

export default {
  async fetch(request: Request, { SIP }: Env): Promise<Response> {
    const inside = await SIP.get(SIP.idFromName('suites')).fetch(request);
    const suites = await runSuites(runtimeHostContract({ api, wasm: { lua, core } }));
    return Response.json([...suites, ...((await inside.json()) as typeof suites)]);
  },
};
