/** The rows of KSR.textops about header fields. */
import { exportsOf } from '../../kemi/table.ts';
import { isPresent, removeExpression, removeIndex, removeMatching, removeNamed, removeValue } from './headers.ts';
import type { State } from './state.ts';
import { isPrivacy } from './strings.ts';

const kemi = exportsOf<State>();

export const HEADER_ROWS = [
  /**
   * KSR.textops.is_present_hf(name): tells whether a header is there.
   * @param name header name
   * @returns 1 it is; -1 not
   * Kamailio 6.x manual, module textops, is_present_hf; codes observed on 5.6.3
   */
  kemi('is_present_hf', {
    params: ['str'],
    returns: 'int',
    quick: 'hdrIsPresentQuick',
    run: (call, name) => (name && call.msg.named(name).length ? 1 : -1),
  }),
  /**
   * KSR.textops.is_present_hf_re(re): tells whether a header is there whose name, as written, matches.
   * @param re POSIX extended expression, any case, line by line
   * @returns 1 it is; -1 not, or the expression is refused
   * Kamailio 6.x manual, module textops, is_present_hf_re; codes observed on 5.6.3
   */
  kemi('is_present_hf_re', { params: ['str'], returns: 'int', run: (call, re) => isPresent(call, re) }),
  /**
   * KSR.textops.remove_hf(name): removes all headers of this name.
   * @param name header name
   * @returns 1 done, also when there was none; -1 empty name
   * Kamailio 6.x manual, module textops, remove_hf; codes observed on 5.6.3
   */
  kemi('remove_hf', {
    params: ['str'],
    returns: 'int',
    quick: 'hdrRemoveQuick',
    run: (call, name) => removeNamed(call, name),
  }),
  /**
   * KSR.textops.remove_hf_re(re): removes the headers whose name, as written, matches.
   * @param re POSIX extended expression, any case, line by line
   * @returns 1 removed; -1 none, or the expression is refused
   * Kamailio 6.x manual, module textops, remove_hf_re; codes observed on 5.6.3
   */
  kemi('remove_hf_re', { params: ['str'], returns: 'int', run: (call, re) => removeMatching(call, re) }),
  /**
   * KSR.textops.remove_hf_exp(match, skip): removes the headers whose name matches one expression and not the other.
   * @param match expression for the names to remove  @param skip expression for names to leave
   * @returns 1 removed; -1 none, or an expression is refused
   * Kamailio 6.x manual, module textops, remove_hf_exp; codes observed on 5.6.3
   */
  kemi('remove_hf_exp', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, match, skip) => removeExpression(call, match, skip),
  }),
  /**
   * KSR.textops.remove_hf_idx(name, index): removes one header of this name.
   * @param name header name  @param index from 0; negative counts from the end
   * @returns 1 removed, also for a negative index before the first; 2 there is none at this index; -1 no header name
   * Kamailio 6.x manual, module textops, remove_hf_idx; codes observed on 5.6.3
   */
  kemi('remove_hf_idx', {
    params: ['str', 'int'],
    returns: 'int',
    run: (call, name, index) => removeIndex(call, name, index),
  }),
  /**
   * KSR.textops.remove_hf_match(name, op, value): removes the headers of this name by their value.
   * @param name header name  @param op eq, ne, in (contains) or re  @param value what to compare with; case counts but for re
   * @returns 1 removed; -2 none; -1 bad name, operator or expression
   * Kamailio 6.x manual, module textops, remove_hf_match; codes observed on 5.6.3
   */
  kemi('remove_hf_match', {
    params: ['str', 'str', 'str'],
    returns: 'int',
    run: (call, name, op, value) => removeValue(call, name, op, value),
  }),
  /**
   * KSR.textops.is_privacy(value): tells whether the Privacy header has a value (RFC 3323 4.2).
   * @param value user, header, session, none, critical, id or history
   * @returns 1 it has; -1 not, no such header, or one that is not valid
   * Kamailio 6.x manual, module textops, is_privacy; codes observed on 5.6.3
   */
  kemi('is_privacy', { params: ['str'], returns: 'int', run: (call, value) => isPrivacy(call.msg, value) }),
];
