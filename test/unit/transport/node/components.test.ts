import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { componentName, createServer, type Server, type ServerOptions } from '../../../../src/transport/node/index.ts';
import { wrapText } from '../../../support/component.ts';
import { recordingLogger } from '../../../support/log.ts';

let folder: string;
const open: Server[] = [];
beforeEach(() => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'components-')));
  write('route.lua', 'function ksr_request_route() KSR.acme.number() end\n');
});
afterEach(async () => {
  await Promise.all(open.splice(0).map(s => s.close(0)));
  fs.rmSync(folder, { recursive: true, force: true });
});
const write = (name: string, data: string | Uint8Array) => {
  const file = path.join(folder, name);
  fs.writeFileSync(file, data);
  return file;
};
const numbered = (n: number) =>
  wrapText(
    `(module (func (export "number") (result i32) (i32.const ${n})))`,
    'world test { export number: func() -> s32; }',
  );
const start = async (options: ServerOptions) => {
  const log = recordingLogger();
  const server = await createServer({ listen: ['udp:127.0.0.1:0'], log, ...options });
  open.push(server);
  const number = () => server.runtime.bridge.call('acme.number');
  return { server, log, number };
};
const until = async (done: () => boolean) => {
  while (!done()) await new Promise(resolve => setTimeout(resolve, 10));
};

describe('componentName()', () => {
  it('is the name of the file up to its first dot', () => {
    expect(componentName('./modules/acme.wasm')).toBe('acme');
    expect(componentName('/x/number-port.component.wasm')).toBe('number_port');
  });
});

describe('createServer() with components', () => {
  it('loads them from files, reloads them by RPC, and by watching', async () => {
    const file = write('acme.wasm', await numbered(1));
    const { server, log, number } = await start({
      script: path.join(folder, 'route.lua'),
      components: [{ file }],
      watch: true,
    });
    expect(number()).toBe(1);
    write('acme.wasm', await numbered(2));
    await until(() => number() === 2);
    expect(log.lines.some(l => l.level === 'info' && l.message === 'Reloaded acme: version 2 runs')).toBe(true);
    write('acme.wasm', 'broken');
    await until(() =>
      log.lines.some(
        l =>
          l.level === 'error' &&
          l.message.startsWith(`Cannot reload: Cannot load component ${file}: it is no WebAssembly file`),
      ),
    );
    expect(number()).toBe(2);
    await expect(server.runtime.rpc.call('module.reload', ['acme'])).rejects.toThrow('it is no WebAssembly file');
    await server.reloadComponents();
    expect(number()).toBe(2);
  });

  it('loads what a config loads, from the folder of the config, and says where it is wrong', async () => {
    write('number-one.wasm', await numbered(7));
    const config = write(
      'k.cfg',
      'loadmodule "pv.so"\nloadmodule "number-one.wasm"\nmodparam("number_one", "component_steps", 5000)\nrequest_route { number_one_number(); }\n',
    );
    const { server } = await start({ config });
    expect(server.runtime.bridge.call('number_one.number')).toBe(7);
    expect(server.runtime.components[0]?.limits.steps).toBe(5000);
    const refused = async (text: string) => {
      write('k.cfg', text);
      return await start({ config }).then(
        () => 'it starts',
        (error: Error) => error.message,
      );
    };
    expect(await refused('loadmodule "./nothing.wasm"\nrequest_route {}\n')).toBe(
      `${config}:1: Cannot load component ${folder}/nothing.wasm: no such file`,
    );
    expect(await refused('loadmodule "number-one.wasm"\nloadmodule "number-one.wasm"\nrequest_route {}\n')).toContain(
      'module number_one is loaded already',
    );
    expect(
      await refused(
        'loadmodule "number-one.wasm"\nmodparam("number_one", "table", "x")\nrequest_route { number_one_number(); }\n',
      ),
    ).toBe(
      'Cannot set modparam number_one.table: the component exports no configure function, so it has no parameters',
    );
  });

  it('refuses grants for what is not loaded', async () => {
    await expect(start({ script: path.join(folder, 'route.lua'), grants: { acm: ['edit'] } })).rejects.toThrow(
      'Cannot grant anything to acm: no component acm is loaded: write --module acm=FILE, or loadmodule "acm.wasm"',
    );
  });
});
