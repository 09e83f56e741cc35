/** What all places of contacts have in common, beside location.ts. */
import type { ByteStr } from '../../core/memory.ts';
import { type Awaitable, DbError } from '../../kemi/db.ts';
import type { Shared } from '../../kemi/shared/shared.ts';
import type { Binding, Contact, UserRecord } from './contact.ts';

const MATCH_CALLID = 1;
const MATCH_PATH = 2;
const MATCH_CALLID_ONLY = 3;

/** how long another worker may be busy with the same address of record */
const LOCK_MS = 2000;

/** The stored contact that one of a REGISTER means. @param matchingMode modparam matching_mode */
export function findContact(
  record: UserRecord,
  uri: ByteStr,
  callId: ByteStr,
  path: ByteStr | undefined,
  matchingMode: number,
): Contact | undefined {
  for (let i = 0, { size } = record; i < size; i++) {
    const c = record.at(i)!;
    if (matchingMode === MATCH_CALLID_ONLY) {
      if (c.callId === callId) return c;
      continue;
    }
    if (c.uri !== uri) continue;
    if (matchingMode === MATCH_CALLID && c.callId !== callId) continue;
    if (matchingMode === MATCH_PATH && path !== undefined && c.path !== path) continue;
    return c;
  }
  return undefined;
}

/** There is no room in the memory that workers share. */
export class NoRoom extends DbError {
  constructor() {
    super('full', 'the memory that workers share is full; --limits shared=MiB makes it larger');
  }
}

/** whether a contact can be reached over its connection only */
export function isConnected({ received, uri, socket }: Binding): boolean {
  return (
    /^(tcp|tls|wss?):/.test(socket ?? '') ||
    /;transport=(tcp|tls|wss?)\b/i.test(received ?? '') ||
    /;transport=(tcp|tls|wss?)\b/i.test(uri)
  );
}

/** Runs fn behind the tasks with this key that wait. @param busy last task of each key that waits */
export function inOrder<T>(busy: Map<ByteStr, Promise<unknown>>, key: ByteStr, fn: () => Awaitable<T>): Awaitable<T> {
  const before = busy.size > 0 ? busy.get(key) : undefined;
  const done = before ? before.then(fn, fn) : fn();
  if (!(done instanceof Promise)) return done;
  const task: Promise<unknown> = done.finally(() => {
    if (busy.get(key) === task) busy.delete(key);
  });
  task.catch(() => {});
  busy.set(key, task);
  return done;
}

/**
 * Runs fn while no other worker does the same with this key. It may give a promise, but one that is settled soon: the others stand still.
 * @throws DbError 'busy'
 */
export function exclusively<T>(shared: Shared, key: ByteStr, fn: () => Awaitable<T>): Awaitable<T> {
  const give = shared.lock('usrloc', key, LOCK_MS);
  if (!give) throw new DbError('busy', `Cannot change "${key}": another worker is busy with it`);
  let done: Awaitable<T>;
  try {
    done = fn();
  } catch (error) {
    give();
    throw error;
  }
  if (done instanceof Promise) return done.finally(give);
  give();
  return done;
}
