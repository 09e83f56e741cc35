import { describe, expect, test } from 'vitest';
import { findings, read } from './read.ts';

const settings = (text: string) =>
  read(text).settings.map(s => `${s.name}=${JSON.stringify(s.value)}@${s.at.line}:${s.at.column}`);
const listen = (text: string) =>
  read(text).listen.map(
    ({ proto = '*', host, port = '*', advertise, name }) =>
      `${proto} ${host} ${port}${advertise ? ` as ${advertise.host} ${advertise.port ?? '*'}` : ''}${name ? ` "${name}"` : ''}`,
  );

describe('core parameters', () => {
  test('values and where they stand', () => {
    expect(
      settings(
        'debug=2\n  fork=yes; children = 4\nlog_name="a" log_stderror=no\ndebug=\n-1\nmemdbg=0x10\nmemlog=010\n',
      ),
    ).toEqual([
      'debug=2@1:1',
      'fork=1@2:3',
      'children=4@2:13',
      'log_name="a"@3:1',
      'log_stderror=0@3:14',
      'debug=-1@4:1',
      'memdbg=16@6:1',
      'memlog=8@7:1',
    ]);
  });

  test('other names of a parameter', () => {
    expect(settings('tls_enable=yes\nuid="sip"\nwdir=/tmp/x\nmem_dbg=1')).toEqual([
      'enable_tls=1@1:1',
      'user="sip"@2:1',
      'workdir="/tmp/x"@3:1',
      'memdbg=1@4:1',
    ]);
  });

  test.each([
    ['debug="1"', '1:7: error: debug needs a number, without quotes, not "1"'],
    ['fork=maybe', '1:6: error: fork needs yes, no, or a number, not "maybe"'],
    ['fork=YES', '1:6: error: fork needs yes, no, or a number, not "YES"'],
    ['log_name=5', '1:10: error: log_name needs a string in quotes, not "5"'],
    ['log_name=abc', '1:10: error: log_name needs a string in quotes, not "abc"'],
    ['debug 1', '1:7: error: "=" is missing in this debug: there is "1" instead'],
    ['debug=', '1:6: error: debug needs a number, without quotes, not "the end of the file"'],
    ['children=-1', '1:10: error: children takes no negative number'],
    ['children=4294967296', '1:10: error: 4294967296 is too large: a number has 32 bits'],
    [
      'debug=1)',
      '1:8: error: ")" makes no sense here: a parameter, loadmodule, modparam or a routing block is expected',
    ],
    ['DEBUG=1', '1:1: warning: core parameter "DEBUG" is unknown and is ignored, did you mean debug'],
    ['lisen=udp:1.2.3.4:5060', '1:1: warning: core parameter "lisen" is unknown and is ignored, did you mean listen'],
    [
      'kemi.reply_callback="x"',
      '1:1: warning: core parameter "kemi.reply_callback" is unknown and is ignored, did you mean kemi.reply_route_callback',
    ],
    ['foo', '1:1: error: "foo" is unknown'],
    ['coreparam[x]=1', '1:11: warning: coreparam "x" is unknown and is ignored'],
    ['x.y=abc', '1:5: error: x.y needs a number or a string, not "abc"'],
    ['\u0001', '1:1: error: character 0x01 makes no sense outside of a string'],
    ['loadmodule sl.so', '1:12: error: loadmodule needs the name of a module in quotes'],
    ['loadmodule "sl.so"\nloadmodule "sl"', '2:12: error: module sl is loaded already'],
    ['loadmodule "a b"', '1:12: error: "a b" is no name of a module'],
    ['modparam("a", "b"', '1:15: error: "," is missing in this modparam: there is the end of the file instead'],
    ['modparam(a, "b", 1)', '1:10: error: modparam needs the name of a module in quotes'],
    [
      'modparam("a", "b", C)',
      '1:20: error: the value of modparam is a number or a string, not "C": it is no define and no number, write it in quotes if it is a text',
    ],
    ['modparam("a", "b", 1+2)', '1:21: error: ")" is missing in this modparam: there is "+" instead'],
    ['cfgengine lua', '1:11: error: cfgengine needs the name of an engine in quotes: cfgengine "lua"'],
    ['route[X { exit; }', '1:1: error: the name of this route is not closed: a "]" is missing'],
    ['route[X] { if { }', '1:10: error: this route is not closed: a "}" is missing'],
    ['route[X] exit;', '1:10: error: route needs its actions in braces, not "exit"'],
    ['route { a; }\nrequest_route { b; }', '2:1: error: this request_route is there already, in main.cfg:1'],
  ])('%j', (text, expected) => {
    const found = findings(read(text));
    expect(found[0]).toBe(`main.cfg:${expected}`);
    expect(found).toHaveLength(1);
  });

  test('all mistakes of a file at once, in order', () => {
    expect(
      findings(
        read(
          'debug="1"\nfork=perhaps\nmodparam("a", "b",\n  C)\n\nfoo=1\nlisten=foo:1.2.3.4:1\nroute x {\n if {}\n bar=1\n}\nport="x"',
        ),
      ).map(f => f.split(':', 3).join(':')),
    ).toEqual([
      'main.cfg:1:7',
      'main.cfg:2:6',
      'main.cfg:4:3',
      'main.cfg:6:1',
      'main.cfg:7:8',
      'main.cfg:8:7',
      'main.cfg:12:6',
    ]);
  });

  test('what the config makes for itself', () => {
    const { custom } = read('pstn.gw_ip = "1.2.3.4" desc "the gateway"\npstn.on=yes\nkemi.request_route_callback="r"');
    expect(custom.map(c => [c.group, c.name, c.value, c.description])).toEqual([
      ['pstn', 'gw_ip', '1.2.3.4', 'the gateway'],
      ['pstn', 'on', 1, undefined],
    ]);
  });

  test('what is taken without a value of interest', () => {
    expect(
      findings(
        read(
          'log_facility=LOG_LOCAL0\ntos=IPTOS_LOWDELAY\ntcp_accept_protocols="http,ws"\nflags\n A:1,\n B:2;\navpflags C;\ncoreparam[random_engine] = "fast"\nloadpath "/x"\nmpath="/y/"\nudp_mtu_try_proto = TCP\n;;debug=1;;',
        ),
      ),
    ).toEqual([]);
  });
});

