/** The trees behind $xavp, $xavi and $xavu. A list is newest first; a value is null, a number, a byte string or a list again. */
import { trim } from '../../core/ascii.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { XVal } from '../../kemi/table.ts';

export type XavpValue = number | ByteStr | XavpList;
export interface Xavp {
  readonly name: ByteStr;
  value: XavpValue;
}

/** undefined: none was given, '*': all of that name */
export type XavpIndex = number | '*' | undefined;

export class XavpList {
  readonly items: Xavp[] = [];
  /** names compare in any case ($xavi) */
  readonly #fold: boolean;

  constructor(fold = false) {
    this.#fold = fold;
  }

  #same(a: ByteStr, b: ByteStr): boolean {
    return this.#fold ? a.toLowerCase() === b.toLowerCase() : a === b;
  }

  /** all of that name, newest first */
  all(name: ByteStr): Xavp[] {
    return this.items.filter(item => this.#same(item.name, name));
  }

  /** @param index 0 the newest; negative counts from the oldest, -1 */
  find(name: ByteStr, index: XavpIndex = 0): Xavp | undefined {
    return this.all(name).at(index === '*' ? 0 : index);
  }

  push(name: ByteStr, value: XavpValue): Xavp {
    const item = { name, value };
    this.items.unshift(item);
    return item;
  }

  /** puts an item behind all others, as the implode and explode functions order their fields */
  append(name: ByteStr, value: XavpValue): void {
    this.items.push({ name, value });
  }

  /** @returns how many went away */
  remove(name: ByteStr, index: XavpIndex = 0): number {
    const gone = index === '*' ? this.all(name) : [this.find(name, index)];
    let count = 0;
    for (const item of gone) {
      const at = item ? this.items.indexOf(item) : -1;
      if (at < 0) continue;
      this.items.splice(at, 1);
      count++;
    }
    return count;
  }

  /** names of the fields, each once, newest first */
  names(): ByteStr[] {
    return [...new Set(this.items.map(item => item.name))];
  }

  /** A deep copy. */
  clone(): XavpList {
    const copy = new XavpList(this.#fold);
    for (const { name, value } of this.items) copy.append(name, value instanceof XavpList ? value.clone() : value);
    return copy;
  }

  child(): XavpList {
    return new XavpList(this.#fold);
  }
}

/** What a script sees of a value: a list is a mark that tells it is there, as in Kamailio. */
export function scalarOf(value: XavpValue | undefined): XVal {
  if (value === undefined) return null;
  if (value instanceof XavpList) return value.items.length ? '<<xavp:0x1>>' : '<<xavp:(nil)>>';
  return value;
}

/** `root[i]=>child[j]` */
export interface XavpPath {
  readonly root: ByteStr;
  readonly rootIndex: XavpIndex;
  readonly child: ByteStr | undefined;
  readonly childIndex: XavpIndex;
}

/** @returns undefined when the text is no such path */
export function parsePath(text: ByteStr): XavpPath | undefined {
  const arrow = text.indexOf('=>');
  const root = parseStep(arrow < 0 ? text : text.slice(0, arrow));
  if (!root) return undefined;
  if (arrow < 0) return { root: root.name, rootIndex: root.index, child: undefined, childIndex: undefined };
  const child = parseStep(text.slice(arrow + 2));
  if (!child || child.name.includes('=>')) return undefined;
  return { root: root.name, rootIndex: root.index, child: child.name, childIndex: child.index };
}

function parseStep(text: ByteStr): { name: ByteStr; index: XavpIndex } | undefined {
  const step = trim(text);
  const open = step.indexOf('[');
  if (open < 0) return step ? { name: step, index: undefined } : undefined;
  const name = step.slice(0, open);
  const inner = step.slice(open + 1, -1);
  if (!name || step.at(-1) !== ']') return undefined;
  if (inner === '*') return { name, index: '*' };
  return /^-?\d{1,9}$/.test(inner) ? { name, index: Number(inner) } : undefined;
}

/** The value at a path, null when there is none. */
export function getPath(list: XavpList, path: XavpPath): XVal {
  const root = list.find(path.root, path.rootIndex);
  if (path.child === undefined || !root) return scalarOf(root?.value);
  if (!(root.value instanceof XavpList)) return null;
  return scalarOf(root.value.find(path.child, path.childIndex)?.value);
}

/**
 * Writes through a path. Without an index a new one is pushed; with one the existing one is replaced. null removes.
 * @returns false when an indexed root does not exist or a parent is no list
 */
export function setPath(list: XavpList, path: XavpPath, value: XVal): boolean {
  const { root: name, rootIndex, child, childIndex } = path;
  if (child === undefined) {
    if (value === null) {
      list.remove(name, rootIndex);
      return true;
    }
    if (rootIndex === undefined) {
      list.push(name, value);
      return true;
    }
    const root = rootIndex === '*' || rootIndex < 0 ? undefined : list.find(name, rootIndex);
    if (!root) return false;
    root.value = value;
    return true;
  }
  if (value !== null && rootIndex === undefined) {
    const fields = list.child();
    fields.push(child, value);
    list.push(name, fields);
    return true;
  }
  const root = list.find(name, rootIndex);
  if (!root) return true;
  if (!(root.value instanceof XavpList)) return value === null;
  if (value === null) {
    root.value.remove(child, childIndex);
    return true;
  }
  if (childIndex === undefined) {
    root.value.push(child, value);
    return true;
  }
  const field = root.value.find(child, childIndex);
  if (field) field.value = value;
  return true;
}

/** $cnt($xavp(path)): without an index all of that name count. */
export function countPath(list: XavpList, path: XavpPath): number {
  const pick = (from: XavpList, name: ByteStr, index: XavpIndex) => {
    if (index === undefined || index === '*') return from.all(name);
    const one = from.find(name, index);
    return one ? [one] : [];
  };
  const roots = pick(list, path.root, path.rootIndex);
  const { child } = path;
  if (child === undefined) return roots.length;
  return roots.reduce(
    (n, { value }) => n + (value instanceof XavpList ? pick(value, child, path.childIndex).length : 0),
    0,
  );
}
