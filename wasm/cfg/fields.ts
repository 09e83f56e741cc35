/**
 * Fields of the routing language compared with myself. A URI without a port means the default one there; KSR.is_myself_ruri() takes it for any. What is
 * unusual is left to src/interp/cfg/fields.ts.
 */
import { M_BUF, M_FROM, M_TO, NOT_QUICK, SCHEME_SIP, SCHEME_SIPS } from '../gen/layout.gen';
import { MSG } from '../mem/state';
import { areaIsOurs, isOurs } from '../modules/myself';
import { ruriArea, uriBase } from '../modules/value';
import { ADDR_URI, parseFrom, parseTo } from '../sip/name-addr';
import { parseUri, URI_HOST, URI_PORT, URI_SCHEME } from '../sip/uri';

const SIP_PORT: i32 = 5060;
const SIPS_PORT: i32 = 5061;
const PARTS: usize = memory.data(48, 16);

/** whether the host of a parsed URI is ours at its port, or at the default one */
function hostIsOurs(base: usize, area: usize): i32 {
  const host = load<u32>(area + URI_HOST);
  const port = <i32>load<u16>(area + URI_PORT);
  const usual = load<u16>(area + URI_SCHEME) == SCHEME_SIPS ? SIPS_PORT : SIP_PORT;
  return isOurs(base + <usize>(host & 0xffff), <i32>(host >> 16), port ? port : usual, 0);
}

/** uri == myself. @returns 1 or 0 */
export function uriIsMyself(): i32 {
  const area = MSG ? ruriArea(MSG) : 0;
  if (!area || !areaIsOurs(uriBase, area)) return 0;
  return load<u16>(area + URI_PORT) ? 1 : hostIsOurs(uriBase, area);
}

function addrIsMyself(area: usize): i32 {
  const p = load<u32>(area + ADDR_URI);
  const at = <usize>load<u32>(MSG + M_BUF) + <usize>(p & 0xffff);
  if (parseUri(at, at, at + <usize>(p >> 16), PARTS)) return NOT_QUICK;
  const scheme = load<u16>(PARTS + URI_SCHEME);
  return scheme == SCHEME_SIP || scheme == SCHEME_SIPS ? hostIsOurs(at, PARTS) : NOT_QUICK;
}

/** from_uri == myself. @returns 1, 0, NOT_QUICK */
export function fromUriIsMyself(): i32 {
  return !MSG || parseFrom(MSG) ? NOT_QUICK : addrIsMyself(MSG + M_FROM);
}

/** to_uri == myself. @returns 1, 0, NOT_QUICK */
export function toUriIsMyself(): i32 {
  return !MSG || parseTo(MSG) ? NOT_QUICK : addrIsMyself(MSG + M_TO);
}
