/** KSR.corex: what Kamailio's corex adds to the core. */
import { defineModule, exportsOf } from '../../kemi/table.ts';

export interface CorexState {
  readonly sockets: number;
}

const kemi = exportsOf<CorexState>();
void kemi;

export default defineModule<CorexState>({
  name: 'corex',
  modparams: {},
  create: host => ({ sockets: host.sockets.length }),
  functions: [
    // ---- hot path (wasm): has_ruri_user, has_user_agent
    // ---- branches
    // ---- sending
    // ---- sockets and addresses
    // ---- Via
    // ---- extended flags, files
  ],
});
