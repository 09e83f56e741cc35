/** What is used of Deno here, as Deno's reference describes it. Deno is there only when Deno runs this. */

export interface DenoNetAddr {
  readonly transport: 'udp';
  readonly hostname: string;
  readonly port: number;
}

export interface DenoDatagramConn {
  readonly addr: DenoNetAddr;
  /** @returns the part of the buffer that was filled, and where from */
  receive(buffer: Uint8Array): Promise<[Uint8Array, DenoNetAddr]>;
  send(bytes: Uint8Array, to: DenoNetAddr): Promise<number>;
  close(): void;
}

type ListenDatagram = (options: { transport: 'udp'; hostname: string; port: number }) => DenoDatagramConn;

/** Deno.listenDatagram, where Deno runs this and shows it. */
export function listenDatagram(): ListenDatagram | undefined {
  const { Deno } = globalThis as { Deno?: { listenDatagram?: ListenDatagram } };
  return Deno?.listenDatagram && (options => Deno.listenDatagram!(options));
}
