/** `kemi-wasm module test`: calls a module as a script does, one message a case, and says what it gave and what was expected. */
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { GRANTS, type Grant } from '../../components/capabilities.ts';
import { loadComponent } from '../../components/load.ts';
import type { Logger } from '../../core/log.ts';
import { byteStr, byteStrOf, bytesOf, utf8Of } from '../../core/memory.ts';
import { ScriptError } from '../../errors.ts';
import type { ModParamSetting } from '../../runtime/options.ts';
import { createRuntime } from '../../runtime/runtime.ts';
import { loadWasm } from '../../transport/node/assets.ts';
import { componentFile } from './build.ts';
import type { Project } from './project.ts';
import { KitError } from './tools.ts';

/** One call, as NAME.test.js has it. */
export interface TestCase {
  readonly name: string;
  /** an expression in Lua: "KSR.numport.lookup('4930')" */
  readonly call: string;
  /** what it must give; undefined: whatever it is */
  readonly expect?: string | number | boolean | null | RegExp;
  /** what the message must be behind it, with all changes */
  readonly message?: string | RegExp;
  /** what must be sent as the reply; when the call sends none, a 200 is sent behind it */
  readonly reply?: string | RegExp;
  /** the request that the script has */
  readonly method?: string;
  readonly uri?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
}

interface TestFile {
  readonly cases: readonly TestCase[];
  readonly grants: readonly Grant[];
  readonly modparams: readonly ModParamSetting[];
}

const CASE_FIELDS = ['name', 'call', 'expect', 'message', 'reply', 'method', 'uri', 'headers', 'body'];

/** @param say takes lines  @returns how many failed  @throws KitError when there is nothing to test, or it does not load */
export async function testModule(project: Project, say: (line: string) => void): Promise<number> {
  const file = componentFile(project);
  if (!fs.existsSync(file)) throw new KitError(`there is no ${file} yet: kemi-wasm module build makes it`);
  if (fs.statSync(file).mtimeMs < fs.statSync(path.join(project.dir, project.source)).mtimeMs)
    say(`# ${path.basename(file)} is older than ${project.source}: kemi-wasm module build makes it anew`);
  const { cases, grants, modparams } = await readTests(project);
  const { run, close } = await prepare(project, file, { cases, grants, modparams });
  let failed = 0;
  for (const [i, one] of cases.entries()) {
    const wrong = await run(i);
    if (wrong.length > 0) failed++;
    say(`${wrong.length > 0 ? 'not ok' : 'ok'} ${i + 1} - ${one.name}`);
    if (wrong.length > 0)
      for (const line of [['call', one.call], ...wrong]) say(`    ${line[0]!.padEnd(9)} ${line[1]}`);
  }
  // timers of the module would keep the process
  await close();
  say(`# ${cases.length - failed} passed, ${failed} failed`);
  return failed;
}

