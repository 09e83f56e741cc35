/** `$tls_..`: the TLS connection that a message came by. All of them are null for a message that came otherwise. */
import * as L from '../../core/gen/layout.gen.ts';
import { byteStrOf } from '../../core/memory.ts';
import type { Certificate, Security } from '../../kemi/host.ts';
import type { PvClass } from '../../kemi/pv-types.ts';
import type { Call, XVal } from '../../kemi/table.ts';
import { ALTERNATIVES, alternativeName, certificateTime, nameLine, namePart, PARTS, urlEncoded } from './names.ts';

/** The protection of the connection that the message came by. */
export function securityOf({ host, msg }: Pick<Call, 'host' | 'msg'>): Security | undefined {
  const id = msg.u32(L.M_CONID);
  return id ? host.connections?.security(id) : undefined;
}

type Read = (security: Security) => XVal;

const OWNERS = [
  ['peer', "the peer's certificate", (s: Security) => s.peer],
  ['my', 'our certificate', (s: Security) => s.own],
] as const;

const flag = (holds: boolean): number => (holds ? 1 : 0);

/** name behind `$`, what it is, how it is read */
const ROWS: readonly (readonly [string, string, Read])[] = [
  ['tls_version', 'Version of TLS, TLSv1.3 for one.', s => s.version],
  ['tls_description', 'Cipher suite and version.', s => `${s.cipher} ${s.version}`],
  ['tls_cipher_info', 'Name of the cipher suite.', s => s.cipher],
  ['tls_cipher_bits', 'Bits of the key.', s => s.bits],
  ['tls_peer_verified', '1 when the peer has a certificate that leads to a CA of ours, else 0.', s => flag(s.verified)],
  ['tls_peer_revoked', "1 when the peer's certificate is revoked.", s => flag(s.verifyError === 'CERT_REVOKED')],
  ['tls_peer_expired', "1 when the peer's certificate has expired.", s => flag(s.verifyError === 'CERT_HAS_EXPIRED')],
  [
    'tls_peer_selfsigned',
    "1 when the peer's certificate is signed by itself.",
    s => flag(s.verifyError === 'DEPTH_ZERO_SELF_SIGNED_CERT'),
  ],
  [
    'tls_peer_server_name',
    'Name that the client asked for (SNI).',
    s => (s.serverName ? byteStrOf(s.serverName) : null),
  ],
  [
    'tls_peer_notBefore',
    "Start of the peer's certificate.",
    s => (s.peer && certificateTime(s.peer.notBeforeMs)) || null,
  ],
  ['tls_peer_notAfter', "End of the peer's certificate.", s => (s.peer && certificateTime(s.peer.notAfterMs)) || null],
  ...OWNERS.flatMap(([owner, what, of]) => {
    const rows: [string, string, (c: Certificate) => XVal][] = [
      ['version', `Version of ${what}, 0 to 2.`, c => c.version - 1],
      ['serial', `Serial number of ${what}, decimal.`, c => BigInt(`0x${c.serial || 0}`).toString()],
      ['subject', `Subject of ${what} in one line.`, c => nameLine(c.subject)],
      ['issuer', `Issuer of ${what} in one line.`, c => nameLine(c.issuer)],
      ['raw_cert', `PEM text of ${what}.`, c => c.pem],
      ['urlencoded_cert', `PEM text of ${what} for a header field.`, c => urlEncoded(c.pem)],
      ...(['subject', 'issuer'] as const).flatMap(name =>
        Object.entries(PARTS).map(([part, key]): [string, string, (c: Certificate) => XVal] => [
          `${name}_${part}`,
          `${key} of the ${name} of ${what}.`,
          c => namePart(c[name], key),
        ]),
      ),
      ...Object.entries(ALTERNATIVES).map(([kind, label]): [string, string, (c: Certificate) => XVal] => [
        `san_${kind}`,
        `First alternative name of ${what} that is a ${kind}.`,
        c => alternativeName(c.alternative, label),
      ]),
    ];
    return rows.map(([name, doc, read]): [string, string, Read] => [
      `tls_${owner}_${name}`,
      doc,
      s => {
        const certificate = of(s);
        return certificate ? read(certificate) : null;
      },
    ]);
  }),
];

const READ = new Map(ROWS.map(([name, , read]) => [name, read]));

/** The value of a PV by its name without `$`; null for what is none. */
export function tlsValue(call: Pick<Call, 'host' | 'msg'>, name: string): XVal {
  const read = READ.get(name);
  const security = read && securityOf(call);
  return security ? read!(security) : null;
}

/** `$tls(key)` */
const LINES: Readonly<Record<string, string>> = {
  m_subject_line: 'tls_my_subject',
  m_issuer_line: 'tls_my_issuer',
  p_subject_line: 'tls_peer_subject',
  p_issuer_line: 'tls_peer_issuer',
};

export const PVS: readonly PvClass[] = [
  ...ROWS.map(([name, doc]) => ({ name, doc, get: (call: Call) => tlsValue(call, name) })),
  {
    name: 'tls',
    inner: 'required',
    innerAs: 'raw',
    doc: '$tls(key): m_subject_line, m_issuer_line, p_subject_line, p_issuer_line: names in our and in the peer’s certificate.',
    check: inner =>
      Object.hasOwn(LINES, inner) ? undefined : `"${inner}" is not one of ${Object.keys(LINES).join(', ')}`,
    get: (call: Call, { inner }) => tlsValue(call, LINES[inner] ?? ''),
  },
];
