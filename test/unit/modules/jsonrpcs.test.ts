import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../src/core/memory.ts';
import { RpcError } from '../../../src/errors.ts';
import { defineModule } from '../../../src/kemi/table.ts';
import { prettyJson } from '../../../src/modules/jsonrpcs/pretty.ts';
import { testRuntime } from '../../support/runtime.ts';

const OPTIONS = bytesOf(
  'OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n',
);
const from = { ip: '127.0.0.1', port: 5070 };

/** a module with commands of each kind */
const demo = defineModule({
  name: 'demo',
  modparams: {},
  create: () => undefined,
  functions: [],
  rpc: [
    { name: 'demo.fail', doc: 'Fails.', run: () => Promise.reject(new RpcError(404, 'Nothing there')) },
    { name: 'demo.later', doc: 'Waits.', run: (_c, [text]) => new Promise(resolve => setTimeout(resolve, 5, text)) },
    { name: 'demo.nothing', doc: 'Returns nothing.', run: () => undefined },
  ],
});

/** What a script sees of one command. */
async function exec(command: string, modparams: { module: string; name: string; value: number | string }[] = []) {
  const t = testRuntime(
    `function ksr_request_route()
      local r = KSR.jsonrpcs.exec(${JSON.stringify(command).replace(/\\u([0-9a-f]{4})/g, '\\u{$1}')})
      local get = function(k) return tostring(KSR.pv.get("$jsonrpl(" .. k .. ")")) end
      print(r, get("code"), get("text"), get("body"))
      assert(KSR.jsonrpcs.response() == (KSR.pv.get("$jsonrpl(body)") or ""))
    end`,
    { modparams, extraModules: [demo] },
  );
  t.runtime.receive(OPTIONS, from);
  await new Promise(resolve => setTimeout(resolve, 15));
  const lines = t.log.lines.filter(l => l.level === 'info').map(l => l.message);
  await t.runtime.close();
  return lines.join('\n');
}

describe('exec()', () => {
  it.each([
    [
      '{"jsonrpc":"2.0","method":"core.echo","params":["a",1],"id":1}',
      '1\t200\tOK\t{"jsonrpc":"2.0","result":["a","1"],"id":1}',
    ],
    [
      '{"jsonrpc":"2.0","method":"core.echo","params":{"x":"a","y":1},"id":"i"}',
      '1\t200\tOK\t{"jsonrpc":"2.0","result":["a","1"],"id":"i"}',
    ],
    ['{"jsonrpc":"2.0","method":"core.echo","params":["ü"]}', '1\t200\tOK\t{"jsonrpc":"2.0","result":["ü"]}'],
    ['{"jsonrpc":"2.0","method":"demo.nothing","id":null}', '1\t200\tOK\t{"jsonrpc":"2.0","result":{},"id":null}'],
    [
      '{"jsonrpc":"2.0","method":"demo.later","params":["x"],"id":2}',
      '1\t200\tOK\t{"jsonrpc":"2.0","result":"x","id":2}',
    ],
    [
      '{"jsonrpc":"2.0","method":"demo.fail","id":3}',
      '1\t404\tNothing there\t{"jsonrpc":"2.0","error":{"code":404,"message":"Nothing there"},"id":3}',
    ],
    [
      '{"jsonrpc":"2.0","method":"system.methodHelp","id":4}',
      '1\t400\tMethod Name Expected\t{"jsonrpc":"2.0","error":{"code":400,"message":"Method Name Expected"},"id":4}',
    ],
  ])('%s', async (command, expected) => {
    expect(await exec(command)).toBe(expected);
  });

  it('a method that does not exist', async () => {
    expect(await exec('{"jsonrpc":"2.0","method":"core.ecko","id":1}')).toContain(
      '1\t500\tMethod Not Found: "core.ecko"; did you mean core.echo?',
    );
  });

  it.each([
    '',
    'garbage',
    '[]',
    '5',
    'null',
    '{"id":1}',
    '{"jsonrpc":"1.0","method":"core.echo"}',
    '{"jsonrpc":"2.0","method":5}',
    '{"jsonrpc":"2.0","method":"core.echo","params":"x"}',
    '{"jsonrpc":"2.0","method":"core.echo","id":{}}',
  ])('%j is no request', async command => {
    expect(await exec(command)).toBe('-1\t0\tnil\tnil');
  });

  it('pretty_format', async () => {
    expect(
      await exec('{"jsonrpc":"2.0","method":"core.echo","params":["a",1],"id":1}', [
        { module: 'jsonrpcs', name: 'pretty_format', value: 1 },
      ]),
    ).toBe('1\t200\tOK\t{\n\t"jsonrpc":\t"2.0",\n\t"result":\t["a", "1"],\n\t"id":\t1\n}');
  });
});

it('replies belong to their message', async () => {
  const t = testRuntime(
    `function ksr_request_route()
      local n = KSR.pv.get("$rU")
      print(n, KSR.pv.get("$jsonrpl(code)"), KSR.jsonrpcs.execx('{"jsonrpc":"2.0","method":"demo.later","params":["' .. n .. '"],"id":1}'))
      print(n, KSR.jsonrpcs.response())
    end`,
    { extraModules: [demo] },
  );
  for (const user of ['a', 'b'])
    t.runtime.receive(bytesOf(String.fromCharCode(...OPTIONS).replace('sip:a@127', `sip:${user}@127`)), from);
  await new Promise(resolve => setTimeout(resolve, 20));
  expect(t.log.lines.filter(l => l.level === 'info').map(l => l.message)).toEqual([
    'a\t0\t1',
    'a\t{"jsonrpc":"2.0","result":"a","id":1}',
    'b\t0\t1',
    'b\t{"jsonrpc":"2.0","result":"b","id":1}',
  ]);
  await t.runtime.close();
});

it('ways in that are not there are told; dispatch() has nothing to do', async () => {
  const t = testRuntime('function ksr_request_route() print(KSR.jsonrpcs.dispatch()) end', {
    modparams: [{ module: 'jsonrpcs', name: 'fifo_name', value: '/tmp/x' }],
  });
  t.runtime.receive(OPTIONS, from);
  expect(t.log.lines.map(l => `${l.level}: ${l.message}`)).toEqual([
    'warn: jsonrpcs: fifo_name is not served: kemi-wasm ctl and --rpc-http are there instead',
    'error: Cannot dispatch a JSON-RPC request: the message is no HTTP request',
    'info: -1',
  ]);
  await t.runtime.close();
});

it('prettyJson()', () => {
  expect(prettyJson({ a: {}, b: [{ c: null }, 'x', [1, true]], d: undefined })).toBe(
    '{\n\t"a":\t{\n\t},\n\t"b":\t[{\n\t\t"c":\tnull\n\t}, "x", [1, true]]\n}'.replaceAll('\t\t"c"', '\t\t"c"'),
  );
});
