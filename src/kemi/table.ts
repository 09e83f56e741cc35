/**
 * The KEMI table: how a module says what it has. One declaration per function, beside its implementation; the KSR tree, the dispatcher's
 * descriptors, app_lua.api_list, the editor stubs and the API reference are made from it. Knows no interpreter.
 */
import type { ByteStr } from '../core/memory.ts';
import type { SipMsg } from '../core/sip-msg.ts';
import type { ClosedConnection, ConnectionRef, ModuleHost } from './host.ts';
import type { HttpRequest } from './http.ts';
import type { PvClass, Transformation } from './pv-types.ts';

export type ParamType = 'int' | 'str';
export type ReturnType = 'none' | 'int' | 'bool' | 'xval';
/** nil, an integer or a byte string */
export type XVal = null | number | ByteStr;

type ArgOf<P> = P extends 'int' ? number : ByteStr;
type ArgsOf<P extends readonly ParamType[]> = { [K in keyof P]: ArgOf<P[K]> };
type ResultOf<R> = R extends 'int' ? number : R extends 'bool' ? boolean : R extends 'none' ? undefined : XVal;

/** What an implementation gets besides its arguments. One object per module and runtime, never kept by the callee. */
export interface Call<S = unknown> {
  /** what the module's create() returned */
  readonly state: S;
  /** the runtime as modules see it */
  readonly host: ModuleHost;
  /** the message being routed; only functions declared `anytime` may run without one (then reading it throws) */
  readonly msg: SipMsg;
}

/**
 * What a parameter of a native command is. 'int': a number, a text that is one, or an expression; 'str': a text whose variables are replaced, or an
 * expression; 'raw': a text as it stands (the function reads variables in it itself, or takes none); 'flag': 0..31 or a name that `flags` gave;
 * 'pair': a text "name=>key", handed over as two parameters. With `?` it may be left out; those behind it too.
 */
export type Fixup = 'int' | 'str' | 'raw' | 'flag' | 'pair' | 'int?' | 'str?' | 'raw?' | 'flag?';

/** How routing blocks of a kamailio.cfg call a function: one native command. */
export interface NativeForm {
  /** name of the command; absent: the function's */
  readonly name?: string;
  /** absent: one for each of the function's parameters */
  readonly params?: readonly Fixup[];
  /** the place, among the function's parameters, of each of the command's; absent: the same */
  readonly to?: readonly number[];
  /** values of the function's parameters that the command does not give, by their place; absent: 0 and '' */
  readonly fill?: Readonly<Record<number, number | ByteStr>>;
  /** for a function that gives a value: one more parameter, the variable that takes it. The command's code is 1, or -1 when there is no value */
  readonly into?: boolean;
  /** where it is allowed; absent: in every block. Blocks of the kind `route` are not looked at: anything may call them */
  readonly routes?: readonly NativeRoute[];
}

export type NativeRoute = 'request' | 'failure' | 'branch' | 'onreply' | 'reply' | 'event' | 'onsend';

export interface KemiFunction {
  readonly name: string;
  /** its native commands; absent: one of its name (see ModuleDefinition.native); false: none */
  readonly native?: false | NativeForm | readonly NativeForm[];
  readonly params: readonly ParamType[];
  readonly returns: ReturnType;
  /** name of the AssemblyScript export (wasm/index.ts) that implements it */
  readonly wasm?: string;
  /** the TypeScript implementation; a Promise result suspends the route (only where `async` is set) */
  // biome-ignore lint/suspicious/noExplicitAny: argument types were checked by kemi()
  readonly run?: (call: Call<any>, ...args: any[]) => unknown;
  readonly async?: boolean;
  /**
   * name of an AssemblyScript export with the same parameters that is asked first where Lua calls in place: it does what is usual, or returns NOT_QUICK
   * with nothing done. Only for functions that return int
   */
  readonly quick?: string;
  /** callable with no message at hand (at load time, in timers) */
  readonly anytime?: boolean;
  /** the first parameter is a PV name: the AssemblyScript target gets its PV number (i32) in place of pointer and length */
  readonly internPv?: boolean;
}

type Declaration<S, P extends readonly ParamType[], R extends ReturnType> = {
  params: P;
  returns: R;
  anytime?: boolean;
  native?: KemiFunction['native'];
} & (
  | { wasm: string; internPv?: boolean; run?: never; async?: never; quick?: never }
  | {
      run: (call: Call<S>, ...args: ArgsOf<P>) => ResultOf<R>;
      quick?: R extends 'int' ? string : never;
      wasm?: never;
      async?: never;
      internPv?: never;
    }
  | {
      run: (call: Call<S>, ...args: ArgsOf<P>) => ResultOf<R> | Promise<ResultOf<R>>;
      async: true;
      quick?: never;
      wasm?: never;
      internPv?: never;
    }
);

