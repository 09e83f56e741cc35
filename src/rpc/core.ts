/** core.* and system.*: what runs here, since when, and what may be asked. */
import { utf8Of } from '../core/memory.ts';
import { RpcError } from '../errors.ts';
import type { Command, Rpc, RpcHost } from './commands.ts';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** C's ctime() without the line's end, local time: "Tue Nov  4 03:50:53 2025" */
export function ctime(ms: number): string {
  const d = new Date(ms);
  const two = (n: number) => String(n).padStart(2, '0');
  const clock = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  return `${DAYS[d.getDay()]} ${MONTHS[d.getMonth()]} ${String(d.getDate()).padStart(2)} ${clock} ${d.getFullYear()}`;
}

export function coreCommands(host: RpcHost, rpc: Pick<Rpc, 'methods' | 'command'>): Command[] {
  const uptimeSec = () => Math.max(0, Math.floor((host.now() - host.startedMs) / 1000));
  const compiler = 'AssemblyScript and TypeScript';
  const flags = 'WASM, LUA, UDP';
  return [
    {
      name: 'core.uptime',
      doc: 'Returns the time now, the time of the start, and the seconds between.',
      run: () => ({ now: ctime(host.now()), up_since: ctime(host.startedMs), uptime: uptimeSec() }),
    },
    { name: 'core.version', doc: 'Returns the version.', run: () => `kemi-wasm ${host.version}` },
    {
      name: 'core.info',
      doc: 'Returns the version, how it was built, and which script runs.',
      run: () => ({
        version: `kemi-wasm ${host.version}`,
        id: 'unknown',
        compiler,
        compiled: '',
        flags,
        script: host.script && scriptOf(host),
      }),
    },
    {
      name: 'core.runinfo',
      doc: 'Returns version, times and uptime in one.',
      run: () => {
        const s = uptimeSec();
        return {
          name: 'kemi-wasm',
          version: host.version,
          sourceid: 'unknown',
          compiler,
          compiled: '',
          time_now: ctime(host.now()),
          time_started: ctime(host.startedMs),
          uptime_secs: s,
          utime_days: `${Math.floor(s / 86400)}d ${Math.floor(s / 3600) % 24}h ${Math.floor(s / 60) % 60}m ${s % 60}s`,
        };
      },
    },
    { name: 'core.flags', doc: 'Returns what this build has.', run: () => flags },
    { name: 'core.echo', doc: 'Returns the parameters as strings.', run: params => params.map(String) },
    {
      name: 'core.modules',
      doc: 'Returns the loaded modules, the last one first.',
      run: () =>
        host.modules
          .map(m => m.definition.name)
          .filter(name => name !== '')
          .reverse(),
    },
    {
      name: 'core.sockets_list',
      doc: 'Returns the sockets that listen.',
      run: () =>
        host.sockets
          .filter(s => s.shares === undefined)
          .map(s => ({
            socket: {
              proto: s.proto,
              address: s.ip,
              ipaddress: s.ip,
              port: String(s.port),
              mcast: 'no',
              mhomed: 'no',
              virtual: 'no',
              ...(s.name !== undefined && { name: utf8Of(s.name) }),
            },
          })),
    },
    {
      name: 'core.aliases_list',
      doc: 'Returns the names that are ours besides the sockets.',
      run: () => ({
        myself_callbacks: 'no',
        aliases: host.aliases.map(alias => {
          const [, proto, name, port] = /^(?:(udp|tcp|tls|sctp|ws|wss):)?(.*?)(?::(\d+|\*))?$/i.exec(alias)!;
          return { proto: proto ?? '*', address: name, port: port ?? '*' };
        }),
      }),
    },
    {
      name: 'core.ppdefines_full',
      doc: 'Returns the names set with -A and in the config, and their values.',
      run: () =>
        [...host.defines].map(([name, value]) => ({
          name: utf8Of(name),
          type: 0,
          value: value === '' ? 'none' : utf8Of(value),
        })),
    },
    {
      name: 'core.ppdefines',
      doc: 'Returns the names set with -A and in the config.',
      run: () => [...host.defines.keys()].map(utf8Of),
    },
    { name: 'system.listMethods', doc: 'Returns the names of all commands.', run: () => rpc.methods },
    {
      name: 'system.methodHelp',
      doc: 'Returns what a command does. Parameter: its name.',
      run: ([name]) => {
        if (name === undefined) throw new RpcError(400, 'Method Name Expected');
        const command = rpc.command(String(name));
        if (!command) throw new RpcError(400, 'command not found');
        return command.doc;
      },
    },
  ];
}

function scriptOf(host: RpcHost) {
  const { name, version, loadedMs } = host.script!;
  return { name, version, loaded: ctime(loadedMs) };
}
