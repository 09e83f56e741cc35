/** How parsers report: 0, or -ST_* with the place kept in failedAt until the next failure. */
import {
  ST_EMPTY,
  ST_MANY_HDRS,
  ST_NO_MEMORY,
  ST_NO_SLOT,
  ST_SCHEME,
  ST_STALE,
  ST_TOO_BIG,
  ST_VERSION,
} from '../gen/layout.gen';

/** address of the byte that the last failed parser stopped at */
export let failedAt: usize = 0;

/** @returns -status; keeps the address of the offending byte */
export function fail(status: i32, at: usize): i32 {
  failedAt = at;
  return -status;
}

/**
 * The answer that a request with this parser status deserves (RFC 3261 21.4, 21.5).
 * @param status ST_*, positive or negative
 * @returns 505 bad version, 416 bad URI scheme, 513 too large, 503 out of slots or memory, 400 for any other error, 0 for none and for empty datagrams
 */
export function statusToReply(status: i32): i32 {
  if (status < 0) status = -status;
  if (status == 0 || status == ST_EMPTY || status == ST_STALE) return 0;
  if (status == ST_VERSION) return 505;
  if (status == ST_SCHEME) return 416;
  if (status == ST_TOO_BIG || status == ST_MANY_HDRS) return 513;
  if (status == ST_NO_SLOT || status == ST_NO_MEMORY) return 503;
  return 400;
}
