/** What is used of Bun here, as Bun's reference describes it. Bun is there only when Bun runs this. */

export interface BunUdpSocket {
  readonly address: { readonly address: string; readonly port: number };
  /** the descriptor of the system */
  readonly fd: number;
  /**
   * @param datagrams bytes, port, address; bytes, port, address; ...
   * @returns how many the system took: the first ones. 0 while its buffer is full; `drain` is called when there is room
   * @throws what the system says of the first one
   */
  sendMany(datagrams: readonly (Uint8Array | number | string)[]): number;
  close(): void;
}

export interface BunUdpHandlers {
  data(socket: BunUdpSocket, bytes: Uint8Array, port: number, address: string): void;
  drain(socket: BunUdpSocket): void;
  error(error: Error): void;
}

export interface BunApi {
  udpSocket(options: {
    hostname: string;
    port: number;
    binaryType: 'uint8array';
    socket: BunUdpHandlers;
  }): Promise<BunUdpSocket>;
}

/** The part of bun:ffi that calls one function of the C library. */
export interface BunFfi {
  dlopen(
    library: string,
    functions: { setsockopt: { args: readonly string[]; returns: string } },
  ): {
    readonly symbols: { setsockopt(fd: number, level: number, name: number, value: unknown, size: number): number };
  };
  ptr(bytes: Int32Array): unknown;
}

/** Bun, where it runs this. */
export function bunApi(): BunApi | undefined {
  return (globalThis as { Bun?: BunApi }).Bun;
}

export const ffi = (): BunFfi | undefined =>
  (process.getBuiltinModule as (name: string) => BunFfi | undefined)('bun:ffi');
