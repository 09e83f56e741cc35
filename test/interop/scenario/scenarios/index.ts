import { type GroupName, type Scenario, SHARED } from '../scenario.ts';
import { auth } from './auth.ts';
import { calls } from './calls.ts';
import { cancel } from './cancel.ts';
import { digest } from './digest.ts';
import { flood } from './flood.ts';
import { forking } from './forking.ts';
import { location } from './location.ts';
import { nat } from './nat.ts';
import { registrar } from './registrar.ts';
import { replies } from './replies.ts';
import { callbackRoutes } from './routes-callbacks.ts';
import { forkingRoutes } from './routes-forking.ts';
import { headerRoutes } from './routes-headers.ts';
import { jobRoutes } from './routes-jobs.ts';
import { relayRoutes } from './routes-relay.ts';
import { routing } from './routing.ts';
import { timers } from './timers.ts';

const OWN: readonly Scenario[] = [
  ...registrar,
  ...calls,
  ...cancel,
  ...timers,
  ...forking,
  ...routing,
  ...replies,
  ...auth,
  ...digest,
  ...location,
  ...nat,
  ...flood,
  ...forkingRoutes,
  ...callbackRoutes,
  ...relayRoutes,
  ...headerRoutes,
  ...jobRoutes,
];

export const SCENARIOS: readonly Scenario[] = [
  ...OWN,
  ...Object.entries(SHARED).flatMap(([group, of]) =>
    OWN.filter(s => s.group === of).map(s => ({ ...s, group: group as GroupName })),
  ),
];
