/** Text with PVs in it (xlog, log functions, `$_s(...)`), compiled once: a script says the same lines again and again. */
import type { ByteStr } from '../core/memory.ts';
import { MAX_CACHED_TEXT, type PvRegistry, type PvText } from './pv.ts';

/** texts in one generation of the cache */
export const MAX_FORMATS = 512;

/**
 * Keeps compiled texts in two generations: when the young one is full, it becomes the old one. Texts in use survive, and texts that a script makes up
 * for one message (a name pasted in) are forgotten, so that memory stays flat.
 */
export class PvFormats {
  readonly #registry: PvRegistry;
  #young = new Map<ByteStr, PvText>();
  #old = new Map<ByteStr, PvText>();

  constructor(registry: PvRegistry) {
    this.#registry = registry;
  }

  /** @returns undefined (reported, with the offset) when the text does not parse */
  compile(text: ByteStr): PvText | undefined {
    const young = this.#young.get(text);
    if (young) return young;
    const format = this.#old.get(text) ?? this.#registry.text(text);
    if (!format || text.length > MAX_CACHED_TEXT) return format;
    if (this.#young.size >= MAX_FORMATS) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, format);
    return format;
  }

  /** The text with its PVs replaced, null ones by "<null>". @returns undefined (reported) when the text does not parse */
  format(text: ByteStr): ByteStr | undefined {
    if (!text.includes('$')) return text;
    return this.compile(text)?.eval();
  }
}
