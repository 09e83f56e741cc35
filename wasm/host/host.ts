/** What the core calls in TypeScript: exactly CoreHooks of src/core/load.ts. The file's name is the import module. */

/** A TypeScript function of the KEMI table. @param id export number @param argc arguments @param args address of the argument words */
export declare function hostCall(id: i32, argc: i32, args: usize): i32;
/** Value of a PV without a getter in the core. @returns X_* tag, payload in RET */
export declare function pvGet(id: i32): i32;
/** PV name to number. @returns 0 when it is not a PV (already logged) */
export declare function pvResolve(at: usize, length: i32): i32;
/** Sends bytes to where the current message's reply goes. @returns 1 sent, 0 not */
export declare function sendReply(at: usize, length: i32, code: i32): i32;
/** Replies through the transaction of the current message. @returns 1 sent, -1 not */
export declare function tmReply(code: i32, at: usize, length: i32): i32;
/** What tm's functions need of src/modules/tm; ops in wasm/modules/tm.ts. */
export declare function tmCall(op: i32, arg: i32): i32;
/** Is this host ours? @param port 0 any @param proto PROTO_*, 0 any @returns 1 or 0 */
export declare function isMyself(at: usize, length: i32, port: i32, proto: i32): i32;
/** Logs an ARG_* arity error of an export. */
export declare function complain(id: i32, why: i32): void;
/** Logs a line at Kamailio's level. */
export declare function log(level: i32, at: usize, length: i32): void;
/** Calls a closure of the routing blocks that run. @returns its value */
export declare function cfgHost(closure: i32): i32;
