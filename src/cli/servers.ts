/** The servers of the runtime that the command runs in. */
import type * as NodeServers from '../transport/node/server.ts';

const servers: Pick<typeof NodeServers, 'createServer'> =
  'Bun' in globalThis
    ? await import('../transport/bun/server.ts')
    : 'Deno' in globalThis
      ? await import('../transport/deno/server.ts')
      : await import('../transport/node/server.ts');

export const { createServer } = servers;
