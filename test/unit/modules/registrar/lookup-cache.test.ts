/** Answers of lookup() that are kept: the same as those that are looked for each time, whatever happened in between. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Usrloc } from '../../../../src/modules/usrloc/api.ts';
import { Contact, UserRecord } from '../../../../src/modules/usrloc/contact.ts';
import { LookupCache } from '../../../../src/modules/usrloc/lookup-cache.ts';
import { other, type Param, register } from '../../../fixtures/location/cases.ts';
import { binding } from '../../../support/binding.ts';
import { openCore } from '../../../support/core.ts';
import { locationRuntime } from '../../../support/location.ts';

/** what the request became, and what is known of the contact beside it */
const LOOK = 'return KSR.registrar.lookup("location"), T(), P("$branch(count)")';
/** with it no answer is kept */
const NEVER: Param = ['registrar', 'xavp_rcd', 'rcd'];
const SETTINGS: readonly Param[] = [
  ['registrar', 'method_filtering', 1],
  ['registrar', 'received_avp', '$avp(RCV)'],
  ['registrar', 'use_path', 1],
  ['registrar', 'path_mode', 0],
  ['registrar', 'min_expires', 1],
  ['registrar', 'max_expires', 4000],
];

const user = fc.constantFrom('alice', 'Alice', 'bob', 'carol');
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('look' as const),
      user,
      method: fc.constantFrom('INVITE', 'MESSAGE'),
      gr: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('save' as const),
      user,
      contact: fc.constantFrom(
        '<sip:a@10.0.0.1:5060>',
        '<sip:b@10.0.0.2;transport=tcp>;q=0.5',
        '<sip:a@10.0.0.1:5060>;+sip.instance="<urn:x>"',
      ),
      expires: fc.constantFrom('0', '10', '60', '3600'),
      allow: fc.constantFrom('', 'Allow: INVITE, ACK', 'Allow: MESSAGE'),
      path: fc.constantFrom('', '', 'Path: <sip:10.0.0.9;lr>'),
      received: fc.constantFrom('', 'sip:192.0.2.7:6000'),
      flags: fc.constantFrom(0, 3),
    }),
  },
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1000, 9000, 60_000, 3_700_000) }),
  fc.record({ do: fc.constant('remove' as const), user }),
);

test('a history of registrations, changes, expiry and calls gives the same answers', async () => {
  let kept = 0;
  const answerOf = (one: ReturnType<typeof locationRuntime>, aor: string) =>
    (one.runtime.host.module<Usrloc>('usrloc')!.record('location', aor) as UserRecord | undefined)?.answer ?? 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), fc.boolean(), async (steps, caseSensitive) => {
      const settings: Param[] = [...SETTINGS, ['registrar', 'case_sensitive', caseSensitive ? 1 : 0]];
      const two = [locationRuntime(settings), locationRuntime([...settings, NEVER])] as const;
      let cseq = 0;
      for (const s of steps) {
        cseq++;
        const answers: unknown[] = [];
        for (const one of two) {
          if (s.do === 'wait') one.advance(s.ms);
          else if (s.do === 'remove') await one.rpc('ul.rm', 'location', s.user).catch?.(() => {});
          else if (s.do === 'look') {
            const uri = `sip:${s.user}@example.com${s.gr ? ';gr=urn:x' : ''}`;
            answers.push(one.send(other(LOOK, { uri, method: s.method })).results);
          } else {
            const { user, contact, expires } = s;
            const code = `${s.received && `KSR.pv.sets("$avp(RCV)","${s.received}"); `}KSR.setbflag(${s.flags}); return save(0)`;
            const h = [s.allow, s.path].filter(line => line !== '');
            answers.push(one.send(register({ user, contact, expires, cseq, h, do: code })).reply);
          }
        }
        // the ruid has the runtime in it
        const [a, b] = answers.map(x => JSON.stringify(x)?.replace(/uloc-[0-9a-f-]+/g, 'ruid'));
        expect(a).toBe(b);
        for (const aor of ['alice', 'Alice', 'bob', 'carol']) {
          if (answerOf(two[0], aor)) kept++;
          expect(answerOf(two[1], aor)).toBe(0);
        }
      }
      for (const one of two) await one.runtime.close(0);
    }),
    { numRuns: 40 },
  );
  expect(kept).toBeGreaterThan(10);
});

