/** KSR.hdr: header fields by name. Names match in any case, compact or long; edits are seen by later reads only after textopsx.msg_apply_changes(). */
import { defineModule, exportsOf } from '../../kemi/table.ts';
import { append, appendAfter, insert, insertBefore, matchContent, remove } from './hdr.ts';

const kemi = exportsOf<undefined>();

export default defineModule<undefined>({
  name: 'hdr',
  shares: true,
  native: false,
  modparams: {},
  create: () => undefined,
  functions: [
    /**
     * KSR.hdr.is_present(name): whether there is a header of this name.
     * @param name header name
     * @returns 1 or -1
     * Kamailio 5.6.3, observed
     */
    kemi('is_present', { params: ['str'], returns: 'int', wasm: 'hdrIsPresent' }),
    /**
     * KSR.hdr.get(name): value of the first header of this name.
     * @param name header name
     * @returns the value as received, folding kept, blanks round it taken off; nil when there is no such header
     * Kamailio 5.6.3, observed; deviations: blanks behind the value are taken off (RFC 3261 7.3.1)
     */
    kemi('get', { params: ['str'], returns: 'xval', wasm: 'hdrGet' }),
    /**
     * KSR.hdr.gete(name): value of the first header of this name, empty when it is not there.
     * @param name header name
     * @returns the value, or ""
     * Kamailio 5.6.3, observed
     */
    kemi('gete', { params: ['str'], returns: 'xval', wasm: 'hdrGete' }),
    /**
     * KSR.hdr.getw(name): value of the first header of this name, "<null>" when it is not there.
     * @param name header name
     * @returns the value, or "<null>"
     * Kamailio 5.6.3, observed
     */
    kemi('getw', { params: ['str'], returns: 'xval', wasm: 'hdrGetw' }),
    /**
     * KSR.hdr.append(text): adds header text behind the last header.
     * @param text header lines, each with its CRLF
     * @returns 1 added; -1 empty text, or the message's memory is full
     * Kamailio 5.6.3, observed; KSR.hdr is part of its core
     */
    kemi('append', {
      native: { name: 'append_hf' },
      params: ['str'],
      returns: 'int',
      run: (call, text) => append(call.msg, text),
    }),
    /**
     * KSR.hdr.append_after(text, name): adds header text behind the first header of this name, behind all headers when there is none.
     * @param text header lines, each with its CRLF  @param name header name
     * @returns 1 added; -1 no header name, or the message's memory is full
     * Kamailio 5.6.3, observed
     */
    kemi('append_after', {
      native: { name: 'append_hf', params: ['str', 'raw'] },
      params: ['str', 'str'],
      returns: 'int',
      run: (call, text, name) => appendAfter(call.msg, text, name),
    }),
    /**
     * KSR.hdr.append_to_reply(text): adds header text to the replies that this server makes to this request.
     * @param text header lines, each with its CRLF
     * @returns 1 added; -1 empty text, or the message's memory is full
     * Kamailio 5.6.3, observed
     */
    kemi('append_to_reply', {
      native: { routes: ['request', 'failure', 'branch', 'event'] },
      params: ['str'],
      returns: 'int',
      run: (call, text) => (text && call.msg.addReplyHeader(text) ? 1 : -1),
    }),
    /**
     * KSR.hdr.insert(text): adds header text before the first header.
     * @param text header lines, each with its CRLF
     * @returns 1 added; -1 empty text, or the message's memory is full
     * Kamailio 5.6.3, observed
     */
    kemi('insert', {
      native: { name: 'insert_hf' },
      params: ['str'],
      returns: 'int',
      run: (call, text) => insert(call.msg, text),
    }),
    /**
     * KSR.hdr.insert_before(text, name): adds header text before the first header of this name, before all headers when there is none.
     * @param text header lines, each with its CRLF  @param name header name
     * @returns 1 added; -1 no header name, or the message's memory is full
     * Kamailio 5.6.3, observed
     */
    kemi('insert_before', {
      native: { name: 'insert_hf', params: ['str', 'raw'] },
      params: ['str', 'str'],
      returns: 'int',
      run: (call, text, name) => insertBefore(call.msg, text, name),
    }),
    /**
     * KSR.hdr.remove(name): removes all headers of this name.
     * @param name header name
     * @returns 1 done, also when there was none; -1 empty name
     * Kamailio 5.6.3, observed
     */
    kemi('remove', {
      params: ['str'],
      returns: 'int',
      quick: 'hdrRemoveQuick',
      run: (call, name) => remove(call.msg, name),
    }),
    /**
     * KSR.hdr.rmappend(name, text): removes all headers of this name, then adds header text behind the last header.
     * @param name header name  @param text header lines, each with its CRLF
     * @returns 1 done; -1 empty name or text
     * Kamailio 5.6.3, observed
     */
    kemi('rmappend', {
      params: ['str', 'str'],
      returns: 'int',
      run: (call, name, text) => (remove(call.msg, name) < 0 ? -1 : text ? append(call.msg, text) : 1),
    }),
    /**
     * KSR.hdr.rminsert(name, text): removes all headers of this name, then adds header text before the first header.
     * @param name header name  @param text header lines, each with its CRLF
     * @returns 1 done; -1 empty name
     * Kamailio 5.6.3, observed
     */
    kemi('rminsert', {
      params: ['str', 'str'],
      returns: 'int',
      run: (call, name, text) => (remove(call.msg, name) < 0 ? -1 : text ? insert(call.msg, text) : 1),
    }),
    /**
     * KSR.hdr.get_idx(name, index): value of one header of this name.
     * @param name header name  @param index from 0; negative counts from the end, -1 is the last
     * @returns the value as received, folding kept; nil when there is no such header
     * Kamailio 5.6.3, observed
     */
    kemi('get_idx', { params: ['str', 'int'], returns: 'xval', wasm: 'hdrGetIdx' }),
    /**
     * KSR.hdr.gete_idx(name, index): value of one header of this name, empty when it is not there.
     * @param name header name  @param index from 0; negative counts from the end
     * @returns the value, or ""
     * Kamailio 5.6.3, observed
     */
    kemi('gete_idx', { params: ['str', 'int'], returns: 'xval', wasm: 'hdrGeteIdx' }),
    /**
     * KSR.hdr.getw_idx(name, index): value of one header of this name, "<null>" when it is not there.
     * @param name header name  @param index from 0; negative counts from the end
     * @returns the value, or "<null>"
     * Kamailio 5.6.3, observed
     */
    kemi('getw_idx', { params: ['str', 'int'], returns: 'xval', wasm: 'hdrGetwIdx' }),
    /**
     * KSR.hdr.match_content(name, op, value, which): compares header values, letters in any case.
     * DIFFERS: `ne` compares the values; Kamailio 5.6.3 only compares their lengths. `re` is not implemented there either.
     * @param name header name  @param op eq, ne, sw (starts with) or in (contains)  @param value what to compare with
     * @param which f the first header, l the last, a all of them must match
     * @returns true when they match; false also when there is no such header, operator or mode
     * Kamailio 5.6.3, observed
     */
    kemi('match_content', {
      params: ['str', 'str', 'str', 'str'],
      returns: 'bool',
      run: (call, name, op, value, which) => matchContent(call.msg, name, op, value, which),
    }),
  ],
});
