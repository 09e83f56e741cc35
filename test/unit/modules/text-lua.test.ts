import { describe, expect, it } from 'vitest';
import hdr from '../../../src/modules/hdr/index.ts';
import siputils from '../../../src/modules/siputils/index.ts';
import textops from '../../../src/modules/textops/index.ts';
import textopsx from '../../../src/modules/textopsx/index.ts';
import { testRuntime } from '../../support/runtime.ts';
import { type GoldenCase, MessageBench, readGolden } from './message-golden.ts';

const MODULES = [hdr, textops, textopsx, siputils];
const OURS = new Set(MODULES.flatMap(m => m.functions.map(f => `${m.name}.${f.name}`)));

const lua = (value: string | number | null): string =>
  typeof value === 'string'
    ? `"${[...value].map(c => `\\${String(c.charCodeAt(0)).padStart(3, '0')}`).join('')}"`
    : String(value ?? 'nil');

/** A script that runs the calls of the next case for each request and forwards it; results go into the log. */
function script(cases: readonly GoldenCase[]): string {
  const functions = cases.map(c => {
    const calls = c.calls.map(([name, ...args]) => `say(KSR.${name}(${args.map(lua).join(', ')}))`);
    return `function() ${calls.join(' ')} end`;
  });
  return `local n = 0
local results
local function say(v) results = results .. type(v) .. ':' .. tostring(v) .. '\\n' end
local cases = {${functions.join(',\n')}}
function ksr_request_route()
  n = n + 1
  results = ''
  cases[n]()
  KSR.info(results)
  KSR.setdsturi('sip:192.0.2.50:5070')
  KSR.forward()
end`;
}

describe('text modules called from Lua', () => {
  it.each(['hdr', 'textops', 'textopsx', 'siputils'])('%s does the same as when it is called directly', name => {
    const { messages, cases } = readGolden(name);
    const usable = cases.filter(
      c =>
        messages.get(c.msg)!.startsWith('INVITE ') &&
        c.end === 'forward' &&
        c.calls.every(call => OURS.has(call[0])) &&
        // a NULL text is the dispatcher's business
        c.calls.every(call => call.every(arg => arg !== null)),
    );
    expect(usable.length).toBeGreaterThan(15);
    const t = testRuntime(script(usable));
    const bench = new MessageBench(MODULES);
    const differences: string[] = [];
    for (const c of usable) {
      const message = messages.get(c.msg)!;
      bench.open(message);
      const kind = (v: unknown) => (v === null ? 'nil:nil' : `${typeof v}:${String(v)}`);
      const direct = c.calls.map(([fn, ...args]) => kind(bench.call(fn, ...args))).join('\n');
      const bytes = bench.written();
      const before = t.log.lines.length;
      const [sent] = t.receive(message, { ip: '127.0.0.1', port: 20302 });
      const said = t.log.lines.slice(before).map(l => l.message.trim());
      const show = JSON.stringify(c.calls);
      if (!said.includes(direct))
        differences.push(`${show}: ${JSON.stringify(direct)}, from Lua ${JSON.stringify(said)}`);
      const text = (sent?.text ?? '').replace(/Via: SIP\/2\.0\/UDP 127\.0\.0\.1(:5060)?;branch=[^\r]*\r\n/, '');
      if (text !== bytes) differences.push(`${show}: ${JSON.stringify(bytes)}, from Lua ${JSON.stringify(text)}`);
    }
    expect(differences.slice(0, 5)).toEqual([]);
    expect(t.runtime.liveMessages).toBe(0);
  });
});
