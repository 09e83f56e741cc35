/** The system's buffers of a socket: Bun's sockets have no call for them, the C library has. */
import { type BunFfi, ffi } from './bun-api.ts';

/** Tried from the top; Linux caps them (net.core.rmem_max). A burst waits here while a route runs. */
const BUFFER_SIZES = [8 << 20, 4 << 20, 1 << 20, 256 << 10];
/** SOL_SOCKET, SO_SNDBUF, SO_RCVBUF by system */
const NUMBERS: Readonly<Record<string, readonly [number, number, number]>> = {
  linux: [1, 7, 8],
  darwin: [0xffff, 0x1001, 0x1002],
};
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  linux: ['libc.so.6', `libc.musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`],
  darwin: ['libc.dylib'],
};

/** Makes room for bursts; where that cannot be done the system's default is good enough in the end. */
export function growBuffers(fd: number): void {
  const numbers = NUMBERS[process.platform];
  const bun = ffi();
  const set = bun && numbers && setsockopt(bun);
  if (!bun || !set) return;
  const [level, ...names] = numbers;
  const value = new Int32Array(1);
  for (const name of names)
    for (const size of BUFFER_SIZES) {
      value[0] = size;
      if (set(fd, level, name, bun.ptr(value), 4) === 0) break;
    }
}

function setsockopt({ dlopen }: BunFfi): ReturnType<BunFfi['dlopen']>['symbols']['setsockopt'] | undefined {
  for (const library of LIBRARIES[process.platform] ?? []) {
    try {
      return dlopen(library, { setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' } }).symbols
        .setsockopt;
    } catch {
      // another C library
    }
  }
  return undefined;
}
