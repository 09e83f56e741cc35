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
  // Whoever sends messages over HTTP, or commands, must know it; no commands without one.
  token: env => env.TOKEN,
});

export default worker;
export const { SipObject } = worker;
