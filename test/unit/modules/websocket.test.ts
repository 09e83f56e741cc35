/** Modules xhttp and websocket in a runtime in memory: requests of HTTP and WebSockets are made up. */
import { describe, expect, it } from 'vitest';
import type { HttpAnswer, HttpExchange, HttpRequest } from '../../../src/kemi/http.ts';
import { checkHandshake, isCloseCode, newWebSocketCounters, type WebSocketLink } from '../../../src/kemi/web-socket.ts';
import type { RuntimeOptions } from '../../../src/runtime/options.ts';
import { testRuntime } from '../../support/runtime.ts';

const HEADERS = [
  ['Host', 'example.com'],
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ['Sec-WebSocket-Protocol', 'sip'],
  ['Sec-WebSocket-Version', '13'],
] as const;

const request = (
  target: string,
  headers: readonly (readonly [string, string])[] = HEADERS,
  body = '',
): HttpRequest => ({
  method: 'GET',
  target,
  version: '1.1',
  headers,
  body: new TextEncoder().encode(body),
});

/** An exchange that keeps its answer. */
function exchange(of: HttpRequest) {
  const made = {
    request: of,
    answered: false,
    answers: [] as HttpAnswer[],
    upgrades: [] as (readonly string[])[],
    answer(answer: HttpAnswer) {
      if (made.answered) return false;
      made.answered = true;
      made.answers.push(answer);
      return true;
    },
    upgrade(headers: readonly string[]) {
      if (made.answered) return false;
      made.answered = true;
      made.upgrades.push(headers);
      return true;
    },
  };
  return made satisfies HttpExchange;
}

class FakeLink implements WebSocketLink {
  readonly ip = '198.51.100.7';
  readonly port = 4000;
  readonly socket = 1;
  open = true;
  usedMs: number;
  awaitsPong = false;
  readonly id: number;
  readonly did: string[] = [];
  readonly #now: () => number;
  constructor(id: number, now: () => number) {
    this.id = id;
    this.#now = now;
    this.usedMs = now();
  }
  ping(data: string) {
    this.did.push(`ping ${data}`);
    this.usedMs = this.#now();
    this.awaitsPong = true;
    return true;
  }
  pong(data: string) {
    this.did.push(`pong ${data}`);
    this.usedMs = this.#now();
    return true;
  }
  close(code: number, reason: string) {
    if (!this.open) return false;
    this.open = false;
    this.did.push(`close ${code} ${reason}`);
    return true;
  }
}

const FROM = { ip: '198.51.100.7', port: 4000, connection: 7 };

function start(script: string, modparams: RuntimeOptions['modparams'] = [], engine: 'lua' | 'native' = 'lua') {
  const links = new Map<number, FakeLink>();
  const webSockets = {
    enabled: true,
    counters: newWebSocketCounters(),
    get size() {
      return links.size;
    },
    find: (id: number) => links.get(id),
    all: () => links.values(),
  };
  const made = testRuntime(script, {
    sockets: [
      { proto: 'tcp', ip: '192.0.2.1', port: 5060 },
      { proto: 'ws', ip: '192.0.2.1', port: 5060, shares: 0 },
    ],
    webSockets,
    engine,
    ...(engine === 'native' && { config: { readFile: () => undefined } }),
    modparams: [
      ...(engine === 'lua' ? [{ module: 'xhttp', name: 'event_callback', value: 'on_http' }] : []),
      ...(modparams ?? []),
    ],
  });
  const http = (of: HttpRequest) => {
    const one = exchange(of);
    made.runtime.receiveHttp(one, FROM, 0);
    return one;
  };
  const link = (id: number) => {
    const one = new FakeLink(id, () => made.runtime.host.monotonic());
    links.set(id, one);
    return one;
  };
  return { ...made, http, link, links, webSockets };
}

const EMPTY = 'function ksr_request_route() end\n';

