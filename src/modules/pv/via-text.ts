/** Vias as text. */
import { isWs } from '../../core/ascii.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { SipMsg } from '../../core/sip-msg.ts';
import { integer } from '../../kemi/pv-parse.ts';
import { splitList } from './uri.ts';

export interface ViaText {
  readonly proto: ByteStr;
  readonly host: ByteStr;
  readonly port: number;
  /** as written; undefined when there is none */
  readonly portText: ByteStr | undefined;
  readonly params: ByteStr;
}

/** One Via value: SIP/2.0/UDP host:port;params (RFC 3261 20.42, blanks allowed around the slashes). */
export function parseViaText(text: ByteStr): ViaText | undefined {
  const second = text.indexOf('/', text.indexOf('/') + 1);
  if (second < 0) return undefined;
  let p = second + 1;
  const skip = () => {
    while (p < text.length && isWs(text.charCodeAt(p))) p++;
  };
  const word = (stop: string): ByteStr => {
    const at = p;
    while (p < text.length && !isWs(text.charCodeAt(p)) && !stop.includes(text[p]!)) p++;
    return text.slice(at, p);
  };
  skip();
  const proto = word(';');
  skip();
  let host: ByteStr;
  if (text[p] === '[') {
    const end = text.indexOf(']', p);
    if (end < 0) return undefined;
    host = text.slice(p, end + 1);
    p = end + 1;
  } else host = word(':;,');
  skip();
  let port = 5060;
  let portText: ByteStr | undefined;
  if (text[p] === ':') {
    p++;
    skip();
    portText = word(';,');
    port = integer(portText) ?? -1;
    if (port < 0 || port > 65535) return undefined;
    skip();
  }
  if (!proto || !host || (p < text.length && text[p] !== ';')) return undefined;
  return { proto, host, port, portText, params: text.slice(p + 1) };
}

/** Each Via value of a message, the top one first. */
export const viaTexts = (msg: SipMsg): ByteStr[] => msg.named('via').flatMap(h => splitList(h.body));
