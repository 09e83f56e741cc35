/** Parameters of a URI (RFC 3261 19.1.1): `a;b=c`, without quotes. Read through globals, as params.ts does. */
import { byte, EQUALS, find1, lower, SEMICOLON, SP } from '../mem/bytes';

export let uriParamName: usize = 0;
export let uriParamNameLength: i32 = 0;
/** empty when there is no value */
export let uriParamValue: usize = 0;
export let uriParamValueEnd: usize = 0;

/** Reads the parameter at [at, end) without blanks around its name and value. @returns the first byte of the next one; more than `end` when it was the last */
export function nextUriParam(at: usize, end: usize): usize {
  const stop = find1(at, end, <u8>SEMICOLON);
  const equals = find1(at, stop, <u8>EQUALS);
  uriParamName = skipBlanks(at, equals);
  uriParamNameLength = <i32>(withoutBlanks(uriParamName, equals) - uriParamName);
  uriParamValue = equals < stop ? skipBlanks(equals + 1, stop) : stop;
  uriParamValueEnd = withoutBlanks(uriParamValue, stop);
  return stop + 1;
}

/** Finds the first parameter whose name is that of two letters, in any case. @param name little-endian, in lower case */
export function hasUriParam2(at: usize, end: usize, name: u32): bool {
  while (at < end) {
    at = nextUriParam(at, end);
    if (
      uriParamNameLength == 2 &&
      (<u32>lower(byte(uriParamName)) | ((<u32>lower(byte(uriParamName + 1))) << 8)) == name
    )
      return true;
  }
  return false;
}

function skipBlanks(at: usize, end: usize): usize {
  while (at < end && byte(at) <= SP) at++;
  return at;
}

function withoutBlanks(at: usize, end: usize): usize {
  while (end > at && byte(end - 1) <= SP) end--;
  return end;
}
