/** The core parameters that mean something here, as options. Pure. */
import { type ByteStr, utf8Of } from '../core/memory.ts';
import type { CoreSetting, KamailioConfig, Value } from './config.ts';
import type { Diagnostics } from './diagnostics.ts';
import { parameter } from './parameters.ts';

export interface CoreOptions {
  /** of `port` */
  readonly port?: number;
  readonly advertisedAddress?: string;
  readonly advertisedPort?: number;
  /** of `debug`, in the words of the logger */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  /** text of the Server header; '' sends none */
  readonly serverHeader?: string;
  /** text of the User-Agent header of requests that are made here */
  readonly userAgent?: string;
  /** replies go to the source port, as if each Via had rport */
  readonly forceRport?: boolean;
  readonly logPrefix?: { readonly text: string; readonly each: boolean };
  /** bytes of one message */
  readonly messageBytes?: number;
  readonly callbacks: { readonly request?: string; readonly reply?: string; readonly onsend?: string };
  /** every core parameter that was set, by name */
  readonly coreParams: Readonly<Record<string, Value>>;
}

type Writable = { -readonly [K in keyof CoreOptions]: CoreOptions[K] };

interface Given extends CoreSetting {
  readonly warn: (message: string) => void;
  readonly error: (message: string) => void;
  /** whether the config loads a module */
  readonly loads: (name: string) => boolean;
}

const off = (what: string) => (_out: Writable, g: Given) => {
  if (g.value !== 0) g.warn(`${g.name}: ${what}, it is ignored`);
};
const uncalled = (_out: Writable, { name, value, warn }: Given) => {
  if (value !== '' && value !== 'none') warn(`${name}: this callback is not called in this version`);
};

/** Used by the transport: src/transport/node/tcp-options.ts. */
const TCP_PARAMETERS = [
  'tcp_connection_lifetime',
  'tcp_connect_timeout',
  'tcp_send_timeout',
  'tcp_msg_read_timeout',
  'tcp_max_connections',
  'tls_max_connections',
  'tcp_accept_iplimit',
  'tcp_conn_wq_max',
  'tcp_wq_max',
  'tcp_crlf_ping',
  'tcp_no_connect',
  'tcp_accept_aliases',
  'tcp_keepalive',
  'tcp_keepcnt',
  'tcp_keepidle',
  'tcp_keepintvl',
  'tcp_listen_backlog',
] as const;
const notNegative = (_out: Writable, { name, value, error }: Given) => {
  if (Number(value) < 0) error(`${name} must be 0 or more, not ${value}`);
};

