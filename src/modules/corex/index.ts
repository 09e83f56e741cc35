/** KSR.corex: what Kamailio's corex adds to the core. */
import { defineModule, exportsOf } from '../../kemi/table.ts';

export interface CorexState {
  readonly sockets: number;
}

const kemi = exportsOf<CorexState>();

export default defineModule<CorexState>({
  name: 'corex',
  modparams: {},
  create: host => ({ sockets: host.sockets.length }),
  functions: [
    /**
     * KSR.corex.has_ruri_user(): whether the request URI has a user part.
     * @returns 1 it has one; -1 it has none, or does not parse
     * Kamailio 6.x manual, module corex; deviations: none
     */
    kemi('has_ruri_user', { params: [], returns: 'int', wasm: 'hasRuriUser' }),
    /**
     * KSR.corex.has_user_agent(): whether there is a User-Agent header with a value.
     * @returns 1 or -1
     * Kamailio 6.x manual, module corex; deviations: none
     */
    kemi('has_user_agent', { params: [], returns: 'int', wasm: 'hasUserAgent' }),
    // ---- branches
    // ---- sending
    // ---- sockets and addresses
    // ---- Via
    // ---- extended flags, files
  ],
});
