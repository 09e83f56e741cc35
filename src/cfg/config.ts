/** What a kamailio.cfg says, once it is read: src/cfg/parser.ts makes it, src/cfg/resolve.ts turns it into what a runtime is started with. */
import type { ByteStr } from '../core/memory.ts';
import type { Diagnostic } from '../errors.ts';
import type { UnusedDefine } from './unused-defines.ts';

/** Where something stands. In a define's value: where the define is used. */
export interface At {
  readonly file: string;
  /** 1-based */
  readonly line: number;
  /** 1-based, in bytes */
  readonly column: number;
}

/**
 * word: letters, digits and _, what is neither a number nor quoted; pv: a pseudo-variable with its index and transformations; symbol: one character, or
 * one of the operators of two. A string's text is its value, escapes and #!subst done.
 */
export interface Token extends At {
  readonly kind: 'word' | 'number' | 'string' | 'pv' | 'symbol' | 'end';
  readonly text: ByteStr;
  /** whether nothing, not even a blank, stands between this token and the one before */
  readonly glued: boolean;
  /** whether it is the first of its line */
  readonly first: boolean;
}

export type Value = number | ByteStr;

/** `name = value` of the core. */
export interface CoreSetting {
  /** as the manual spells it first: aliases are resolved */
  readonly name: string;
  readonly value: Value;
  readonly at: At;
}

/** One address of `listen` or `socket`. */
export interface ListenSetting {
  /** undefined: every protocol that is on */
  readonly proto?: 'udp' | 'tcp' | 'tls' | 'sctp' | 'ws' | 'wss';
  /** address without brackets, name, or network interface */
  readonly host: string;
  /** undefined: the value of `port` */
  readonly port?: number;
  readonly advertise?: { readonly host: string; readonly port?: number };
  readonly name?: ByteStr;
  readonly at: At;
}

export interface AliasSetting {
  /** [proto:]host[:port], IPv6 in brackets */
  readonly text: string;
  readonly at: At;
}

export interface ModuleSetting {
  /** without path and .so */
  readonly name: string;
  /** of a component: the path of its .wasm file, as written */
  readonly component?: string;
  readonly at: At;
}

export interface ModparamSetting {
  /** the first argument: a name, names with | between them, or any POSIX extended regular expression */
  readonly modules: ByteStr;
  readonly name: ByteStr;
  readonly value: Value;
  /** how many modules were loaded above it */
  readonly loaded: number;
  readonly at: At;
}

/** A routing block, kept as it was written for the engine that runs such blocks. */
export interface RouteBlock {
  readonly kind: string;
  /** text in the brackets, '' without them */
  readonly name: ByteStr;
  /** what stands between the braces */
  readonly body: readonly Token[];
  readonly at: At;
}

/** `group.name = value desc "..."`: a global parameter that the config makes for itself. */
export interface CustomSetting {
  readonly group: string;
  readonly name: string;
  readonly value: Value;
  readonly description?: ByteStr;
  readonly at: At;
}

export interface KamailioConfig {
  readonly file: string;
  /** every file that was read, or looked for by import_file, in order */
  readonly files: readonly string[];
  readonly settings: readonly CoreSetting[];
  readonly listen: readonly ListenSetting[];
  readonly aliases: readonly AliasSetting[];
  readonly modules: readonly ModuleSetting[];
  readonly modparams: readonly ModparamSetting[];
  /** cfgengine: the last one counts */
  readonly engine?: { readonly name: ByteStr; readonly loaded: number; readonly at: At };
  readonly routes: readonly RouteBlock[];
  readonly custom: readonly CustomSetting[];
  /** `flags NAME:bit`: names of message flags */
  readonly flags: ReadonlyMap<string, number>;
  /** what #!define, -A and the like left, values as they were written: a string with its quotes; '' for a define without value */
  readonly defines: Readonly<Record<string, ByteStr>>;
  /** #!defines that nothing mentions */
  readonly unusedDefines: readonly UnusedDefine[];
  /** in the order of the file; with an error among them the config must not be used */
  readonly diagnostics: readonly Diagnostic[];
}

/** What reading a config needs from outside. */
export interface ConfigHost {
  /**
   * Reads an included file.
   * @param path as the config names it, or below the folder of the including file
   * @returns undefined when there is no such file
   * @throws Error for a file that cannot be read: its message is shown
   */
  readonly readFile: (path: string) => Uint8Array | undefined;
  /** -A NAME[=VALUE]; '' for none */
  readonly defines?: Readonly<Record<string, string>>;
  /** for #!defenv and $env() */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** value of OS_NAME; default linux */
  readonly os?: string;
}