/** How each is applied; the last of several values counts. */
const APPLY: Readonly<Record<string, (out: Writable, given: Given) => void>> = {
  debug: (out, { value }) => {
    const level = Number(value);
    out.logLevel =
      level >= 3
        ? 'debug'
        : level >= 1
          ? 'info'
          : level === 0
            ? 'warn'
            : level === -1
              ? 'error'
              : level > -6
                ? 'fatal'
                : 'silent';
  },
  port: (out, { value, error }) => {
    if (Number(value) < 0 || Number(value) > 65535) error(`port ${value} is no port: they go from 0 to 65535`);
    else out.port = Number(value);
  },
  advertised_address: (out, { value }) => {
    out.advertisedAddress = utf8Of(String(value));
  },
  advertised_port: (out, { value, error }) => {
    if (Number(value) < 1 || Number(value) > 65535)
      error(`advertised_port ${value} is no port: they go from 1 to 65535`);
    else out.advertisedPort = Number(value);
  },
  msg_recv_max_size: (out, { value, error }) => {
    if (Number(value) < 64 || Number(value) > 65535)
      error(`msg_recv_max_size must be from 64 to 65535 here, not ${value}`);
    else out.messageBytes = Number(value);
  },
  server_signature: (out, { value }) => {
    if (value === 0) out.serverHeader = '';
    else if (out.serverHeader === '') delete out.serverHeader;
  },
  server_header: (out, given) => {
    const text = headerText(given, 'Server');
    if (text !== undefined && out.serverHeader !== '') out.serverHeader = text;
  },
  user_agent_header: (out, given) => {
    const text = headerText(given, 'User-Agent');
    if (text !== undefined) out.userAgent = text;
  },
  // read with the addresses to listen on
  disable_tcp: () => undefined,
  // told below
  log_prefix_mode: () => undefined,
  ...Object.fromEntries(TCP_PARAMETERS.map(name => [name, notNegative])),
  tcp_accept_no_cl: (_out, { value, name, warn, loads }) => {
    // of requests of HTTP, which Kamailio needs it for, the end is known
    if (value !== 0 && !loads('xhttp'))
      warn(`${name}: where a message without Content-Length ends is not guessed, it is ignored`);
  },
  log_prefix: (out, { value }) => {
    if (value !== '') out.logPrefix = { text: utf8Of(String(value)), each: false };
    else delete out.logPrefix;
  },
  force_rport: (out, { value }) => {
    out.forceRport = value !== 0;
  },
  // read with the addresses to listen on
  enable_tls: () => undefined,
  disable_tls: () => undefined,
  tls_port_no: (_out, { value, error }) => {
    if (Number(value) < 1 || Number(value) > 65535) error(`tls_port_no ${value} is no port: they go from 1 to 65535`);
  },
  sip_warning: off('replies carry no Warning header'),
  mhomed: off('requests leave from the socket that the message came in on'),
  reply_to_via: off('replies go to the source of the request'),
  dns: off('no names are looked up for Via'),
  rev_dns: off('no names are looked up for Via'),
  check_via: off('the Via of replies is checked when they are forwarded'),
  received_route_mode: off('there is no callback for raw data'),
  'kemi.request_route_callback': (out, { value, error }) => {
    if (value === '') error('kemi.request_route_callback may not be empty: nothing would route requests');
    else out.callbacks = { ...out.callbacks, request: utf8Of(String(value)) };
  },
  'kemi.reply_route_callback': (out, { value }) => {
    out.callbacks = { ...out.callbacks, reply: utf8Of(String(value)) };
  },
  'kemi.onsend_route_callback': (out, { value }) => {
    out.callbacks = { ...out.callbacks, onsend: utf8Of(String(value)) };
  },
  // read by the runtime
  onsend_route_reply: () => {},
  'kemi.event_route_callback': uncalled,
  'kemi.received_route_callback': uncalled,
  'kemi.pre_routing_callback': uncalled,
};

export function coreOptions(config: KamailioConfig, found: Diagnostics, notes: string[]): CoreOptions {
  const out: Writable = { callbacks: {}, coreParams: {} };
  const values: Record<string, Value> = {};
  const ignored = new Map<string, string[]>();
  // server_signature=no wins over server_header, wherever they stand.
  const ordered = [...config.settings].sort(
    (a, b) => Number(a.name === 'server_signature') - Number(b.name === 'server_signature'),
  );
  for (const setting of ordered) {
    values[setting.name] = setting.value;
    const apply = Object.hasOwn(APPLY, setting.name) ? APPLY[setting.name] : undefined;
    if (apply)
      apply(out, {
        ...setting,
        warn: message => found.warning(setting.at, message),
        error: message => found.error(setting.at, message),
        loads: name => config.modules.some(m => m.name === name),
      });
    else {
      const why = parameter(setting.name)?.ignored ?? 'it has no meaning here';
      ignored.set(why, [...new Set([...(ignored.get(why) ?? []), setting.name])]);
    }
  }
  for (const [why, names] of ignored) notes.push(`${names.join(', ')} without effect: ${why}`);
  if (out.logPrefix && values.log_prefix_mode !== undefined)
    out.logPrefix = { ...out.logPrefix, each: values.log_prefix_mode !== 0 };
  for (const { group, name, value } of config.custom) values[`${group}.${name}`] = value;
  out.coreParams = values;
  return out;
}

/** `Name: text`; warns about any other name. */
function headerText({ name, value, warn }: Given, header: string): string | undefined {
  const match = /^([!-9;-~]+)[ \t]*:[ \t]*([^\r\n]*)$/.exec(String(value) as ByteStr);
  if (match && match[1]!.toLowerCase() === header.toLowerCase()) return utf8Of(match[2]!);
  warn(`${name} is ignored: write "${header}: TEXT"`);
  return undefined;
}
