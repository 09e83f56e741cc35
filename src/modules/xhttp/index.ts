/** KSR.xhttp: requests of HTTP on connections of SIP, answered by the script. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import { KemiError } from '../../errors.ts';
import { eventRoute } from '../../kemi/event-route.ts';
import { exchangeOf } from '../../kemi/http.ts';
import { compileRegex, type Regex, RegexError } from '../../kemi/posix-regex.ts';
import type { PvClass } from '../../kemi/pv-types.ts';
import { type Call, defineModule, exportsOf, type ModParamValues, type XVal } from '../../kemi/table.ts';

interface XhttpState {
  readonly callback: ByteStr;
  readonly skip: Regex | undefined;
  readonly match: Regex | undefined;
}

type C = Call<XhttpState>;

const kemi = exportsOf<XhttpState>();
const EVENT = 'xhttp:request';

const target = ({ host }: C): XVal => exchangeOf(host)?.request.target ?? null;

const hu: PvClass = {
  name: 'hu',
  doc: 'Target of the HTTP request, as its request line has it; null when the message is none.',
  get: target,
};

function regexOf(params: ModParamValues, name: string): Regex | undefined {
  const source = params[name];
  if (source === undefined || source === '') return undefined;
  try {
    return compileRegex(String(source));
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    throw new KemiError('KEMI_ERR_CONFIG', `Cannot use xhttp ${name} "${source}": ${error.message}`);
  }
}

/** Whether a text can stand in a line of the answer's head. */
const isLine = (text: ByteStr): boolean => !/[\r\n\0]/.test(text);

function reply({ host, msg }: C, code: number, reason: ByteStr, type: ByteStr, body: ByteStr): number {
  const exchange = exchangeOf(host);
  if (!exchange) {
    host.log.error({ module: 'xhttp' }, 'Cannot answer by HTTP: the message is no HTTP request');
    return -1;
  }
  if (code < 100 || code > 999 || !isLine(reason) || !isLine(type)) {
    host.log.error({ module: 'xhttp', code }, 'Cannot answer by HTTP: the code is none, or a text has a line end');
    return -1;
  }
  const close = (msg.u32(L.M_MFLAGS) & L.MFL_REPLY_CLOSE) !== 0;
  const headers = `${type ? `Content-Type: ${type}\r\n` : ''}Server: kemi-wasm/${host.version}\r\n`;
  return exchange.answer({ code, reason, headers, body, close }) ? 1 : -1;
}

export default defineModule<XhttpState>({
  name: 'xhttp',
  shares: true,
  modparams: {
    url_skip: { type: 'str', doc: 'Regular expression: requests whose target it matches do not run the event route.' },
    url_match: { type: 'str', doc: 'Regular expression: only requests whose target it matches run the event route.' },
    event_callback: {
      type: 'str',
      default: '',
      doc: 'Function of the script that takes requests of HTTP: it gets "xhttp:request". A config has event_route[xhttp:request].',
    },
  },
  create: (_host, params) => ({
    callback: String(params.event_callback),
    skip: regexOf(params, 'url_skip'),
    match: regexOf(params, 'url_match'),
  }),
  pvs: [hu],
  httpRoute: ({ callback, skip, match }, host, request) => {
    if (skip?.test(request.target) || (match && !match.test(request.target))) return undefined;
    return eventRoute(host, callback, EVENT);
  },
  functions: [
    /**
     * KSR.xhttp.xhttp_reply(code, reason, ctype, body): answer the HTTP request at hand.
     * @param code 100..999
     * @param reason text of the status line
     * @param ctype Content-Type, "" for none
     * @param body what is sent; its length is told
     * @returns 1 sent; -1 the message is no HTTP request, it was answered already, its connection is gone, the code is out of range, or reason or ctype has a line end
     * Kamailio 6.x manual, module xhttp, xhttp_reply; deviations: KEMI gets 1, not 0, when it was sent; the code has a range
     */
    kemi('xhttp_reply', { params: ['int', 'str', 'str', 'str'], returns: 'int', run: reply }),
    /**
     * KSR.xhttp.get_hu(): the target of the HTTP request at hand.
     * @returns text; nil when the message is no HTTP request
     * Kamailio 6.x manual, module xhttp; deviations: none
     */
    kemi('get_hu', { native: false, params: [], returns: 'xval', run: target }),
  ],
});
