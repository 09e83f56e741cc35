/** What the first worker and the others tell each other over the port that a thread is born with. Plain data: it is cloned on the way. */
import type { KeepAlive, Socket } from '../../../kemi/host.ts';
import type { RuntimeOptions } from '../../../runtime/options.ts';
import type { PeerLink } from './peers.ts';

/** Options of a runtime that can be cloned. */
export type PlainOptions = Omit<
  RuntimeOptions,
  | 'wasm'
  | 'sockets'
  | 'send'
  | 'log'
  | 'now'
  | 'monotonic'
  | 'random'
  | 'resolver'
  | 'every'
  | 'after'
  | 'secret'
  | 'extraModules'
  | 'components'
  | 'connections'
  | 'tls'
  | 'webSockets'
  | 'config'
  | 'readFile'
  | 'writeFile'
  | 'openDatabase'
  | 'print'
  | 'shared'
  | 'handOver'
  | 'tell'
  | 'callAll'
  | 'reloadAll'
>;

/** What a worker starts with. */
export interface WorkerInit {
  readonly worker: number;
  readonly workers: number;
  readonly wasm: { readonly lua: WebAssembly.Module; readonly core: WebAssembly.Module };
  readonly memory: SharedArrayBuffer;
  readonly secret: Uint8Array;
  /** of the first worker; UDP sockets come first, and are opened once more here */
  readonly sockets: readonly Socket[];
  readonly options: PlainOptions;
  /** of a config that routes by itself: how it is read */
  readonly config:
    | { readonly defines: Readonly<Record<string, string>>; readonly env?: Record<string, string> }
    | undefined;
  /** the program, and the files whose folders it may read */
  readonly name: string;
  readonly source: Uint8Array;
  readonly scripts: readonly string[];
  /** limits of connections, as Connections.options */
  readonly connectionOptions: Readonly<Record<string, number>>;
  readonly logLevel: string;
  /** performance.timeOrigin of the first worker: all have one monotonic clock */
  readonly timeOrigin: number;
  readonly peers: readonly PeerLink[];
}

/** What the first worker asks of another one, and what it is answered. */
export interface Asks {
  /** loads a program beside the one that runs */
  readonly prepare: { readonly params: { readonly source: Uint8Array }; readonly result: null };
  /** what was prepared takes over, or does not */
  readonly commit: { readonly params: null; readonly result: null };
  readonly drop: { readonly params: null; readonly result: null };
  readonly rpc: { readonly params: { readonly method: string; readonly params: unknown }; readonly result: unknown };
  /** statistics become known to all */
  readonly publish: { readonly params: null; readonly result: null };
  readonly close: { readonly params: { readonly drainMs: number }; readonly result: null };
}
export type AskName = keyof Asks;

export type ToWorker =
  | { readonly is: 'ask'; readonly id: number; readonly name: AskName; readonly params: unknown }
  | { readonly is: 'answer'; readonly id: number; readonly outcome: Outcome }
  | { readonly is: 'peer'; readonly link: PeerLink }
  | { readonly is: 'left'; readonly worker: number }
  /** what was to be sent over a connection did not leave */
  | { readonly is: 'lost'; readonly id: number };

export type FromWorker =
  /** sockets are open, the program routes */
  | { readonly is: 'ready' }
  | { readonly is: 'failed'; readonly error: PlainError }
  | { readonly is: 'answer'; readonly id: number; readonly outcome: Outcome }
  /** an RPC command of a script, for all workers */
  | { readonly is: 'call'; readonly id: number; readonly method: string; readonly params: unknown }
  | { readonly is: 'connection'; readonly order: ConnectionOrder }
  | { readonly is: 'log'; readonly level: LogLevel; readonly fields: object; readonly message: string }
  | {
      readonly is: 'send';
      readonly socket: number;
      readonly bytes: Uint8Array;
      readonly ip: string;
      readonly port: number;
      readonly connection: number;
      readonly noConnect: boolean;
      readonly close: boolean;
      /** what a `lost` will name; 0: nobody wants to know */
      readonly lost: number;
    };

/** What another worker wants done with a connection of the first one. */
export type ConnectionOrder =
  | { readonly do: 'close'; readonly id: number }
  | { readonly do: 'setLifetime'; readonly id: number; readonly ms: number }
  | { readonly do: 'setKeepAlive'; readonly id: number; readonly how: KeepAlive | undefined }
  | { readonly do: 'addAlias'; readonly id: number; readonly port: number };

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export type Outcome =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: PlainError };

/** An error of ours as data: its class is made again on the other side. */
export type PlainError =
  | { readonly of: 'script'; readonly diagnostics: readonly unknown[] }
  | { readonly of: 'rpc'; readonly code: number; readonly message: string }
  | { readonly of: 'kemi'; readonly code: string; readonly message: string }
  | { readonly of: 'other'; readonly message: string };
