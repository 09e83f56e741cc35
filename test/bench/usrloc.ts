/**
 * The location table: memory of a registered contact, and whether lookups slow down as it grows. The rounds look the same users up again: from the second one on the
 * answers are those that are kept (src/modules/usrloc/lookup-cache.ts); the first round is printed with the others, and finds each record.
 *
 *   node --expose-gc test/bench/usrloc.ts [contacts] [--not-kept]     default 100000; --not-kept: each lookup finds its record, no answer is kept
 */

import { createRuntime, type Runtime } from '../../src/index.ts';
import type { Database, DbRow } from '../../src/kemi/db.ts';
import { loadWasm } from '../../src/transport/node/assets.ts';

/** what a proxy does with a request up to relaying it; here the answer is a redirection, so that all of it is there */
const SCRIPT = `
function ksr_request_route()
	if KSR.maxfwd.process_maxfwd(10) < 0 then
		KSR.sl.sl_send_reply(483, "Too Many Hops")
		KSR.x.exit()
	end
	if KSR.sanity.sanity_check(17895, 7) < 0 then KSR.x.exit() end
	if KSR.is_REGISTER() then
		if KSR.registrar.save("location", 0) < 0 then KSR.sl.sl_reply_error() end
	elseif KSR.registrar.lookup("location") < 0 then
		KSR.sl.sl_send_reply(404, "Not Found")
	else
		KSR.sl.sl_send_reply(302, "Moved")
	end
end`;
const FROM = { ip: '127.0.0.1', port: 5062 };
const ROUNDS = 15;
const LOOKUPS = 20_000;
const SMALL = 1000;

const [size] = process.argv.slice(2).filter(a => !a.startsWith('-'));
const total = Number(size ?? 100_000);
/** a modparam with which lookup() reads the record each time */
const notKept = process.argv.includes('--not-kept');
const wasm = await loadWasm();
const encoder = new TextEncoder();

/** digits that look like what phones send */
const unlike = (n: number) => ((n * 2654435761) >>> 0).toString(16).padStart(8, '0');

