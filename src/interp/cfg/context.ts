/** What compiling a config needs of its surroundings. */
import type { At } from '../../cfg/config.ts';
import type { Diagnostics } from '../../cfg/diagnostics.ts';
import type { Core } from '../../core/load.ts';
import type { ByteStr } from '../../core/memory.ts';
import type { Bridge } from '../../kemi/bridge.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import type { PvRegistry, PvText } from '../../kemi/pv.ts';
import type { Pv } from '../../kemi/pv-types.ts';
import { Mistake } from './token-list.ts';

/** The functions there are: the bridge. */
export type Functions = Pick<Bridge, 'functions' | 'commands' | 'invoke' | 'whereIs'>;

export interface Surroundings {
  readonly core: Core;
  readonly bridge: Functions;
  readonly pvs: PvRegistry;
  readonly host: ModuleHost;
}

/** One compilation: names of its blocks and flags, and what is wrong so far. */
export interface Context extends Surroundings {
  readonly found: Diagnostics;
  /** `flags NAME:bit` */
  readonly flags: ReadonlyMap<string, number>;
  /** rounds that a loop may take */
  readonly maxRounds: number;
  /** whether the block sees what is being sent: onsend_route */
  readonly sending?: boolean;
  /** Says that a block is called by name. */
  readonly uses: (block: string, at: At) => void;
  /** Says that blocks are called whose names are known only when the config runs. */
  readonly usesAny: () => void;
  /** Keeps a text in the core's memory for the life of the program. @returns its address */
  readonly keep: (text: ByteStr) => number;
}

/** @throws Mistake */
export function pvOf({ pvs }: Surroundings, spec: ByteStr, at: At): Pv {
  let why = '';
  const pv = pvs.compile(spec, text => {
    why = text;
  });
  if (!pv) throw new Mistake(at, why);
  return pv;
}

/** @throws Mistake */
export function textOf({ pvs }: Surroundings, text: ByteStr, at: At): PvText {
  let why = '';
  const compiled = pvs.text(text, reason => {
    why = reason;
  });
  if (!compiled) throw new Mistake(at, why);
  return compiled;
}
