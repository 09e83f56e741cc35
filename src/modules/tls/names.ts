/** Names in certificates. Pure. */
import { type ByteStr, byteStrOf } from '../../core/memory.ts';

/** The parts that `$tls_peer_subject_cn` and the like ask for, with the name that OpenSSL gives them. */
export const PARTS: Readonly<Record<string, string>> = {
  cn: 'CN',
  locality: 'L',
  country: 'C',
  state: 'ST',
  organization: 'O',
  unit: 'OU',
  uid: 'UID',
};

/** The kinds of alternative names, with the label that they have in a certificate's text. */
export const ALTERNATIVES: Readonly<Record<string, string>> = {
  email: 'email',
  hostname: 'DNS',
  uri: 'URI',
  ip: 'IP Address',
};

/** `key=value` lines of a distinguished name, escapes undone. */
function partsOf(name: string): { key: string; value: string }[] {
  const parts: { key: string; value: string }[] = [];
  for (const line of name.split('\n')) {
    const equals = line.indexOf('=');
    if (equals > 0) parts.push({ key: line.slice(0, equals), value: unescaped(line.slice(equals + 1)) });
  }
  return parts;
}

const unescaped = (value: string): string =>
  value.replace(/\\([0-9A-Fa-f]{2})|\\(.)/gs, (_all, hex, char) =>
    hex === undefined ? char : String.fromCharCode(Number.parseInt(hex, 16)),
  );

/** @param key CN and the like  @returns null when it is not there */
export function namePart(name: string, key: string): ByteStr | null {
  const part = partsOf(name).find(p => p.key === key);
  return part ? byteStrOf(part.value) : null;
}

/** The whole name in one line, `/C=DE/CN=a`. @returns null for an empty one */
export function nameLine(name: string): ByteStr | null {
  const line = partsOf(name)
    .map(({ key, value }) => `/${key}=${value}`)
    .join('');
  return line ? byteStrOf(line) : null;
}

/**
 * The first alternative name of a kind.
 * @param text `DNS:a, URI:b`; a value with a comma or a quote in it stands in quotes  @returns null when there is none
 */
export function alternativeName(text: string, label: string): ByteStr | null {
  for (const match of text.matchAll(/([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g)) {
    if (match[1]!.trim() !== label) continue;
    const value = match[2]!;
    if (!value.startsWith('"')) return byteStrOf(value);
    const parsed: unknown = JSON.parse(value);
    return byteStrOf(String(parsed));
  }
  return null;
}

/** As Kamailio writes a certificate into a header: letters, digits and -._~ as they are, all else as %hh. */
export function urlEncoded(text: string): ByteStr {
  return text.replace(/[^A-Za-z0-9._~-]/g, c => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Jan  1 00:00:00 2020 GMT` */
export function certificateTime(ms: number): ByteStr {
  const d = new Date(ms);
  const two = (n: number) => String(n).padStart(2, '0');
  const clock = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
  return `${MONTHS[d.getUTCMonth()]} ${String(d.getUTCDate()).padStart(2)} ${clock} ${d.getUTCFullYear()} GMT`;
}
