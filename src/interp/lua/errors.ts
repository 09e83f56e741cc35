/** What Lua says about an error, in words that name the KSR function: nil cannot carry a message, so the source line has to tell. */
import type { ByteStr } from '../../core/memory.ts';
import type { Diagnostic } from '../../errors.ts';
import type { KsrTree } from '../interpreter.ts';

export interface Place {
  readonly file: string;
  readonly line: number;
  /** the text behind the place */
  readonly what: string;
}

/** Takes 'file:line: what' apart. Lua shortens long file names to '...end'; `names` are the full ones. */
export function placeOf(message: ByteStr, names: Iterable<string>): Place {
  const found = /^((?:[^:\n]|:(?!\d+:))*):(\d+): /.exec(message);
  if (!found) return { file: '', line: 0, what: message };
  return { file: fullName(found[1]!, names), line: Number(found[2]), what: message.slice(found[0].length) };
}

function fullName(shown: string, names: Iterable<string>): string {
  if (!shown.startsWith('...')) return shown;
  for (const name of names) if (name.endsWith(shown.slice(3))) return name;
  return shown;
}

/** The first place in a script that a traceback names. */
export function topOfTrace(traceback: string, names: Iterable<string>): Place | undefined {
  for (const line of traceback.split('\n')) {
    const found = /^\t(.*):(\d+): in /.exec(line);
    if (found && found[1] !== '[kemi-wasm]')
      return { file: fullName(found[1]!, names), line: Number(found[2]), what: '' };
  }
  return undefined;
}

const NIL = /^attempt to (index|call) a nil value \((field|method|global|local|upvalue) '([^']*)'\)$/;

/**
 * Explains a nil error that comes from the KSR tree.
 * @param source text of the file, when it is at hand
 * @returns the text to put in place of place.what, undefined when the error is none of ours
 */
export function explain(place: Place, source: string | undefined, tree: KsrTree): string | undefined {
  const found = NIL.exec(place.what);
  if (!found || !source) return undefined;
  const [, action, , name] = found as unknown as [string, string, string, string];
  const path = pathOf(source, place.line, name, action === 'index');
  if (!path || tree.entries.some(e => e.path.join('.') === path.join('.'))) return undefined;
  const gone = tree.unavailable(path);
  if (gone) return gone;
  const full = `KSR.${path.join('.')}`;
  const near = tree.suggest(path);
  return `${place.what}: ${full} does not exist${near ? `, did you mean ${near}?` : ''}`;
}

/** Finds the KSR path that ends in `name` (one further when it was indexed) around a line: a statement may have several, the reported one first. */
function pathOf(source: string, line: number, name: string, indexed: boolean): string[] | undefined {
  const lines = source.split('\n', line + 4);
  for (const n of [line, line - 1, line + 1, line - 2, line + 2, line - 3, line + 3]) {
    const text = lines[n - 1];
    if (text === undefined || !text.includes(name)) continue;
    for (const found of text.matchAll(/\b(\w+)((?:\s*[.:]\s*\w+)*)/g)) {
      const fields = found[2]!.split(/[.:]/).map(part => part.trim());
      fields.shift();
      const root = found[1] === 'KSR' ? [] : aliasOf(source, found[1]!);
      if (!root || (root.length === 0 && fields.length === 0)) continue;
      const path = [...root, ...fields];
      const at = path.lastIndexOf(name);
      // A variable that should hold KSR.module, and holds nil: its own name is not on the path.
      if (at < 0 && (found[1] !== name || fields.length === 0)) continue;
      const end = at < 0 ? root.length : at + 1;
      return path.slice(0, indexed ? Math.max(end + 1, 1) : end);
    }
  }
  return undefined;
}

/** The path behind a variable that is set once to `KSR` or `KSR.module`. */
function aliasOf(source: string, variable: string): string[] | undefined {
  const found = new RegExp(`\\b${variable}[ \\t]*=[ \\t]*KSR\\b((?:\\.\\w+)*)(?![\\w.:]|[ \\t]*\\()`).exec(source);
  return found ? found[1]!.split('.').slice(1) : undefined;
}

/** A syntax error with its column, where the text near it stands on that line. */
export function syntaxDiagnostic(
  message: ByteStr,
  source: string,
  names: Iterable<string>,
  fallback: string,
): Diagnostic {
  const place = placeOf(message, names);
  const near = /near '([^']*)'$/.exec(place.what)?.[1] ?? /near (<eof>)$/.exec(place.what)?.[1];
  const text = source.split('\n')[place.line - 1] ?? '';
  const column = near === undefined ? 0 : near === '<eof>' ? text.length + 1 : text.lastIndexOf(near) + 1;
  return { severity: 'error', file: place.file || fallback, line: place.line, column, message: place.what };
}
