/** forward(), forward(host), forward(host, port), forward_udp() and forward_tcp(): the word of the language for KSR.forward_uri(). */
import { type ByteStr, utf8Of } from '../../core/memory.ts';
import type { CallExpr, Expr } from './ast.ts';
import type { CompiledCall } from './commands.ts';
import type { Context } from './context.ts';
import { Mistake } from './token-list.ts';

export const FORWARDS = ['forward', 'forward_udp', 'forward_tcp'] as const;

/** @returns undefined where it is forward() without parameters, which is a command  @throws Mistake */
export function compileForward(cx: Context, { name, args, at }: CallExpr): CompiledCall | undefined {
  // forward(uri:host, uri:port) says what forward() does
  const said = args.map(a => (a.kind === 'word' ? a.value : ''));
  const plain = args.length === 0 || (said[0] === 'uri:host' && (args.length === 1 || said[1] === 'uri:port'));
  if (name === 'forward' && plain) return undefined;
  if (args.length < 1 || args.length > 2)
    throw new Mistake(at, `${name} takes ${name === 'forward' ? '0 to 2' : '1 or 2'} parameters, not ${args.length}`);
  const transport = name === 'forward' ? '' : `;transport=${name.slice('forward_'.length)}`;
  const port = args[1] && portOf(args[1], name);
  const uri = `sip:${hostOf(args[0]!, name)}${port === undefined ? '' : `:${port}`}${transport}`;
  const bound = cx.bridge.functions.find(f => f.path === 'forward_uri');
  if (!bound) throw new Mistake(at, `${name} is not available in this version`);
  const code = (value: unknown): number => value as number;
  return {
    waits: true,
    code,
    invoke: () => {
      const result = cx.bridge.invoke(bound, [uri]);
      return result instanceof Promise ? result : code(result);
    },
  };
}

function hostOf(arg: Expr, name: string): ByteStr {
  const text = arg.kind === 'str' ? arg.value : arg.kind === 'address' ? arg.text : undefined;
  const host = text && /^[\da-fA-F]*:[\da-fA-F.]*:[\da-fA-F:.]*$/.test(text) ? `[${text}]` : text;
  if (host && /^(\[[\da-fA-F:.]+\]|[\w.-]+)$/.test(host)) return host;
  const hint = text && /^[^:]+:\d+$/.test(text) ? ': the port is a parameter of its own' : '';
  throw new Mistake(arg.at, `${name} takes a host or an address${text ? `, not "${utf8Of(text)}"` : ''}${hint}`);
}

function portOf(arg: Expr, name: string): number {
  if (arg.kind === 'int' && arg.value > 0 && arg.value < 65536) return arg.value;
  throw new Mistake(arg.at, `${name} takes a port from 1 to 65535, without quotes`);
}
