/** KSR.xlog: log lines with variables in them. */
import type { ByteStr } from '../../core/memory.ts';
import { defineModule, exportsOf } from '../../kemi/table.ts';
import { color, LEVEL, levelOf, write, type XlogState } from './xlog.ts';

const kemi = exportsOf<XlogState>();

export default defineModule<XlogState>({
  name: 'xlog',
  shares: true,
  modparams: {
    buf_size: {
      type: 'int',
      default: 4096,
      min: 1,
      max: 65535,
      doc: 'Longest line, in bytes; what follows is cut off.',
    },
    prefix: { type: 'str', default: '<script>: ', doc: 'Put before each line.' },
    prefix_mode: { type: 'int', default: 0, min: 0, max: 1, doc: '1: the prefix has variables in it.' },
    log_facility: { type: 'str', doc: 'Syslog facility; here the field "facility" of the log lines.' },
    force_color: {
      type: 'int',
      default: 0,
      min: 0,
      max: 1,
      doc: 'Taken for compatibility: $C(..) always gives its escape sequence.',
    },
    long_format: { type: 'int', default: 0, min: 0, max: 1, doc: 'Taken for compatibility: KEMI has no xlogl().' },
    log_colors: { type: 'str', repeat: true, doc: 'Taken for compatibility: the logger has colours of its own.' },
    methods_filter: { type: 'int', default: -1, doc: 'Taken for compatibility: KEMI has no xlogm().' },
  },
  create: (_host, params) => ({
    prefix: (params.prefix as ByteStr | undefined) ?? '<script>: ',
    prefixFormat: params.prefix_mode === 1,
    bufSize: (params.buf_size as number | undefined) ?? 4096,
    facility: params.log_facility as string | undefined,
  }),
  functions: [
    /**
     * KSR.xlog.xalert(text): logs a text at level alert.
     * @param text variables in it are replaced, null ones by "<null>"; "$$" is a "$"
     * @returns 1 logged, or the level is not in force; -1 the text does not parse (logged)
     * Kamailio 6.x manual, module xlog, xalert; deviations: none
     */
    kemi('xalert', {
      native: { params: ['raw'] },
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (call, text) => write(call, LEVEL.alert, text),
    }),

    /**
     * KSR.xlog.xcrit(text): logs a text at level critical.
     * @param text variables in it are replaced, null ones by "<null>"; "$$" is a "$"
     * @returns 1 logged, or the level is not in force; -1 the text does not parse (logged)
     * Kamailio 6.x manual, module xlog, xcrit; deviations: none
     */
    kemi('xcrit', {
      native: { params: ['raw'] },
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (call, text) => write(call, LEVEL.crit, text),
    }),

    /**
     * KSR.xlog.xerr(text): logs a text at level error.
     * @param text variables in it are replaced, null ones by "<null>"; "$$" is a "$"
     * @returns 1 logged, or the level is not in force; -1 the text does not parse (logged)
     * Kamailio 6.x manual, module xlog, xerr; deviations: none
     */
    kemi('xerr', {
      native: { params: ['raw'] },
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (call, text) => write(call, LEVEL.err, text),
    }),

    /**
     * KSR.xlog.xwarn(text): logs a text at level warning.
     * @param text variables in it are replaced, null ones by "<null>"; "$$" is a "$"
     * @returns 1 logged, or the level is not in force; -1 the text does not parse (logged)
     * Kamailio 6.x manual, module xlog, xwarn; deviations: none
     */
    kemi('xwarn', {
      native: { params: ['raw'] },
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (call, text) => write(call, LEVEL.warn, text),
    }),

    /**
     * KSR.xlog.xnotice(text): logs a text at level notice.
     * @param text variables in it are replaced, null ones by "<null>"; "$$" is a "$"
     * @returns 1 logged, or the level is not in force; -1 the text does not parse (logged)
     * Kamailio 6.x manual, module xlog, xnotice; deviations: none
     */
    kemi('xnotice', {
      native: { params: ['raw'] },
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (call, text) => write(call, LEVEL.notice, text),
    }),

    /**
     * KSR.xlog.xinfo(text): logs a text at level info.
     * @param text variables in it are replaced, null ones by "<null>"; "$$" is a "$"
     * @returns 1 logged, or the level is not in force; -1 the text does not parse (logged)
     * Kamailio 6.x manual, module xlog, xinfo; deviations: none
     */
    kemi('xinfo', {
      native: { params: ['raw'] },
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (call, text) => write(call, LEVEL.info, text),
    }),

    /**
     * KSR.xlog.xdbg(text): logs a text at level debug.
     * @param text variables in it are replaced, null ones by "<null>"; "$$" is a "$"
     * @returns 1 logged, or the level is not in force; -1 the text does not parse (logged)
     * Kamailio 6.x manual, module xlog, xdbg; deviations: none
     */
    kemi('xdbg', {
      native: { params: ['raw'] },
      params: ['str'],
      returns: 'int',
      anytime: true,
      run: (call, text) => write(call, LEVEL.dbg, text),
    }),

    /**
     * KSR.xlog.xlog(level, text): logs a text.
     * @param level L_ALERT L_BUG L_CRIT L_ERR L_WARN L_NOTICE L_INFO L_DBG, of which the third letter counts; or a PV that holds -5 to 3; anything else is L_ERR
     * @param text variables in it are replaced, null ones by "<null>"; "$$" is a "$"
     * @returns 1 logged, or the level is not in force; -1 the text does not parse (logged)
     * Kamailio 6.x manual, module xlog, xlog; deviations: none
     */
    kemi('xlog', {
      native: [{ params: ['raw'], to: [1], fill: { 0: 'L_ERR' } }, { params: ['raw', 'raw'] }],
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, level, text) => write(call, levelOf(call, level), text),
    }),

    /**
     * KSR.xlog.xlog_facility(facility, level, text): as xlog(), for a syslog facility.
     * @param facility e.g. LOG_LOCAL3; the field "facility" of the log line
     * @param level as in xlog()
     * @param text as in xlog()
     * @returns as xlog()
     * Kamailio 6.x: the function is newer than 5.6.3
     */
    kemi('xlog_facility', {
      native: { name: 'xlog', params: ['raw', 'raw', 'raw'] },
      params: ['str', 'str', 'str'],
      returns: 'int',
      anytime: true,
      run: (call, facility, level, text) => write(call, levelOf(call, level), text, facility),
    }),
  ],
  pvs: [
    {
      name: 'C',
      inner: 'required',
      innerAs: 'raw',
      anytime: true,
      doc: 'Escape sequence for colours on a terminal: $C(fb), f and b of x default, s black, r red, g green, y yellow, b blue, p purple, c cyan, w white; an upper-case f is bright.',
      check: inner => (color(inner) ? undefined : `$C() takes two of the letters x s r g y b p c w, not "${inner}"`),
      get: (_call, { inner }) => color(inner) ?? null,
    },
  ],
});
