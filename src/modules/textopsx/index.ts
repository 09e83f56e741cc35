/** KSR.textopsx: more operations on the text of a message. */
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { asksRecordRoute } from '../../kemi/record-route.ts';
import { defineModule, exportsOf } from '../../kemi/table.ts';
import { applyChanges, changeStatus, keepHeaders, removeBody, setBuffer } from './apply.ts';
import { fnmatch } from './fnmatch.ts';
import {
  appendValue,
  assignValue,
  assignWhole,
  excludeValue,
  hasValue,
  includeValue,
  insertValue,
  parseReference,
  type Reference,
  removeValue,
  removeWhole,
} from './hf-value.ts';
import { ITERATOR_ROWS } from './rows-iterators.ts';
import { createState, iteratorsOf, nameRegex, type State, type TextCall } from './state.ts';

const kemi = exportsOf<State>();

/** After the message was read anew, iterators stand on nothing. */
function applied(call: TextCall, result: number): number {
  if (result > 0) iteratorsOf(call).clear();
  return result;
}

function keepMatching(call: TextCall, source: ByteStr): number {
  const regex = source ? nameRegex(call, source) : undefined;
  return source && !regex ? -1 : keepHeaders(call.msg, regex);
}

function withReference(call: TextCall, text: ByteStr, run: (msg: SipMsg, ref: Reference) => number): number {
  const ref = parseReference(text);
  if (ref) return run(call.msg, ref);
  call.host.log.error({ reference: text }, `Cannot read the header reference "${text}"`);
  return -1;
}

function withValue(
  call: TextCall,
  text: ByteStr,
  value: ByteStr,
  run: (msg: SipMsg, ref: Reference, value: ByteStr) => number,
): number {
  const formatted = value.includes('$') ? call.host.format(value) : value;
  return formatted === undefined ? -1 : withReference(call, text, (msg, ref) => run(msg, ref, formatted));
}

