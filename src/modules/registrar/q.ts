/** set_q_override(): the q of all contacts that the next save() of this message stores. */
import type { ByteStr } from '../../core/memory.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { qOf } from './contacts.ts';

const KEY = Symbol('registrar q');

/** @returns false for what is no q */
export function setQOverride(host: ModuleHost, text: ByteStr): boolean {
  const q = qOf(text);
  if (q === undefined) return false;
  host.perMessage.set(KEY, q);
  return true;
}

export function qOverride(host: ModuleHost): number | undefined {
  return host.perMessage.get(KEY) as number | undefined;
}
