/** Routing logic written twice, as a Lua script and as routing blocks, and the messages it is measured with. Nothing of it sends, but for what says so. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { bytesOf } from '../../../src/core/memory.ts';

export interface LogicProgram {
  readonly name: string;
  readonly what: string;
  readonly lua: Uint8Array;
  readonly cfg: Uint8Array;
  readonly messages: readonly Uint8Array[];
  /** replies to each message */
  readonly replies: number;
  /** modules that are not loaded */
  readonly without?: readonly string[];
}

const here = (file: string): Uint8Array => readFileSync(new URL(file, import.meta.url));
const list = (make: (i: number) => readonly string[]): Uint8Array[] =>
  Array.from({ length: 64 }, (_, i) => bytesOf([...make(i), '', ''].join('\r\n')));

export const OPTIONS = list(i => [
  'OPTIONS sip:127.0.0.1:5060 SIP/2.0',
  `Via: SIP/2.0/UDP 127.0.0.1:5062;rport;branch=z9hG4bK-${1000 + i}-7f`,
  `From: <sip:probe@127.0.0.1>;tag=t${i}x`,
  'To: <sip:127.0.0.1:5060>',
  `Call-ID: ${i}-3f2a@127.0.0.1`,
  `CSeq: ${i + 1} OPTIONS`,
  'Max-Forwards: 70',
  'User-Agent: loadgen',
  'Content-Length: 0',
]);

const USERS = ['bob', '+4930123456', '0049301234', '250', 'alice.w', '+15551234', '731', 'conference'];

const invites = list(i => [
  `INVITE sip:${USERS[i & 7]}@127.0.0.1:5060 SIP/2.0`,
  `Via: SIP/2.0/UDP 127.0.0.1:5062;rport;branch=z9hG4bK-${2000 + i}-9c`,
  'Max-Forwards: 70',
  `From: "Alice" <sip:alice@sip.example.com>;tag=a${i}f`,
  `To: <sip:${USERS[i & 7]}@127.0.0.1>`,
  `Call-ID: ${i}-77aa10@192.0.2.7`,
  `CSeq: ${i + 1} INVITE`,
  'Contact: <sip:alice@127.0.0.1:5062;transport=udp>',
  'User-Agent: loadgen',
  'Allow: INVITE, ACK, BYE, CANCEL, OPTIONS',
  'X-Tenant: north',
  'Content-Length: 0',
]);

const acks = list(i => [
  `ACK sip:${USERS[i & 7]}@127.0.0.1:5060 SIP/2.0`,
  `Via: SIP/2.0/UDP 127.0.0.1:5062;rport;branch=z9hG4bK-${3000 + i}-1d`,
  'Max-Forwards: 70',
  `From: "Alice" <sip:alice@sip.example.com>;tag=a${i}f`,
  `To: <sip:${USERS[i & 7]}@127.0.0.1>;tag=b${i}e`,
  `Call-ID: ${i}-77aa10@192.0.2.7`,
  `CSeq: ${i + 1} ACK`,
  'User-Agent: loadgen',
  'Content-Length: 0',
]);

const pair = (name: string, what: string, messages: readonly Uint8Array[] = invites): LogicProgram => ({
  name,
  what,
  lua: here(`${name}.lua`),
  cfg: here(`${name}.cfg`),
  messages,
  replies: 0,
});

/** Kamailio's own sample in both languages, where the package is installed; its defines stand in another file of the sample. */
function stock(): { lua: Uint8Array; cfg: Uint8Array } | undefined {
  let folder: string;
  try {
    const files = execFileSync('dpkg', ['-L', 'kamailio'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    folder = dirname(/^.*kamailio-basic-kemi-native\.cfg$/m.exec(files)![0]);
  } catch {
    return undefined;
  }
  const defines = ['FLT_ACC 1', 'FLT_ACCMISSED 2', 'FLT_ACCFAILED 3', 'FLT_NATS 5', 'FLB_NATB 6', 'FLB_NATSIPPING 7'];
  const head = [...defines, 'WITH_ANTIFLOOD'].map(d => `#!define ${d}\n`).join('');
  return {
    lua: readFileSync(`${folder}/kamailio-basic-kemi-lua.lua`),
    cfg: Buffer.concat([bytesOf(head), readFileSync(`${folder}/kamailio-basic-kemi-native.cfg`)]),
  };
}

export function logicPrograms(): LogicProgram[] {
  const out = [
    pair('empty', 'a route that does nothing'),
    pair('methods', 'method tests, flags, route() and its codes'),
    pair('checks', 'the checks at the start of a typical script'),
    pair('variables', 'comparisons, matches, assignments, switch'),
    pair('headers', 'headers tested, removed, added; a log line below the level'),
  ];
  const sample = stock();
  const without = ['auth', 'auth_db', 'permissions', 'nathelper'];
  if (sample)
    out.push({
      name: 'sample, ACK',
      what: "Kamailio's sample, a stray ACK",
      ...sample,
      messages: acks,
      replies: 0,
      without,
    });
  out.push({
    name: 'OPTIONS',
    what: 'options.lua and options.cfg, with the reply',
    lua: here('../options.lua'),
    cfg: here('../options.cfg'),
    messages: OPTIONS,
    replies: 1,
  });
  if (sample)
    out.push({
      name: 'sample, OPTIONS',
      what: "Kamailio's sample, with the reply",
      ...sample,
      messages: OPTIONS,
      replies: 1,
      without,
    });
  return out;
}