export default defineModule<State>({
  name: 'textopsx',
  shares: true,
  modparams: {},
  create: createState,
  functions: [
    /**
     * KSR.textopsx.msg_apply_changes(): makes all pending changes part of the message, which is read anew. Additions to the reply are gone
     * afterwards, as in Kamailio. DIFFERS: a message that would not be valid any more leaves the old one in place.
     * @returns 1 done; 0 the result is no valid message; -1 Record-Route was asked for, which is written when the message is sent; too large, or memory is full
     * Kamailio 6.x manual, module textopsx, msg_apply_changes; codes observed on 5.6.3
     */
    kemi('msg_apply_changes', {
      native: { routes: ['request', 'onreply', 'event', 'reply'] },
      params: [],
      returns: 'int',
      run: call => applied(call, asksRecordRoute(call.msg) ? -1 : applyChanges(call.msg)),
    }),
    /**
     * KSR.textopsx.msg_set_buffer(data): replaces the message.
     * @param data a whole message of the same kind, request or reply
     * @returns 1 done; 0 it is no valid message: the old one stays; -1 empty or too large
     * Kamailio 6.x manual, module textopsx, msg_set_buffer; codes observed on 5.6.3
     */
    kemi('msg_set_buffer', {
      params: ['str'],
      returns: 'int',
      run: (call, data) => applied(call, setBuffer(call.msg, data)),
    }),
    /**
     * KSR.textopsx.change_reply_status(code, reason): changes the status of a reply that is forwarded. A provisional or 2xx reply keeps its class
     * (RFC 3261 16.7).
     * @param code 100..699  @param reason reason phrase
     * @returns 1 changed; -1 not a reply, empty phrase, bad code, or another class
     * Kamailio 6.x manual, module textopsx, change_reply_status; codes observed on 5.6.3
     */
    kemi('change_reply_status', {
      native: { routes: ['onreply', 'reply'] },
      params: ['int', 'str'],
      returns: 'int',
      run: (call, code, reason) => changeStatus(call.msg, code, reason),
    }),
    /**
     * KSR.textopsx.change_reply_status_code(code): changes the status code of a reply that is forwarded and keeps its phrase.
     * @param code 100..699
     * @returns 1 changed; -1 not a reply, bad code, or another class
     * Kamailio 6.x manual, module textopsx, change_reply_status_code; codes observed on 5.6.3
     */
    kemi('change_reply_status_code', {
      params: ['int'],
      returns: 'int',
      run: (call, code) => changeStatus(call.msg, code, undefined),
    }),
    /**
     * KSR.textopsx.remove_body(): removes the body; Content-Length follows, Content-Type stays.
     * @returns 1 done, also when there is none
     * Kamailio 6.x manual, module textopsx, remove_body; codes observed on 5.6.3
     */
    kemi('remove_body', { params: [], returns: 'int', run: call => removeBody(call.msg) }),
    /**
     * KSR.textopsx.keep_hf(): removes all headers but Via, From, To, Call-ID, CSeq, Content-Length, Content-Type, Max-Forwards, Contact, Route and
     * Record-Route.
     * @returns -1 always, as Kamailio
     * Kamailio 6.x manual, module textopsx, keep_hf; codes observed on 5.6.3
     */
    kemi('keep_hf', { params: [], returns: 'int', run: call => keepHeaders(call.msg, undefined) }),
    /**
     * KSR.textopsx.keep_hf_re(re): as keep_hf, but also keeps the headers whose name matches.
     * @param re expression for names, as written, to keep as well; any case
     * @returns -1 always, as Kamailio; nothing is removed when the expression is refused
     * Kamailio 6.x manual, module textopsx, keep_hf_re; codes observed on 5.6.3
     */
    kemi('keep_hf_re', {
      native: { name: 'keep_hf' },
      params: ['str'],
      returns: 'int',
      run: (call, re) => keepMatching(call, re),
    }),
    /**
     * KSR.textopsx.fnmatch(value, pattern): matches a text against a shell pattern; * takes slashes too.
     * @param value text  @param pattern shell pattern: * ? [set] and a backslash before a special character
     * @returns 0 it matches (as Kamailio 5.6.3 answers in KEMI); -1 not
     * Kamailio 6.x manual, module textopsx, fnmatch; codes observed on 5.6.3
     */
    kemi('fnmatch', {
      params: ['str', 'str'],
      returns: 'int',
      anytime: true,
      run: (_call, value, pattern) => (fnmatch(value, pattern, false) ? 0 : -1),
    }),
    /**
     * KSR.textopsx.fnmatch_ex(value, pattern, flags): matches a text against a shell pattern. DIFFERS: the flag i works; it does not when Kamailio
     * 5.6.3 is called from KEMI.
     * @param value text  @param pattern shell pattern  @param flags i: letters match both cases
     * @returns 0 it matches; -1 not
     * Kamailio 6.x manual, module textopsx, fnmatch_ex; codes observed on 5.6.3
     */
    kemi('fnmatch_ex', {
      native: { name: 'fnmatch' },
      params: ['str', 'str', 'str'],
      returns: 'int',
      anytime: true,
      run: (_call, value, pattern, flags) => (fnmatch(value, pattern, /i/i.test(flags)) ? 0 : -1),
    }),
    /**
     * KSR.textopsx.append_hf_value(ref, value): adds a value behind the one at the index; without an index, or when there is no such value, a header
     * of its own.
     * @param ref NAME, NAME[IDX], NAME.PARAM or NAME[IDX].PARAM  @param value value, may hold PVs
     * @returns 1 done; -1 bad reference, or one with a parameter or *
     * Kamailio 6.x manual, module textopsx, append_hf_value; codes observed on 5.6.3
     */
    kemi('append_hf_value', {
      params: ['str', 'str'],
      returns: 'int',
      run: (call, ref, value) => withValue(call, ref, value, appendValue),
    }),
    /**
     * KSR.textopsx.insert_hf_value(ref, value): adds a value before the one at the index; without an index a header before the first of this name.
     * @param ref NAME, NAME[IDX], NAME.PARAM or NAME[IDX].PARAM  @param value value, may hold PVs
     * @returns 1 done; -1 bad reference, no such value, or a reference with a parameter or *
     * Kamailio 6.x manual, module textopsx, insert_hf_value; codes observed on 5.6.3
     */
    kemi('insert_hf_value', {
      params: ['str', 'str'],
      returns: 'int',
      run: (call, ref, value) => withValue(call, ref, value, insertValue),
    }),
    /**
     * KSR.textopsx.remove_hf_value(ref): removes a value, the first without an index, or a parameter of it; a header without values goes.
     * @param ref NAME, NAME[IDX], NAME.PARAM or NAME[IDX].PARAM
     * @returns 1 done; -1 bad reference, or no such value
     * Kamailio 6.x manual, module textopsx, remove_hf_value; codes observed on 5.6.3
     */
    kemi('remove_hf_value', {
      params: ['str'],
      returns: 'int',
      run: (call, ref) => withReference(call, ref, removeValue),
    }),
    /**
     * KSR.textopsx.remove_hf_value2(ref, unused): removes a header, the first without an index, or a parameter of it. Parameters stand between
     * commas, as in Authorization.
     * @param ref NAME, NAME[IDX], NAME.PARAM or NAME[IDX].PARAM  @param unused not used: Kamailio declares it
     * @returns 1 done; -1 bad reference, no such header or parameter
     * Kamailio 6.x manual, module textopsx, remove_hf_value2; codes observed on 5.6.3
     */
    kemi('remove_hf_value2', {
      params: ['str', 'str'],
      returns: 'int',
      run: (call, ref) => withReference(call, ref, removeWhole),
    }),
    /**
     * KSR.textopsx.assign_hf_value(ref, value): replaces a value, the first without an index, or sets a parameter of it. An empty parameter value
     * removes the parameter, as 5.6.3 does.
     * @param ref NAME, NAME[IDX], NAME.PARAM or NAME[IDX].PARAM  @param value value, may hold PVs
     * @returns 1 done; -1 bad reference, or no such value
     * Kamailio 6.x manual, module textopsx, assign_hf_value; codes observed on 5.6.3
     */
    kemi('assign_hf_value', {
      params: ['str', 'str'],
      returns: 'int',
      run: (call, ref, value) => withValue(call, ref, value, assignValue),
    }),
    /**
     * KSR.textopsx.assign_hf_value2(ref, value): replaces the value of a header, the first without an index, or sets a parameter of it. Parameters
     * stand between commas, as in Authorization.
     * @param ref NAME, NAME[IDX], NAME.PARAM or NAME[IDX].PARAM  @param value value, may hold PVs
     * @returns 1 done; -1 bad reference, or no such header
     * Kamailio 6.x manual, module textopsx, assign_hf_value2; codes observed on 5.6.3
     */
    kemi('assign_hf_value2', {
      params: ['str', 'str'],
      returns: 'int',
      run: (call, ref, value) => withValue(call, ref, value, assignWhole),
    }),
    /**
     * KSR.textopsx.include_hf_value(name, value): adds a value to a set like Supported when it is not in it; letters match both cases.
     * @param name header name  @param value value, may hold PVs
     * @returns 1 it is in it; -1 bad name or empty value
     * Kamailio 6.x manual, module textopsx, include_hf_value; codes observed on 5.6.3
     */
    kemi('include_hf_value', {
      params: ['str', 'str'],
      returns: 'int',
      run: (call, name, value) => withValue(call, name, value, includeValue),
    }),
    /**
     * KSR.textopsx.exclude_hf_value(name, value): removes a value from a set like Supported, in all headers of the name.
     * @param name header name  @param value value, may hold PVs
     * @returns 1 it is not in it; -1 bad name or empty value
     * Kamailio 6.x manual, module textopsx, exclude_hf_value; codes observed on 5.6.3
     */
    kemi('exclude_hf_value', {
      params: ['str', 'str'],
      returns: 'int',
      run: (call, name, value) => withValue(call, name, value, excludeValue),
    }),
    /**
     * KSR.textopsx.hf_value_exists(name, value): tells whether a set like Supported has a value; letters match both cases.
     * @param name header name  @param value value, may hold PVs
     * @returns 1 it has; -1 not, or a bad name
     * Kamailio 6.x manual, module textopsx, hf_value_exists; codes observed on 5.6.3
     */
    kemi('hf_value_exists', {
      params: ['str', 'str'],
      returns: 'int',
      run: (call, name, value) => withValue(call, name, value, hasValue),
    }),
    ...ITERATOR_ROWS,
  ],
});
