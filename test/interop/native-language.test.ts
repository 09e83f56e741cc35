/**
 * The native language, live: the real Kamailio evaluates what test/fixtures/native holds, and says the same. UPDATE_GOLDEN=1 writes down what it says
 * instead; a new row needs its expression or its statements only.
 */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  EXPRESSION_MESSAGE,
  type ExpressionRow,
  expressionAnswers,
  expressionConfig,
  expressionRows,
  expressionWanted,
  fixture,
  STATEMENT_BLOCKS,
  STATEMENT_FLAGS,
  type StatementRow,
  statementRows,
} from '../support/native-rows.ts';
import { request, testRuntime } from '../support/runtime.ts';
import { nativeRuntime } from '../unit/interp/cfg/native.ts';
import { answers, findKamailio, startKamailio, startKamailioWith } from './kamailio.ts';
import { needs } from './needs.ts';

const skipped = needs('kamailio');
const UPDATE = process.env.UPDATE_GOLDEN === '1';
// the fixtures have these ports
const PORT = 22840;
const PEER = 22841;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'kemi-wasm-native-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const MODULES = ['sl', 'tm', 'pv', 'maxfwd', 'textops', 'siputils', 'xlog', 'corex', 'cfgutils', 'kex', 'tmx'];

function write(blocks: string, port = PORT): string {
  const { modules } = findKamailio() as { modules: string };
  const file = join(dir, 'kamailio.cfg');
  const head = [
    '#!KAMAILIO',
    'debug=0',
    'log_stderror=yes',
    'children=1',
    'disable_tcp=yes',
    'auto_aliases=no',
    `listen=udp:127.0.0.1:${port}`,
    `mpath="${modules}/"`,
    ...MODULES.map(name => `loadmodule "${name}.so"`),
  ];
  writeFileSync(file, `${head.join('\n')}\n${blocks}`, 'latin1');
  return file;
}

/** What a request with this Call-ID gets, before anything else: an answer, and a line that says that all before it is done. */
const PROBE = 'if ($ci == "probe") { xlog("@@probe@@\\n"); sl_send_reply("200", "OK"); exit; }';

/** Sends messages one by one. @returns what the config wrote between two @@ for each */
async function said(config: string, messages: readonly string[]): Promise<string[][]> {
  const running = await startKamailioWith(
    write(config.replace('request_route {', `request_route { ${PROBE}`)),
    PORT,
    dir,
  );
  const socket = createSocket('udp4');
  await new Promise<void>(resolve => socket.bind(PEER, '127.0.0.1', resolve));
  try {
    const out: string[][] = [];
    for (const message of messages) {
      const before = running.log().length;
      const since = () =>
        [
          ...running
            .log()
            .slice(before)
            .matchAll(/@@(.*?)@@/gs),
        ].map(match => match[1]!);
      socket.send(Buffer.from(message, 'latin1'), PORT, '127.0.0.1');
      await answers(PORT);
      for (let i = 0; i < 100 && !since().includes('probe'); i++) await new Promise(resolve => setTimeout(resolve, 10));
      out.push(since().filter(line => line !== 'probe'));
    }
    return out;
  } finally {
    socket.close();
    await running.stop();
  }
}

function save(name: string, rows: readonly object[]): void {
  const json = (value: unknown): string =>
    Array.isArray(value) ? `[${value.map(json).join(', ')}]` : JSON.stringify(value);
  const line = (row: object) =>
    `{${Object.entries(row)
      .map(([key, value]) => `"${key}": ${json(value)}`)
      .join(', ')}}`;
  writeFileSync(fixture(name), `${rows.map(line).join('\n')}\n`);
}

describe.skipIf(skipped)('expressions', () => {
  const rows = expressionRows();
  const good = rows.filter(r => !r.error);

  test('the real one gives the recorded values and conditions', { timeout: 60_000 }, async () => {
    const [lines] = await said(expressionConfig(good), [EXPRESSION_MESSAGE]);
    const got = expressionAnswers(good, lines!);
    if (UPDATE) {
      const answered = new Map(got.map(g => [g.expression, g]));
      const value = ({ value }: { value?: string | undefined }) => (value === 'null' ? null : value?.slice(1, -1));
      save(
        'expressions.jsonl',
        rows.map((row): ExpressionRow => {
          const now = answered.get(row.expression);
          if (!now) return row;
          const changed = row.value !== 'none' || value(now) !== null;
          return {
            ...row,
            ...(changed && now.value !== undefined && { value: value(now)! }),
            true: now.true === 'true',
          };
        }),
      );
      return;
    }
    expect(got).toEqual(expressionWanted(good));
    expect(got.length).toBeGreaterThanOrEqual(300);
  });

  test('what the record says that it refuses, it refuses', () => {
    const bad = rows.filter(r => r.error);
    const first = 2;
    const blocks = bad.map((r, i) => `route[E${i}] { $var(r) = ${r.expression}; }`);
    const file = write(`request_route { exit; }\n${blocks.join('\n')}\n`);
    const head = readFileSync(file, 'latin1').split('\n').indexOf('request_route { exit; }') + first;
    const { stdout, stderr } = spawnSync('kamailio', ['-c', '-f', file], { encoding: 'latin1' });
    const lines = new Set([...`${stdout}${stderr}`.matchAll(/, line (\d+), column/g)].map(m => Number(m[1]) - head));
    // One that breaks the grammar may take the line behind it with it, or be told there.
    const missed = bad.filter((_, i) => !lines.has(i) && !lines.has(i + 1));
    const alone = missed.filter(r => {
      const one = write(`request_route { $var(r) = ${r.expression}; }\n`);
      return spawnSync('kamailio', ['-c', '-f', one]).status === 0;
    });
    expect(alone).toEqual([]);
    expect(bad.length).toBeGreaterThan(50);
  });
});

