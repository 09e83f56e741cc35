/** KSR.textops: operations on the text of a message. The rows stand in rows-*.ts, more than one file may hold. */
import { defineModule, exportsOf } from '../../kemi/table.ts';
import { BODY_ROWS } from './rows-body.ts';
import { HEADER_ROWS } from './rows-headers.ts';
import { SEARCH_ROWS } from './rows-search.ts';
import { STRING_ROWS } from './rows-strings.ts';
import { createState, type State } from './state.ts';

const kemi = exportsOf<State>();

export default defineModule<State>({
  name: 'textops',
  shares: true,
  modparams: {},
  create: createState,
  commands: [
    /**
     * append_urihf(prefix, suffix): add a header that has the request URI as it came between two texts.
     * @returns 1; -1 the message has no memory left
     * Kamailio 6.x manual, module textops, append_urihf; deviations: none
     */
    kemi('append_urihf', {
      native: { routes: ['request', 'failure', 'branch', 'event'] },
      params: ['str', 'str'],
      returns: 'int',
      run: ({ msg }, prefix, suffix) => (msg.appendHeader(`${prefix}${msg.originalUri}${suffix}`) ? 1 : -1),
    }),
  ],
  functions: [...SEARCH_ROWS, ...HEADER_ROWS, ...BODY_ROWS, ...STRING_ROWS],
});