describe('xhttp', () => {
  it('gives the script the request as a message, and takes one answer', () => {
    const { http, log, runtime } = start(`${EMPTY}function on_http(event)
      KSR.info(event .. " " .. KSR.pv.gete("$rm $hu $proto $si:$sp $Rp $hdr(Host)") .. "\\n")
      for _, name in ipairs({ "$rm", "$hu", "$proto", "$si", "$sp", "$Rp", "$hdr(Host)", "$rb", "$rv", "$conid", "$(hdr(x-a)[1])" }) do
        KSR.info(name .. "=" .. KSR.pv.gete(name) .. "\\n")
      end
      KSR.info("ru=" .. tostring(KSR.pv.get("$ru")) .. "\\n")
      KSR.xhttp.xhttp_reply(200, "Fine", "text/plain", "\\0\\255")
    end`);
    const one = http(
      request(
        '/a?b=c',
        [
          ['Host', 'h'],
          ['X-A', '1'],
          ['x-a', '2'],
        ],
        'body',
      ),
    );
    expect(one.answers).toEqual([
      {
        code: 200,
        reason: 'Fine',
        headers: expect.stringContaining('Content-Type: text/plain\r\n'),
        body: '\0\xff',
        close: false,
      },
    ]);
    const said = log.lines.map(l => l.message.trim());
    expect(said).toEqual(
      expect.arrayContaining([
        '$rm=GET',
        '$hu=/a?b=c',
        '$proto=tcp',
        '$si=198.51.100.7',
        '$sp=4000',
        '$Rp=5060',
        '$hdr(Host)=h',
        '$rb=body',
        '$rv=SIP/2.0',
        '$conid=7',
        '$(hdr(x-a)[1])=2',
        'ru=nil',
      ]),
    );
    expect(runtime.liveMessages).toBe(0);
  });

  it('does not run the route for what url_skip and url_match leave out', () => {
    const { http } = start(`${EMPTY}function on_http() KSR.xhttp.xhttp_reply(200, "OK", "", "") end`, [
      { module: 'xhttp', name: 'url_skip', value: '^/RPC' },
      { module: 'xhttp', name: 'url_match', value: '^/(RPC|sip)' },
    ]);
    const code = (target: string) => http(request(target)).answers[0]!.code;
    expect([code('/sip/x'), code('/RPC2'), code('/other')]).toEqual([200, 404, 404]);
  });

  it('says what is wrong with an expression', () => {
    expect(() => start(EMPTY, [{ module: 'xhttp', name: 'url_skip', value: '(' }])).toThrow(
      'Cannot use xhttp url_skip "("',
    );
  });

  it('answers 404 when there is no route, 503 when there is no room, 500 after an error', () => {
    expect(start(EMPTY).http(request('/')).answers[0]).toMatchObject({ code: 404 });
    expect(start(`${EMPTY}function on_http() error("x") end`).http(request('/')).answers[0]).toMatchObject({
      code: 500,
    });
    const { http } = start(`${EMPTY}function on_http() KSR.xhttp.xhttp_reply(200, "OK", "", "") end`);
    expect(http(request('/', HEADERS, 'x'.repeat(70_000))).answers[0]).toMatchObject({ code: 503 });
  });

  it('functions for SIP do no harm to a request of HTTP', () => {
    const { http, log, runtime } = start(`${EMPTY}function on_http()
      local calls = {
        function() return KSR.sl.sl_send_reply(200, "OK") end, function() return KSR.sl.send_reply(200, "OK") end,
        function() return KSR.tm.t_newtran() end, function() return KSR.tm.t_relay() end, function() return KSR.tm.t_reply(200, "OK") end,
        function() return KSR.forward() end, function() return KSR.registrar.save("location", 0) end,
        function() return KSR.registrar.lookup("location") end, function() return KSR.rr.record_route() end,
        function() return KSR.rr.loose_route() end, function() return KSR.nathelper.nat_uac_test(255) end,
        function() return KSR.nathelper.add_contact_alias() end, function() return KSR.nathelper.fix_nated_register() end,
        function() return KSR.maxfwd.process_maxfwd(10) end, function() return KSR.sanity.sanity_check(17895, 7) end,
        function() return KSR.siputils.has_totag() end, function() return KSR.is_myself_ruri() end,
        function() return KSR.textopsx.msg_apply_changes() end, function() return KSR.hdr.append("X: y\\r\\n") end,
        function() return KSR.pv.gete("$fu $tu $ci $cs $ct $ua $rd $rU $du $ai $br $mb $T_branch_idx") end,
        function() return KSR.auth.auth_challenge("x", 0) end, function() return KSR.kx.gete_fhost() end,
      }
      for i, f in ipairs(calls) do
        local ok, result = pcall(f)
        KSR.info("call " .. i .. "\\n")
      end
      KSR.xhttp.xhttp_reply(200, "OK", "", "")
    end`);
    for (const target of ['/', '*', 'http://a/', 'sip:a@b', 'sip:192.0.2.1', '/%00', ';;', 'x'.repeat(2000)]) {
      log.lines.length = 0;
      const one = http(request(target));
      expect(one.answers).toMatchObject([{ code: 200 }]);
      expect(log.lines.filter(l => l.message.startsWith('<script>: call') || /call \d+/.test(l.message)).length).toBe(
        22,
      );
    }
    expect(runtime.counters.traps).toBe(0);
  });

  it('in routing blocks: event_route[xhttp:request]', () => {
    const { http } = start(
      'request_route { drop; }\nevent_route[xhttp:request] { if ($hu == "/x") { xhttp_reply("200", "OK", "text/html", "<$si>"); } if (ws_handle_handshake()) { exit; } }',
      [],
      'native',
    );
    expect(http(request('/x')).answers[0]).toMatchObject({ code: 200, body: '<198.51.100.7>' });
    expect(http(request('/')).upgrades).toEqual([[]]);
    expect(http(request('/', [])).answers[0]).toMatchObject({ code: 400 });
  });

  it('answers -1 and nil outside of HTTP', () => {
    const { receive, log } = start(`function ksr_request_route()
      KSR.info(table.concat({ tostring(KSR.xhttp.get_hu()), tostring(KSR.pv.get("$hu")), KSR.xhttp.xhttp_reply(200, "OK", "", ""), KSR.websocket.handle_handshake(), KSR.websocket.close(), KSR.jsonrpcs.dispatch(), tostring(KSR.pv.get("$ws_conid")) }, " ") .. "\\n")
    end`);
    receive(
      'OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n',
    );
    expect(log.lines.some(l => l.message.includes('nil nil -1 0 -1 -1 nil'))).toBe(true);
  });
});

