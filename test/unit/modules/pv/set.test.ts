import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { XVal } from '../../../../src/kemi/table.ts';
import { pvBench } from '../../../support/pv.ts';

const golden = JSON.parse(readFileSync(new URL('../../../golden/pv.json', import.meta.url), 'utf8')) as {
  messages: { name: string; message: string }[];
};
const messages = new Map(golden.messages.map(m => [m.name, m.message]));
const bench = pvBench({
  params: { pv: { avp_aliases: 'email=s:email_addr;tmp=i:100', varset: ['vs=s:abc', 'init=i:5'] } },
});
const on = (name: string) => bench.message(messages.get(name)!);
const { get } = bench;
/** as KSR.pv.sets, seti and unset do it */
const set = (spec: string, value: XVal): boolean => {
  if (value === null) return bench.call('pv.unset', spec) as boolean;
  return bench.call(typeof value === 'number' ? 'pv.seti' : 'pv.sets', spec, value) as boolean;
};

// All of it observed on Kamailio 5.6.3, unless a line says otherwise.
describe('writing the request URI', () => {
  const A = 'sip:u:p@h.example:1;x=y?h=1';
  test.each<[string, string, XVal, boolean, XVal]>([
    [A, '$rU', 'zed', true, 'sip:zed:p@h.example:1;x=y?h=1'],
    [A, '$rU', '', true, 'sip:h.example:1;x=y?h=1'],
    [A, '$rU', null, true, 'sip:h.example:1;x=y?h=1'],
    [A, '$rU', 5, false, A],
    [A, '$rd', 'dom', true, 'sip:u:p@dom:1;x=y?h=1'],
    [A, '$rd', 'dom:9', true, null],
    [A, '$rp', '77', true, 'sip:u:p@h.example:77;x=y?h=1'],
    [A, '$rp', 78, true, 'sip:u:p@h.example:78;x=y?h=1'],
    [A, '$rp', null, true, 'sip:u:p@h.example;x=y?h=1'],
    [A, '$rp', '', true, 'sip:u:p@h.example;x=y?h=1'],
    [A, '$rp', 'xx', true, null],
    [A, '$rp', 0, true, 'sip:u:p@h.example:0;x=y?h=1'],
    [A, '$rP', 'tcp', true, A],
    [A, '$rP', null, true, A],
    ['sip:h.example', '$rU', 'zed', true, 'sip:zed@h.example'],
    ['sip:h.example', '$rU', '', true, 'sip:h.example'],
    ['sip:h.example', '$rU', null, true, 'sip:h.example'],
    ['sip:h.example', '$rd', 'dom:9', true, 'sip:dom:9'],
    ['sip:h.example', '$rp', 78, true, 'sip:h.example:78'],
    ['sip:h.example', '$rp', null, true, 'sip:h.example'],
    ['sips:u@h', '$rU', null, true, 'sips:h'],
    ['sips:u@h', '$rp', '77', true, 'sips:u@h:77'],
    ['tel:+12;x=y', '$rU', 'zed', true, 'tel:zed;x=y'],
    ['tel:+12;x=y', '$rU', null, true, 'tel:;x=y'],
    ['tel:+12;x=y', '$rd', 'dom', true, 'sip:+12;x=y@dom;user=phone'],
    ['tel:+12;x=y', '$rp', '77', false, 'tel:+12;x=y'],
    ['sip:u@[::1]', '$rU', '', true, 'sip:[::1]'],
    ['sip:u@[::1]', '$rd', 'dom', true, 'sip:u@dom'],
    ['sip:u@[::1]', '$rp', 78, true, 'sip:u@[::1]:78'],
    ['sip:u;ui=1@h', '$rU', 'zed', true, 'sip:zed@h'],
    ['sip:u@h', '$ru', 5, false, 'sip:u@h'],
    ['sip:u@h', '$ru', null, false, 'sip:u@h'],
    ['sip:u@h', '$ru', 'garbage', true, null],
    ['sip:u@h', '$ou', 'sip:x', true, 'sip:u@h'],
  ])('%s: %s = %j is %j and makes it %s', (base, spec, value, result, after) => {
    on('invite');
    expect(set('$ru', base)).toBe(true);
    expect(set(spec, value)).toBe(result);
    // DIFFERS: tel: without a number is no URI, 5.6.3 shows it once
    expect(get('$ru')).toBe(after === 'tel:;x=y' ? null : after);
    expect(get('$ou')).toBe('sip:bob:pw@example.com:5080;transport=udp;x=1?h=v');
  });

  test('is refused once it does not parse, and in replies', () => {
    on('invite');
    set('$ru', 'garbage');
    for (const spec of ['$rU', '$rd', '$rp']) expect(set(spec, 'x'), spec).toBe(false);
    expect(set('$rP', 'tcp')).toBe(true);
    expect(set('$ru', 'sip:fine@x')).toBe(true);
    expect(get('$rU')).toBe('fine');
    on('reply');
    for (const spec of ['$ru', '$rU', '$rd', '$rp']) expect(set(spec, 'sip:x'), spec).toBe(false);
  });

  test.each<[string, XVal[]]>([
    // $rU $rd $rp $rP $rz
    ['sip:new@n.example:99;a=b', ['new', 'n.example', '99', 'UDP', 'sip']],
    ['sips:a@b', ['a', 'b', '5060', 'UDP', 'sips']],
    ['sip:a@b;transport=tls', ['a', 'b', '5061', 'tls', 'sip']],
    ['sip:a@b;transport=foo', ['a', 'b', '5060', 'foo', 'sip']],
    ['tel:+1234;x=y', ['+1234', null, '5060', 'UDP', 'tel']],
    ['urn:service:sos', ['service', 'sos', '5060', 'UDP', 'urn']],
    ['SIP:A%41@H', ['A%41', 'H', '5060', 'UDP', 'sip']],
    ['sip:a@[::1]:5', ['a', '[::1]', '5', 'UDP', 'sip']],
    ['http://x/y', [null, null, null, null, null]],
    ['sip:@h', [null, null, null, null, null]],
    ['sip:a@h:65536', [null, null, null, null, null]],
  ])('its parts: %s', (uri, parts) => {
    on('invite');
    set('$ru', uri);
    expect(['$rU', '$rd', '$rp', '$rP', '$rz'].map(spec => get(spec))).toEqual(parts);
  });
});