describe.skipIf(skipped)('statements', () => {
  const rows = statementRows();

  test('the real one says what is recorded', { timeout: 60_000 }, async () => {
    const blocks = rows.map((r, i) => `route[P${i}] { ${r.statements} }`).join('\n');
    const config = `${STATEMENT_FLAGS}\nrequest_route { $var(block) = "P" + $ci; $var(x) = 0; $var(i) = 0; $var(z) = 0; route($var(block)); xlog("@@end rc=$rc@@\\n"); exit; }\n${blocks}\n${STATEMENT_BLOCKS}`;
    const got = await said(
      config,
      rows.map((_, i) =>
        request('OPTIONS', 'sip:bob@127.0.0.1', ['X-P: 1'])
          .replace('bob@example.com', 'bob@example.org')
          .replace(/Call-ID: [^\r]*/, `Call-ID: ${i}`),
      ),
    );
    if (UPDATE)
      save(
        'statements.jsonl',
        rows.map((row, i): StatementRow => ({ ...row, said: got[i]! })),
      );
    else expect(rows.map((row, i) => ({ ...row, said: got[i] }))).toEqual(rows);
  });
});

describe.skipIf(skipped)('mf_process_maxfwd_header("10") and its like', () => {
  const STATES = [undefined, '0', '1', '70', '300', '0070', 'abc', '99999999999'];
  const messages = STATES.map((value, i) =>
    request('OPTIONS', 'sip:bob@127.0.0.1')
      .replace(/Max-Forwards: 70\r\n/, value === undefined ? '' : `Max-Forwards: ${value}\r\n`)
      .replace(/Call-ID: [^\r]*/, `Call-ID: maxfwd-${i}`),
  );
  const blocks = (call: string) =>
    `request_route { ${call} xlog("@@rc $rc mf $hdr(Max-Forwards)@@\\n"); msg_apply_changes(); xlog("@@then $hdr(Max-Forwards)@@\\n"); exit; }`;
  const NUMBER = blocks('mf_process_maxfwd_header("10");');
  const VARIABLE = blocks('$var(p) = 10; mf_process_maxfwd_header("$var(p)");');
  const LUA = `function ksr_request_route()
    if KSR.pv.gete("$ci") == "probe" then KSR.sl.sl_send_reply(200, "OK") return end
    local rc = KSR.maxfwd.process_maxfwd(10)
    KSR.err("@@rc " .. rc .. " mf " .. KSR.pv.getw("$hdr(Max-Forwards)") .. "@@\\n")
    KSR.textopsx.msg_apply_changes()
    KSR.err("@@then " .. KSR.pv.getw("$hdr(Max-Forwards)") .. "@@\\n")
  end`;

  /** Native and Lua, here: each state with a runtime of its own. */
  const here = (make: () => { receive(message: string): unknown; log: { lines: { message: unknown }[] } }) =>
    messages.map(message => {
      const { receive, log } = make();
      receive(message);
      return log.lines.flatMap(l => [...`${l.message}`.matchAll(/@@(.*?)@@/gs)].map(match => match[1]!));
    });

  test('the same in native, in Lua, and in both of the real Kamailio', { timeout: 60_000 }, async () => {
    MODULES.push('textopsx');
    const number = await said(NUMBER, messages);
    const variable = await said(VARIABLE, messages);
    MODULES.pop();
    const script = join(dir, 'maxfwd.lua');
    writeFileSync(script, LUA);
    const lua = await startKamailio({ port: PORT, script });
    const theirs: string[][] = [];
    const socket = createSocket('udp4');
    await new Promise<void>(resolve => socket.bind(PEER, '127.0.0.1', resolve));
    try {
      for (const message of messages) {
        const before = lua.log().length;
        socket.send(Buffer.from(message, 'latin1'), PORT, '127.0.0.1');
        const since = () =>
          [
            ...lua
              .log()
              .slice(before)
              .matchAll(/@@(.*?)@@/gs),
          ].map(match => match[1]!);
        await answers(PORT);
        for (let i = 0; i < 100 && since().length < 2; i++) await new Promise(resolve => setTimeout(resolve, 10));
        theirs.push(since());
      }
    } finally {
      socket.close();
      await lua.stop();
    }
    console.log(STATES.map((state, i) => `Max-Forwards ${state ?? '(none)'}: ${number[i]!.join(', ')}`).join('\n'));
    expect(variable).toEqual(number);
    expect(theirs).toEqual(number);
    expect(here(() => nativeRuntime(NUMBER))).toEqual(number);
    expect(here(() => nativeRuntime(VARIABLE))).toEqual(number);
    expect(here(() => testRuntime(LUA))).toEqual(number);
  });
});