describe('websocket', () => {
  const SCRIPT = `${EMPTY}function on_http() RESULT = KSR.websocket.handle_handshake(); KSR.info("result " .. RESULT .. "\\n") end
    function on_ws(event) KSR.info(event .. " " .. KSR.pv.gete("$si") .. " " .. KSR.pv.gete("$sp") .. " " .. KSR.pv.gete("$ws_conid") .. " " .. KSR.pv.gete("$proto") .. "\\n") end`;

  it.each([
    [0, []],
    [1, ['Access-Control-Allow-Origin: *']],
    [2, ['Access-Control-Allow-Origin: https://page.example']],
  ])('cors_mode %i', (mode, lines) => {
    const { http } = start(SCRIPT, [{ module: 'websocket', name: 'cors_mode', value: mode }]);
    const origin = ['Origin', 'https://page.example'] as const;
    expect(http(request('/', [...HEADERS, origin])).upgrades).toEqual([lines]);
    expect(http(request('/')).upgrades).toEqual([mode === 1 ? lines : []]);
  });

  it('answers 400, 426 and 503, and counts', () => {
    const { http, webSockets } = start(SCRIPT);
    const without = (name: string) => HEADERS.filter(h => h[0] !== name);
    expect(http(request('/', without('Upgrade'))).answers[0]).toEqual({
      code: 400,
      reason: 'Bad Request',
      headers: 'Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n',
      close: true,
    });
    const old = [...without('Sec-WebSocket-Version'), ['Sec-WebSocket-Version', '8'] as const];
    expect(http(request('/', old)).answers[0]).toMatchObject({ code: 426, headers: 'Sec-WebSocket-Version: 13\r\n' });
    webSockets.enabled = false;
    expect(http(request('/')).answers[0]).toMatchObject({ code: 503 });
    expect(webSockets.counters.failed_handshakes).toBe(2);
  });

  it('sends a ping to who is idle, and closes who does not answer', () => {
    const { link, advance } = start(SCRIPT, [{ module: 'websocket', name: 'keepalive_timeout', value: 10 }]);
    const [idle, busy, answers] = [link(1), link(2), link(3)];
    for (let i = 0; i < 9; i++) {
      advance(1000);
      busy.usedMs = idle.usedMs + 1000 * (i + 1);
    }
    expect(idle.did).toEqual([]);
    advance(2000);
    expect(idle.did).toEqual([expect.stringMatching(/^ping kemi-wasm\//)]);
    expect(busy.did).toEqual([]);
    answers.awaitsPong = false;
    advance(11_000);
    expect(idle.did[1]).toBe('close 1001 no pong');
    expect(answers.did).toHaveLength(2);
    expect(answers.open).toBe(true);
  });

  it('keepalive_mechanism 2 sends pongs, 0 nothing', () => {
    const data = { module: 'websocket', name: 'ping_application_data', value: 'alive' };
    const mode = (value: number) => [{ module: 'websocket', name: 'keepalive_mechanism', value }, data];
    const pongs = start(SCRIPT, mode(2));
    const one = pongs.link(1);
    pongs.advance(400_000);
    expect(one.did).toEqual(['pong alive', 'pong alive']);
    const none = start(SCRIPT, mode(0));
    const two = none.link(1);
    none.advance(400_000);
    expect(two.did).toEqual([]);
  });

  it('runs event_route[websocket:closed] for WebSockets, not for other connections', () => {
    const { runtime, log } = start(SCRIPT, [{ module: 'websocket', name: 'event_callback', value: 'on_ws' }]);
    const how = { reason: 'closed', ip: '198.51.100.7', port: 4000 } as const;
    runtime.connectionClosed(6, { id: 6, proto: 'tcp', socket: 0, ...how });
    runtime.connectionClosed(7, { id: 7, proto: 'ws', socket: 1, ...how });
    const said = log.lines.map(l => l.message).filter(m => m.includes('websocket:closed'));
    expect(said).toEqual([expect.stringContaining('websocket:closed 198.51.100.7 4000 7 ws')]);
    expect(runtime.liveMessages).toBe(0);
  });

  it('closes by id', () => {
    const script = `${EMPTY}function on_http() KSR.info(KSR.websocket.close_conid(4000, "go", 5) .. " " .. KSR.websocket.close_conid(4000, "go", 6) .. "\\n") end`;
    const { http, link, log } = start(script);
    const one = link(5);
    http(request('/'));
    expect(one.did).toEqual(['close 4000 go']);
    expect(log.lines.some(l => l.message.includes('1 -1'))).toBe(true);
  });

  it('has only sip: another sub-protocol is a mistake, or a warning', () => {
    const only = (value: number) => [{ module: 'websocket', name: 'sub_protocols', value }];
    expect(() => start(SCRIPT, only(2))).toThrow('Cannot use websocket sub_protocols 2: only sip (1) is there');
    const { log } = start(SCRIPT, only(3));
    expect(log.lines.some(l => l.level === 'warn' && l.message.includes('msrp is not served'))).toBe(true);
  });
});

describe('checkHandshake()', () => {
  const changed = (name: string, value: string | undefined): HttpRequest => {
    const rest = HEADERS.filter(h => h[0] !== name);
    return request('/', value === undefined ? rest : [...rest, [name, value] as const]);
  };
  it.each([
    ['Connection', 'keep-alive, upgrade', undefined],
    ['Upgrade', 'WebSocket', undefined],
    ['Sec-WebSocket-Protocol', 'mqtt , sip', undefined],
    ['Sec-WebSocket-Protocol', 'sipx', 400],
    ['Sec-WebSocket-Protocol', undefined, 400],
    ['Sec-WebSocket-Version', '13, 8', 426],
    ['Sec-WebSocket-Version', '', 426],
    ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ', 400],
    ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==, x', 400],
    ['Connection', 'upgraded', 400],
  ] as const)('%s: %s: %s', (name, value, code) => {
    expect(checkHandshake(changed(name, value))?.answer.code).toBe(code);
  });
});

it('isCloseCode() takes what RFC 6455 7.4 lets a peer send', () => {
  const codes = [0, 999, 1000, 1001, 1003, 1004, 1005, 1006, 1007, 1011, 1014, 1015, 2999, 3000, 4999, 5000, -1];
  expect(codes.filter(isCloseCode)).toEqual([1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999]);
});