describe('writing where the message goes', () => {
  test('$du takes any text, null and "" remove it', () => {
    on('invite');
    expect(set('$du', 'sip:d.example:7;transport=tcp')).toBe(true);
    expect(['$du', '$dd', '$dp', '$dP', '$nh(u)', '$nh(d)', '$nh(p)', '$nh(P)', '$nh(U)'].map(get)).toEqual([
      'sip:d.example:7;transport=tcp',
      'd.example',
      '7',
      'tcp',
      'sip:d.example:7;transport=tcp',
      'd.example',
      '7',
      'tcp',
      null,
    ]);
    expect(set('$du', 'garbage')).toBe(true);
    expect(['$du', '$dd', '$dp'].map(get)).toEqual(['garbage', null, null]);
    expect(set('$dd', 'q')).toBe(true);
    expect(set('$du', 5)).toBe(false);
    expect(set('$du', '')).toBe(true);
    expect(get('$du')).toBeNull();
    set('$du', 'sip:d');
    expect(set('$du', null)).toBe(true);
    expect(['$du', '$dd', '$nh(d)'].map(get)).toEqual([null, null, 'example.com']);
  });

  test('$fs and $fsn name a listening socket; another one changes nothing', () => {
    on('invite');
    const steps: [string, XVal, boolean, XVal, XVal][] = [
      ['$fs', 'udp:127.0.0.1:20201', true, 'udp:127.0.0.1:20201', 'adv'],
      ['$fs', 'udp:127.0.0.1:9', true, 'udp:127.0.0.1:20201', 'adv'],
      ['$fs', null, true, null, null],
      ['$fsn', 's1', true, 'udp:127.0.0.1:20200', 's1'],
      ['$fsn', 'nope', true, 'udp:127.0.0.1:20200', 's1'],
      ['$fs', '127.0.0.1:20201', true, 'udp:127.0.0.1:20201', 'adv'],
      ['$fs', '', false, 'udp:127.0.0.1:20201', 'adv'],
      ['$fs', 'junk', true, 'udp:127.0.0.1:20201', 'adv'],
      ['$fs', 5, false, 'udp:127.0.0.1:20201', 'adv'],
      ['$fs', '127.0.0.1', true, 'udp:127.0.0.1:20200', 's1'],
      ['$fsn', null, true, null, null],
    ];
    for (const [spec, value, result, fs, fsn] of steps) {
      expect(set(spec, value), `${spec} = ${value}`).toBe(result);
      expect([get('$fs'), get('$fsn')], `${spec} = ${value}`).toEqual([fs, fsn]);
    }
  });

  test('$br adds branches, $branch() changes them', () => {
    on('invite');
    set('$ru', 'sip:main@x');
    expect(set('$br', 'sip:b1@x')).toBe(true);
    expect(set('$br', 'sip:b2@x')).toBe(true);
    expect(
      ['$br', '$bR', '$ds', '$branch(count)', '$(branch(uri)[-1])', '$(branch(uri)[2])', '$(branch(uri)[*])'].map(get),
    ).toEqual([
      'sip:b1@x',
      'sip:b1@x, sip:b2@x',
      'Contact: <sip:main@x>, <sip:b1@x>, <sip:b2@x>',
      2,
      'sip:b2@x',
      null,
      'sip:b1@x',
    ]);
    expect(
      [
        '$branch(q)',
        '$branch(flags)',
        '$branch(dst_uri)',
        '$branch(path)',
        '$branch(send_socket)',
        '$branch(ruid)',
      ].map(get),
    ).toEqual([null, 0, null, null, null, null]);
    expect(set('$branch(uri)', 'sip:b3@x')).toBe(true);
    expect(set('$(branch(uri)[1])', 'sip:b4@x')).toBe(true);
    expect(set('$branch(q)', 50)).toBe(true);
    expect(set('$branch(q)', '0.7')).toBe(false);
    expect(get('$bR')).toBe('<sip:b3@x>;q=0.05, sip:b4@x');
    expect(set('$branch(flags)', 4)).toBe(true);
    expect(set('$branch(flags)', '4')).toBe(false);
    expect(set('$branch(ruid)', 'rr')).toBe(true);
    expect(get('$branch(ruid)')).toBeNull();
    expect(set('$(branch(uri)[7])', 'sip:x')).toBe(false);
    expect(set('$br', null)).toBe(false);
    expect(set('$br', 5)).toBe(false);
    expect(set('$branch(count)', 3)).toBe(true);
    expect(set('$(branch(uri)[0])', null)).toBe(true);
    expect(['$bR', '$branch(count)'].map(get)).toEqual(['sip:b4@x', 1]);
  });

  test('flags are numbers and hexadecimal digits of one field', () => {
    on('invite');
    expect(set('$mf', 5)).toBe(true);
    expect(set('$mf', '6')).toBe(false);
    expect(['$mf', '$mF', '$bf', '$bF'].map(get)).toEqual([5, '00000005', 0, '00000000']);
    expect(set('$mf', -1)).toBe(true);
    expect(['$mf', '$mF'].map(get)).toEqual([-1, 'ffffffff']);
    expect(set('$mF', 255)).toBe(true);
    expect(set('$bF', 16)).toBe(true);
    expect(['$mf', '$bf'].map(get)).toEqual([255, 16]);
    expect(set('$mf', null)).toBe(true);
    expect(set('$sf', 9)).toBe(true);
    expect(['$mf', '$sf', '$sF'].map(get)).toEqual([0, 9, '00000009']);
    set('$sf', 0);
  });
});

