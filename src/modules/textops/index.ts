/** KSR.textops: operations on the text of a message. The rows stand in rows-*.ts, more than one file may hold. */
import { defineModule } from '../../kemi/table.ts';
import { BODY_ROWS } from './rows-body.ts';
import { HEADER_ROWS } from './rows-headers.ts';
import { SEARCH_ROWS } from './rows-search.ts';
import { STRING_ROWS } from './rows-strings.ts';
import { createState, type State } from './state.ts';

export default defineModule<State>({
  name: 'textops',
  shares: true,
  modparams: {},
  create: createState,
  functions: [...SEARCH_ROWS, ...HEADER_ROWS, ...BODY_ROWS, ...STRING_ROWS],
});
