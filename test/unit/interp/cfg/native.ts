/** A runtime that routes with the blocks of a kamailio.cfg. */
import { byteStrOf, bytesOf } from '../../../../src/core/memory.ts';
import type { RuntimeOptions } from '../../../../src/runtime/options.ts';
import { testRuntime } from '../../../support/runtime.ts';

/** @param config the blocks  @returns the runtime, and what xlog() wrote between two @ */
export function nativeRuntime(config: string, options: Partial<RuntimeOptions> = {}) {
  const made = testRuntime(undefined, { engine: 'native', ...options });
  made.runtime.load({ name: 'kamailio.cfg', source: bytesOf(byteStrOf(config)) });
  return {
    ...made,
    said: () => made.log.lines.flatMap(line => [...`${line.message}`.matchAll(/@@(.*?)@@/gs)].map(match => match[1]!)),
  };
}

/** What is wrong with a config, as check says it: line:column: severity: message */
export function findings(config: string): string[] {
  const { runtime } = testRuntime(undefined, { engine: 'native' });
  return runtime
    .check({ name: 'kamailio.cfg', source: bytesOf(byteStrOf(config)) })
    .map(d => `${d.line}:${d.column}: ${d.severity}: ${d.message}`);
}
