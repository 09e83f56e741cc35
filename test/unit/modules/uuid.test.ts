import { expect, it } from 'vitest';
import { bytesOf } from '../../../src/core/memory.ts';
import { randomUuid, timeUuid, type UuidState } from '../../../src/modules/uuid/uuid.ts';
import { testRuntime } from '../../support/runtime.ts';

const fresh = (): UuidState => ({ lastTicks: 0n, node: undefined, sequence: 0 });

it('random ones: version 4, all different', () => {
  const source = { random: Math.random, now: () => 0 };
  const made = new Set(Array.from({ length: 5000 }, () => randomUuid(source)));
  expect(made.size).toBe(5000);
  for (const uuid of made)
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(randomUuid({ random: () => 0, now: () => 0 })).toBe('00000000-0000-4000-8000-000000000000');
  expect(randomUuid({ random: () => 1 - 2 ** -53, now: () => 0 })).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff');
});

it('those of the time: version 1, later each time, a random node', () => {
  let ms = Date.UTC(2022, 1, 22, 19, 22, 22);
  const source = { random: () => 0, now: () => ms };
  const state = fresh();
  // RFC 9562 A.1 has the same time
  expect(timeUuid(state, source)).toBe('c232ab00-9414-11ec-8000-010000000000');
  expect(timeUuid(state, source)).toBe('c232ab01-9414-11ec-8000-010000000000');
  ms -= 5000;
  expect(timeUuid(state, source)).toBe('c232ab02-9414-11ec-8000-010000000000');
  expect(timeUuid(fresh(), { random: () => 0.999999999, now: () => ms })).toMatch(/-bfff-ffff[0-9a-f]{8}$/);
});

it('KSR.uuid and $uuid()', async () => {
  const t = testRuntime(`function ksr_request_route()
    for _, f in ipairs{"get", "rget", "tget"} do print(KSR.uuid[f]()) end
    for _, k in ipairs{"g", "r", "t", "s", "x"} do print(KSR.pv.get("$uuid(" .. k .. ")")) end
    print(KSR.pv.get("$uuid"), KSR.pv.sets("$uuid(g)", "a"))
  end`);
  t.runtime.receive(
    bytesOf(
      'OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n',
    ),
    { ip: '127.0.0.1', port: 5070 },
  );
  const lines = t.log.lines.filter(l => l.level === 'info').map(l => l.message);
  expect(
    lines.map(l => /^[0-9a-f]{8}-[0-9a-f]{4}-([14])[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.exec(l)?.[1] ?? l),
  ).toEqual(['4', '4', '1', '4', '4', '1', '1', '4', 'nil\ttrue']);
  await t.runtime.close();
});