describe('what a REGISTER changes is in the next answer', () => {
  const first = {
    contact: '<sip:a@10.0.0.1:5060>',
    expires: '3600',
    h: ['Allow: INVITE'],
    do: 'KSR.setbflag(3); return save(0)',
  };
  const set = (received: string) => `KSR.pv.sets("$avp(RCV)","${received}"); KSR.setbflag(3); return save(0)`;
  /** T() behind the result of lookup(): request URI, destination, branch flags, socket */
  const FOUND = '1 "sip:a@10.0.0.1:5060 <null> 8 udp:127.0.0.1:21400" "0"';
  test.for<[string, object, string]>([
    ['nothing', {}, FOUND],
    ['the methods', { h: ['Allow: MESSAGE'] }, '-2 '],
    ['the branch flags', { do: 'KSR.setbflag(4); return save(0)' }, '1 "sip:a@10.0.0.1:5060 <null> 16 '],
    ['where it came from', { do: set('sip:192.0.2.7:6000') }, '1 "sip:a@10.0.0.1:5060 sip:192.0.2.7:6000 8 '],
    ['the path', { h: ['Allow: INVITE', 'Path: <sip:10.0.0.9;lr>'] }, '1 "sip:a@10.0.0.1:5060 sip:10.0.0.9;lr 8 '],
    ['the time: it ended', { expires: '5' }, '-1 '],
    ['there is no contact any more', { expires: '0' }, '-1 '],
    ['another one is newer and better', { contact: '<sip:z@10.0.0.3>;q=0.9' }, '1 "sip:z@10.0.0.3 '],
  ])('%s', ([, change, expected]) => {
    const one = locationRuntime(SETTINGS);
    const look = () => one.send(other(LOOK)).results[0];
    one.send(register({ ...first, cseq: 1 }));
    expect(look()).toBe(FOUND);
    expect(look()).toBe(FOUND);
    one.send(register({ ...first, cseq: 2, ...change }));
    one.advance(9000);
    expect(look()).toContain(expected);
    expect(look()).toContain(expected);
  });
});

describe('the cache itself', () => {
  const made = (aor: string, uri = 'sip:a@10.0.0.1') => {
    const record = new UserRecord('location', aor);
    const contact = new Contact(record, 'r', binding({ uri }));
    record.insert(0, contact);
    return { record, contact };
  };

  test('the oldest answer goes when there are 131072, and memory does not grow by more', () => {
    const core = openCore();
    const cache = new LookupCache(core);
    const all = Array.from({ length: 140_000 }, (_, i) => made(`u${i}`));
    for (const { record, contact } of all) cache.keep(1, record, contact, undefined);
    const live = all.filter(({ record }) => record.answer !== 0);
    expect(live).toHaveLength(131_072);
    expect(all[0]!.record.answer).toBe(0);
    expect(all.at(-1)!.record.answer).not.toBe(0);
    const bytes = core.mem.u8.length;
    for (let round = 0; round < 3; round++)
      for (const { record, contact } of all) {
        cache.forget(record);
        cache.keep(1, record, contact, 'sip:192.0.2.7:6000');
      }
    expect(core.mem.u8.length).toBeLessThan(bytes * 1.3);
    for (const { record } of all) cache.forget(record);
    expect(all.every(({ record }) => record.answer === 0)).toBe(true);
  });

  test('a bucket takes eight: nobody can make a chain that others walk', () => {
    const core = openCore();
    const at = core.x.scratchArea();
    core.mem.putStr(at, 'bobsip:b@h');
    const keep = () => core.x.lookupKeep(1, 1, at, 3, 7, -1, 0, 0, -1);
    const kept = Array.from({ length: 9 }, keep);
    expect(kept.slice(0, 8).every(block => block > 0)).toBe(true);
    expect(kept[8]).toBe(0);
    core.x.lookupForget(kept[3]);
    expect(keep()).toBeGreaterThan(0);
  });

  test('what is too long is not kept', () => {
    const cache = new LookupCache(openCore());
    const { record, contact } = made('u', `sip:${'a'.repeat(3000)}@h`);
    cache.keep(1, record, contact, undefined);
    expect(record.answer).toBe(0);
  });

  test('a full memory keeps nothing more, and nothing breaks', () => {
    const cache = new LookupCache(openCore('core', 512));
    const all = Array.from({ length: 30_000 }, (_, i) => made(`u${i}`, `sip:${'a'.repeat(2000)}@h`));
    for (const { record, contact } of all) cache.keep(1, record, contact, undefined);
    const some = all.filter(({ record }) => record.answer !== 0).length;
    expect(some).toBeGreaterThan(1000);
    expect(some).toBeLessThan(30_000);
    for (const { record } of all) cache.forget(record);
  });
});