describe('writing From and To', () => {
  test.each<[string, string, XVal, boolean, string]>([
    ['invite', '$fu', 'sip:new@x', true, 'From: "Alice A" <sip:new@x>;tag=ft1;fp=2'],
    ['invite', '$fU', 'zed', true, 'From: "Alice A" <sip:zed@a.example:5070;u=1>;tag=ft1;fp=2'],
    ['invite', '$fU', null, true, 'From: "Alice A" <sip:a.example:5070;u=1>;tag=ft1;fp=2'],
    ['invite', '$fd', 'dom', true, 'From: "Alice A" <sip:alice@dom:5070;u=1>;tag=ft1;fp=2'],
    ['invite', '$fn', '"N N"', true, 'From: "N N" <sip:alice@a.example:5070;u=1>;tag=ft1;fp=2'],
    ['invite', '$fn', null, true, 'From: <sip:alice@a.example:5070;u=1>;tag=ft1;fp=2'],
    ['invite', '$fu', null, true, 'From: "Alice A" <sip:alice@a.example:5070;u=1>;tag=ft1;fp=2'],
    ['invite', '$fu', '', true, 'From: "Alice A" <>;tag=ft1;fp=2'],
    ['invite', '$fu', 5, false, 'From: "Alice A" <sip:alice@a.example:5070;u=1>;tag=ft1;fp=2'],
    ['invite', '$ft', 't2', true, 'From: "Alice A" <sip:alice@a.example:5070;u=1>;tag=ft1;fp=2'],
    ['invite', '$tu', 'sip:new@x', true, 'To: <sip:new@x>'],
    ['invite', '$tU', 'zed', true, 'To: <sip:zed@b.example>'],
    ['invite', '$tn', 'plain', true, 'To: plain <sip:bob@b.example>'],
    ['invite', '$td', 'dom:5', true, 'To: <sip:bob@dom:5>'],
    ['options', '$fu', 'sip:new@x', true, 'From: sip:new@x;tag=1;x=y'],
    ['options', '$fU', 'zed', true, 'From: sip:zed@a.example;tag=1;x=y'],
    ['options', '$fd', 'dom', true, 'From: sip:alice@dom;tag=1;x=y'],
    ['options', '$tU', 'zed', true, 'To: "Quo\\"ted, <x>" <sips:zed@b.example:99;lr>'],
    ['options', '$tn', 'plain', true, 'To: plain <sips:b.example:99;lr>'],
    ['tel', '$fU', 'zed', true, 'From: <tel:zed>;tag=1'],
    ['tel', '$fd', 'dom', true, 'From: <tel:+555>;tag=1'],
    ['tel', '$fn', '"N N"', true, 'From: "N N" <tel:+555>;tag=1'],
    // ours: 5.6.3 writes sip:@a.example, and no brackets around the URI behind a display name
    ['invite', '$fU', '', true, 'From: "Alice A" <sip:a.example:5070;u=1>;tag=ft1;fp=2'],
    ['invite', '$fn', '', true, 'From: <sip:alice@a.example:5070;u=1>;tag=ft1;fp=2'],
    ['options', '$fn', '"N N"', true, 'From: "N N" <sip:alice@a.example>;tag=1;x=y'],
  ])('%s: %s = %j is %j and sends %s', (name, spec, value, result, line) => {
    on(name);
    const before = get(spec);
    expect(set(spec, value)).toBe(result);
    expect(get(spec)).toBe(before);
    expect(bench.written().split('\r\n')).toContain(line);
    expect(bench.written().length - messages.get(name)!.length).toBe(line.length - lineOf(name, line).length);
  });
  const lineOf = (name: string, line: string) =>
    messages
      .get(name)!
      .split('\r\n')
      .find(l => l.startsWith(line.slice(0, 4)))!;
});