describe('loadmodule, modparam, cfgengine', () => {
  test('forms', () => {
    const config = read(
      'loadmodule "sl.so"\nloadmodule "tm"\nloadmodule "/usr/lib/kamailio/modules/rr.so"\nloadmodule("pv.so")\nloadmodule("app_lua.so", "g")\nloadmodule("sl", "o")\nloadmodulex \'xlog.so\'',
    );
    expect(findings(config)).toEqual([]);
    expect(config.modules.map(m => `${m.name}@${m.at.line}:${m.at.column}`)).toEqual([
      'sl@1:12',
      'tm@2:12',
      'rr@3:12',
      'pv@4:12',
      'app_lua@5:12',
      'xlog@7:13',
    ]);
  });

  test('parameters with defines, words, signs, over lines', () => {
    const config = read(
      '#!define FLT_ACC 1\n#!define DBURL "sqlite:///a"\nloadmodule "acc.so"\nmodparam("acc", "log_flag", FLT_ACC)\nmodparam ( "acc|x",\n  "db_url" ,\n  DBURL ) ;\nmodparam("acc","a",yes)\nmodparam("acc","b",-1)\nmodparam("acc", "c",\n\t"a=$fU;"\n\t"b=$rU")\nmodparamx("acc","d",1)',
    );
    expect(findings(config)).toEqual([]);
    expect(config.modparams.map(m => [m.modules, m.name, m.value, m.loaded, m.at.line])).toEqual([
      ['acc', 'log_flag', 1, 1, 4],
      ['acc|x', 'db_url', 'sqlite:///a', 1, 6],
      ['acc', 'a', 1, 1, 8],
      ['acc', 'b', -1, 1, 9],
      ['acc', 'c', 'a=$fU;b=$rU', 1, 10],
      ['acc', 'd', 1, 1, 13],
    ]);
  });

  test('loadmodulex and modparamx evaluate what has a value already', () => {
    const config = read(
      '#!define X "q"\n#!define Y 5\nloadmodulex "$env(M).so"\nmodparamx("$def(Y)", "a$(defv(X))b$$c", "$env(M)$")\nmodparam("$x", "$env(M)", "$ru")',
      {},
      { env: { M: 'pv' } },
    );
    expect(findings(config)).toEqual([]);
    expect(config.modules.map(m => m.name)).toEqual(['pv']);
    expect(config.modparams.map(m => [m.modules, m.name, m.value])).toEqual([
      ['5', 'aqb$c', 'pv$'],
      ['$x', '$env(M)', '$ru'],
    ]);
    expect(findings(read('loadmodulex "$env(NONE)"\nmodparamx("a", "b", "$ru")'))).toEqual([
      'main.cfg:1:13: error: cannot evaluate "$env(NONE)": $env(NONE) has no value',
      'main.cfg:2:21: error: cannot evaluate "$ru": "$ru" has no value when the config is read: $env(NAME), $def(NAME) and $defv(NAME) have',
    ]);
  });

  test('the engine: the last one counts', () => {
    expect(read('cfgengine "native"\nloadmodule "app_lua"\ncfgengine="lua"').engine).toEqual({
      name: 'lua',
      loaded: 1,
      at: expect.objectContaining({ line: 3 }),
    });
  });
});

