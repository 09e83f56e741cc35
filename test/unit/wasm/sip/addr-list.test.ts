import { expect, test } from 'vitest';
import * as L from '../../../../src/core/gen/layout.gen.ts';
import { bytesAt, openCore, sip, statusName, withMsg } from '../../../support/core.ts';

const core = openCore();
const START = 'REGISTER sip:example.com SIP/2.0';
const uris = (lines: string[], id = L.HDR_CONTACT) =>
  withMsg(core, sip([START, ...lines]), m => [...m.addresses(id)].map(a => [a.display, a.uri, a.params]));
const parses = (lines: string[], id = L.HDR_CONTACT) =>
  withMsg(core, sip([START, ...lines]), m => m.addressesParse(id));

test('nextAddr() walks several headers, commas and compact forms in order', () => {
  expect(
    uris([
      'Contact: "A, \\"B\\"" <sip:a@x;lr>;q=0.5, sip:b@y;expires=60 ,<sip:c@z?X=y>',
      'Via: SIP/2.0/UDP h',
      'm: <sip:d@w>',
      'Contact:',
      'CONTACT : Display Name <sip:e@v>',
    ]),
  ).toEqual([
    ['"A, \\"B\\""', 'sip:a@x;lr', 'q=0.5'],
    ['', 'sip:b@y', 'expires=60 '],
    ['', 'sip:c@z?X=y', ''],
    ['', 'sip:d@w', ''],
    ['Display Name', 'sip:e@v', ''],
  ]);
});

test('nextAddr() gives * as a URI', () => {
  expect(uris(['Contact: *'])).toEqual([['', '*', '']]);
});

test('nextAddr() takes brackets in a later element or a parameter for what they are', () => {
  expect(uris(['Contact: sip:a@b, <sip:c@d>'])).toEqual([
    ['', 'sip:a@b', ''],
    ['', 'sip:c@d', ''],
  ]);
  expect(uris(['Contact: sip:a@b;+sip.instance="<urn:x>"'])).toEqual([['', 'sip:a@b', '+sip.instance="<urn:x>"']]);
});

test.each(['<sip:a@b', '"x <sip:a@b>', ',', '<sip:a@b>,', '<sip:a@b>,,<sip:c@d>', '<sip:a@b> x', '<sip:a@b>;x="'])(
  'nextAddr() stops at %j',
  value => {
    expect(parses([`Contact: ${value}`])).toBe(false);
    expect(parses([`Route: ${value}`], L.HDR_ROUTE)).toBe(false);
  },
);

test('nextAddr() names the list in its status', () => {
  withMsg(core, sip([START, 'Contact: <', 'Route: <', 'Path: <']), m => {
    const area = core.x.scratchArea();
    expect([L.HDR_CONTACT, L.HDR_ROUTE, L.HDR_PATH].map(id => statusName(core.x.nextAddr(m.at, id, 0, area)))).toEqual([
      'ST_CONTACT',
      'ST_ROUTE',
      'ST_ADDR',
    ]);
    expect(core.x.nextAddr(m.at, L.HDR_RECORD_ROUTE, 0, area)).toBe(0);
  });
});

test.each([
  ['a=b;C=d', 'c', 'd'],
  [';expires=60', 'Expires', '60'],
  ['a;b', 'a', ''],
  ['a = "x;c=y" ; c = z', 'c', 'z'],
  ['a="x\\";c=1"', 'c', undefined],
  ['a=b==;c=1', 'c', '1'],
  ['ab=1', 'a', undefined],
  ['', 'a', undefined],
  ['x="', 'a', undefined],
])('findParam(%j, %j) is %j', (text, name, value) => {
  const at = bytesAt(core, text);
  const nameAt = bytesAt(core, name);
  const area = core.x.scratchArea();
  const found = core.x.findParam(at, text.length, nameAt, name.length, area);
  expect(found ? core.mem.str(at + core.mem.u16(area), core.mem.u16(area + 2)) : undefined).toBe(value);
});
