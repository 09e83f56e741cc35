/** Every error class and code of the package. Match on `code`, never on text. */

/** What each code means; one test walks all of it. */
export const ERROR_CODES = {
  KEMI_ERR_WASM: 'a wasm module is missing or does not fit the others',
  KEMI_ERR_CONFIG: 'an option or module parameter makes no sense',
  KEMI_ERR_SCRIPT: 'a routing script does not load',
  KEMI_ERR_STALE_MSG: 'a message handle was used after its message was released',
  KEMI_ERR_NO_MSG: 'a function that needs a message was called without one',
  KEMI_ERR_TOO_BIG: 'a message is larger than 65535 bytes or than the limit',
  KEMI_ERR_NO_SLOT: 'all message slots are in use',
  KEMI_ERR_NO_MEMORY: 'the linear memory reached its limit',
  KEMI_ERR_CLOSED: 'the runtime is closed',
  KEMI_ERR_LISTEN: 'a socket cannot be opened',
  KEMI_ERR_COMPONENT: 'a component cannot be loaded',
  KEMI_ERR_RPC: 'an RPC command failed',
} as const;
export type ErrorCode = keyof typeof ERROR_CODES;

export class KemiError extends Error {
  readonly code: ErrorCode;
  /** offset in the input, where there is one */
  readonly offset?: number;

  constructor(code: ErrorCode, message: string, more: { offset?: number; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'KemiError';
    this.code = code;
    if (more.offset !== undefined) this.offset = more.offset;
  }
}

/** One finding about a script or a config. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** 1-based; 0 when unknown */
  readonly line: number;
  /** 1-based; 0 when unknown */
  readonly column: number;
  readonly message: string;
  readonly traceback?: string;
}

/** A script that does not load: the diagnostics say why; what ran before runs on. */
export class ScriptError extends KemiError {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super('KEMI_ERR_SCRIPT', diagnostics.map(d => `${d.file}:${d.line ? `${d.line}:` : ''} ${d.message}`).join('\n'));
    this.name = 'ScriptError';
    this.diagnostics = diagnostics;
  }
}

/** A kamailio.cfg that cannot be used: the diagnostics say why, all of them at once. */
export class ConfigError extends KemiError {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super('KEMI_ERR_CONFIG', diagnostics.map(d => `${d.file}:${d.line ? `${d.line}:` : ''} ${d.message}`).join('\n'));
    this.name = 'ConfigError';
    this.diagnostics = diagnostics;
  }
}

/** An RPC failure with a JSON-RPC code. */
export class RpcError extends KemiError {
  readonly rpcCode: number;

  constructor(rpcCode: number, message: string) {
    super('KEMI_ERR_RPC', message);
    this.name = 'RpcError';
    this.rpcCode = rpcCode;
  }
}