describe('listen', () => {
  test.each([
    ['127.0.0.1', ['* 127.0.0.1 *']],
    ['udp:127.0.0.1', ['udp 127.0.0.1 *']],
    ['UDP:127.0.0.1:5070', ['udp 127.0.0.1 5070']],
    ['udp:"127.0.0.1":5070', ['udp 127.0.0.1 5070']],
    ['"host.example"', ['* host.example *']],
    ['eth0', ['* eth0 *']],
    ['eth0:5070', ['* eth0 5070']],
    ['udp:sip-1.example.org:5070', ['udp sip-1.example.org 5070']],
    ['[::1]:5070', ['* ::1 5070']],
    ['udp:[2a02:1850:1:1::18]:5070', ['udp 2a02:1850:1:1::18 5070']],
    ['::1', ['* ::1 *']],
    ['(lo, 10.0.0.1)', ['* lo *', '* 10.0.0.1 *']],
    ['udp:(lo, ::1):5070', ['udp lo 5070', 'udp ::1 5070']],
    ['tls:10.0.0.1:5061', ['tls 10.0.0.1 5061']],
    ['udp:1.1.1.1:5070 advertise 2.2.2.2:5080', ['udp 1.1.1.1 5070 as 2.2.2.2 5080']],
    ['udp:1.1.1.1:5070 advertise "dns.example":5080', ['udp 1.1.1.1 5070 as dns.example 5080']],
    ['udp:1.1.1.1:5070\n  advertise 2.2.2.2\n  name "s1"', ['udp 1.1.1.1 5070 as 2.2.2.2 * "s1"']],
    ['udp:1.1.1.1:5070 name "s1"', ['udp 1.1.1.1 5070 "s1"']],
    ['udp:1.1.1.1:1 udp:1.1.1.1:2', ['udp 1.1.1.1 1', 'udp 1.1.1.1 2']],
    ['udp:1.1.1.1:1\n udp:1.1.1.1:2\ndebug=1', ['udp 1.1.1.1 1', 'udp 1.1.1.1 2']],
    ['udp:1.1.1.1:1;\nfoo.bar=1', ['udp 1.1.1.1 1']],
    ['udp:1.1.1.1:1\nfoo.bar=1', ['udp 1.1.1.1 1']],
    ['MYIP:5070', ['udp 9.9.9.9 5070']],
  ])('%s', (text, expected) => {
    const config = `#!define MYIP udp:9.9.9.9\nlisten=${text}\n`;
    expect(findings(read(config))).toEqual([]);
    expect(listen(config)).toEqual(expected);
  });

  test('socket = { ... }, with a range of ports', () => {
    expect(listen('socket = { bind = udp:10.0.0.1:5060; advertise = 11.0.0.1:5070; name = "s0"; }\ndebug=1')).toEqual([
      'udp 10.0.0.1 5060 as 11.0.0.1 5070 "s0"',
    ]);
    expect(listen('socket = {\n bind = udp:10.0.0.1:5060-5062;\n advertise = 11.0.0.1:5070;\n name = "p";\n}')).toEqual(
      [
        'udp 10.0.0.1 5060 as 11.0.0.1 5070 "p5060"',
        'udp 10.0.0.1 5061 as 11.0.0.1 5071 "p5061"',
        'udp 10.0.0.1 5062 as 11.0.0.1 5072 "p5062"',
      ],
    );
  });

  test.each([
    ['foo:1.2.3.4:5060', '2:8: error: cannot use the address "foo:1.2.3.4:5060": "foo" is no protocol'],
    ['udp:1.2.3.4:99999', '2:8: error: cannot use the address "udp:1.2.3.4:99999": 99999 is no port'],
    ['udp:*:5060', '2:8: error: cannot use the address "udp:*:5060"'],
    ['"udp:1.2.3.4:5060"', '2:8: error: only the host may stand in quotes'],
    ['udp:1.2.3.4:5060,udp:1.2.3.4:5061', '2:8: error: cannot use the address'],
    ['udp:1.2.3.4 name s1', '2:25: error: the name of a socket is a string'],
    ['udp:1.2.3.4 advertise udp:1.1.1.1', '2:8: error: advertise takes no protocol'],
    ['', '2:7: error: listen needs a value'],
    ['\ndebug=1', '3:1: error: listen needs a value'],
  ])('%j is refused', (text, expected) => {
    expect(findings(read(`\nlisten=${text}\n`))[0]).toContain(`main.cfg:${expected}`);
  });

  test('aliases', () => {
    expect(
      read(
        'alias="a.com" b.com:5061 udp:c.com\n d.com\ndomain=e-f.com\nalias=udp:g.com:*\nalias=[::1]:5060\nport=1',
      ).aliases.map(a => a.text),
    ).toEqual(['a.com', 'b.com:5061', 'udp:c.com', 'd.com', 'e-f.com', 'udp:g.com', '[::1]:5060']);
  });
});

