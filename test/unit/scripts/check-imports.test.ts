import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkImports } from '../../../scripts/check-imports.ts';

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'imports-'));
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

/** checks a tree of files below src/ */
const check = (files: Record<string, string>) => {
  for (const [file, text] of Object.entries(files)) {
    fs.mkdirSync(path.join(root, 'src', path.dirname(file)), { recursive: true });
    fs.writeFileSync(path.join(root, 'src', file), text);
  }
  return checkImports(root).map(b => `${b.file}:${b.line}: ${b.message}`);
};

describe('checkImports() refuses', () => {
  it.each([
    ['core/a.ts', "import { b } from '../kemi/b.ts';", 'core may not import kemi'],
    ['kemi/a.ts', "import type { b } from '../runtime/b.ts';", 'kemi may not import runtime'],
    ['kemi/a.ts', "export * from '../interp/lua/b.ts';", 'kemi may not import interp'],
    ['modules/sl/sl.ts', "import '../../interp/lua/index.ts';", 'modules may not import interp'],
    ['modules/sl/sl.ts', "import { x } from '../../transport/node/udp.ts';", 'modules may not import transport/node'],
    ['rpc/a.ts', "import { x } from '../runtime/runtime.ts';", 'rpc may not import runtime'],
    ['runtime/a.ts', "import { x } from '../cli/main.ts';", 'runtime may not import cli'],
    ['runtime/a.ts', "const x = await import('../transport/node/udp.ts');", 'runtime may not import transport/node'],
    ['transport/transport.ts', "import { x } from './node/udp.ts';", 'transport may not import transport/node'],
    ['transport/edge/a.ts', "import { x } from '../node/udp.ts';", 'transport/edge may not import transport/node'],
    ['index.ts', "export { x } from './transport/node/udp.ts';", 'index.ts may not import transport/node'],
    ['errors.ts', "import { x } from './core/log.ts';", 'errors.ts may not import core'],
    ['interp/lua/a.ts', "import { x } from '../python/b.ts';", 'interpreters do not import each other'],
    ['modules/tm/tm.ts', "import { x } from '../sl/sl.ts';", 'internal to module sl'],
    ['modules/tm/tm.ts', "import { x } from '../sl/deep/index.ts';", 'internal to module sl'],
    ['runtime/a.ts', "import { x } from '../modules/sl/sl.ts';", 'internal to module sl'],
    ['modules/index.ts', "import { x } from './sl/sl.ts';", 'internal to module sl'],
    ['core/a.ts', "import fs from 'node:fs';", '"node:fs" is of one runtime'],
    ['core/a.ts', "import fs from 'fs';", '"fs" is of one runtime'],
    ['modules/sl/sl.ts', "import { x } from 'cloudflare:workers';", '"cloudflare:workers" is of one runtime'],
    ['transport/transport.ts', "import dgram from 'node:dgram';", '"node:dgram" is of one runtime'],
    ['transport/memory/index.ts', "import dgram from 'node:dgram';", '"node:dgram" is of one runtime'],
    ['core/a.ts', 'const x = Deno.env;', 'Deno. is of one runtime'],
    ['core/a.ts', 'const x = process.env.HOME;', 'process. is of one runtime'],
    ['core/a.ts', "const x = Buffer.from('a');", 'Buffer. is of one runtime'],
    ['core/a.ts', "import { x } from '../../scripts/build.ts';", 'leads out of src/'],
    ['attic/a.ts', "import { x } from '../core/b.ts';", 'attic is no room'],
  ])('%s: %s', (file, line, message) => {
    const found = check({ [file]: `// first line\n${line}\n` });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(`src/${file}:2: `);
    expect(found[0]).toContain(message);
  });

  it('an import over several lines, at the line where it starts', () => {
    const found = check({ 'core/a.ts': "\n\nimport {\n  a,\n  b,\n} from '../kemi/b.ts';\n" });
    expect(found).toEqual(['src/core/a.ts:3: core may not import kemi ("../kemi/b.ts"): imports point the other way']);
  });
});

describe('checkImports() allows', () => {
  it.each([
    ['interp/lua/a.ts', "import { x } from '../../kemi/b.ts';"],
    ['interp/lua/a.ts', "import { x } from '../interpreter.ts';"],
    ['interp/lua/a.ts', "import { x } from '../shared.ts';"],
    ['modules/tm/tm.ts', "import type { Sl } from '../sl/api.ts';"],
    ['modules/tm/tm.ts', "import sl from '../sl/index.ts';"],
    ['modules/tm/index.ts', "import { x } from './deep/inner.ts';"],
    ['modules/index.ts', "import sl from './sl/index.ts';"],
    ['runtime/a.ts', "import { MODULES } from '../modules/index.ts';"],
    ['kemi/a.ts', "import type { T } from '../transport/transport.ts';"],
    [
      'transport/node/a.ts',
      "import dgram from 'node:dgram';\nimport { createRuntime } from '../../runtime/runtime.ts';",
    ],
    ['cli/main.ts', "import { UdpTransport } from '../transport/node/udp.ts';\nprocess.exit(1);"],
    ['core/a.ts', "import { RE2JS } from 're2js';"],
    [
      'core/a.ts',
      "/**\n * import fs from 'node:fs';\n * process.exit()\n */\n// Buffer.from\nconst x = message.process.y;",
    ],
  ])('%s: %s', (file, text) => {
    expect(check({ [file]: text })).toEqual([]);
  });
});

it('the source of this repository keeps to its rooms', () => {
  expect(checkImports(path.resolve(import.meta.dirname, '../../..'))).toEqual([]);
});
