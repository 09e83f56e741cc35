/** Whether a URI or an address is ours. */
import * as L from '../../core/gen/layout.gen.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { parseUri, transportOf } from './uri.ts';

/**
 * @param text `sip:` or `sips:` URI, compared by host, port and transport as far as it gives them; else a bare host, compared without port
 */
export function isMyself(host: ModuleHost, text: ByteStr): boolean {
  if (!text) return false;
  if (!/^sips?:/i.test(text)) return host.isMyself(text, 0, L.PROTO_NONE);
  const uri = parseUri(host.core, text);
  if (!uri?.host || (uri.scheme !== L.SCHEME_SIP && uri.scheme !== L.SCHEME_SIPS)) return false;
  return host.isMyself(uri.host, uri.port, transportOf(uri));
}
