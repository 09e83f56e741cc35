import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { XVal } from '../../../../src/kemi/table.ts';
import { testRuntime } from '../../../support/runtime.ts';

const golden = JSON.parse(readFileSync(new URL('../../../golden/pv.json', import.meta.url), 'utf8')) as {
  messages: { name: string; message: string; values: Record<string, XVal> }[];
};
/** as in golden.test.ts; and what depends on the runtime's sockets and modules */
const DIFFERS = /^\$(\(?hfl\(|hflc\(|via[01Z]\((params|oc|ocalgo)\)|branch\(count\)|rz$|ar$|shv\(|var\(|R[A-Za-z])/;

const SCRIPT = `
local function hex(v)
  if v == nil then return 'n' end
  if type(v) == 'number' then return 'i' .. string.format('%d', v) end
  return 's' .. (v:gsub('.', function(c) return string.format('%02x', c:byte()) end))
end
SPECS = {}
for spec in KSR_SPECS:gmatch('[^\\n]+') do SPECS[#SPECS + 1] = spec end
local function all()
  -- twice: the first time names become numbers, the second time the numbers are used
  for _, spec in ipairs(SPECS) do KSR.pv.get(spec) end
  for _, spec in ipairs(SPECS) do KSR.info('PV ' .. spec .. ' ' .. hex(KSR.pv.get(spec)) .. '\\n') end
end
ksr_request_route = all
ksr_reply_route = all
`;

describe('PVs through Lua and the dispatcher', () => {
  // the runtime routes no message whose CSeq is not below 2^31 (RFC 3261 8.1.1.5)
  test.each(golden.messages.filter(m => m.name !== 'tel'))(
    'on message $name are what Kamailio gives',
    ({ message, values }) => {
      const specs = Object.keys(values).filter(spec => !DIFFERS.test(spec));
      const list = specs.map(spec => spec.replace(/[\\'\n]/g, '\\$&')).join('\\n');
      const t = testRuntime(`KSR_SPECS = '${list}'\n${SCRIPT}`);
      t.receive(message, { ip: '127.0.0.1', port: 20299 });
      const ours: Record<string, string> = {};
      for (const { message: line } of t.log.lines) {
        const match = /PV (.*) ([nis][^ ]*)$/s.exec(line);
        if (match) ours[match[1]!] = match[2]!;
      }
      const hex = (v: string) => [...v].map(c => c.charCodeAt(0).toString(16).padStart(2, '0')).join('');
      const theirs = Object.fromEntries(
        specs.map(spec => {
          const v = values[spec]!;
          return [spec, v === null ? 'n' : typeof v === 'number' ? `i${v}` : `s${hex(v)}`];
        }),
      );
      t.runtime.close();
      expect(ours).toEqual(theirs);
    },
  );
});
