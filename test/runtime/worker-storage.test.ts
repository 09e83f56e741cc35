/** The database contract's delicate parts on the storage of a real Durable Object: bytes, times, transactions, errors. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { PACKAGE_MODULES, startWorkerd } from '../support/workerd.ts';
import { missing } from './missing.ts';

const SOURCE = `
import { OBJECT_URL, openObjectStorage } from 'kemi-wasm.js';
const BYTES = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
const reason = fn => { try { fn(); return 'none'; } catch (error) { return error.name + ' ' + error.reason; } };
export class SipObject {
  constructor(state) { this.db = openObjectStorage(state.storage)(OBJECT_URL); }
  async fetch() {
    const { db } = this;
    db.delete('subscriber', []);
    db.delete('location', []);
    db.insert('subscriber', { username: BYTES, domain: 'latin \\u00e9' });
    db.insert('subscriber', { username: 'alice', domain: 'example.com', ha1: '\\u00c3\\u00a9' });
    const all = db.select('subscriber', ['username', 'domain', 'ha1'], [], { orderBy: 'username', limit: 10 });
    db.insert('location', { ruid: 'r1', username: 'alice', contact: 'sip:a', expires: '2030-01-02 03:04:05', q: 0.5, partition: 3 });
    const [row] = db.select('location', ['expires', 'q', 'partition', 'user_agent', 'received']);
    let rolledBack = 'no error';
    try { db.transaction(tx => { tx.delete('subscriber', []); throw new Error('stop'); }); } catch (error) { rolledBack = error.message; }
    const kept = db.select('subscriber', ['id']).length;
    db.transaction(tx => tx.update('subscriber', { ha1: 'x' }, [{ column: 'username', value: 'alice' }]));
    return Response.json({
      bytes: all.some(r => r.username === BYTES && r.domain === 'latin \\u00e9'),
      utf8: all.some(r => r.ha1 === '\\u00c3\\u00a9'),
      row,
      version: db.tableVersion('location'),
      updated: db.update('location', { q: 1 }, [{ column: 'expires', op: '<', value: '2030-01-02 03:04:06' }]),
      notUpdated: db.update('location', { q: 1 }, [{ column: 'expires', op: '<', value: '2030-01-02 03:04:05' }]),
      rolledBack, kept,
      changed: db.select('subscriber', ['ha1'], [{ column: 'username', value: 'alice' }]),
      exists: reason(() => db.insert('subscriber', { username: 'alice', domain: 'example.com' })),
      missing: reason(() => db.select('nosuch', ['a'])),
      missingColumn: reason(() => db.select('location', ['nosuch'])),
      waits: reason(() => db.transaction(async () => {})),
      deleted: db.delete('subscriber', [{ column: 'domain', op: '!=', value: 'example.com' }]),
    });
  }
}
export default { fetch: (request, env) => env.SIP.get(env.SIP.idFromName('one')).fetch(request) };
`;

describe.skipIf(missing('workerd'))('the storage of a Durable Object', () => {
  it('keeps bytes, times and numbers; transactions are whole; errors have their reason', async () => {
    const storage = mkdtempSync(path.join(tmpdir(), 'kemi-worker-storage-'));
    const server = await startWorkerd({
      modules: [{ name: 'worker.js', kind: 'esModule', source: SOURCE }, ...PACKAGE_MODULES],
      object: 'SipObject',
      storage,
    });
    try {
      for (const _again of [1, 2]) {
        const response = await fetch(server.url);
        expect(await response.json()).toEqual({
          bytes: true,
          utf8: true,
          row: { expires: '2030-01-02 03:04:05', q: 0.5, partition: 3, user_agent: '', received: null },
          version: 9,
          updated: 1,
          notUpdated: 0,
          rolledBack: 'stop',
          kept: 2,
          changed: [{ ha1: 'x' }],
          exists: 'DbError exists',
          missing: 'DbError missing',
          missingColumn: 'DbError missing',
          waits: 'DbError other',
          deleted: 1,
        });
      }
    } finally {
      await server.stop();
      rmSync(storage, { recursive: true, force: true });
    }
  });
});
