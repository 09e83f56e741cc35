/** Log lines of scripts: text with variables in it, at Kamailio's levels. */
import { writes } from '../../core/log.ts';
import { type ByteStr, utf8Of } from '../../core/memory.ts';
import type { Call, XVal } from '../../kemi/table.ts';

export interface XlogState {
  readonly prefix: ByteStr;
  /** the prefix has variables in it */
  readonly prefixFormat: boolean;
  readonly bufSize: number;
  readonly facility: string | undefined;
}

/** Kamailio's levels by the third letter of their names: L_ERR, L_WARN ... */
const LEVELS: Readonly<Record<string, number>> = { A: -5, B: -4, C: -3, E: -1, W: 0, N: 1, I: 2, D: 3 };
export const LEVEL = { alert: -5, bug: -4, crit: -3, err: -1, warn: 0, notice: 1, info: 2, dbg: 3 } as const;

/** A level's name, or a PV that holds its number. @returns L_ERR for anything else, as Kamailio */
export function levelOf(call: Call<XlogState>, level: ByteStr): number {
  if (level[0] === '$') {
    const value: XVal = call.host.pv(level)?.get() ?? null;
    return typeof value === 'number' ? Math.max(-5, Math.min(3, value)) : LEVEL.err;
  }
  return LEVELS[level[2] ?? ''] ?? LEVEL.err;
}

/** @returns 1 written (or below the level in force), -1 the text does not parse (logged) */
export function write(call: Call<XlogState>, level: number, text: ByteStr, facility?: string): number {
  const { host, state } = call;
  const { log } = host;
  // what nobody reads is not made; whether it parses is still told
  if (!writes(log, nameOf(level)) && host.parses) return host.parses(text) ? 1 : -1;
  const evaluated = host.format(text);
  if (evaluated === undefined) return -1;
  const prefix = state.prefixFormat ? (host.format(state.prefix) ?? '') : state.prefix;
  let end = Math.min(evaluated.length, state.bufSize);
  // one end of line: the logger ends the line itself
  if (end > 0 && evaluated[end - 1] === '\n') end--;
  const line = utf8Of(prefix + evaluated.slice(0, end));
  const to = facility ?? state.facility;
  const fields = to === undefined ? {} : { facility: to };
  const name = nameOf(level);
  log[name](name === 'fatal' ? { ...fields, kamailioLevel: level } : fields, line);
  return 1;
}

/** The logger's name of a level. */
function nameOf(level: number): 'fatal' | 'error' | 'warn' | 'info' | 'debug' {
  if (level <= -2) return 'fatal';
  if (level < 1) return level < 0 ? 'error' : 'warn';
  return level <= 2 ? 'info' : 'debug';
}

const COLORS: Readonly<Record<string, number>> = { s: 0, r: 1, g: 2, y: 3, b: 4, p: 5, c: 6, w: 7, x: 9 };

/** The escape sequence for a foreground and a background colour; a foreground in upper case is bright. */
export function color(name: ByteStr): ByteStr | undefined {
  const [f = '', b = ''] = name;
  const bright = f !== f.toLowerCase() && f !== 'X';
  const front = COLORS[bright ? f.toLowerCase() : f];
  const back = COLORS[b];
  if (name.length !== 2 || front === undefined || back === undefined) return undefined;
  return `\x1b[${bright ? 1 : 0};3${front};4${back}m`;
}
