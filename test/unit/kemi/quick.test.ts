/** Functions of the table with a quick half in the core: in place, where that half is asked first, they do what the TypeScript half does by itself. */
import { expect, test } from 'vitest';
import { testRuntime } from '../../support/runtime.ts';

const CALLS = [
  ...[
    '"Route"',
    '"route"',
    '"X-Not"',
    '"x-there"',
    '"X-There"',
    '"v"',
    '"Via"',
    '"Max-Forwards:"',
    '""',
    '5',
    'nil',
    '"a:"',
    '":"',
  ].map(name => `KSR.hdr.remove(${name})`),
  'KSR.hdr.remove()',
  'KSR.hdr.remove("Route", 1)',
  ...[17895, 17604, 0, 4096, 1024].flatMap(checks =>
    [7, 15].map(uris => `KSR.sanity.sanity_check(${checks}, ${uris})`),
  ),
  'KSR.sanity.sanity_check("4", 7.9)',
  'KSR.sanity.sanity_check(4)',
];
const SCRIPT = `function ksr_request_route()
  local out = {}
  for code in string.gmatch(KSR.hdr.get("X-Calls"), "[^|]+") do out[#out + 1] = tostring(load("return " .. code)()) end
  KSR.textopsx.msg_apply_changes()
  KSR.hdr.append_to_reply("X-Results: " .. table.concat(out, " ") .. "\\r\\n")
  KSR.hdr.append_to_reply("X-Left: " .. KSR.hdr.getw("X-There") .. KSR.hdr.getw("Via") .. "\\r\\n")
  KSR.sl.sl_send_reply(200, "OK")
end`;

function answers(lane: 'api' | 'inplace', calls: readonly string[], more: string): (string | undefined)[] {
  const { receive, sent } = testRuntime(SCRIPT, { lane });
  receive(
    `INVITE sip:b@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1\r\nFrom: <sip:a@e>;tag=1\r\nTo: <sip:b@e>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nX-There: yes\r\n${more}X-Calls: ${calls.join('|')}\r\nContent-Length: 0\r\n\r\n`,
    { ip: '127.0.0.1', port: 5070 },
  );
  return sent.map(s => s.text);
}

test.each([
  '',
  'Route: <sip:x;lr>\r\nRoute: <sip:y;lr>\r\n',
  'Expires: x\r\n',
  'Proxy-Require: foo\r\n',
  'Contact: <a:b\r\n',
])('in place and through the API the answers are the same, with "%s"', more => {
  for (const calls of [CALLS, CALLS.toReversed(), CALLS.slice(13)]) {
    const inPlace = answers('inplace', calls, more);
    expect(inPlace).toEqual(answers('api', calls, more));
    expect(inPlace.at(-1)).toContain('X-Results: ');
  }
});
