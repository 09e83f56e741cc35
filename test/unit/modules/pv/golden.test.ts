import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { XVal } from '../../../../src/kemi/table.ts';
import { pvBench } from '../../../support/pv.ts';

interface Golden {
  messages: { name: string; message: string; values: Record<string, XVal> }[];
}

/** Recorded from Kamailio 5.6.3: each value of each PV on each message. */
const golden = JSON.parse(readFileSync(new URL('../../../golden/pv.json', import.meta.url), 'utf8')) as Golden;

/** Where we follow the manual of 6.x and not 5.6.3 (docs/differences.md); "what 6.x documents" below has our values. */
const DIFFERS = /^\$(\(?hfl\(|hflc\(|via[01Z]\((params|oc|ocalgo)\)|branch\(count\)|rz$|ar$)/;

const bench = pvBench({
  params: {
    pv: {
      shvset: ['dbg=i:1', 'gw=s:sip:10.0.0.1'],
      varset: ['init=i:5', 'vs=s:abc'],
      avp_aliases: 'email=s:email_addr;tmp=i:100',
    },
  },
});
const message = (name: string) => golden.messages.find(m => m.name === name)!.message;

describe.each(golden.messages)('PVs of message $name', ({ message, values }) => {
  test('are what Kamailio gives', () => {
    bench.message(message);
    const ours: Record<string, XVal> = {};
    const theirs: Record<string, XVal> = {};
    for (const [spec, value] of Object.entries(values)) {
      if (DIFFERS.test(spec)) continue;
      ours[spec] = bench.get(spec) ?? null;
      theirs[spec] = value;
    }
    expect(ours).toEqual(theirs);
    expect(Object.keys(ours).length).toBeGreaterThan(180);
  });
});

describe('what 6.x documents and 5.6.3 does otherwise', () => {
  test.each([
    ['invite', '$(hfl(Contact)[-1])', '<sip:al2@1.2.3.5>;expires=90'],
    ['register', '$hfl(Contact)', '"C, D" <sip:c@1.1.1.1>;expires=30;q=0.5'],
    ['register', '$(hfl(Contact)[1])', '<sip:d@1.1.1.2>'],
    ['register', '$(hfl(Contact)[2])', null],
    ['register', '$hflc(Contact)', 2],
    ['register', '$hfl(Via)', 'SIP/2.0/TCP 127.0.0.1:20299;branch=z9hG4bK1;rport;i=5'],
    ['register', '$(hfl(Via)[1])', 'SIP/2.0/UDP h.example;branch=z9hG4bK2;received=9.9.9.9'],
    ['register', '$(hfl(Via)[-1])', 'SIP/2.0/TLS [2001:db8::1]:5071;branch=z9hG4bK3;rport=77'],
    ['register', '$(hfl(Via)[-4])', null],
    ['register', '$hflc(Via)', 3],
    ['register', '$(hfl(Diversion)[1])', '<sip:d2@d>'],
    ['register', '$hflc(Diversion)', 3],
    ['register', '$(hfl(P-Asserted-Identity)[1])', '<tel:+1>'],
    ['register', '$(hfl(Route)[-1])', '<sip:p3>'],
    ['register', '$(hfl(Route)[*])', '<sip:r1@p1;lr>,<sip:p2;lr>,<sip:p3>'],
    ['subscribe', '$(hfl(Record-Route)[2])', '<sip:rr3;lr=on>'],
    ['tel', '$hfl(Contact)', null],
    ['tel', '$cts', 1],
    ['invite', '$cts', 0],
    ['invite', '$ctu', 'sip:alice@1.2.3.4:5555'],
    ['invite', '$tts', 0],
    ['reply', '$tts', 1],
    ['invite', '$via0(params)', 'rport;branch=z9hG4bKabc'],
    ['options', '$via0(oc)', 1],
    ['options', '$via0(ocalgo)', 'loss'],
    ['invite', '$branch(count)', 0],
    ['register', '$rz', 'sip'],
    ['register', '$ar', 'r\\"e'],
    ['invite', '$Eb$Eq', undefined],
    ['invite', '$_s($Eb$En$Er$Et$Es$Ec$Eq$Ek$Ei$Ej$Ev)', '\\\n\r\t ,"\':;`'],
    ['invite', '$conid', null],
  ])('%s: %s', (name, spec, value) => {
    bench.message(message(name));
    expect(bench.get(spec)).toBe(value);
  });
});

test('a variable of a module that is not there names the module', () => {
  bench.errors.length = 0;
  for (const spec of ['$T_reply_code', '$sht(a=>b)', '$dlg_var(x)', '$T_reply_kode']) bench.get(spec);
  expect(bench.errors.map(e => /: ([^(]*) \(offset 0\)$/.exec(e)?.[1])).toEqual([
    '$T_reply_code belongs to module tm, which is not loaded or not available in this version',
    '$sht belongs to module htable, which is not loaded or not available in this version',
    '$dlg_var belongs to module dialog, which is not loaded or not available in this version',
    'there is no pseudo-variable $T_reply_kode',
  ]);
});