/** Makes the typed `kemi(name, declaration)` of one module. The doc comment above each call is the manual; scripts/gen-docs reads it. */
export function exportsOf<S>() {
  return <const P extends readonly ParamType[], R extends ReturnType>(
    name: string,
    d: Declaration<S, P, R>,
  ): KemiFunction => {
    if (d.params.length > 6) throw new RangeError(`${name}: at most 6 parameters, as in Kamailio`);
    return { name, ...d } as KemiFunction;
  };
}

/** One module parameter, as `modparam("module", "name", value)` sets it. */
export interface ModParam {
  /** 'any': a number or a string, as it was given */
  readonly type: 'int' | 'str' | 'any';
  /** default; absent means not set */
  readonly default?: number | ByteStr;
  /**
   * default in its place where the runtime has a database of its own (RuntimeOptions.db). A `db_url` gets that database without saying so; null: it does not
   */
  readonly withDb?: number | ByteStr | null;
  /** may be given several times: the module gets an array */
  readonly repeat?: boolean;
  /** inclusive range of an int */
  readonly min?: number;
  readonly max?: number;
  readonly doc: string;
}
export type ModParamValues = Record<string, number | ByteStr | (number | ByteStr)[] | undefined>;

/** One RPC command: params are JSON values, the result is JSON. Throw RpcError for a coded failure. */
export interface RpcCommand<S = unknown> {
  readonly name: string;
  readonly doc: string;
  readonly run: (call: { state: S; host: ModuleHost }, params: unknown[]) => unknown;
  /** absent: 'one' */
  readonly workers?: InWorkers;
}

/**
 * What a command is where several runtimes serve: 'one' any of them answers for all, because its state is shared; 'sum' numbers of all are added; 'list' lists
 * of all are joined; 'find' the one that has what it is about answers; 'all' each runs it, the first answers.
 */
export type InWorkers = 'one' | 'sum' | 'list' | 'find' | 'all';

export interface ModuleDefinition<S = unknown> {
  readonly name: string;
  readonly modparams: Readonly<Record<string, ModParam>>;
  /** it knows itself which modparams it has: none is refused before, and create() gets none */
  readonly anyModparam?: boolean;
  /** Makes the module's state for one runtime. @throws KemiError KEMI_ERR_CONFIG for modparams that make no sense */
  readonly create: (host: ModuleHost, params: ModParamValues) => S;
  readonly functions: readonly KemiFunction[];
  /** commands of routing blocks that KEMI does not have: they are not on KSR */
  readonly commands?: readonly KemiFunction[];
  /** false: functions that do not say so are no native commands */
  readonly native?: false;
  /** true: what outlives a message is in ModuleHost.shared where there is one, or need not be common. Without it the module is for one runtime */
  readonly shares?: true;
  /** pseudo-variables this module provides */
  readonly pvs?: readonly PvClass[];
  readonly transformations?: readonly Transformation[];
  readonly rpc?: readonly RpcCommand<S>[];
  /** Called for each request before the script. @returns true when it is taken: the script does not see it */
  readonly onRequest?: (state: S, host: ModuleHost, msg: SipMsg) => boolean;
  /** Called for each reply that the script's reply route did not drop. @returns true when it is taken: it is not forwarded statelessly */
  readonly onReply?: (state: S, host: ModuleHost, msg: SipMsg) => boolean;
  /** Called when the request route has ended and the request has a transaction. */
  readonly afterRoute?: (state: S, host: ModuleHost, msg: SipMsg) => void;
  /** Called when a request route begins to wait, and when it ends then. */
  readonly onWait?: (state: S, host: ModuleHost, msg: SipMsg, waits: boolean) => void;
  /** Asked which callback takes a request of HTTP. @returns undefined: none does */
  readonly httpRoute?: (state: S, host: ModuleHost, request: HttpRequest) => ByteStr | undefined;
  /** Called when a TLS connection was opened from here. @returns false when nothing is to be sent by it: it is closed */
  readonly onOpened?: (state: S, connection: ConnectionRef) => boolean | Promise<boolean>;
  /** Called when a connection is gone, or nothing comes in by it any more. @param id as in L.M_CONID  @param how absent where the transport does not tell */
  readonly onClosed?: (state: S, id: number, how?: ClosedConnection) => void;
  /** Called with what the same module of another runtime had to say (ModuleHost.tell). */
  readonly onTold?: (state: S, host: ModuleHost, data: unknown) => void;
  /** called when the runtime closes; a promise is waited for, and databases are still open */
  readonly dispose?: (state: S) => void | Promise<void>;
}

/** Types a module definition; the result goes into src/modules/index.ts. */
export function defineModule<S>(definition: ModuleDefinition<S>): ModuleDefinition<S> {
  return definition;
}

/** A module of any state: for lists of modules. */
// biome-ignore lint/suspicious/noExplicitAny: each module has its own state type
export type AnyModule = ModuleDefinition<any>;