function message(method: string, n: number, cseq: number): Uint8Array {
  const id = unlike(n);
  return encoder.encode(
    [
      `${method} sip:u${n}@example.com SIP/2.0`,
      `Via: SIP/2.0/UDP 10.${n >> 16}.${(n >> 8) & 255}.${n & 255}:5060;branch=z9hG4bK${id}${cseq};rport`,
      `From: <sip:u${n}@example.com>;tag=${id}`,
      `To: <sip:u${n}@example.com>`,
      `Call-ID: ${id}${id}@10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
      `CSeq: ${cseq} ${method}`,
      `Contact: <sip:u${n}@10.${n >> 16}.${(n >> 8) & 255}.${n & 255}:5060;transport=udp>;q=0.5`,
      'User-Agent: Phone/1.2.3',
      'Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, REFER, MESSAGE',
      'Max-Forwards: 70',
      'Expires: 3600',
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );
}

let sent = 0;
function start(): Runtime {
  const runtime = createRuntime({
    wasm,
    sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 5060 }],
    modparams: notKept ? [{ module: 'registrar', name: 'use_expired_contacts', value: 1 }] : [],
    send: () => {
      sent++;
      return true;
    },
  });
  runtime.load({ name: 'usrloc.lua', source: encoder.encode(SCRIPT) });
  return runtime;
}

/** Registers users. @returns microseconds of CPU, the making of the messages included */
function fill(runtime: Runtime, from: number, to: number, cseq = 1): number {
  const began = process.cpuUsage();
  for (let n = from; n < to; n++) runtime.receive(message('REGISTER', n, cseq), FROM);
  return process.cpuUsage(began).user;
}

/** INVITEs to any of `users` users, in one piece of memory: made once, so that no round pays for the collection of the last one's. */
function invites(users: number): Uint8Array[] {
  const made = Array.from({ length: LOOKUPS }, (_, i) => message('INVITE', (i * 7919) % users, 1));
  const all = new Uint8Array(made.reduce((sum, m) => sum + m.length, 0));
  let at = 0;
  return made.map(m => {
    all.set(m, at);
    at += m.length;
    return all.subarray(at - m.length, at);
  });
}

/** Microseconds of CPU of one of them. */
function lookups(runtime: Runtime, messages: readonly Uint8Array[]): number {
  globalThis.gc?.();
  const began = process.cpuUsage();
  for (const each of messages) runtime.receive(each, FROM);
  return process.cpuUsage(began).user / messages.length;
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
function memory(): { rss: number; heap: number } {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed + external };
}

/** A database that has one row for each contact. */
async function loading(): Promise<void> {
  const rows: DbRow[] = Array.from({ length: total }, (_, n) => ({
    ruid: `uloc-${unlike(n)}-${n}`,
    username: `u${n}`,
    contact: `sip:u${n}@10.0.0.1:5060`,
    expires: '2099-01-01 00:00:00',
    q: -1,
    callid: `${unlike(n)}@10.0.0.1`,
    cseq: 1,
    last_modified: '2024-01-01 00:00:00',
    flags: 0,
    cflags: 0,
    user_agent: 'Phone/1.2.3',
    socket: 'udp:127.0.0.1:5060',
  }));
  const none = () => 0;
  const began = process.cpuUsage();
  const runtime = createRuntime({
    wasm,
    sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 5060 }],
    send: () => true,
    modparams: [
      { module: 'usrloc', name: 'db_mode', value: 1 },
      { module: 'usrloc', name: 'db_url', value: 'rows://' },
      { module: 'usrloc', name: 'preload', value: 'location' },
    ],
    openDatabase: url => {
      const database: Database = {
        url,
        select: () => rows,
        insert() {},
        replace() {},
        update: none,
        delete: none,
        transaction: fn => fn(database),
        tableVersion: () => 9,
        close() {},
      };
      return database;
    },
  });
  const ms = process.cpuUsage(began).user / 1000;
  console.log(
    `loaded ${runtime.stats.get('usrloc', 'location_contacts')} rows in ${Math.round(ms)} ms, the database itself not counted`,
  );
  await runtime.close(0);
}

const small = start();
fill(small, 0, SMALL);
const toSmall = invites(SMALL);
lookups(small, toSmall);

const big = start();
fill(big, 0, 2000); // warm: code and pools
const before = memory();
const us = fill(big, 2000, 2000 + total);
const after = memory();
const each = (what: 'rss' | 'heap') => Math.round((after[what] - before[what]) / total);
console.log(`${total} contacts registered: ${(us / total).toFixed(1)} us each`);
console.log(`memory of a contact: ${each('heap')} bytes of heap, ${each('rss')} bytes of the process (at most 2048)`);

const at: { small: number; big: number }[] = [];
const toBig = invites(total);
lookups(big, toBig);
for (let i = 0; i < ROUNDS; i++) at.push({ small: lookups(small, toSmall), big: lookups(big, toBig) });
for (const { small: s, big: b } of at)
  console.log(`INVITE: ${s.toFixed(2)} us of ${SMALL}, ${b.toFixed(2)} us of ${total}`);
const ratio = median(at.map(a => a.big)) / median(at.map(a => a.small));
console.log(
  `INVITE, medians: ${median(at.map(a => a.small)).toFixed(2)} us, ${median(at.map(a => a.big)).toFixed(2)} us: ${ratio.toFixed(2)} times (at most 1.20)`,
);
const refresh = fill(big, 2000, 2000 + Math.min(total, 50_000), 2);
console.log(`refreshed: ${(refresh / Math.min(total, 50_000)).toFixed(1)} us each`);
await loading();
if (!globalThis.gc) console.log('memory is not exact: run with --expose-gc');
if (sent < total) throw new Error(`only ${sent} replies`);
await small.close(0);
await big.close(0);
