/** The other side of worker.ts: a runtime that answers what it is sent. */
import { parentPort } from 'node:worker_threads';
import * as api from '../../../../src/index.ts';
import { loadWasm } from '../../../../src/transport/node/assets.ts';
import { TestHost } from '../host.ts';

const host = new TestHost(
  { api, wasm: await loadWasm() },
  `function ksr_request_route()
    local name = KSR.pv.gete('$hdr(X-Name)')
    if name == 'fail' then error('on purpose') end
    KSR.sl.sl_send_reply(200, 'Hello ' .. name)
  end`,
);
parentPort!.on('message', (name: string) => parentPort!.postMessage(host.ask([`X-Name: ${name}`])));
parentPort!.postMessage('loaded');
