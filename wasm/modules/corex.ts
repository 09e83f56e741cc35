/** KSR.corex: has_ruri_user, has_user_agent. */
import { H_BODY, HDR_USER_AGENT } from '../gen/layout.gen';
import { MSG } from '../mem/state';
import { URI_USER } from '../sip/uri';
import { firstHeader, ruriArea } from './value';

/** @returns 1 when the request URI has a user part, else -1 */
export function hasRuriUser(): i32 {
  const area = ruriArea(MSG);
  return area && load<u16>(area + URI_USER + 2) ? 1 : -1;
}

/** @returns 1 when there is a User-Agent header with a value, else -1 */
export function hasUserAgent(): i32 {
  const h = firstHeader(MSG, HDR_USER_AGENT);
  return h && load<u16>(h + H_BODY + 2) ? 1 : -1;
}