describe('variables', () => {
  test('$var, $vz, $vn and $shv', () => {
    const steps: [string, XVal, Record<string, XVal>][] = [
      ['$var(a)', 'x', { '$var(a)': 'x', '$vz(a)': 'x', '$vn(a)': null }],
      ['$var(a)', 7, { '$var(a)': 7 }],
      ['$var(a)', null, { '$var(a)': 0 }],
      ['$vn(a)', 'x', { '$vn(a)': 'x', '$var(a)': 0 }],
      ['$vn(a)', null, { '$vn(a)': null }],
      ['$vz(q)', 'zz', { '$var(q)': 'zz' }],
      ['$var(e)', '', { '$var(e)': '' }],
      ['$shv(a)', 7, { '$shv(a)': 7 }],
      ['$shv(a)', null, { '$shv(a)': '' }],
      ['$var($ru)', 'a literal name', { '$var($ru)': 'a literal name', '$var($fu)': 0 }],
    ];
    for (const [spec, value, after] of steps) {
      expect(set(spec, value), spec).toBe(true);
      for (const [pv, expected] of Object.entries(after)) expect(get(pv), `${spec} = ${value}: ${pv}`).toBe(expected);
    }
  });

  test('$avp is a stack', () => {
    on('invite');
    const all = (n: string) => ['', '[0]', '[1]', '[2]', '[*]'].map(i => get(i ? `$(avp(${n})${i})` : `$avp(${n})`));
    const steps: [string, XVal, XVal[]][] = [
      ['$avp(k)', 'v1', ['v1', 'v1', null, null, 'v1']],
      ['$avp(k)', 2, [2, 2, 'v1', null, '2, v1']],
      ['$avp(s:k)', 'v3', ['v3', 'v3', 2, 'v1', 'v3, 2, v1']],
      ['$(avp(k)[1])', 'new1', ['new1', 'new1', 'v3', 2, 'new1, v3, 2, v1']],
      ['$(avp(k)[9])', 'new9', ['new9', 'new9', 'new1', 'v3', 'new9, new1, v3, 2, v1']],
      ['$(avp(k)[1])', null, ['new1', 'new1', 'v3', 2, 'new1, v3, 2, v1']],
      ['$avp(k)', null, ['v3', 'v3', 2, 'v1', 'v3, 2, v1']],
      ['$avp(k)', '', ['', '', 'v3', 2, 'v3, 2, v1']],
      ['$(avp(k)[*])', 'star', ['star', 'star', null, null, 'star']],
      ['$avp(k)', 'z', ['z', 'z', 'star', null, 'z, star']],
      ['$(avp(k)[*])', null, [null, null, null, null, null]],
      ['$avp(k)', null, [null, null, null, null, null]],
    ];
    for (const [spec, value, after] of steps) {
      expect(set(spec, value), spec).toBe(true);
      expect(all('k'), `${spec} = ${value}`).toEqual(after);
    }
    // as the manual says; 5.6.3 finds the last one only in a list of one
    for (const v of ['a', 'b', 'c']) set('$avp(n)', v);
    expect(['$(avp(n)[-1])', '$(avp(n)[-3])', '$(avp(n)[-4])', '$cnt($avp(n))'].map(get)).toEqual(['a', 'c', null, 3]);
  });

  test('$avp names: strings, numbers, aliases, variables', () => {
    on('invite');
    const steps: [string, string, XVal][] = [
      ['$avp(i:5)', '$avp(i:5)', 'w'],
      ['$avp($var(vs))', '$avp(abc)', 'w'],
      ['$avp($var(init))', '$avp(i:5)', 'w'],
      ['$avp(email)', '$avp(s:email_addr)', 'w'],
      ['$avp(tmp)', '$avp(i:100)', 'w'],
      ['$avp(S:x)', '$avp(x)', 'w'],
      ['$avp(I:7)', '$avp(i:7)', 'w'],
      ['$avp(K)', '$avp(k)', null],
    ];
    for (const [spec, other, value] of steps) {
      expect(set(spec, 'w'), spec).toBe(true);
      expect(get(other), spec).toBe(value);
    }
    expect(get('$avp(x:5)')).toBeUndefined();
    expect(get('$avp($email)')).toBeUndefined();
  });

  test.each(['xavp', 'xavi'])('$%s is a stack of values and fields', kind => {
    on('invite');
    const P = (x: string) => `$${kind}(${x})`;
    const steps: [string, XVal, boolean, Record<string, XVal>][] = [
      ['a', 'v1', true, { a: 'v1', 'a[0]': 'v1', 'a[1]': null }],
      ['a', 'v2', true, { a: 'v2', 'a[1]': 'v1', 'a[-1]': 'v1', 'a[-2]': 'v2', 'a[*]': 'v2' }],
      ['a[0]', 'r0', true, { 'a[0]': 'r0', 'a[1]': 'v1' }],
      ['a[1]', 'r1', true, { 'a[0]': 'r0', 'a[1]': 'r1' }],
      ['a[5]', 'r5', false, { 'a[0]': 'r0', 'a[5]': null }],
      ['a', 7, true, { a: 7, 'a[1]': 'r0', 'a[2]': 'r1' }],
      ['a[-1]', 'neg', false, { 'a[0]': 7, 'a[-1]': 'r1' }],
      ['a[1]', null, true, { 'a[0]': 7, 'a[1]': 'r1', 'a[2]': null }],
      ['a', null, true, { 'a[0]': 'r1', 'a[1]': null }],
      ['a[*]', null, true, { a: null }],
      ['q=>x', '1', true, { 'q=>x': '1', 'q[0]=>x': '1', 'q=>x[0]': '1', 'q=>y': null }],
      ['q[0]=>y', 2, true, { 'q=>x': '1', 'q=>y': 2 }],
      ['q=>x', '3', true, { 'q[0]=>x': '3', 'q[1]=>x': '1', 'q[1]=>y': 2, 'q=>y': null }],
      ['q[0]=>x', '4', true, { 'q[0]=>x': '4', 'q[0]=>x[1]': '3', 'q[1]=>x': '1' }],
      ['q[0]=>x[0]', '5', true, { 'q[0]=>x': '5', 'q[0]=>x[1]': '3' }],
      ['q[0]=>x[1]', '6', true, { 'q[0]=>x': '5', 'q[0]=>x[-1]': '6' }],
      ['q[0]=>x[7]', '7', true, { 'q[0]=>x': '5' }],
      ['q[9]=>x', '8', true, { 'q[0]=>x': '5' }],
      ['nn[0]=>x', '9', true, { 'nn=>x': null }],
      ['q[0]=>x', null, true, { 'q[0]=>x': '6', 'q[0]=>x[1]': null }],
      ['q[0]=>x[*]', null, true, { 'q[0]=>x': null, q: '<<xavp:(nil)>>' }],
      ['q[0]=>nope', null, true, {}],
      ['q[1]', null, true, { 'q[1]=>x': null }],
      ['q', null, true, { q: null }],
      ['nope=>x', null, true, {}],
      ['s', 'plain', true, { 's=>x': null }],
      ['s=>x', 'struct', true, { s: '<<xavp:0x1>>', 's=>x': 'struct', 's[1]': 'plain' }],
      ['s[1]=>x', 'onplain', false, { 's[1]': 'plain' }],
      ['b c=> d e', 'v', true, { 'b c=>d e': 'v' }],
    ];
    for (const [path, value, result, after] of steps) {
      expect(set(P(path), value), path).toBe(result);
      for (const [p, expected] of Object.entries(after)) expect(get(P(p)), `${path} = ${value}: ${p}`).toBe(expected);
    }
    set(P('Case'), 'x');
    expect(get(P('cASE'))).toBe(kind === 'xavi' ? 'x' : null);
    for (const wrong of ['', '=>x', 'a=>', 'a[x]', 'a[0', 'a[0]=>b=>c', 'a[0]=>b[c]'])
      expect(get(P(wrong)), wrong).toBeUndefined();
  });

  test('$xavu holds one value, brackets are part of its names', () => {
    on('invite');
    const steps: [string, XVal, Record<string, XVal>][] = [
      ['a', 'v1', { a: 'v1', A: null }],
      ['a', 'v2', { a: 'v2', 'a[0]': null }],
      ['a[1]', 'r1', { 'a[1]': 'r1', a: 'v2' }],
      ['a', null, { a: null, 'a[1]': 'r1' }],
      ['q=>x', '1', { q: '<<xavp:0x1>>', 'q=>x': '1', 'q=>X': null }],
      ['q=>x', '3', { 'q=>x': '3' }],
      ['q=>x', null, { 'q=>x': null }],
      ['s', 'plain', { 's=>x': null }],
      ['s=>x', 'struct', { s: '<<xavp:0x1>>', 's=>x': 'struct' }],
      ['s', 'again', { s: 'again', 's=>x': null }],
      ['nope=>x', null, { nope: null }],
    ];
    for (const [path, value, after] of steps) {
      expect(set(`$xavu(${path})`, value), path).toBe(true);
      for (const [p, expected] of Object.entries(after))
        expect(get(`$xavu(${p})`), `${path} = ${value}: ${p}`).toBe(expected);
    }
    for (const wrong of ['', '=>x', 'a=>']) expect(get(`$xavu(${wrong})`), wrong).toBeUndefined();
  });

  test('$cnt counts', () => {
    on('invite');
    set('$xavp(z=>a)', '1');
    set('$xavp(z[0]=>b)', '2');
    set('$xavp(z=>a)', '3');
    const counts: Record<string, number> = {
      z: 2,
      'z[*]': 2,
      'z[0]': 1,
      'z[5]': 0,
      'z[-1]': 1,
      'z=>a': 2,
      'z[0]=>a': 1,
      'z[1]=>b[*]': 1,
      'z[*]=>a[0]': 2,
      nope: 0,
    };
    for (const [path, n] of Object.entries(counts)) expect(get(`$cnt($xavp(${path}))`), path).toBe(n);
    for (const wrong of ['$cnt($ru)', '$cnt($var(x))', '$cnt(x)', '$cnt($xavu(z))'])
      expect(get(wrong), wrong).toBeUndefined();
  });
});

