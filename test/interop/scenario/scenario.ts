/** Declares scenarios and runs them, many side by side. */
import { Play } from './play.ts';
import { normalise, type Outcome } from './trace.ts';
import { Wire } from './wire.ts';

/** Which configuration a scenario runs on; see servers.ts. */
export type GroupName =
  | 'basic'
  | 'auth'
  | 'digest'
  | 'location'
  | 'nat'
  | 'flood'
  | 'routes'
  | 'native'
  | 'native-auth'
  | 'native-etc'
  | 'native-flood';

/**
 * Groups with a configuration of their own, and the scenarios of another one. They are not recorded: the two servers are compared with each other as
 * they run.
 */
export const SHARED: Partial<Record<GroupName, GroupName>> = {
  native: 'basic',
  'native-auth': 'auth',
  'native-etc': 'basic',
  'native-flood': 'flood',
};

export interface Scenario {
  readonly group: GroupName;
  /** unique in its group: small letters, digits and dashes, a letter first */
  readonly name: string;
  /** sends so many requests that it must not share the server with others */
  readonly alone?: boolean;
  readonly run: (t: Play) => Promise<void>;
}

/** `const scenario = scenarios('basic', list)`, then one call each. */
export function scenarios(group: GroupName, into: Scenario[]) {
  return (name: string, run: (t: Play) => Promise<void>, options: { alone?: boolean } = {}): void => {
    if (!/^[a-z][a-z0-9-]+$/.test(name)) throw new Error(`not a name for a scenario: ${name}`);
    into.push({ group, name, run, ...options });
  };
}

export interface RunOptions {
  /** port of the server; the legs' are above it */
  base: number;
  /** scenarios side by side */
  width?: number;
  patience?: number;
  /** of the server, each with a socket of its own; 1 when left out */
  workers?: number;
}

/** Runs scenarios of one group against the server at 127.0.0.1:base. */
export async function play(list: readonly Scenario[], options: RunOptions): Promise<Outcome[]> {
  const wire = new Wire(options.base, options.workers);
  await wire.open();
  try {
    const outcomes = new Map<Scenario, Outcome>();
    const queue = list.filter(s => !s.alone);
    const worker = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) outcomes.set(next, await one(next, wire, options));
    };
    await Promise.all(Array.from({ length: options.width ?? 40 }, worker));
    for (const s of list.filter(s => s.alone)) outcomes.set(s, await one(s, wire, options));
    return list.map(s => outcomes.get(s)!);
  } finally {
    wire.close();
  }
}

async function one(scenario: Scenario, wire: Wire, options: RunOptions): Promise<Outcome> {
  const t = new Play(wire, scenario.name, options.patience);
  const legs = t.legs;
  wire.join(scenario.name, (leg, text) => legs[leg].receive(text));
  let error: string | undefined;
  try {
    await scenario.run(t);
    await t.settle();
  } catch (e) {
    error = e instanceof Error ? e.message : String(e);
  }
  wire.leave(scenario.name);
  const base = { group: scenario.group, name: scenario.name, legs: normalise(t.trace(), options.base) };
  return error === undefined ? base : { ...base, error };
}

/** tm's fr_timer as the configurations set it: no final answer to what was sent on */
export const FR_TIMER_MS = 2_000;
/** fr_inv_timer: no final answer to an INVITE that rang */
export const FR_INV_TIMER_MS = 4_000;
