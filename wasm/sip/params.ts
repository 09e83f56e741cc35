/** One `;name=value` parameter of Via, From, To, Contact, Route (RFC 3261 25.1 generic-param). Shared by their parsers through four globals. */
import { byte, EQUALS, findParamEnd, QUOTE, SP, skipQuoted, skipWs } from '../mem/bytes';

export let paramName: usize = 0;
export let paramNameLength: i32 = 0;
/** value with its quotes; empty when there is none */
export let paramValue: usize = 0;
export let paramValueEnd: usize = 0;

/**
 * Reads the parameter behind the semicolon at `at - 1` into the globals above.
 * @returns the first byte behind it and the blanks that follow (another semicolon, a comma, the end, or something that does not belong there); 0 when a
 * quoted value does not close
 */
export function nextParam(at: usize, end: usize): usize {
  let p = skipWs(at, end);
  paramName = p;
  p = findParamEnd(p, end);
  paramNameLength = <i32>(p - paramName);
  if (p < end && byte(p) <= SP) p = skipWs(p, end);
  paramValue = p;
  paramValueEnd = p;
  if (p >= end || byte(p) != EQUALS) return p;
  p = skipWs(p + 1, end);
  paramValue = p;
  if (p < end && byte(p) == QUOTE) {
    p = skipQuoted(p, end);
    if (!p) return 0;
  } else {
    p = findParamEnd(p, end);
    while (p < end && byte(p) == EQUALS) p = findParamEnd(p + 1, end); // base64 padding and the like
  }
  paramValueEnd = p;
  if (p < end && byte(p) <= SP) p = skipWs(p, end);
  return p;
}