describe('KSR.pv', () => {
  test('get, gete, getw, geti, getvs, getvn and is_null tell null apart', () => {
    on('invite');
    set('$var(n)', 12);
    set('$var(s)', '34');
    set('$var(x)', 'abc');
    const pv = (name: string, ...args: (string | number)[]) => bench.call(`pv.${name}`, ...args);
    for (const [name, args, result] of [
      ['get', ['$hdr(No)'], null],
      ['gete', ['$hdr(No)'], ''],
      ['getw', ['$hdr(No)'], '<null>'],
      ['geti', ['$hdr(No)'], 0],
      ['getl', ['$hdr(No)'], 0],
      ['getvs', ['$hdr(No)', 'd'], 'd'],
      ['getvn', ['$hdr(No)', 7], 7],
      ['is_null', ['$hdr(No)'], true],
      ['get', ['$nosuch'], null],
      ['gete', ['$nosuch'], ''],
      ['getw', ['$nosuch'], '<null>'],
      ['geti', ['$nosuch'], 0],
      ['getvs', ['$nosuch', 'd'], 'd'],
      ['is_null', ['$nosuch'], true],
      ['sets', ['$nosuch', 'x'], false],
      ['unset', ['ru'], false],
      ['get', ['$var(n)'], 12],
      ['gete', ['$var(n)'], 12],
      ['geti', ['$var(s)'], 34],
      ['getl', ['$var(s)'], 34],
      ['geti', ['$var(x)'], 0],
      ['getl', ['$var(x)'], 0],
      ['getvn', ['$var(x)', 7], 'abc'],
      ['getvs', ['$var(n)', 'd'], 12],
      ['is_null', ['$var(unset)'], false],
      ['sets', ['$ci', 'x'], true],
      ['seti', ['$var(n)', -3], true],
      ['setl', ['$var(n)', -3], true],
      ['geti', ['$var(n)'], -3],
      ['unset', ['$var(n)'], true],
      ['get', ['$var(n)'], 0],
    ] as const)
      expect(pv(name, ...args), `${name}(${args})`).toBe(result);
    expect(get('$ci')).toBe('cid-1@h');
  });

  test('needs no message for variables of the runtime', () => {
    bench.message(undefined);
    expect(bench.call('pv.sets', '$var(early)', 'x')).toBe(true);
    expect(bench.call('pv.get', '$var(early)')).toBe('x');
    expect(bench.call('pv.get', '$ru')).toBeNull();
    expect(bench.call('pv.sets', '$ru', 'sip:x')).toBe(false);
    expect(bench.call('pv.get', '$avp(x)')).toBeNull();
  });
});

