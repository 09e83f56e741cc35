/** Expressions against what Kamailio 5.6.3 answered: test/fixtures/native/expressions.jsonl. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findings, nativeRuntime } from './native.ts';

interface Row {
  readonly expression: string;
  /** it does not load */
  readonly error?: true;
  /** what is assigned; null: undefined; 'none': the assignment is left out */
  readonly value?: string | null;
  /** whether if() takes it for true */
  readonly true?: boolean;
}

const rows: Row[] = readFileSync(new URL('../../../fixtures/native/expressions.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line));

const SETTINGS = `
flags FLT:5
request_route {
	$var(i)=5; $var(zero)=0; $var(s)="abc"; $var(s5)="5"; $var(n)=$null; $avp(i)=7; $avp(s)="hey";
	$var(a1)="2"; $var(a2)="abc"; $var(a3)="0x10"; $var(a4)="12abc"; $var(a5)=""; $var(a6)=" 7"; $var(a7)="-7";
	$var(a8)="99999999999"; $var(a9)="+7"; $var(neg)=-3; $var(re)="^B"; setflag(5);
	@CALLS@
}
route[R3] { return 3; }
route[RM3] { return -3; }
route[RN] { $var(z)=1; }
route[RN2] { is_method("INVITE"); }
route[RN3] { if (is_method("INVITE")) { $var(z)=2; } }
route[RN4] { return; }
route[RN5] { route(RM3); }
route[RN6] { return(2+2); }
route[RN7] { is_method("INVITE"); return; }
`;

const MESSAGE = [
  'OPTIONS sip:bob@127.0.0.1 SIP/2.0',
  'Via: SIP/2.0/UDP 127.0.0.1:22291;branch=z9hG4bKa',
  'From: <sip:alice@example.com>;tag=1',
  'To: <sip:bob@example.org>',
  'Call-ID: a1',
  'CSeq: 7 OPTIONS',
  'Max-Forwards: 10',
  'Content-Length: 0',
  '',
  '',
].join('\r\n');

describe('expressions', () => {
  const good = rows.filter(r => !r.error);
  const assigned = good.filter(r => r.value !== undefined);
  // each in a block of its own, as it was when the answers were recorded
  const config = SETTINGS.replace(
    '@CALLS@',
    good.map((r, i) => `${r.value === undefined ? '' : `route(V${i});`} route(C${i});`).join('\n'),
  ).concat(
    ...good.map((r, i) =>
      [
        r.value === undefined
          ? ''
          : `route[V${i}] { $avp(r)=$null; $avp(r)=${r.expression}; if ($avp(r)==$null) { xlog("@@V${i} null@@"); } else { xlog("@@V${i} <$avp(r)>@@"); } }`,
        `route[C${i}] { if (${r.expression}) { xlog("@@C${i} true@@"); } else { xlog("@@C${i} false@@"); } }\n`,
      ].join('\n'),
    ),
  );

  test.each(['inplace', 'api'] as const)('values and conditions are those of Kamailio, lane %s', lane => {
    const { receive, said, runtime } = nativeRuntime(config, {
      lane,
      sockets: [{ proto: 'udp', ip: '127.0.0.1', port: 22290 }],
    });
    runtime.receive(new TextEncoder().encode(MESSAGE), { ip: '127.0.0.1', port: 22291 });
    expect(receive).toBeDefined();
    const lines = new Map(said().map(line => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
    const got = good.map((r, i) => ({
      expression: r.expression,
      ...(r.value !== undefined && { value: lines.get(`V${i}`) }),
      true: lines.get(`C${i}`),
    }));
    const wanted = good.map(r => ({
      expression: r.expression,
      ...(r.value !== undefined && { value: r.value === null || r.value === 'none' ? 'null' : `<${r.value}>` }),
      true: String(r.true),
    }));
    expect(got).toEqual(wanted);
    expect(assigned.length).toBeGreaterThan(300);
  });

  test.each(rows.filter(r => r.error).map(r => r.expression))('%s does not load', expression => {
    const found = findings(`request_route { $var(r) = ${expression}; }\n`);
    expect(found.some(f => f.includes(': error: '))).toBe(true);
  });
});
