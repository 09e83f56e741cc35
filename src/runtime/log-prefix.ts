/** Kamailio's log_prefix: a text with pseudo-variables in front of each line that is logged while a message is routed. */
import { type Logger, writes } from '../core/log.ts';
import { type ByteStr, byteStrOf, utf8Of } from '../core/memory.ts';
import type { ModuleHost } from '../kemi/host.ts';

export interface LogPrefix {
  readonly text: string;
  /** evaluated anew for each line; else once for a message, when its first line is logged */
  readonly each?: boolean;
}

type Host = Pick<ModuleHost, 'message' | 'perMessage' | 'format'>;

/** @param host asked when a line is logged; undefined as long as there is none */
export function prefixedLogger(base: Logger, { text, each = false }: LogPrefix, host: () => Host | undefined): Logger {
  const spec: ByteStr = byteStrOf(text);
  const key = {};
  // What the evaluation logs has no prefix. A line that is not written needs none.
  let busy = false;
  const prefix = (): string => {
    const at = host();
    if (busy || !at?.message) return '';
    const kept = each ? undefined : (at.perMessage.get(key) as string | undefined);
    if (kept !== undefined) return kept;
    busy = true;
    try {
      const made = utf8Of(at.format(spec) ?? '');
      if (!each) at.perMessage.set(key, made);
      return made;
    } finally {
      busy = false;
    }
  };
  return {
    trace: (fields, message) => writes(base, 'trace') && base.trace(fields, prefix() + message),
    debug: (fields, message) => writes(base, 'debug') && base.debug(fields, prefix() + message),
    info: (fields, message) => writes(base, 'info') && base.info(fields, prefix() + message),
    warn: (fields, message) => writes(base, 'warn') && base.warn(fields, prefix() + message),
    error: (fields, message) => writes(base, 'error') && base.error(fields, prefix() + message),
    fatal: (fields, message) => writes(base, 'fatal') && base.fatal(fields, prefix() + message),
    get level() {
      return base.level;
    },
    set level(level: string) {
      base.level = level;
    },
  };
}
