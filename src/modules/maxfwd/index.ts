/** KSR.maxfwd: loop protection by Max-Forwards (RFC 3261 16.3, 16.6). The functions are AssemblyScript: wasm/modules/maxfwd.ts. */
import { KemiError } from '../../errors.ts';
import { defineModule, exportsOf } from '../../kemi/table.ts';

const kemi = exportsOf<undefined>();

export default defineModule<undefined>({
  name: 'maxfwd',
  shares: true,
  modparams: {
    max_limit: {
      type: 'int',
      default: 70,
      min: 1,
      max: 255,
      doc: 'The largest value that leaves: a larger one is lowered to it.',
    },
  },
  create: (host, params) => {
    const limit = params.max_limit ?? 70;
    if (typeof limit !== 'number' || !(limit >= 1 && limit <= 255))
      throw new KemiError('KEMI_ERR_CONFIG', `Cannot set modparam maxfwd max_limit: ${limit} is not in 1..255`);
    host.core.x.setMaxfwdLimit(limit);
    return undefined;
  },
  functions: [
    /**
     * KSR.maxfwd.process_maxfwd(limit): count down Max-Forwards, or add it (RFC 3261 16.6 step 3).
     * A value above modparam max_limit (default 70) is lowered to it. The value is written in place: same width, blanks on the left.
     * @param limit 0..255; the value written when the header is missing
     * @returns 1 counted down; 2 added; -1 already 0, or limit out of range; -2 header unreadable
     * Kamailio 6.x manual, module maxfwd, process_maxfwd; deviations: an empty value, and one above 65535, is unreadable
     */
    kemi('process_maxfwd', {
      native: { name: 'mf_process_maxfwd_header', routes: ['request', 'event'] },
      params: ['int'],
      returns: 'int',
      wasm: 'processMaxfwd',
    }),
    /**
     * KSR.maxfwd.is_maxfwd_lt(limit): whether Max-Forwards is less than a number.
     * @param limit 0..255
     * @returns 1 less; -1 not less, or limit out of range; -2 no such header; -3 header unreadable
     * Kamailio 6.x manual, module maxfwd, is_maxfwd_lt; deviations: an empty value, and one above 65535, is unreadable
     */
    kemi('is_maxfwd_lt', {
      native: { routes: ['request', 'failure', 'branch', 'event'] },
      params: ['int'],
      returns: 'int',
      wasm: 'isMaxfwdLt',
    }),
  ],
});
