/** Selects, against what Kamailio 5.6.3 answered for two messages (test/fixtures/native/selects.json; null: not defined). */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { byteStrOf } from '../../../../src/core/memory.ts';
import { findings, nativeRuntime } from './native.ts';

const RECORDED: { message: string; values: Record<string, string | null> }[] = JSON.parse(
  readFileSync(new URL('../../../fixtures/native/selects.json', import.meta.url), 'utf8'),
);

test.each(RECORDED)('each select of message $#', ({ message, values }) => {
  const names = Object.keys(values);
  const blocks = names.map(
    (name, i) => `if (defined @${name}) { $var(v) = @${name}; xlog("@@${i}=$var(v)@@"); } else xlog("@@${i}@@");`,
  );
  const config = `request_route { if ($hdr(X-D) != "") $du = "sip:bob@192.0.2.77:5099";\n${blocks.join('\n')} }`;
  const { receive, said } = nativeRuntime(config, {
    sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 22800 }],
    coreParams: { 'my.val': 5, 'my.str': 'abc' },
  });
  receive(byteStrOf(message), { ip: '127.0.0.1', port: 22810 });
  const got = Object.fromEntries(
    // the record has no carriage returns
    said().map(text => {
      const at = text.indexOf('=');
      return at < 0
        ? [names[Number(text)], null]
        : [names[Number(text.slice(0, at))], text.slice(at + 1).replaceAll('\r', '')];
    }),
  );
  // Kamailio leaves the comma on that ends a value
  const expected = { ...values, ...('via[2]' in values && { 'via[2]': values['via[2]']?.replace(/,$/, '') ?? null }) };
  expect(got).toEqual(expected);
});

test('values out of a list', () => {
  const { receive, said } = nativeRuntime(
    'request_route { xlog("@@$sel(hf_value.x_a[1]) $sel(hf_value.x_a[2]) $sel(hf_value[\\"X-A\\"][-1])@@"); if (@hf_value["X-A"][2] == "a2") xlog("@@two@@"); }',
  );
  receive(byteStrOf(RECORDED[0]!.message));
  expect(said()).toEqual(['a1 a2 a3', 'two']);
});

test('in every place of a routing block', () => {
  const { receive, said } = nativeRuntime(`request_route {
    switch (@ruri.user) { case "bob": xlog("@@bob@@"); }
    if (strempty(@ruri.params.none) && strlen(@ruri.user) == 3 && @to.tag != "" && !(@from.tag == "x")) xlog("@@yes@@");
    $avp(h) = @from.uri.host + ":" + @from.uri.port;
    xlog("@@$avp(h) $sel(via.params[\\"node\\"])@@");
  }`);
  receive(byteStrOf(RECORDED[0]!.message));
  expect(said()).toEqual(['bob', 'yes', 'a.example.com:5061 n1']);
});

test.each([
  ['@nosuch.thing', 'there is no select nosuch.thing'],
  ['@ruri.nosuch', 'there is no select ruri.nosuch'],
  ['@via[1].host.name', 'there is no select via[1].host.name'],
  ['@to.params', 'there is no select to.params'],
  ['@', 'a name is missing behind "@"'],
])('%s is an error', (select, why) => {
  expect(findings(`request_route { if (${select} == "") exit; }`)).toEqual([
    expect.stringMatching(new RegExp(`^1:\\d+: error: .*${why.replace(/[[\].@]/g, '\\$&')}`)),
  ]);
});
