import { describe, expect, it } from 'vitest';
import { STANDARD } from '../fake-ksr.ts';
import { LANES, luaBench } from './bench.ts';

/** Arguments of every kind, the awkward ones more often than they come in real scripts. */
const VALUES = [
  'nil',
  'true',
  'false',
  '0',
  '1',
  '-1',
  '3.7',
  '-0.5',
  '2147483647',
  '2147483648',
  '-2147483649',
  '1e10',
  '1e300',
  '0/0',
  '1/0',
  '-1/0',
  'math.maxinteger',
  'math.mininteger',
  '9007199254740993',
  '""',
  '"a"',
  '"12"',
  '" 7 "',
  '"0x1F"',
  '"1e2"',
  '"3.9"',
  '"$ru"',
  '"$hdr(X)"',
  '"sip:alice@example.com"',
  '("x"):rep(16)',
  '("y"):rep(41)',
  '("z"):rep(300)',
  '"\\0\\255"',
  '{}',
  'print',
  'coroutine.create(print)',
  '9223372036854775808',
  '"9223372036854775807"',
  '"nan"',
  '"inf"',
  '"1e999"',
  '10/2',
  '2^53',
];

describe('both lanes', () => {
  it.each([1, 2, 3])('give the same results, complaints and PV look-ups for 4,000 random calls (seed %d)', seed => {
    let state = seed * 2654435761;
    const random = (n: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    const names = STANDARD.map(f => f.path).filter(path => !/fail|trap|forty/.test(path));
    const lines: string[] = [];
    for (let i = 0; i < 4000; i++) {
      const path = names[random(names.length)]!;
      const wanted = STANDARD.find(f => f.path === path)!.params?.length ?? 0;
      const given = random(4) ? wanted : random(9);
      const args = Array.from({ length: given }, () => VALUES[random(VALUES.length)]);
      lines.push(`say(${i}, pcall(KSR.${path}${args.map(a => `, ${a}`).join('')}))`);
    }
    // Lua allows 200 locals and a limited number of constants in one function: cut the calls into pieces.
    const pieces: string[] = [];
    for (let i = 0; i < lines.length; i += 50)
      pieces.push(`function go${i / 50}()\n${lines.slice(i, i + 50).join('\n')}\nend`);
    const script = `
      collectgarbage(${seed % 2 ? '"generational"' : '"incremental"'})
      local function say(i, ...)
        local t = { i }
        for k = 1, select('#', ...) do
          local v = select(k, ...)
          t[#t + 1] = math.type(v) or type(v)
          t[#t + 1] = (type(v) == 'string' or type(v) == 'number') and string.format('%q', v) or tostring(v)
        end
        print(table.concat(t, ' '))
      end
      ${pieces.join('\n')}`;
    const [api, inplace] = LANES.map(lane => {
      const b = luaBench(lane);
      const program = b.load(script);
      for (let round = 0; round < 2; round++)
        for (let i = 0; i < pieces.length; i++) expect(program.run(`go${i}`, 77).error).toBeUndefined();
      return { printed: b.printed, complaints: b.complaints, resolved: new Set(b.resolved) };
    });
    expect(api!.printed.length).toBeGreaterThan(8000 - 1);
    expect(inplace).toEqual(api);
  });
});
