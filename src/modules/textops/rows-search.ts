/** The rows of KSR.textops that search, replace and substitute. */
import { bodyEnd } from '../../kemi/message-edits.ts';
import { exportsOf } from '../../kemi/table.ts';
import {
  afterStartLine,
  appendToMatch,
  bodyArea,
  headerArea,
  replaceAll,
  replaceFirst,
  replacePlain,
  search,
  searchHeader,
  searchText,
  substArea,
  substHeader,
  substInto,
  substUri,
  substUser,
} from './search.ts';
import type { State } from './state.ts';

const kemi = exportsOf<State>();

export const SEARCH_ROWS = [
  /**
   * KSR.textops.search(re): searches the whole message as received.
   * @param re POSIX extended expression, any case, line by line
   * @returns 1 match; -1 none, or the expression is refused
   * Kamailio 6.x manual, module textops, search; codes observed on 5.6.3
   */
  kemi('search', {
    native: { params: ['raw'] },
    params: ['str'],
    returns: 'int',
    run: (call, re) => search(call, call.msg.slice(0, bodyEnd(call.msg)), re),
  }),
  /**
   * KSR.textops.search_body(re): searches the body as received.
   * @param re POSIX extended expression, any case, line by line
   * @returns 1 match; -1 none, no body, or the expression is refused
   * Kamailio 6.x manual, module textops, search_body; codes observed on 5.6.3
   */
  kemi('search_body', {
    native: { params: ['raw'] },
    params: ['str'],
    returns: 'int',
    run: (call, re) => search(call, bodyArea(call.msg)?.text, re),
  }),
  /**
   * KSR.textops.search_str(text, re): searches a text.
   * @param text where to search  @param re POSIX extended expression, any case, line by line
   * @returns 1 match; -1 none; 2 empty expression; -2 empty text, or the expression is refused
   * Kamailio 6.x manual, module textops, search_str; codes observed on 5.6.3
   */
  kemi('search_str', { params: ['str', 'str'], returns: 'int', run: (call, text, re) => searchText(call, text, re) }),
  /**
   * KSR.textops.search_hf(name, re, flag): searches the values of headers.
   * @param name header name  @param re POSIX extended expression, any case, line by line
   * @param flag f the first header of the name, l the last, else all
   * @returns 1 match; -1 none, no such header, or an empty or refused expression
   * Kamailio 6.x manual, module textops, search_hf; codes observed on 5.6.3
   */
  kemi('search_hf', {
    native: { params: ['raw', 'raw', 'raw'] },
    params: ['str', 'str', 'str'],
    returns: 'int',
    run: (call, name, re, flag) => searchHeader(call, name, re, flag),
  }),
  /**
   * KSR.textops.search_append(re, text): puts text behind the first match after the start line.
   * @param re POSIX extended expression, any case, line by line  @param text text to put in
   * @returns 1 done; -1 no match, or the expression is refused
   * Kamailio 6.x manual, module textops, search_append; codes observed on 5.6.3
   */
  kemi('search_append', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, re, text) => appendToMatch(call, afterStartLine(call.msg), re, text),
  }),
  /**
   * KSR.textops.search_append_body(re, text): puts text behind the first match in the body.
   * @param re POSIX extended expression, any case, line by line  @param text text to put in
   * @returns 1 done; -1 no match, no body, or the expression is refused
   * Kamailio 6.x manual, module textops, search_append_body; codes observed on 5.6.3
   */
  kemi('search_append_body', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, re, text) => appendToMatch(call, bodyArea(call.msg), re, text),
  }),
  /**
   * KSR.textops.replace(re, text): replaces the first match after the start line. DIFFERS: Content-Length follows when that is in the body;
   * Kamailio leaves it wrong (RFC 3261 20.14).
   * @param re POSIX extended expression, any case, line by line  @param text text to put in
   * @returns 1 done; -1 no match, or the expression is refused
   * Kamailio 6.x manual, module textops, replace; codes observed on 5.6.3
   */
  kemi('replace', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, re, text) => replaceFirst(call, afterStartLine(call.msg), re, text),
  }),
  /**
   * KSR.textops.replace_body(re, text): replaces the first match in the body.
   * @param re POSIX extended expression, any case, line by line  @param text text to put in
   * @returns 1 done; -1 no match, no body, or the expression is refused
   * Kamailio 6.x manual, module textops, replace_body; codes observed on 5.6.3
   */
  kemi('replace_body', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, re, text) => replaceFirst(call, bodyArea(call.msg), re, text),
  }),
  /**
   * KSR.textops.replace_hdrs(re, text): replaces the first match in the headers.
   * @param re POSIX extended expression, any case, line by line  @param text text to put in
   * @returns 1 done; -1 no match, or the expression is refused
   * Kamailio 6.x manual, module textops, replace_hdrs; codes observed on 5.6.3
   */
  kemi('replace_hdrs', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, re, text) => replaceFirst(call, headerArea(call.msg), re, text),
  }),
  /**
   * KSR.textops.replace_all(re, text): replaces all matches after the start line. Content-Length follows, as for replace.
   * @param re POSIX extended expression, any case, line by line  @param text text to put in
   * @returns 1 done; -1 no match, an empty match (what was replaced before it stays), or the expression is refused
   * Kamailio 6.x manual, module textops, replace_all; codes observed on 5.6.3
   */
  kemi('replace_all', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, re, text) => replaceAll(call, afterStartLine(call.msg), re, text),
  }),
  /**
   * KSR.textops.replace_body_all(re, text): replaces all matches in the body, line by line.
   * @param re POSIX extended expression, any case, line by line  @param text text to put in
   * @returns 1 done; -1 no match, an empty match, no body, or the expression is refused
   * Kamailio 6.x manual, module textops, replace_body_all; codes observed on 5.6.3
   */
  kemi('replace_body_all', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, re, text) => replaceAll(call, bodyArea(call.msg), re, text),
  }),
  /**
   * KSR.textops.replace_body_atonce(re, text): replaces all matches in the body, which is one piece: `.` and `[^x]` match line ends, `^` and `$`
   * only at the ends of the body. DIFFERS: Kamailio 5.6.3 goes line by line when it is called from KEMI; the manual and its native function do not.
   * @param re POSIX extended expression, any case, line by line  @param text text to put in
   * @returns 1 done; -1 no match, an empty match, no body, or the expression is refused
   * Kamailio 6.x manual, module textops, replace_body_atonce; codes observed on 5.6.3
   */
  kemi('replace_body_atonce', {
    params: ['str', 'str'],
    returns: 'int',
    run: (call, re, text) => replaceAll(call, bodyArea(call.msg), re, text, { ignoreCase: true }),
  }),
  /**
   * KSR.textops.replace_str(find, text, mode): replaces plain text after the start line.
   * @param find text to find, case-sensitive  @param text text to put in  @param mode f only the first place, else all
   * @returns 1 done, also when the text is not there
   * Kamailio 6.x manual, module textops, replace_str; codes observed on 5.6.3
   */
  kemi('replace_str', {
    params: ['str', 'str', 'str'],
    returns: 'int',
    run: (call, find, text, mode) => replacePlain(call, afterStartLine(call.msg), find, text, mode),
  }),
  /**
   * KSR.textops.replace_body_str(find, text, mode): replaces plain text in the body.
   * @param find text to find, case-sensitive  @param text text to put in  @param mode f only the first place, else all
   * @returns 1 done, also when the text is not there; -1 no body
   * Kamailio 6.x manual, module textops, replace_body_str; codes observed on 5.6.3
   */
  kemi('replace_body_str', {
    params: ['str', 'str', 'str'],
    returns: 'int',
    run: (call, find, text, mode) => replacePlain(call, bodyArea(call.msg), find, text, mode),
  }),
  /**
   * KSR.textops.replace_hdrs_str(find, text, mode): replaces plain text in the headers.
   * @param find text to find, case-sensitive  @param text text to put in  @param mode f only the first place, else all
   * @returns 1 done, also when the text is not there
   * Kamailio 6.x manual, module textops, replace_hdrs_str; codes observed on 5.6.3
   */
  kemi('replace_hdrs_str', {
    params: ['str', 'str', 'str'],
    returns: 'int',
    run: (call, find, text, mode) => replacePlain(call, headerArea(call.msg), find, text, mode),
  }),
  /**
   * KSR.textops.subst(subst): substitutes after the start line.
   * @param subst `/regex/replacement/flags`: \0 to \9, \u, PVs; flags i (any case), g (all), s (across lines)
   * @returns 1 done; -1 no match, an empty match, or the substitution is refused
   * Kamailio 6.x manual, module textops, subst; codes observed on 5.6.3
   */
  kemi('subst', {
    native: { params: ['raw'] },
    params: ['str'],
    returns: 'int',
    run: (call, subst) => substArea(call, afterStartLine(call.msg), subst),
  }),
  /**
   * KSR.textops.subst_body(subst): substitutes in the body.
   * @param subst `/regex/replacement/flags`: \0 to \9, \u, PVs; flags i (any case), g (all), s (across lines)
   * @returns 1 done; -1 no match, an empty match, no body, or the substitution is refused
   * Kamailio 6.x manual, module textops, subst_body; codes observed on 5.6.3
   */
  kemi('subst_body', {
    native: { params: ['raw'] },
    params: ['str'],
    returns: 'int',
    run: (call, subst) => substArea(call, bodyArea(call.msg), subst),
  }),
  /**
   * KSR.textops.subst_uri(subst): substitutes in the request URI.
   * @param subst `/regex/replacement/flags`: \0 to \9, \u, PVs; flags i (any case), g (all), s (across lines)
   * @returns 1 done; -1 no match, an empty match, or the substitution is refused
   * Kamailio 6.x manual, module textops, subst_uri; codes observed on 5.6.3
   */
  kemi('subst_uri', {
    native: { params: ['raw'] },
    params: ['str'],
    returns: 'int',
    run: (call, subst) => substUri(call, subst),
  }),
  /**
   * KSR.textops.subst_user(subst): substitutes in the user part of the request URI; an empty result removes the user.
   * @param subst `/regex/replacement/flags`: \0 to \9, \u, PVs; flags i (any case), g (all), s (across lines)
   * @returns 1 done; -1 no match, an empty match, a bad URI, or the substitution is refused
   * Kamailio 6.x manual, module textops, subst_user; codes observed on 5.6.3
   */
  kemi('subst_user', {
    native: { params: ['raw'] },
    params: ['str'],
    returns: 'int',
    run: (call, subst) => substUser(call, subst),
  }),
  /**
   * KSR.textops.subst_hf(name, subst, flag): substitutes in the values of headers.
   * @param name header name  @param subst `/regex/replacement/flags`: \0 to \9, \u, PVs; flags i (any case), g (all), s (across lines)
   * @param flag f the first header of the name, l the last, else all
   * @returns 1 done; -1 no match, no such header, or the substitution is refused
   * Kamailio 6.x manual, module textops, subst_hf; codes observed on 5.6.3
   */
  kemi('subst_hf', {
    native: { params: ['raw', 'raw', 'raw'] },
    params: ['str', 'str', 'str'],
    returns: 'int',
    run: (call, name, subst, flag) => substHeader(call, name, subst, flag),
  }),
  /**
   * KSR.textops.subst_v(text, subst, target): substitutes in a text and stores the result.
   * @param text where to substitute  @param subst `/regex/replacement/flags`: \0 to \9, \u, PVs; flags i (any case), g (all), s (across lines)
   * @param target name of a PV that takes the result
   * @returns 1 done; -1 no match, empty text, a PV that takes no value, or the substitution is refused
   * Kamailio 6.x, module textops, subst_v
   */
  kemi('subst_v', {
    params: ['str', 'str', 'str'],
    returns: 'int',
    run: (call, text, subst, target) => substInto(call, text, subst, target),
  }),
];
