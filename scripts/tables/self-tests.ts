/** Shapes that the tests of the dispatcher call: functions of wasm/lua/selftest.ts, in no module's table. */
import type { KemiFunction } from '../../src/kemi/table.ts';

type Shape = Pick<KemiFunction, 'wasm' | 'quick' | 'params' | 'returns' | 'anytime' | 'internPv'>;

export const SELF_TESTS: readonly Shape[] = [
  { wasm: 'selfTestOne', params: [], returns: 'bool' },
  { wasm: 'selfTestMinusOne', params: [], returns: 'bool' },
  { wasm: 'selfTestOne', params: [], returns: 'int' },
  { wasm: 'selfTestOne', params: [], returns: 'none' },
  { wasm: 'selfTestMsg', params: [], returns: 'int' },
  { wasm: 'selfTestTrap', params: [], returns: 'int' },
  { wasm: 'selfTestSixBytes', params: [], returns: 'xval' },
  { wasm: 'selfTestForty', params: [], returns: 'xval' },
  { wasm: 'selfTestMethod', params: ['int'], returns: 'xval' },
  { wasm: 'selfTestInt', params: ['int'], returns: 'int' },
  { wasm: 'selfTestInt', params: ['int'], returns: 'none' },
  { wasm: 'selfTestInt', params: ['int'], returns: 'int', anytime: true },
  { wasm: 'selfTestText', params: ['int'], returns: 'xval' },
  { wasm: 'selfTestTag', params: ['int'], returns: 'xval' },
  { wasm: 'selfTestStr', params: ['str'], returns: 'int' },
  { wasm: 'selfTestEcho', params: ['str'], returns: 'xval' },
  { wasm: 'selfTestPv', params: ['str'], returns: 'xval', internPv: true },
  { wasm: 'selfTestPvSet', params: ['str', 'str'], returns: 'int', internPv: true },
  { wasm: 'selfTestMixed', params: ['str', 'int', 'str'], returns: 'int' },
  { wasm: 'selfTestTwelve', params: ['str', 'str', 'str', 'str', 'str', 'str'], returns: 'int' },
];