describe('time, process and constants', () => {
  test('come from the runtime, not from the machine', () => {
    process.env.TZ = 'UTC';
    const b = pvBench({
      defines: { ABC: 'xyz', NUM: '42', NEG: '-7', BIG: '99999999999' },
      env: { HOME: '/root', COUNT: '5' },
    });
    b.message(messages.get('invite')!);
    const values: Record<string, XVal> = {
      $Ts: 1795492651,
      $TS: 1795492652,
      $Tb: 1795492652,
      '$TV(s)': 1795492651,
      '$TV(u)': 431000,
      '$TV(sn)': 1795492652,
      '$TV(un)': 931000,
      '$TV(Sn)': '1795492652.931000',
      $Tf: 'Tue Nov 24 03:57:31 2026',
      $TF: 'Tue Nov 24 03:57:32 2026',
      '$time(sec)': 32,
      '$time(min)': 57,
      '$time(hour)': 3,
      '$time(mday)': 24,
      '$time(mon)': 11,
      '$time(year)': 2026,
      '$time(wday)': 3,
      '$time(yday)': 328,
      '$time(isdst)': 0,
      '$utime(hour)': 3,
      '$timef(%Y-%m-%d)': '2026-11-24',
      '$utimef(%H:%M $$)': '03:57 $$',
      '$version(num)': '0.0.0-test',
      '$version(full)': 'kemi-wasm 0.0.0-test (wasm)',
      '$def(ABC)': 'xyz',
      '$def(NOPE)': null,
      '$defn(NUM)': 42,
      '$defn(NEG)': -7,
      '$defn(ABC)': 0,
      '$defn(BIG)': 0,
      '$env(HOME)': '/root',
      '$env(PATH)': null,
      '$envn(COUNT)': 5,
      '$_s(a$rU-$def(ABC)$$)': 'abob-xyz$',
      '$_s($_s($rm))': 'INVITE',
      '$msgbuf(0)': 'I',
      '$msgbuf(99999)': null,
      '$msgbuf(-1)': null,
      $pp: 1,
    };
    for (const [spec, value] of Object.entries(values)) expect(b.get(spec), spec).toBe(value);
    const first = b.get('$sruid');
    expect(first).toMatch(/^srid-0-[0-9a-f]+-8000-1$/);
    expect(b.get('$sruid')).not.toBe(first);
    expect(b.set('$msgbuf(0)', 'i')).toBe(true);
    expect(String(b.get('$mb')).slice(0, 6)).toBe('iNVITE');
    expect(b.set('$msgbuf(99999)', 'i')).toBe(false);
    b.message(undefined);
    for (const spec of ['$Ts', '$TS', '$version(num)', '$null', '$K(UDP)']) expect(b.get(spec), spec).toBeDefined();
  });

  test('shvset, varset and avp_aliases that make no sense stop the start', () => {
    for (const params of [
      { shvset: ['x'] },
      { shvset: ['x=i:y'] },
      { varset: ['=s:x'] },
      { avp_aliases: 'a' },
      { avp_aliases: 'a=i:x' },
    ])
      expect(() => pvBench({ params: { pv: params } }), JSON.stringify(params)).toThrow('Cannot set modparam pv');
  });

  test('RPC reads and writes $shv', () => {
    const b = pvBench({ params: { pv: { shvset: ['dbg=i:1'] } } });
    const { definition, state } = b.modules[0]!;
    const rpc = (name: string, ...params: unknown[]) =>
      definition.rpc!.find(r => r.name === name)!.run({ state, host: b.host }, params);
    expect(rpc('pv.shvGet', 'dbg')).toEqual({ name: 'dbg', type: 'int', value: 1 });
    expect(rpc('pv.shvSet', 'dbg', 'str', 'é')).toEqual({});
    expect(b.get('$shv(dbg)')).toBe('\xc3\xa9');
    expect(rpc('pv.shvSet', 'n', 'int', '-4')).toEqual({});
    expect(b.get('$shv(n)')).toBe(-4);
    expect(rpc('pv.shvGet')).toMatchObject({ items: [{ name: 'dbg' }, { name: 'n', value: -4 }] });
    expect(() => rpc('pv.shvSet', 'n', 'int', 'x')).toThrow('is not a number');
    expect(() => rpc('pv.shvSet', 'n', 'float', '1')).toThrow('is not int or str');
    expect(() => rpc('pv.shvSet', '', 'int', '1')).toThrow('Give a name');
  });
});
