/** The rows of KSR.textopsx about iterators. */
import * as L from '../../core/gen/layout.gen.ts';
import { exportsOf } from '../../kemi/table.ts';
import { putText, takeHeader, takeLine } from './iterators.ts';
import { iteratorsOf, type State } from './state.ts';

const kemi = exportsOf<State>();
const behind = (line: { offset: number; text: string } | undefined) => line && line.offset + line.text.length;

export const ITERATOR_ROWS = [
  /**
   * KSR.textopsx.hf_iterator_start(name): starts to go over the headers. Up to four iterators live at a time.
   * @param name name of the iterator
   * @returns 1 started, also anew; -1 four others are open
   * Kamailio 6.x manual, module textopsx, hf_iterator_start; codes observed on 5.6.3
   */
  kemi('hf_iterator_start', {
    params: ['str'],
    returns: 'int',
    run: (call, name) => iteratorsOf(call).startHeaders(name),
  }),
  /**
   * KSR.textopsx.hf_iterator_end(name): ends an iterator.
   * @param name name of the iterator
   * @returns 1
   * Kamailio 6.x manual, module textopsx, hf_iterator_end; codes observed on 5.6.3
   */
  kemi('hf_iterator_end', { params: ['str'], returns: 'int', run: (call, name) => iteratorsOf(call).endHeaders(name) }),
  /**
   * KSR.textopsx.hf_iterator_next(name): goes to the next header, after the start to the first.
   * @param name name of the iterator
   * @returns 1 there is one; -1 no more, or no such iterator
   * Kamailio 6.x manual, module textopsx, hf_iterator_next; codes observed on 5.6.3
   */
  kemi('hf_iterator_next', {
    params: ['str'],
    returns: 'int',
    run: (call, name) => iteratorsOf(call).nextHeader(call.msg, name),
  }),
  /**
   * KSR.textopsx.hf_iterator_prev(name): goes to the previous header.
   * @param name name of the iterator
   * @returns 1, also when that is before the first; -1 the iterator went behind the last, or there is none
   * Kamailio 6.x manual, module textopsx, hf_iterator_prev; codes observed on 5.6.3
   */
  kemi('hf_iterator_prev', {
    params: ['str'],
    returns: 'int',
    run: (call, name) => iteratorsOf(call).previousHeader(call.msg, name),
  }),
  /**
   * KSR.textopsx.hf_iterator_hname(name): name of the header, as written.
   * @param name name of the iterator
   * @returns the name; nil before the first and behind the last header
   * Kamailio 6.x manual, module textopsx, hf_iterator_hname; codes observed on 5.6.3
   */
  kemi('hf_iterator_hname', {
    params: ['str'],
    returns: 'xval',
    run: (call, name) => iteratorsOf(call).header(call.msg, name)?.name ?? null,
  }),
  /**
   * KSR.textopsx.hf_iterator_hbody(name): value of the header.
   * @param name name of the iterator
   * @returns the value; nil before the first and behind the last header
   * Kamailio 6.x manual, module textopsx, hf_iterator_hbody; codes observed on 5.6.3
   */
  kemi('hf_iterator_hbody', {
    params: ['str'],
    returns: 'xval',
    run: (call, name) => iteratorsOf(call).header(call.msg, name)?.body ?? null,
  }),
  /**
   * KSR.textopsx.hf_iterator_rm(name): removes the header.
   * @param name name of the iterator
   * @returns 1 done; -1 the iterator stands on none
   * Kamailio 6.x manual, module textopsx, hf_iterator_rm; codes observed on 5.6.3
   */
  kemi('hf_iterator_rm', {
    params: ['str'],
    returns: 'int',
    run: (call, name) => takeHeader(call.msg, iteratorsOf(call).header(call.msg, name)),
  }),
  /**
   * KSR.textopsx.hf_iterator_append(name, text): adds header text behind the header.
   * @param name name of the iterator  @param text text to add, with its line end
   * @returns 1 done; -1 the iterator stands on none
   * Kamailio 6.x manual, module textopsx, hf_iterator_append; codes observed on 5.6.3
   */
  kemi('hf_iterator_append', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, name, text) => putText(call.msg, iteratorsOf(call).header(call.msg, name)?.end, text, L.EK_ADD_HDR),
  }),
  /**
   * KSR.textopsx.hf_iterator_insert(name, text): adds header text before the header.
   * @param name name of the iterator  @param text text to add, with its line end
   * @returns 1 done; -1 the iterator stands on none
   * Kamailio 6.x manual, module textopsx, hf_iterator_insert; codes observed on 5.6.3
   */
  kemi('hf_iterator_insert', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, name, text) => putText(call.msg, iteratorsOf(call).header(call.msg, name)?.offset, text, L.EK_ADD_HDR),
  }),
  /**
   * KSR.textopsx.bl_iterator_start(name): starts to go over the lines of the body. Up to four iterators live at a time.
   * @param name name of the iterator
   * @returns 1 started, also anew; -1 four others are open
   * Kamailio 6.x manual, module textopsx, bl_iterator_start; codes observed on 5.6.3
   */
  kemi('bl_iterator_start', {
    params: ['str'],
    returns: 'int',
    run: (call, name) => iteratorsOf(call).startLines(call.msg, name),
  }),
  /**
   * KSR.textopsx.bl_iterator_end(name): ends an iterator.
   * @param name name of the iterator
   * @returns 1
   * Kamailio 6.x manual, module textopsx, bl_iterator_end; codes observed on 5.6.3
   */
  kemi('bl_iterator_end', { params: ['str'], returns: 'int', run: (call, name) => iteratorsOf(call).endLines(name) }),
  /**
   * KSR.textopsx.bl_iterator_next(name): goes to the next line, after the start to the first.
   * @param name name of the iterator
   * @returns 1 there is one; -1 no more, or no such iterator
   * Kamailio 6.x manual, module textopsx, bl_iterator_next; codes observed on 5.6.3
   */
  kemi('bl_iterator_next', { params: ['str'], returns: 'int', run: (call, name) => iteratorsOf(call).nextLine(name) }),
  /**
   * KSR.textopsx.bl_iterator_value(name): the line with its line end.
   * @param name name of the iterator
   * @returns the line; nil before the first and behind the last one
   * Kamailio 6.x manual, module textopsx, bl_iterator_value; codes observed on 5.6.3
   */
  kemi('bl_iterator_value', {
    params: ['str'],
    returns: 'xval',
    run: (call, name) => iteratorsOf(call).line(name)?.text ?? null,
  }),
  /**
   * KSR.textopsx.bl_iterator_rm(name): removes the line.
   * @param name name of the iterator
   * @returns 1 done; -1 the iterator stands on none
   * Kamailio 6.x manual, module textopsx, bl_iterator_rm; codes observed on 5.6.3
   */
  kemi('bl_iterator_rm', {
    params: ['str'],
    returns: 'int',
    run: (call, name) => takeLine(call.msg, iteratorsOf(call).line(name)),
  }),
  /**
   * KSR.textopsx.bl_iterator_append(name, text): adds text behind the line.
   * @param name name of the iterator  @param text text to add, with its line end
   * @returns 1 done; -1 the iterator stands on none
   * Kamailio 6.x manual, module textopsx, bl_iterator_append; codes observed on 5.6.3
   */
  kemi('bl_iterator_append', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, name, text) => putText(call.msg, behind(iteratorsOf(call).line(name)), text, L.EK_TEXT),
  }),
  /**
   * KSR.textopsx.bl_iterator_insert(name, text): adds text before the line.
   * @param name name of the iterator  @param text text to add, with its line end
   * @returns 1 done; -1 the iterator stands on none
   * Kamailio 6.x manual, module textopsx, bl_iterator_insert; codes observed on 5.6.3
   */
  kemi('bl_iterator_insert', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, name, text) => putText(call.msg, iteratorsOf(call).line(name)?.offset, text, L.EK_TEXT),
  }),
];
