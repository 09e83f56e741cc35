import type { Scenario } from '../scenario.ts';
import { calls } from './calls.ts';
import { cancel } from './cancel.ts';
import { forking } from './forking.ts';
import { registrar } from './registrar.ts';
import { replies } from './replies.ts';
import { routing } from './routing.ts';
import { timers } from './timers.ts';

export const SCENARIOS: readonly Scenario[] = [...registrar, ...calls, ...cancel, ...timers, ...forking, ...routing, ...replies];
