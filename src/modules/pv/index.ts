/** KSR.pv: pseudo-variables, the variables that scripts make, and the transformations. */

import { trim } from '../../core/ascii.ts';
import { type ByteStr, byteStrOf } from '../../core/memory.ts';
import { KemiError, RpcError } from '../../errors.ts';
import type { ModuleHost } from '../../kemi/host.ts';
import { integer } from '../../kemi/pv-parse.ts';
import { defineModule } from '../../kemi/table.ts';
import type { PvState, ScalarStore } from './api.ts';
import { functions } from './functions.ts';
import { headers } from './pvs-headers.ts';
import { message } from './pvs-message.ts';
import { misc } from './pvs-misc.ts';
import { sends } from './pvs-sending.ts';
import { uris } from './pvs-uri.ts';
import { variables } from './pvs-vars.ts';
import { ScriptVars } from './script-vars.ts';
import { Selects } from './selects.ts';
import { SharedValues } from './shared-values.ts';
import { transformations } from './transformations.ts';

/** `name=s:text` or `name=i:number`, the form of shvset and varset */
function assignments(param: string, values: unknown): Map<ByteStr, number | ByteStr> {
  const out = new Map<ByteStr, number | ByteStr>();
  for (const value of [values ?? []].flat() as ByteStr[]) {
    const equals = value.indexOf('=');
    const name = trim(value.slice(0, equals));
    const kind = value.slice(equals + 1, equals + 3).toLowerCase();
    const text = value.slice(equals + 3);
    const number = kind === 'i:' ? integer(trim(text)) : undefined;
    if (equals < 1 || !name || (kind !== 's:' && number === undefined))
      throw new KemiError(
        'KEMI_ERR_CONFIG',
        `Cannot set modparam pv ${param}: "${value}" is not name=s:text or name=i:number`,
      );
    out.set(name, number ?? text);
  }
  return out;
}

/** `alias=s:name;alias=i:number` */
function aliases(value: ByteStr | undefined): Map<ByteStr, ByteStr> {
  const out = new Map<ByteStr, ByteStr>();
  for (const part of (value ?? '').split(';')) {
    if (!trim(part)) continue;
    const [alias, target, ...more] = part.split('=').map(text => trim(text));
    const kind = target?.slice(0, 2).toLowerCase();
    const name = kind === 's:' || kind === 'i:' ? target!.slice(2) : target;
    if (!alias || !name || more.length || (kind === 'i:' && integer(name) === undefined))
      throw new KemiError(
        'KEMI_ERR_CONFIG',
        `Cannot set modparam pv avp_aliases: "${part}" is not alias=s:name or alias=i:number`,
      );
    out.set(alias, kind === 'i:' ? `i:${Number(name)}` : `s:${name}`);
  }
  return out;
}

/** What Kamailio has a process id for: no two workers have the same. */
function processNumber({ random, shared }: ModuleHost): number {
  const chance = Math.floor(random() * 0x10000);
  return shared ? chance * shared.workers + shared.worker : chance;
}

/** The values of $shv; with several workers the first one sets what the configuration says. */
function sharedValues({ shared }: ModuleHost, initial: Map<ByteStr, number | ByteStr>): ScalarStore {
  if (!shared) return initial;
  const values = new SharedValues(shared.map('pv.shv'));
  if (shared.worker === 0) for (const [name, value] of initial) values.set(name, value);
  return values;
}

export default defineModule<PvState>({
  name: 'pv',
  shares: true,
  native: false,
  modparams: {
    shvset: { type: 'str', repeat: true, doc: 'Sets $shv(name) at start: name=s:text or name=i:number.' },
    varset: { type: 'str', repeat: true, doc: 'Sets $var(name) at start: name=s:text or name=i:number.' },
    avp_aliases: { type: 'str', doc: 'Other names of AVPs: alias=s:name;alias=i:number.' },
  },
  create: (host, params) => ({
    vars: new ScriptVars(host.core, assignments('varset', params.varset)),
    nulls: new Map(),
    shared: sharedValues(host, assignments('shvset', params.shvset)),
    aliases: aliases(params.avp_aliases as ByteStr | undefined),
    startedMs: host.now(),
    uniquePrefix: `srid-0-${Math.floor(host.now() / 1000).toString(16)}-${processNumber(host).toString(16)}`,
    uniqueCount: 0,
    selects: new Selects(),
  }),
  functions,
  pvs: [...uris, ...headers, ...message, ...variables, ...misc, ...sends],
  transformations,
  rpc: [
    {
      name: 'pv.shvGet',
      doc: 'The value of $shv(name); without a name all of them.',
      run: ({ state }, params) => {
        const one = (name: ByteStr, value: number | ByteStr | undefined) => ({
          name,
          type: typeof value === 'string' ? 'string' : 'int',
          value: value ?? 0,
        });
        const [name] = params;
        if (typeof name === 'string') return one(name, state.shared.get(name));
        return { items: [...state.shared].map(([key, value]) => one(key, value)) };
      },
    },
    {
      name: 'pv.shvSet',
      doc: 'Sets $shv(name): name, "int" or "str", value.',
      run: ({ state }, [name, type, value]) => {
        const number = integer(String(value));
        if (typeof name !== 'string' || !name || value === undefined)
          throw new RpcError(400, 'Give a name, a type and a value');
        if (type === 'int' && number === undefined) throw new RpcError(400, `"${value}" is not a number`);
        if (type !== 'int' && type !== 'str' && type !== 'string')
          throw new RpcError(400, `"${type}" is not int or str`);
        state.shared.set(name, type === 'int' ? number! : byteStrOf(String(value)));
        return {};
      },
    },
  ],
});
