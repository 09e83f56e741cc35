/** Which functions of a module a Lua script uses: for the message about a module that is not there. Pure. */
import type { ByteStr } from '../core/memory.ts';

const TOKEN =
  /--\[(=*)\[[\s\S]*?\]\1\]|--[^\n]*|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|\bKSR\.(\w+)\.(\w+)/g;

/** @returns 'f (line N)' of each function, the first use of each, in file order */
export function usesOf(source: ByteStr, module: string): string[] {
  const seen = new Map<string, number>();
  let line = 1;
  let from = 0;
  for (const match of source.matchAll(TOKEN)) {
    if (match[2] !== module || seen.has(match[3]!)) continue;
    for (let n = source.indexOf('\n', from); n >= 0 && n < match.index; n = source.indexOf('\n', n + 1)) line++;
    from = match.index;
    seen.set(match[3]!, line);
  }
  return [...seen].map(([name, at]) => `${name} (line ${at})`);
}