async function readTests(project: Project): Promise<TestFile> {
  const file = path.join(project.dir, `${project.name}.test.js`);
  if (!fs.existsSync(file))
    throw new KitError(
      `there is no ${file}: it says what to call, export default [{ name: 'it answers', call: "KSR.${project.ksr}.f('x')", expect: 'y' }]`,
    );
  let module: { default?: unknown; grants?: unknown; modparams?: unknown };
  try {
    module = await import(pathToFileURL(file).href);
  } catch (error) {
    throw new KitError(`${file}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
  const cases = module.default;
  if (!Array.isArray(cases) || cases.length === 0)
    throw new KitError(`${file} has no list of cases as its default export`);
  for (const [i, one] of cases.entries()) {
    const at = `${file}: case ${i + 1}`;
    if (typeof one?.name !== 'string' || typeof one.call !== 'string')
      throw new KitError(`${at} needs name and call, both texts`);
    const unknown = Object.keys(one).find(key => !CASE_FIELDS.includes(key));
    if (unknown !== undefined)
      throw new KitError(`${at} (${one.name}): ${unknown} is none of ${CASE_FIELDS.join(', ')}`);
  }
  const grants = (module.grants ?? []) as readonly Grant[];
  const wrong = grants.find(g => !GRANTS.includes(g));
  if (wrong !== undefined) throw new KitError(`${file}: grant ${wrong} is none of ${GRANTS.join(', ')}`);
  const modparams = Object.entries((module.modparams ?? {}) as Record<string, string | number | (string | number)[]>);
  return {
    cases: cases as TestCase[],
    grants,
    modparams: modparams.flatMap(([name, values]) =>
      [values].flat().map(value => ({
        module: project.ksr,
        name,
        value: typeof value === 'string' ? byteStrOf(value) : value,
      })),
    ),
  };
}

/** @returns run: runs one case and says what is wrong, in pairs of a word and a text */
async function prepare(
  project: Project,
  file: string,
  { cases, grants, modparams }: TestFile,
): Promise<{ run: (i: number) => Promise<[string, string][]>; close: () => Promise<void> }> {
  const sent: string[] = [];
  const logged: string[] = [];
  const printed: string[] = [];
  const runtime = createRuntime({
    wasm: await loadWasm(),
    sockets: [{ proto: 'udp', ip: '192.0.2.1', port: 5060 }],
    send: (_socket, data) => {
      sent.push(byteStr(data));
      return true;
    },
    log: collector(logged),
    print: line => void printed.push(line),
    components: [{ name: project.ksr, file, component: await loadComponent(fs.readFileSync(file), file), grants }],
    modparams,
  });
  const name = `${project.name}.test.js`;
  try {
    runtime.load({ name, source: bytesOf(scriptOf(cases)) });
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    const [found] = error.diagnostics;
    const one = cases[(found?.line ?? 0) - 1];
    throw new KitError(one ? `case "${one.name}": ${one.call}: ${found!.message}` : error.message, { cause: error });
  }
  const run = async (i: number) => {
    for (const list of [sent, logged, printed]) list.length = 0;
    const one = cases[i]!;
    runtime.receive(requestOf(one, i), { ip: '198.51.100.7', port: 5062 });
    // a route that waits
    for (let n = 0; n < 500 && printed.length === 0 && runtime.liveMessages > 0; n++)
      await new Promise(resolve => setTimeout(resolve, 10));
    return judge(one, printed, sent, logged);
  };
  return { run, close: () => runtime.close(0) };
}

function judge(
  one: TestCase,
  printed: readonly string[],
  sent: readonly string[],
  logged: readonly string[],
): [string, string][] {
  const wrong: [string, string][] = [];
  const got = printed.find(line => line.startsWith('result '))?.slice(7);
  if (got === undefined) wrong.push(['expected', 'that the call ends'], ['got', 'an error']);
  else if (!matches(readValue(got), one.expect))
    wrong.push(['expected', show(one.expect)], ['got', show(readValue(got))]);
  for (const [what, expected, actual] of [
    ['message', one.message, unhex(printed.find(line => line.startsWith('message '))?.slice(8) ?? '')],
    ['reply', one.reply, utf8Of(sent.find(text => text.startsWith('SIP/2.0')) ?? '')],
  ] as const)
    if (got !== undefined && expected !== undefined && !matches(actual, expected, true))
      wrong.push(['expected', `${show(expected)} in the ${what}`], ['got', show(actual)]);
  if (wrong.length > 0) for (const line of logged) wrong.push(['log', line]);
  return wrong;
}

/** @param within whether a text need only have the expected one in it */
function matches(got: unknown, expected: TestCase['expect'], within = false): boolean {
  if (expected === undefined) return true;
  if (expected instanceof RegExp) return typeof got === 'string' && got.search(expected) >= 0;
  return within && typeof got === 'string' ? got.includes(String(expected)) : Object.is(got, expected);
}

const show = (value: unknown): string => (value instanceof RegExp ? String(value) : JSON.stringify(value ?? null));

/** Line i + 1 is case i, so that an error leads to it. */
function scriptOf(cases: readonly TestCase[]): string {
  const lines = cases.map(
    ({ call }, i) => `${i === 0 ? 'local calls = {} ' : ''}calls[${i}] = function() return ${oneLine(call)} end`,
  );
  return byteStrOf(`${lines.join('\n')}
local function hex(text) return (text:gsub('.', function(c) return string.format('%02x', c:byte()) end)) end
local function tell(value)
  if type(value) == 'string' then value = 's' .. hex(value)
  elseif math.type(value) == 'integer' then value = 'n' .. string.format('%d', value)
  elseif type(value) == 'number' then value = 'n' .. string.format('%.17g', value)
  elseif type(value) == 'boolean' or value == nil then value = tostring(value)
  else value = 's' .. hex(type(value)) end
  print('result ' .. value)
end
function ksr_request_route()
  local i = tonumber(KSR.hdr.get('X-Kemi-Case'))
  KSR.hdr.remove('X-Kemi-Case')
  tell((calls[i]()))
  if KSR.hdr.get('X-Kemi-Reply') ~= nil then
    KSR.hdr.remove('X-Kemi-Reply')
    KSR.sl.sl_send_reply(200, 'OK')
  end
  KSR.textopsx.msg_apply_changes()
  print('message ' .. hex(KSR.pv.gete('$mb')))
end
`);
}

/** A call may be written over several lines; line comments would swallow the rest. */
const oneLine = (call: string): string => call.replace(/--[^\n]*(?=\n)/g, '').replace(/\s*\n\s*/g, ' ');

function readValue(text: string): string | number | boolean | null {
  if (text === 'nil') return null;
  if (text === 'true' || text === 'false') return text === 'true';
  return text.startsWith('n') ? Number(text.slice(1)) : unhex(text.slice(1));
}

const unhex = (hex: string): string => Buffer.from(hex, 'hex').toString('utf8');

function requestOf(
  { method = 'OPTIONS', uri = 'sip:bob@192.0.2.1', headers = {}, body = '', reply }: TestCase,
  i: number,
): Uint8Array<ArrayBuffer> {
  const content = byteStrOf(body);
  const lines = [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKcase${i}`,
    'Max-Forwards: 70',
    'From: <sip:alice@example.com>;tag=a1',
    'To: <sip:bob@example.com>',
    `Call-ID: case${i}@example.com`,
    `CSeq: 1 ${method}`,
    `X-Kemi-Case: ${i}`,
    ...(reply === undefined ? [] : ['X-Kemi-Reply: 1']),
    ...Object.entries(headers).flatMap(([name, values]) => [values].flat().map(value => `${name}: ${value}`)),
    `Content-Length: ${content.length}`,
  ];
  return bytesOf(`${byteStrOf(lines.join('\r\n'))}\r\n\r\n${content}`);
}

function collector(lines: string[]): Logger {
  const at = (level: string) => (_fields: object, text: string) => void lines.push(`${level}: ${text}`);
  return {
    level: 'debug',
    trace: () => {},
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
  };
}
