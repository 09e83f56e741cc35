/** The same module in each language of the author's kit, built by it: the same SIPp calls pass with each, from Lua and from the routing blocks of a kamailio.cfg. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildModule, componentFile } from '../../src/cli/kit/build.ts';
import { openProject } from '../../src/cli/kit/project.ts';
import { testModule } from '../../src/cli/kit/test.ts';
import { createServer, type ServerOptions } from '../../src/transport/node/index.ts';
import { copyExample } from '../support/example-module.ts';
import { needs } from './needs.ts';
import { sipp, sippServer } from './sipp.ts';

const PORT = 23000;
const CALLER = PORT + 1;
const CALLEE = PORT + 2;
const CALLS = 200;
const FIXTURES = new URL('../fixtures/sipp/', import.meta.url).pathname;
const ENTRIES = ['49=>carrier-a', '4930=>carrier-b', '1=>carrier-c'];

const LUA = `
function ksr_request_route()
  local carrier = KSR.numport.lookup(KSR.hdr.get('X-Number'))
  if carrier == nil or KSR.numport.mark() ~= 1 then KSR.sl.sl_send_reply(404, 'Nobody has it') return end
  KSR.hdr.append('X-Looked-Up: ' .. carrier .. '\\r\\n')
  KSR.pv.sets('$du', 'sip:127.0.0.1:${CALLEE}')
  KSR.tm.t_relay()
end
`;

const config = (file: string) => `
listen=udp:127.0.0.1:${PORT}
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "${file}"
modparam("numport", "component_grants", "edit")
${ENTRIES.map(entry => `modparam("numport", "entry", "${entry}")`).join('\n')}
request_route {
  if (!numport_lookup("$hdr(X-Number)", "$var(carrier)") || !numport_mark()) {
    sl_send_reply("404", "Nobody has it");
    exit;
  }
  append_hf("X-Looked-Up: $var(carrier)\\r\\n");
  $du = "sip:127.0.0.1:${CALLEE}";
  t_relay();
}
`;

async function calls(options: ServerOptions): Promise<void> {
  const server = await createServer(options);
  const callee = sippServer(['-sf', `${FIXTURES}uas-numport.xml`, '-p', String(CALLEE)]);
  try {
    const rate = ['-m', String(CALLS), '-r', '100', '-l', '100', '-p', String(CALLER), `127.0.0.1:${PORT}`];
    const result = await sipp(['-sf', `${FIXTURES}uac-numport.xml`, ...rate]);
    expect([result.successful, result.failed, result.code], result.detail).toEqual([CALLS, 0, 0]);
  } finally {
    await callee.stop();
    await server.close(0);
  }
}

const folder = mkdtempSync(path.join(tmpdir(), 'numport-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(['assemblyscript', 'javascript', 'c'] as const)(
  'the number portability of examples/modules/%s',
  language => {
    const skip = needs('sipp') || (language === 'c' && (needs('clang') || needs('wasm-ld')));
    const dir = path.join(folder, language);
    let file = '';

    beforeAll(async () => {
      if (skip) return;
      copyExample(language, dir);
      const project = openProject(dir);
      await buildModule(project, false);
      file = componentFile(project);
    }, 120_000);

    test.skipIf(skip)('passes its own tests', { timeout: 60_000 }, async () => {
      const lines: string[] = [];
      expect(await testModule(openProject(dir), line => lines.push(line)), lines.join('\n')).toBe(0);
      expect(lines.at(-1)).toBe('# 6 passed, 0 failed');
    });

    test.skipIf(skip)('SIPp calls through a script in Lua', { timeout: 90_000 }, async () => {
      const script = path.join(dir, 'route.lua');
      writeFileSync(script, LUA);
      await calls({
        listen: [`udp:127.0.0.1:${PORT}`],
        script,
        components: [{ file, grants: ['edit'] }],
        modparams: ENTRIES.map(value => ({ module: 'numport', name: 'entry', value })),
      });
    });

    test.skipIf(skip)('SIPp calls through routing blocks', { timeout: 90_000 }, async () => {
      const cfg = path.join(dir, 'kamailio.cfg');
      writeFileSync(cfg, config(file));
      await calls({ config: cfg });
    });
  },
);
