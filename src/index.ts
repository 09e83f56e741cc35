/** Public API: re-exports only. */

export { aheadOfTime } from './components/ahead.ts';
export type { Grant } from './components/capabilities.ts';
export type { ComponentLimits } from './components/extension.ts';
export type { Component } from './components/instance.ts';
export { loadComponent, type Parts, takeApart } from './components/load.ts';
export { type ComponentOptions, DEFAULT_COMPONENT_LIMITS } from './components/module.ts';
export { luaStub } from './components/stubs.ts';
export type { Logger } from './core/log.ts';
export { silentLogger } from './core/log.ts';
export type { ByteStr } from './core/memory.ts';
export { byteStrOf, bytesOf, utf8Of } from './core/memory.ts';
export type { Diagnostic, ErrorCode } from './errors.ts';
export { ConfigError, ERROR_CODES, KemiError, RpcError, ScriptError } from './errors.ts';
export type { Awaitable, Database, DbCalls, DbCondition, DbRow, DbValue, OpenDatabase } from './kemi/db.ts';
export { DbError } from './kemi/db.ts';
export { openMemoryDatabase } from './kemi/db-memory.ts';
export type { SendHow } from './kemi/host.ts';
export { defineModule, exportsOf } from './kemi/table.ts';
export type { Limits, ModParamSetting, RuntimeOptions, Source } from './runtime/options.ts';
export { DEFAULT_LIMITS } from './runtime/options.ts';
export type { Verdict } from './runtime/router.ts';
export type { Running, Runtime, Script } from './runtime/runtime.ts';
export { createRuntime } from './runtime/runtime.ts';
export { VERSION } from './version.ts';
