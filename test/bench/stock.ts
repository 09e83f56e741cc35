/**
 * npm run bench:stock: the sample config and Lua script of Debian's kamailio package in memory, no sockets: CPU per SIP message received, in a young process
 * and in one that runs for a while. The first run of calls is what a server costs in its first second of load: V8 compiles meanwhile.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bytesOf } from '../../src/core/memory.ts';
import { createRuntime } from '../../src/index.ts';
import { configured, readConfigFile, usableConfig } from '../../src/transport/node/config-file.ts';
import { tuneForServer } from '../../src/transport/node/tune.ts';
import { sampleConfig } from '../interop/sample.ts';
import { wasmModules } from '../support/wasm.ts';

const { values } = parseArgs({
  options: { calls: { type: 'string', default: '6000' }, runs: { type: 'string', default: '3' } },
});
tuneForServer();
const PORT = 5060;
/** messages in flight at once, as a load generator with a window has them */
const WINDOW = 32;
const USERS = 10_000;
const UAC = { ip: '127.0.0.1', port: 6060, family: 4 as const };
const UAS = { ip: '127.0.0.1', port: 7070, family: 4 as const };

const folder = mkdtempSync(join(tmpdir(), 'bench-'));
const file = join(folder, 'kamailio.cfg');
writeFileSync(file, sampleConfig({ port: PORT }), 'latin1');
const config = usableConfig(readConfigFile(file), () => {});
rmSync(folder, { recursive: true });

const text = new TextDecoder('latin1');
let sent: { text: string; port: number }[] = [];
const runtime = createRuntime({
  ...configured(config),
  wasm: wasmModules(),
  sockets: [{ proto: 'udp', ip: '127.0.0.1', port: PORT }],
  send: (_socket, data, _ip, port) => {
    sent.push({ text: text.decode(data), port });
    return true;
  },
});
const script = config.scripts[0]!;
runtime.load({ name: script, source: readFileSync(script) });

let spentMs = 0;
let received = 0;
/** Only this is measured. @returns what went out meanwhile */
function receive(list: readonly Uint8Array[], from: typeof UAC): readonly { text: string; port: number }[] {
  sent = [];
  const begin = performance.now();
  for (const data of list) runtime.receive(data, from);
  spentMs += performance.now() - begin;
  received += list.length;
  return sent;
}

let id = 0;
const ids = (): number[] => Array.from({ length: WINDOW }, () => id++);
const user = (n: number): string => `u${n % USERS}`;
const header = (of: string, name: string): string => new RegExp(`^${name}: (.*)\r$`, 'm').exec(of)?.[1] ?? '';
/** lines of a request that its answer has */
const copied = (of: string): string =>
  [...of.matchAll(/^(?:Via|Record-Route|From|Call-ID|CSeq): .*\r\n/gm)].map(m => m[0]).join('');

interface InDialog {
  readonly uri: string;
  readonly route: string;
}

function request(method: string, n: number, uri: string, cseq: number, dialog?: InDialog): Uint8Array {
  const to = `<sip:${user(n)}@127.0.0.1>${dialog ? ';tag=b' : ''}`;
  return bytesOf(
    `${method} ${dialog?.uri ?? uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${UAC.port};branch=z9hG4bK-${n}-${method}\r\n` +
      `Max-Forwards: 70\r\n${dialog?.route ?? ''}From: <sip:load@127.0.0.1>;tag=f${n}\r\nTo: ${to}\r\n` +
      `Call-ID: ${n}-x@127.0.0.1\r\nCSeq: ${cseq} ${method}\r\nContact: <sip:load@127.0.0.1:${UAC.port}>\r\n` +
      'User-Agent: bench\r\nContent-Length: 0\r\n\r\n',
  );
}

/** A 200 to what the callee got. */
function answer(to: string): Uint8Array {
  const tag = header(to, 'To').includes(';tag=') ? '' : ';tag=b';
  const contact = to.slice(to.indexOf(' ') + 1, to.indexOf(' SIP'));
  return bytesOf(
    `SIP/2.0 200 OK\r\n${copied(to)}To: ${header(to, 'To')}${tag}\r\nContact: <${contact}>\r\nContent-Length: 0\r\n\r\n`,
  );
}

function register(count: number, cseq: number): void {
  for (let i = 0; i < count; i += WINDOW)
    receive(
      Array.from({ length: WINDOW }, (_, k) => {
        const u = user(i + k);
        return bytesOf(
          `REGISTER sip:127.0.0.1:${PORT} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:${UAC.port};branch=z9hG4bK-r${id++}\r\n` +
            `Max-Forwards: 70\r\nFrom: <sip:${u}@127.0.0.1>;tag=r\r\nTo: <sip:${u}@127.0.0.1>\r\nCall-ID: reg-${u}@127.0.0.1\r\n` +
            `CSeq: ${cseq} REGISTER\r\nContact: <sip:${u}@127.0.0.1:${UAS.port}>\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n`,
        );
      }),
      UAC,
    );
}

function options(count: number): void {
  for (let i = 0; i < count; i += WINDOW)
    receive(
      ids().map(n => request('OPTIONS', n, `sip:127.0.0.1:${PORT}`, 1)),
      UAC,
    );
}

/** INVITE, 200, ACK, BYE, 200: five messages in */
function calls(count: number): void {
  for (let i = 0; i < count; i += WINDOW) {
    const batch = ids();
    const to = (n: number) => `sip:${user(n)}@127.0.0.1:${PORT}`;
    const invites = receive(
      batch.map(n => request('INVITE', n, to(n), 1)),
      UAC,
    ).filter(o => o.port === UAS.port);
    const answers = receive(
      invites.map(o => answer(o.text)),
      UAS,
    );
    if (answers.length !== batch.length) throw new Error(`${answers.length} of ${batch.length} calls were answered`);
    const dialogs = answers.map((o, j) => ({
      uri: `sip:${user(batch[j]!)}@127.0.0.1:${UAS.port}`,
      route: `Route: ${header(o.text, 'Record-Route')}\r\n`,
    }));
    receive(
      batch.map((n, j) => request('ACK', n, to(n), 1, dialogs[j])),
      UAC,
    );
    const byes = receive(
      batch.map((n, j) => request('BYE', n, to(n), 2, dialogs[j])),
      UAC,
    );
    receive(
      byes.map(o => answer(o.text)),
      UAS,
    );
  }
}

function timed(name: string, run: () => void): void {
  spentMs = received = 0;
  run();
  console.log(
    `${name.padEnd(16)} ${((spentMs * 1000) / received).toFixed(2).padStart(6)} us per message, ${received} messages`,
  );
}

console.log(`bench:stock  ${process.version}  ${cpus()[0]?.model}  ${new Date().toISOString().slice(0, 10)}`);
timed('OPTIONS', () => options(40_000));
timed('REGISTER, new', () => register(USERS, 1));
timed('REGISTER, again', () => register(4 * USERS, 2));
for (let run = 1; run <= Number(values.runs); run++) {
  timed(`call, run ${run}`, () => calls(Number(values.calls)));
  await pause(1_000);
}
await runtime.close(0);
