/** The quick save() of usual requests against the one that takes any: both come to the same. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { register as build, GROUPS, type Param } from '../../../fixtures/location/cases.ts';
import { locationRuntime } from '../../../support/location.ts';

/** Two runtimes; a modparam that names an xavp which nobody sets keeps the second one from the quick way. */
function both(params: readonly Param[] = []) {
  return [locationRuntime(params), locationRuntime([...params, ['registrar', 'xavp_cfg', 'nobody']])] as const;
}

const dump = (one: ReturnType<typeof locationRuntime>) => JSON.stringify(one.runtime.rpc.run('ul.dump'));

test.each(GROUPS.filter(g => !g.params.some(([, name]) => name === 'xavp_cfg' || name === 'db_url')))(
  'the recorded requests of group $name have one answer and leave the same contacts',
  ({ params, steps }) => {
    const [quick, slow] = both(params);
    for (const step of steps)
      if (typeof step === 'number') for (const one of [quick, slow]) one.advance(step);
      else {
        expect(quick.send(step), step).toEqual(slow.send(step));
        expect(dump(quick), step).toEqual(dump(slow));
      }
    for (const name of ['accepted_regs', 'rejected_regs'])
      expect(quick.runtime.stats.get('registrar', name)).toBe(slow.runtime.stats.get('registrar', name));
  },
);

const settings: (readonly Param[])[] = [
  [],
  [
    ['usrloc', 'use_domain', 1],
    ['registrar', 'case_sensitive', 1],
    ['registrar', 'max_expires', 100],
    ['registrar', 'default_q', 500],
  ],
  [
    ['registrar', 'max_contacts', 2],
    ['usrloc', 'matching_mode', 1],
    ['registrar', 'use_path', 1],
    ['registrar', 'contact_max_size', 24],
  ],
];

test.each(settings.map(params => ({ params })))('odd requests come to the same: $params', ({ params }) => {
  const [quick, slow] = both(params);
  const part = (...of: string[]) => fc.constantFrom(...of);
  const param = part(
    ';expires=60',
    ';expires=0',
    ';Expires = 7',
    ';expires="9"',
    ';expires=1234567890',
    ';expires=x',
    ';expires=',
    ';q=0.5',
    ';+sip.instance="<u>"',
    ';+SIP.Instance="<v>"',
    ';+sip.instance="a\\"b"',
    ';+sip.instance=""',
    ';+sip.instance=<w>',
    ';+sip.instance="\x01"',
    ';+sip.other="<u>"',
    ';reg-id=1',
    ';reg-id=2',
    ';reg-id=0',
    ';reg-id="1"',
    ';reg-id=99999999999',
    ';Q=1',
    ';q=0.25',
    ';q=1.000',
    ';q=1.001',
    ';q=0.1234',
    ';q=.5',
    ';q=0.',
    ';q="0.5"',
    ';mobility="fixed"',
    ';foo',
    ';foo="a;q=1"',
    ';expiresx=5',
    ';RECEIVED=sip:r@2',
    ';methods="BYE"',
    ' ; x=y ',
    ';',
    ',<sip:c@3>',
    ';a=b=c',
  );
  const contact = fc
    .tuple(
      part('<', '"x" <', 'Bob <', '*, <', '', '* <'),
      part(
        'sip:a@1',
        'sips:b@[::1]:7',
        'sip:a%41@1',
        'tel:+1',
        '*',
        'sip:a b@1',
        'sip:\xe9@1',
        'sip:a@1;x?y=z',
        'x:y',
        '',
      ),
      part('>', '', '>>'),
      fc.array(param, { maxLength: 3 }),
    )
    .map(([open, uri, close, params]) => open + uri + (open.endsWith('<') ? close : '') + params.join(''));
  const to = part(
    '<sip:alice@e.com>',
    '<sip:Alice@E.com;gr=1>',
    'sips:alice@e.com',
    '<tel:+1>',
    '<sip:e.com>',
    '<sip:%61@e>',
    '<sip:\xc9@E>',
    '<x:y>',
  );
  const header = part(
    'Allow: INVITE, BYE',
    'Allow: INVITE',
    'Allow:',
    'User-Agent: UA',
    'User-Agent:',
    `User-Agent: ${'u'.repeat(300)}`,
    'Supported: path, gruu',
    'Require: outbound',
    'Path: <sip:p;lr>',
  );
  const expires = fc.option(part('60', '0', '', 'abc', '99999999999', '4294967295'), { nil: undefined });
  const callid = part('c1', 'c2', 'k'.repeat(300));
  const cseq = fc.integer({ min: 1, max: 6 });
  fc.assert(
    fc.property(
      fc.array(contact, { maxLength: 2 }),
      to,
      fc.array(header, { maxLength: 3 }),
      expires,
      callid,
      cseq,
      (c, to, h, expires, callid, cseq) => {
        const message = build({ contact: c, to, h, callid, cseq, ...(expires !== undefined && { expires }) });
        expect(quick.send(message), message).toEqual(slow.send(message));
        expect(dump(quick), message).toEqual(dump(slow));
      },
    ),
    { numRuns: 500 },
  );
  expect(quick.runtime.counters.traps).toBe(0);
});

test('the set of Allow is kept for the next phone of the same kind, and for no other', () => {
  const [quick, slow] = both([['registrar', 'method_filtering', 1]]);
  const allows = ['INVITE, ACK', 'INVITE, ACK', 'INVITE, BYE', 'INVITE, ACK', undefined, 'INVITE, BYE', 'INVITE, BYE'];
  for (const [i, allow] of allows.entries()) {
    const message = build({ contact: `<sip:a${i}@1>`, ...(allow !== undefined && { h: [`Allow: ${allow}`] }) });
    expect(quick.send(message)).toEqual(slow.send(message));
  }
  expect(dump(quick)).toEqual(dump(slow));
});

test('what the script sets for a message counts in the quick way too', () => {
  const [quick, slow] = both([['registrar', 'received_avp', '$avp(r)']]);
  const code = [
    'return save(0)',
    'return KSR.registrar.set_q_override("0.4"), save(0)',
    'KSR.pv.sets("$avp(r)", "sip:1.2.3.4:5") return save(0)',
    'KSR.setbflag(3) return save(8)',
    'return save(0)',
  ];
  for (const [i, text] of code.entries())
    for (const contact of ['<sip:a@1>', `<sip:b${i}@1>;+sip.instance="<i>";q=0.7`]) {
      const message = build({ contact, do: text, callid: contact.slice(0, 6) });
      expect(quick.send(message), message).toEqual(slow.send(message));
      expect(dump(quick), message).toEqual(dump(slow));
    }
  expect(dump(quick)).toContain('sip:b4@1');
});

test('a phone with an instance keeps its contact when its address changes', () => {
  const [quick, slow] = both();
  for (const [i, contact] of [
    '<sip:a@1>;+sip.instance="<i>"',
    '<sip:a@2>;+sip.instance="<i>";reg-id=1',
    '<sip:a@3>;+sip.instance="<i>";reg-id=1',
    '<sip:a@4>;+sip.instance="<i>"',
    '<sip:a@4>',
    '<sip:a@5>;reg-id=7',
  ].entries()) {
    const message = build({ contact, callid: `c${i}` });
    expect(quick.send(message), message).toEqual(slow.send(message));
    expect(dump(quick), message).toEqual(dump(slow));
  }
  const contacts = [...dump(quick).matchAll(/"Address":"([^"]*)"/g)].map(m => m[1]);
  expect(contacts.sort()).toEqual(['sip:a@3', 'sip:a@4', 'sip:a@5']);
});