test('routing blocks are kept as tokens with their places', () => {
  const config = read(
    'request_route {\n\tif ($rU == "a" && $(hdr(X)[0]{s.len}) > 5) {\n\t\txlog("hi\\n");\n\t}\n}\nevent_route[tm:local-request] { exit; }\nroute[A B]{x;}\nfailure_route[F] { }',
  );
  expect(findings(config)).toEqual([]);
  expect(config.routes.map(r => `${r.kind}[${r.name}] ${r.at.line}`)).toEqual([
    'request_route[] 1',
    'event_route[tm:local-request] 6',
    'route[AB] 7',
    'failure_route[F] 8',
  ]);
  expect(config.routes[0]!.body.map(t => `${t.line}:${t.column} ${t.kind} ${JSON.stringify(t.text)}`)).toEqual([
    '2:2 word "if"',
    '2:5 symbol "("',
    '2:6 pv "$rU"',
    '2:10 symbol "=="',
    '2:13 string "a"',
    '2:17 symbol "&&"',
    '2:20 pv "$(hdr(X)[0]{s.len})"',
    '2:40 symbol ">"',
    '2:42 number "5"',
    '2:43 symbol ")"',
    '2:45 symbol "{"',
    '3:3 word "xlog"',
    '3:7 symbol "("',
    '3:8 string "hi\\n"',
    '3:14 symbol ")"',
    '3:15 symbol ";"',
    '4:2 symbol "}"',
  ]);
});
