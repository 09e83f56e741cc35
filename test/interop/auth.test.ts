/**
 * Authentication on the real Kamailio, with a database that this project made: its answers must be those that were recorded (RECORD=1 records them anew);
 * test/unit/modules/auth-golden.test.ts holds this project to the same.
 */
import { createSocket } from 'node:dgram';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSqlite } from '../../src/transport/node/sqlite.ts';
import { readAuthGolden, writeAuthGolden } from '../fixtures/auth-golden.ts';
import { ROWS, runScenario, SCENARIOS, SCRIPT, type Scenario } from '../support/auth-scenarios.ts';
import { findKamailio, startKamailio } from './kamailio.ts';
import { needs } from './needs.ts';

const PORT = 21_320;
const found = needs('kamailio') ? undefined : findKamailio();
const modules = found && 'modules' in found ? found.modules : '';
const skip = !existsSync(path.join(modules, 'db_sqlite.so'));
if (skip && process.env.CI) throw new Error('Cannot run the interop tests: kamailio-sqlite-modules is not installed');
if (skip) console.log('SKIPPED: package kamailio-sqlite-modules is not installed');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kemi-auth-'));
  writeFileSync(path.join(folder, 'auth.lua'), SCRIPT);
  const db = openSqlite(`sqlite://${folder}/auth.db`);
  for (const [table, rows] of Object.entries(ROWS)) for (const row of rows) db.insert(table, row);
  db.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

const config = ({ modparams = {} }: Scenario) =>
  [
    ...['db_sqlite', 'auth', 'auth_db', 'permissions'].map(name => `loadmodule "${name}.so"`),
    ...['auth_db', 'permissions'].map(name => `modparam("${name}", "db_url", "sqlite:///${folder}/auth.db")`),
    ...Object.entries(modparams).map(([name, value]) => {
      const [module, param] = name.split('.');
      return `modparam("${module}", "${param}", ${typeof value === 'number' ? value : `"${value}"`})`;
    }),
  ].join('\n');

/** A client that takes the first answer. */
async function client() {
  const socket = createSocket('udp4');
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  let number = 0;
  return {
    close: () => socket.close(),
    send: (request: string) =>
      new Promise<string>(resolve => {
        const branch = `branch=z9hG4bK-${++number}-`;
        const done = (text: string) => {
          clearTimeout(late);
          socket.off('message', take);
          resolve(text);
        };
        const take = (data: Buffer) => {
          const text = data.toString('latin1');
          // a second answer to an earlier request
          if (text.includes(branch)) done(text);
        };
        const late = setTimeout(() => done(''), / (ACK)\r\n/.test(request) ? 300 : 2000);
        socket.on('message', take);
        socket.send(Buffer.from(request.replace(/branch=[^\r]*/, branch), 'latin1'), PORT, '127.0.0.1');
      }),
  };
}

test.skipIf(skip)('the real Kamailio answers as recorded', { timeout: 90_000 }, async () => {
  const answers: Record<string, string[]> = {};
  for (const scenario of SCENARIOS) {
    const kamailio = await startKamailio({
      port: PORT,
      script: path.join(folder, 'auth.lua'),
      config: config(scenario),
      debug: -1,
    });
    const { send, close } = await client();
    try {
      answers[scenario.name] = await runScenario(scenario, send);
    } finally {
      close();
      await kamailio.stop();
    }
  }
  if (process.env.RECORD) writeAuthGolden(answers);
  else expect(answers).toEqual(readAuthGolden());
});
