/** The core for tests, without a runtime: release and debug build, and messages in and out of it. */
import { readFileSync } from 'node:fs';
import * as L from '../../src/core/gen/layout.gen.ts';
import { type Core, loadCore } from '../../src/core/load.ts';
import { type ByteStr, byteStr, bytesOf } from '../../src/core/memory.ts';
import { SipMsg } from '../../src/core/sip-msg.ts';

const file = (name: string) => new WebAssembly.Module(readFileSync(new URL(`../../build/${name}`, import.meta.url)));

/** @param build 'core' (release) or 'core.debug' @param maxPages upper bound of the memory, pages of 64 KiB */
export function openCore(build: 'core' | 'core.debug' = 'core', maxPages?: number): Core {
  return loadCore({ lua: file('lua.wasm'), core: file(`${build}.wasm`), ...(maxPages && { maxPages }) });
}

/** Puts a message into a slot; the caller frees it. @param slack what the bytes behind the message are filled with */
export function place(core: Core, message: ByteStr | Uint8Array, slack?: number): number {
  const bytes = typeof message === 'string' ? bytesOf(message) : message;
  const msg = core.x.msgAlloc(bytes.length);
  if (msg < 0) throw new Error(`msgAlloc: ${L.STATUS_NAMES[-msg]}`);
  const buf = core.mem.u32(msg + L.M_BUF);
  core.mem.u8.set(bytes, buf);
  if (slack !== undefined) core.mem.u8.fill(slack, buf + bytes.length, buf + bytes.length + L.SLACK);
  return msg;
}

/** Indexes a message and gives it to `use`; the slot is free afterwards. */
export function withMsg<T>(core: Core, message: ByteStr | Uint8Array, use: (m: SipMsg, status: number) => T): T {
  const msg = place(core, message);
  try {
    const status = core.x.msgIndex(msg);
    return use(new SipMsg(core, msg), status);
  } finally {
    core.x.msgFree(msg);
  }
}

/** Puts bytes into Lua's heap with SLACK behind them. @returns their address */
export function bytesAt(core: Core, text: ByteStr): number {
  const at = core.lua.malloc(text.length + L.SLACK);
  core.mem.putStr(at, text);
  return at;
}

/** Name of a negative status. */
export const statusName = (status: number): string => L.STATUS_NAMES[Math.abs(status)] ?? String(status);

/** What the last write left in the output area. @param length its result */
export function output(core: Core, length: number): ByteStr {
  if (length < 0) throw new Error(`write: ${statusName(length)}`);
  return byteStr(core.mem.bytes(core.x.outArea(), length));
}

/** Lines to a message: CRLF ends each, an empty line and the body follow. */
export const sip = (lines: readonly string[], body = ''): ByteStr => `${lines.join('\r\n')}\r\n\r\n${body}`;
