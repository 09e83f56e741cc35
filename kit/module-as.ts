/**
 * What a module of kemi-wasm in AssemblyScript uses: `import { message, edit, log } from 'kemi-wasm/module-as'`. Each namespace is a capability of
 * wit/kemi.wit, which says what its functions do. Texts are strings here; the canonical ABI of components stays in this file.
 */

// Texts go to the host as UTF-8 in memory of their own, and come from it in memory that cabi_realloc() gave.

@external("kemi:module/message@0.1.0", "header-count") declare function hostHeaderCount(name: usize, length: usize): i32;
@external("kemi:module/message@0.1.0", "header") declare function hostHeader(name: usize, length: usize, index: i32, ret: usize): void;
@external("kemi:module/message@0.1.0", "header-bytes") declare function hostHeaderBytes(name: usize, length: usize, index: i32, ret: usize): void;
@external("kemi:module/message@0.1.0", "pv") declare function hostPv(name: usize, length: usize, ret: usize): void;
@external("kemi:module/message@0.1.0", "format") declare function hostFormat(text: usize, length: usize, ret: usize): void;
@external("kemi:module/message@0.1.0", "body") declare function hostBody(ret: usize): void;
@external("kemi:module/message@0.1.0", "is-request") declare function hostIsRequest(): i32;
@external("kemi:module/message@0.1.0", "method") declare function hostMethod(ret: usize): void;
@external("kemi:module/message@0.1.0", "status") declare function hostStatus(): i32;
@external("kemi:module/message@0.1.0", "source-ip") declare function hostSourceIp(ret: usize): void;
@external("kemi:module/message@0.1.0", "source-port") declare function hostSourcePort(): i32;
@external("kemi:module/edit@0.1.0", "append-header") declare function hostAppendHeader(name: usize, length: usize, value: usize, valueLength: usize): i32;
@external("kemi:module/edit@0.1.0", "remove-header") declare function hostRemoveHeader(name: usize, length: usize): i32;
@external("kemi:module/edit@0.1.0", "append-to-reply") declare function hostAppendToReply(name: usize, length: usize, value: usize, valueLength: usize): i32;
@external("kemi:module/edit@0.1.0", "set-pv") declare function hostSetPv(name: usize, length: usize, value: usize, valueLength: usize): i32;
@external("kemi:module/edit@0.1.0", "set-body") declare function hostSetBody(body: usize, length: usize, type: usize, typeLength: usize): i32;
@external("kemi:module/reply@0.1.0", "send") declare function hostSend(code: i32, reason: usize, length: usize): i32;
@external("kemi:module/log@0.1.0", "error") declare function hostError(text: usize, length: usize): void;
@external("kemi:module/log@0.1.0", "warn") declare function hostWarn(text: usize, length: usize): void;
@external("kemi:module/log@0.1.0", "info") declare function hostInfo(text: usize, length: usize): void;
@external("kemi:module/log@0.1.0", "debug") declare function hostDebug(text: usize, length: usize): void;
@external("kemi:module/kv@0.1.0", "get") declare function hostKvGet(table: usize, length: usize, key: usize, keyLength: usize, ret: usize): void;
@external("kemi:module/kv@0.1.0", "set") declare function hostKvSet(table: usize, length: usize, key: usize, keyLength: usize, value: usize, valueLength: usize, ttlSeconds: u32): i32;
@external("kemi:module/kv@0.1.0", "remove") declare function hostKvRemove(table: usize, length: usize, key: usize, keyLength: usize): i32;
@external("kemi:module/kv@0.1.0", "add") declare function hostKvAdd(table: usize, length: usize, key: usize, keyLength: usize, by: i32, ret: usize): void;
@external("kemi:module/timer@0.1.0", "after") declare function hostAfter(milliseconds: u32): u32;
@external("kemi:module/timer@0.1.0", "every") declare function hostEvery(milliseconds: u32): u32;
@external("kemi:module/timer@0.1.0", "cancel") declare function hostCancel(id: u32): void;
@external("kemi:module/clock@0.1.0", "now") declare function hostNow(): u64;
@external("kemi:module/clock@0.1.0", "monotonic") declare function hostMonotonic(): u64;

