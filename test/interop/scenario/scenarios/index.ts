import type { Scenario } from '../scenario.ts';
import { calls } from './calls.ts';
import { registrar } from './registrar.ts';

export const SCENARIOS: readonly Scenario[] = [...registrar, ...calls];
