/** Walks what src/kemi/pv-parse.ts made. Nothing here throws for anything a message or a script can hold. */
import type { ByteStr } from '../core/memory.ts';
import type { PvNode, TextNode, TrNode } from './pv-parse.ts';
import type { PvArgs, TransformationHost } from './pv-types.ts';
import type { XVal } from './table.ts';

/** What evaluation needs of its surroundings. */
export interface PvContext {
  readonly host: TransformationHost;
  /** whether a message is being routed: classes without `anytime` are null outside of a route */
  hasMessage(): boolean;
  /** calls an AssemblyScript getter by export name */
  callWasm(name: string): XVal;
  /** the same for a getter that is asked often; absent: callWasm */
  getterOf?(name: string): () => XVal;
}

/** @returns undefined when the index is a PV that is no number: then there is no value */
export function argsOf(node: PvNode, cx: PvContext): PvArgs | undefined {
  let index = node.index;
  if (typeof index === 'object') {
    const value = evalPv(index.pv, cx);
    if (typeof value !== 'number') return undefined;
    index = value;
  }
  const { inner } = node;
  if (typeof inner === 'string') return { inner, index };
  if ('text' in inner) return { inner: evalText(inner.text, cx), index };
  const innerValue = evalPv(inner.pv, cx);
  return innerValue === null ? undefined : { inner: String(innerValue), innerValue, index };
}

/** The value of a reference, transformations applied. */
export function evalPv(node: PvNode, cx: PvContext): XVal {
  const { cls, call } = node;
  let value: XVal = null;
  if (cls.anytime || cx.hasMessage()) {
    if (cls.get) {
      const args = argsOf(node, cx);
      if (args) value = cls.get(call, args);
    } else if (cls.wasm) value = cx.callWasm(cls.wasm);
  }
  for (const tr of node.trs) value = transform(tr, value, cx);
  return value;
}

function transform({ tr, args: nodes }: TrNode, value: XVal, cx: PvContext): XVal {
  if (value === null) return tr.onNull ?? null;
  const args: (number | ByteStr)[] = [];
  for (const node of nodes) {
    if (typeof node !== 'object') {
      args.push(node);
      continue;
    }
    const arg = evalPv(node.pv, cx);
    if (arg === null || (node.int && typeof arg !== 'number')) return null;
    args.push(node.int ? arg : String(arg));
  }
  return tr.run(value, args, cx.host);
}

/** Text with its PVs replaced; a null one is "<null>", as in Kamailio. */
export function evalText(text: TextNode, cx: PvContext): ByteStr {
  let out = '';
  for (const piece of text) {
    if (typeof piece === 'string') out += piece;
    else {
      const value = evalPv(piece, cx);
      out += value === null ? '<null>' : typeof value === 'string' ? value : String(value);
    }
  }
  return out;
}