/** where results are that do not fit a register: those of the host, and those for it */
const RET: usize = memory.data(16, 8);
/** Short texts are put here, one behind the other; what was put last goes first. */
const SCRATCH: usize = memory.data(1024, 8);
const SCRATCH_END: usize = SCRATCH + 1024;
let scratch: usize = SCRATCH;
/** bytes of what put() put last */
let length: usize = 0;
/** what the host still reads of the last result */
let given: usize = 0;

function place(size: usize): usize {
  if (size > SCRATCH_END - scratch) return heap.alloc(size);
  const at = scratch;
  scratch += size;
  return at;
}

function put(text: string): usize {
  // A code unit of UTF-16 has three bytes of UTF-8 at most.
  const at = place(<usize>text.length * 3);
  length = String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, at, false, String.UTF8.ErrorMode.REPLACE);
  return at;
}

function putBytes(bytes: Uint8Array): usize {
  const at = place(bytes.length);
  length = bytes.length;
  memory.copy(at, bytes.dataStart, length);
  return at;
}

function drop(at: usize): void {
  if (at >= SCRATCH && at <= SCRATCH_END) scratch = at;
  else heap.free(at);
}

/** For the host: memory for a text that it passes. */
export function cabi_realloc(old: usize, oldSize: usize, align: usize, size: usize): usize {
  if (size == 0) return align;
  return oldSize == 0 ? heap.alloc(size) : heap.realloc(old, size);
}

export function takeText(at: usize, size: usize): string {
  if (size == 0) return '';
  const text = String.UTF8.decodeUnsafe(at, size);
  heap.free(at);
  return text;
}

export function takeBytes(at: usize, size: usize): Uint8Array {
  const bytes = new Uint8Array(<i32>size);
  if (size != 0) {
    memory.copy(bytes.dataStart, at, size);
    heap.free(at);
  }
  return bytes;
}

function takeOption(): string | null {
  return load<u8>(RET) ? takeText(load<u32>(RET, 4), load<u32>(RET, 8)) : null;
}

export function giveText(text: string): usize {
  given = put(text);
  store<u32>(RET, given);
  store<u32>(RET, length, 4);
  return RET;
}

export function giveBytes(bytes: Uint8Array): usize {
  given = putBytes(bytes);
  store<u32>(RET, given);
  store<u32>(RET, length, 4);
  return RET;
}

/** An option<string>; also the result<_, string> that null is the good end of. */
export function giveOption(text: string | null): usize {
  store<u8>(RET, 0);
  if (text === null) return RET;
  given = put(text);
  store<u8>(RET, 1);
  store<u32>(RET, given, 4);
  store<u32>(RET, length, 8);
  return RET;
}

export function giveOptionBytes(bytes: Uint8Array | null): usize {
  store<u8>(RET, 0);
  if (bytes === null) return RET;
  given = putBytes(bytes);
  store<u8>(RET, 1);
  store<u32>(RET, given, 4);
  store<u32>(RET, length, 8);
  return RET;
}

/** Behind each call whose result is in memory. */
export function release(): void {
  if (given != 0) drop(given);
  given = 0;
}

/** `throw`, a failed assert(), an index that is out of range: the log says which, and the call fails. */
export function moduleAbort(text: string | null, file: string | null, line: u32, column: u32): void {
  log.error((text === null ? 'stopped' : text) + ' (' + (file === null ? '' : file) + ':' + line.toString() + ':' + column.toString() + ')');
  unreachable();
}

/** The message that is being routed. */
export namespace message {
  export function headerCount(name: string): i32 {
    const at = put(name);
    const count = hostHeaderCount(at, length);
    drop(at);
    return count;
  }
  /** @param index 0 is the first of that name, -1 the last */
  export function header(name: string, index: i32 = 0): string | null {
    const at = put(name);
    hostHeader(at, length, index, RET);
    drop(at);
    return takeOption();
  }
  export function headerBytes(name: string, index: i32 = 0): Uint8Array | null {
    const at = put(name);
    hostHeaderBytes(at, length, index, RET);
    drop(at);
    return load<u8>(RET) ? takeBytes(load<u32>(RET, 4), load<u32>(RET, 8)) : null;
  }
  /** @param name as in a script: "$ru", "$var(x)" */
  export function pv(name: string): string | null {
    const at = put(name);
    hostPv(at, length, RET);
    drop(at);
    return takeOption();
  }
  export function format(text: string): string | null {
    const at = put(text);
    hostFormat(at, length, RET);
    drop(at);
    return takeOption();
  }
  export function body(): Uint8Array {
    hostBody(RET);
    return takeBytes(load<u32>(RET), load<u32>(RET, 4));
  }
  export function isRequest(): bool {
    return hostIsRequest() != 0;
  }
  export function method(): string {
    hostMethod(RET);
    return takeText(load<u32>(RET), load<u32>(RET, 4));
  }
  export function status(): i32 {
    return hostStatus();
  }
  export function sourceIp(): string {
    hostSourceIp(RET);
    return takeText(load<u32>(RET), load<u32>(RET, 4));
  }
  export function sourcePort(): i32 {
    return hostSourcePort();
  }
}

