/** The rows of KSR.textops about plain strings. */
import type { ByteStr } from '../../core/memory.ts';
import { exportsOf } from '../../kemi/table.ts';
import type { State } from './state.ts';
import { allIn, anyIn, find, findAnyCase, inList, inListPrefix, lower, regexSubstring } from './strings.ts';

const kemi = exportsOf<State>();

/** The codes that Kamailio's comparisons have: 1 equal, -1 the first is later in byte order, -2 it is earlier. */
const ordered = (a: ByteStr, b: ByteStr): number => (a === b ? 1 : a < b ? -2 : -1);

export const STRING_ROWS = [
  /**
   * KSR.textops.cmp_str(a, b): compares two texts.
   * @param a text  @param b text
   * @returns 1 equal; -1 the first comes later in byte order; -2 it comes earlier
   * Kamailio 6.x manual, module textops, cmp_str; codes observed on 5.6.3
   */
  kemi('cmp_str', { params: ['str', 'str'], returns: 'int', anytime: true, run: (_call, a, b) => ordered(a, b) }),
  /**
   * KSR.textops.cmp_istr(a, b): compares two texts, letters in any case.
   * @param a text  @param b text
   * @returns 1 equal; -1 the first comes later in byte order, in lower case; -2 it comes earlier
   * Kamailio 6.x manual, module textops, cmp_istr; codes observed on 5.6.3
   */
  kemi('cmp_istr', {
    params: ['str', 'str'],
    returns: 'int',
    anytime: true,
    run: (_call, a, b) => ordered(lower(a), lower(b)),
  }),
  /**
   * KSR.textops.starts_with(text, start): tells whether a text starts with another.
   * @param text text  @param start its start
   * @returns 1 it does; -1 the text is too short, or comes later in byte order; -2 it comes earlier
   * Kamailio 6.x manual, module textops, starts_with; codes observed on 5.6.3
   */
  kemi('starts_with', {
    params: ['str', 'str'],
    returns: 'int',
    anytime: true,
    run: (_call, text, start) => (text.length < start.length ? -1 : ordered(text.slice(0, start.length), start)),
  }),
  /**
   * KSR.textops.ends_with(text, end): tells whether a text ends with another.
   * @param text text  @param end its end
   * @returns 1 it does; -1 the text is too short, or its end comes later in byte order; -2 it comes earlier
   * Kamailio 6.x manual, module textops, ends_with; codes observed on 5.6.3
   */
  kemi('ends_with', {
    params: ['str', 'str'],
    returns: 'int',
    anytime: true,
    run: (_call, text, end) => (text.length < end.length ? -1 : ordered(text.slice(text.length - end.length), end)),
  }),
  /**
   * KSR.textops.str_find(text, part): finds a text in another.
   * @param text text  @param part what to find
   * @returns position from 1; -1 not found
   * Kamailio 6.x manual, module textops, str_find; codes observed on 5.6.3
   */
  kemi('str_find', {
    params: ['str', 'str'],
    returns: 'int',
    anytime: true,
    run: (_call, text, part) => find(text, part),
  }),
  /**
   * KSR.textops.str_ifind(text, part): finds a text in another, letters in any case.
   * @param text text  @param part what to find
   * @returns position from 1; -1 not found
   * Kamailio 6.x manual, module textops, str_ifind; codes observed on 5.6.3
   */
  kemi('str_ifind', {
    params: ['str', 'str'],
    returns: 'int',
    anytime: true,
    run: (_call, text, part) => findAnyCase(text, part),
  }),
  /**
   * KSR.textops.str_any_in(text, set): tells whether any character of the text is in the set.
   * @param text text  @param set characters
   * @returns 1 one is; -1 none
   * Kamailio 6.x, module textops, str_any_in
   */
  kemi('str_any_in', {
    params: ['str', 'str'],
    returns: 'int',
    anytime: true,
    run: (_call, text, set) => anyIn(text, set),
  }),
  /**
   * KSR.textops.str_all_in(text, set): tells whether all characters of the text are in the set.
   * @param text text  @param set characters
   * @returns 1 all are; -1 not, or empty text
   * Kamailio 6.x, module textops, str_all_in
   */
  kemi('str_all_in', {
    params: ['str', 'str'],
    returns: 'int',
    anytime: true,
    run: (_call, text, set) => allIn(text, set),
  }),
  /**
   * KSR.textops.in_list(subject, list, separator): tells whether an item is in a list.
   * @param subject item to find  @param list items; blanks around them do not count  @param separator one character
   * @returns 1 it is; -1 not, or an empty parameter
   * Kamailio 6.x manual, module textops, in_list; codes observed on 5.6.3
   */
  kemi('in_list', {
    params: ['str', 'str', 'str'],
    returns: 'int',
    anytime: true,
    run: (_call, subject, list, separator) => inList(subject, list, separator),
  }),
  /**
   * KSR.textops.in_list_prefix(subject, list, separator): tells whether a text starts with an item of a list.
   * @param subject text  @param list prefixes; blanks around them do not count  @param separator one character
   * @returns 1 it does; -1 not, or an empty parameter
   * Kamailio 6.x manual, module textops, in_list_prefix; codes observed on 5.6.3
   */
  kemi('in_list_prefix', {
    params: ['str', 'str', 'str'],
    returns: 'int',
    anytime: true,
    run: (_call, subject, list, separator) => inListPrefix(subject, list, separator),
  }),
  /**
   * KSR.textops.regex_substring(text, re, index, count, target): stores what a group of an expression matched.
   * @param text where to search  @param re POSIX extended expression; case counts, the text is one piece
   * @param index group, 0 for the whole match  @param count number of groups and the whole; above index
   * @param target name of a PV that takes the result
   * @returns 1 done; -2 no match; -1 bad index or expression, an empty group, or a PV that takes no value
   * Kamailio 6.x manual, module textops, regex_substring; codes observed on 5.6.3
   */
  kemi('regex_substring', {
    params: ['str', 'str', 'int', 'int', 'str'],
    returns: 'int',
    anytime: true,
    run: (call, text, re, index, count, target) => regexSubstring(call, text, re, index, count, target),
  }),
];
