/** The functions that sit directly on `KSR`. Those of the hot path are AssemblyScript (`wasm:` rows); the rest lies beside this file. */
import { defineModule, exportsOf } from '../../kemi/table.ts';

export interface CoreState {
  /** set by set_advertised_address and set_advertised_port: for the message at hand only */
  readonly advertised: WeakMap<object, { host?: string; port?: number }>;
}

const kemi = exportsOf<CoreState>();
void kemi;

export default defineModule<CoreState>({
  name: '',
  modparams: {},
  create: () => ({ advertised: new WeakMap() }),
  functions: [
    // ---- methods: is_INVITE ... is_method_in (wasm)
    // ---- transports and addresses: is_UDP ... is_src_port (wasm)
    // ---- flags: setflag ... isbiflagset (wasm)
    // ---- what the core shall do with the message: force_rport, set_reply_close, set_drop ... (wasm)
    // ---- myself
    // ---- forwarding
    // ---- request and destination URI
    // ---- log
    // ---- the rest
  ],
});