/** Changes of the message. Needs the grant `edit`. */
export namespace edit {
  export function appendHeader(name: string, value: string): bool {
    const at = put(name), size = length, other = put(value);
    const done = hostAppendHeader(at, size, other, length) != 0;
    drop(other);
    drop(at);
    return done;
  }
  export function removeHeader(name: string): i32 {
    const at = put(name);
    const count = hostRemoveHeader(at, length);
    drop(at);
    return count;
  }
  export function appendToReply(name: string, value: string): bool {
    const at = put(name), size = length, other = put(value);
    const done = hostAppendToReply(at, size, other, length) != 0;
    drop(other);
    drop(at);
    return done;
  }
  export function setPv(name: string, value: string): bool {
    const at = put(name), size = length, other = put(value);
    const done = hostSetPv(at, size, other, length) != 0;
    drop(other);
    drop(at);
    return done;
  }
  export function setBody(body: Uint8Array, contentType: string): bool {
    const at = putBytes(body), size = length, other = put(contentType);
    const done = hostSetBody(at, size, other, length) != 0;
    drop(other);
    drop(at);
    return done;
  }
}

/** Answers the request. Needs the grant `reply`. */
export namespace reply {
  export function send(code: i32, reason: string): bool {
    const at = put(reason);
    const done = hostSend(code, at, length) != 0;
    drop(at);
    return done;
  }
}

/** The server's log. */
export namespace log {
  export function error(text: string): void {
    const at = put(text);
    hostError(at, length);
    drop(at);
  }
  export function warn(text: string): void {
    const at = put(text);
    hostWarn(at, length);
    drop(at);
  }
  export function info(text: string): void {
    const at = put(text);
    hostInfo(at, length);
    drop(at);
  }
  export function debug(text: string): void {
    const at = put(text);
    hostDebug(at, length);
    drop(at);
  }
}

/** Tables of module htable. Needs the grant `kv`. */
export namespace kv {
  export function get(table: string, key: string): string | null {
    const at = put(table), size = length, other = put(key);
    hostKvGet(at, size, other, length, RET);
    drop(other);
    drop(at);
    return takeOption();
  }
  /** @param ttlSeconds 0 is the table's own */
  export function set(table: string, key: string, value: string, ttlSeconds: u32 = 0): bool {
    const at = put(table), size = length, other = put(key), otherSize = length, third = put(value);
    const done = hostKvSet(at, size, other, otherSize, third, length, ttlSeconds) != 0;
    drop(third);
    drop(other);
    drop(at);
    return done;
  }
  export function remove(table: string, key: string): bool {
    const at = put(table), size = length, other = put(key);
    const done = hostKvRemove(at, size, other, length) != 0;
    drop(other);
    drop(at);
    return done;
  }
  /** @returns the new number, or `otherwise` when there is no such table, it is full, or the item is a text */
  export function add(table: string, key: string, by: i32 = 1, otherwise: i32 = -1): i32 {
    const at = put(table), size = length, other = put(key);
    hostKvAdd(at, size, other, length, by, RET);
    drop(other);
    drop(at);
    return load<u8>(RET) ? load<i32>(RET, 4) : otherwise;
  }
}

/** Calls onTimer(id) back. Needs the grant `timer`. */
export namespace timer {
  export function after(milliseconds: u32): u32 {
    return hostAfter(milliseconds);
  }
  export function every(milliseconds: u32): u32 {
    return hostEvery(milliseconds);
  }
  export function cancel(id: u32): void {
    hostCancel(id);
  }
}

/** Needs the grant `clock`. */
export namespace clock {
  /** milliseconds since 1970 */
  export function now(): u64 {
    return hostNow();
  }
  export function monotonic(): u64 {
    return hostMonotonic();
  }
}
