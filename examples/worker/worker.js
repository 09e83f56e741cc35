// A SIP server at the edge: registrar and proxy for phones in browsers (SIP over WebSocket). docs/edge.md says more.
// In a project of your own the first three lines are: import { createWorker } from 'kemi-wasm/edge'; import core from 'kemi-wasm/core.wasm'; import lua from 'kemi-wasm/lua.wasm';

import core from 'core.wasm';
import { createWorker } from 'kemi-wasm.js';
import lua from 'lua.wasm';
import script from 'route.lua';

const worker = createWorker({
  core,
  lua,
  script,
  modparams: [
    // a phone is reached at the address it registered from: its connection
    { module: 'nathelper', name: 'received_avp', value: '$avp(received)' },
    { module: 'registrar', name: 'received_avp', value: '$avp(received)' },
    { module: 'registrar', name: 'max_contacts', value: 10 },
    { module: 'registrar', name: 'max_expires', value: 3600 },
    // a contact goes with its connection
    { module: 'usrloc', name: 'handle_lost_tcp', value: 1 },
  ],
  env: ({ SIP_PASSWORD }) => ({ SIP_PASSWORD }),
  // Whoever sends messages over HTTP, or commands, must know it; no commands without one.
  token: env => env.TOKEN,
});

export default worker;
export const { SipObject } = worker;
