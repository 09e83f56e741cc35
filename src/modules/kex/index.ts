/** KSR.kex: the log level, while the server runs. The module's RPC commands (core.*, stats.*) are there without it. */
import { defineModule, exportsOf } from '../../kemi/table.ts';
import { type KexState, levelOf, setLevel } from './kex.ts';

const kemi = exportsOf<KexState>();

export default defineModule<KexState>({
  name: 'kex',
  shares: true,
  modparams: {},
  create: host => ({ logger: host.log.level, core: host.core.x.getLogLevel() }),
  functions: [
    /**
     * KSR.kex.setdebug(level): set the log level, until resetdebug().
     * @param level as the core parameter debug: 3 debug, 2 and 1 info, 0 warnings, -1 errors, -2 to -5 critical, -6 nothing
     * @returns 1
     * Kamailio 6.x manual, module kex, setdebug; deviations: there is one process, so the level is that of all messages
     */
    kemi('setdebug', {
      params: ['int'],
      returns: 'int',
      anytime: true,
      run: ({ host }, level: number) => setLevel(host, levelOf(level), level),
    }),
    /**
     * KSR.kex.resetdebug(): back to the log level of the start.
     * @returns 1
     * Kamailio 6.x manual, module kex, resetdebug; deviations: none
     */
    kemi('resetdebug', {
      params: [],
      returns: 'int',
      anytime: true,
      run: ({ state, host }) => setLevel(host, state.logger, state.core),
    }),
  ],
});
