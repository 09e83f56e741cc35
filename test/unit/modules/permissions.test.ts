import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../src/core/memory.ts';
import { openMemoryDatabase } from '../../../src/kemi/db-memory.ts';
import { type AddressRecord, AddressTable } from '../../../src/modules/permissions/addresses.ts';
import type { RuntimeOptions } from '../../../src/runtime/options.ts';
import { ROWS } from '../../support/auth-scenarios.ts';
import { request, testRuntime } from '../../support/runtime.ts';

type Rows = readonly Record<string, string | number | null>[];

/** A server whose route puts what `code` gives into the reason phrase. */
function start(
  code: string,
  { address = ROWS.address!, trusted = ROWS.trusted!, ...params }: Record<string, string | number | Rows> = {},
  more: Partial<RuntimeOptions> = {},
) {
  const db = openMemoryDatabase('memory://test');
  for (const row of address as Rows) db.insert('address', row);
  for (const row of trusted as Rows) db.insert('trusted', row);
  const test = testRuntime(
    `function ksr_request_route() KSR.sl.sl_send_reply(200, "r " .. tostring((function() ${code} end)())) end`,
    {
      openDatabase: () => db,
      db: 'memory://test',
      modparams: Object.entries({ peer_tag_avp: '$avp(tag)', ...(params as Record<string, string | number>) }).map(
        ([name, value]) => ({ module: 'permissions', name, value }),
      ),
      ...more,
    },
  );
  const ask = (from = { ip: '127.0.0.1', port: 5062 }, message = request()) =>
    /^SIP\/2\.0 200 r (.*)\r/.exec(test.receive(message, from)[0]?.text ?? '')?.[1];
  const rpc = (name: string) => test.runtime.rpc.call(`permissions.${name}`, []);
  return { ...test, db, ask, rpc };
}

const record = (group: number, address: string, mask = 0, port = 0): AddressRecord => ({
  group,
  address,
  mask,
  port,
  tag: undefined,
});

describe('the source address', () => {
  it('is looked for in a group, or its group is said', () => {
    const { ask } = start(
      'return KSR.permissions.allow_source_address(1) .. " " .. KSR.permissions.allow_source_address_group()',
    );
    expect(ask()).toBe('1 1');
    expect(ask({ ip: '10.9.9.9', port: 5060 })).toBe('1 1');
    expect(ask({ ip: '2001:db8:0:0:0:0:0:1', port: 5060 })).toBe('-1 3');
    expect(ask({ ip: '2001:db8:ffff::1', port: 5060 })).toBe('-1 3');
    expect(ask({ ip: '192.0.2.7', port: 5070 })).toBe('-1 4');
    expect(ask({ ip: '192.0.2.7', port: 5071 })).toBe('-1 -1');
    expect(ask({ ip: '203.0.113.5', port: 5060 })).toBe('-1 -1');
  });
});

describe('a table of addresses', () => {
  it('takes the lowest group of networks, the last loaded of exact addresses', () => {
    const rows = [
      record(9, '10.0.0.0', 8),
      record(1, '10.0.0.0', 16),
      record(5, '10.0.0.5', 32, 5060),
      record(3, '10.0.0.5', 32),
      record(3, '10.0.0.5', 0, 5060),
    ];
    const found = (records: AddressRecord[], ip: string, port: number) =>
      new AddressTable(records, 10).find(undefined, ip, port)?.group;
    expect(found(rows, '10.0.0.9', 0)).toBe(1);
    expect(found(rows, '10.1.0.9', 0)).toBe(9);
    expect(found(rows, '10.0.0.5', 5060)).toBe(3);
    expect(found(rows, '10.0.0.5', 0)).toBe(3);
    expect(found(rows.toReversed(), '10.0.0.5', 5060)).toBe(5);
  });

  it('knows every prefix length of both families', () => {
    for (const [ip, bits] of [
      ['203.0.113.171', 32],
      ['2001:db8:aaaa:5555:aaaa:5555:aaaa:5555', 128],
    ] as const) {
      for (let mask = 1; mask <= bits; mask++) {
        const table = new AddressTable([record(1, ip, mask)], 1);
        expect(table.find(1, ip, 0)).toBeDefined();
        const flipped = flip(ip, mask - 1);
        expect([mask, table.find(1, flipped, 0)]).toEqual([mask, undefined]);
        if (mask < bits) expect([mask, table.find(1, flip(ip, mask), 0)?.mask]).toEqual([mask, mask]);
      }
    }
  });

  it('what is no address is looked for among the names only', () => {
    const table = new AddressTable([record(1, '10.0.0.0', 8), record(1, 'example.com')], 9);
    expect(table.find(1, '10.999.1.1', 0)).toBeUndefined();
    expect(table.find(1, '010.1.1.1', 0)).toBeUndefined();
    expect(table.find(1, 'example.com', 0)).toBeDefined();
    expect(table.find(1, '', 0)).toBeUndefined();
  });

  it('IPv4 and IPv6 do not meet', () => {
    const table = new AddressTable([record(1, '127.0.0.1'), record(1, '0.0.0.0', 1), record(2, '::', 1)], 9);
    expect(table.find(1, '::ffff:127.0.0.1', 0)).toBeUndefined();
    expect(table.find(2, '10.0.0.1', 0)).toBeUndefined();
    expect(table.find(2, '::1', 0)).toBeDefined();
  });

  it.each([
    [record(0, '1.2.3.4'), 'group'],
    [record(-1, '1.2.3.4'), 'group'],
    [record(Number.NaN, '1.2.3.4'), 'group'],
    [record(1, ''), 'empty'],
    [record(1, '1.2.3.4', 33), 'prefix length'],
    [record(1, '1.2.3.4', -1), 'prefix length'],
    [record(1, '::1', 129), 'prefix length'],
    [record(1, '1.2.3.4', 32, 65536), 'port'],
    [record(1, '1.2.3.999'), 'neither an address nor a name'],
    [record(1, '10.0.0.0/8'), 'neither an address nor a name'],
    [record(1, 'a b'), 'neither an address nor a name'],
  ])('refuses %j: %s', (bad, why) => {
    expect(() => new AddressTable([bad], 9)).toThrow(why);
  });

  it('takes no more networks than max_subnets', () => {
    const rows = [record(1, '10.0.0.0', 8), record(1, '11.0.0.0', 8), record(1, '1.1.1.1')];
    expect(() => new AddressTable(rows, 1)).toThrow('there are 2 networks, modparam max_subnets allows 1');
    expect(new AddressTable(rows, 2).networks).toHaveLength(2);
  });

  it('stays fast with many addresses', () => {
    const rows = Array.from({ length: 100_000 }, (_, i) =>
      record(1, `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`),
    );
    const big = new AddressTable(rows, 0);
    const small = new AddressTable(rows.slice(0, 100), 0);
    const time = (table: AddressTable) => {
      const from = performance.now();
      for (let i = 0; i < 20_000; i++) table.find(1, `10.0.0.${i & 63}`, 5060);
      return performance.now() - from;
    };
    time(big);
    time(small);
    const rounds = (table: AddressTable) => Math.min(...[1, 2, 3, 4, 5].map(() => time(table)));
    expect(rounds(big)).toBeLessThan(rounds(small) * 5);
  });
});

describe('trusted peers', () => {
  const code = 'local r = KSR.permissions.allow_trusted() return r .. " " .. KSR.pv.getw("$(avp(tag)[*])")';
  const from = (uri: string, ruri = 'sip:svc@x') => request('OPTIONS', ruri).replace('sip:alice@example.com', uri);
  const here = { ip: '127.0.0.1', port: 5062 };

  it.each([0, 1])('are those whose rule matches, db_mode %i', db_mode => {
    const { ask } = start(code, { db_mode });
    expect(ask(here, from('sip:trusted@x'))).toBe('1 tr');
    expect(ask(here, from('sip:t2@x'))).toBe('1 t2');
    expect(ask(here, from('sip:t2@x', 'sip:other@x'))).toBe('-1 <null>');
    expect(ask(here, from('sip:nobody@x'))).toBe('-1 <null>');
    expect(ask({ ip: '192.0.2.3', port: 1 }, from('sip:nobody@x'))).toBe('1 all');
    expect(ask({ ip: '192.0.2.4', port: 1 }, from('sip:nobody@x'))).toBe('-1 <null>');
  });

  it('give all their tags with peer_tag_mode 1, the highest priority first', () => {
    const trusted = ['low', 'high', 'middle'].map((tag, i) => ({
      src_ip: '127.0.0.1',
      proto: 'any',
      tag,
      priority: [1, 9, 5][i]!,
    }));
    expect(start(code, { trusted, peer_tag_mode: 1 }).ask()).toBe('3 low, middle, high');
    expect(start(code, { trusted }).ask()).toBe('1 high');
  });

  it('proto none never matches, a rule that makes no sense stops the start, or the check', () => {
    const rule = (proto: string, from_pattern: string | null = null) => [{ src_ip: '127.0.0.1', proto, from_pattern }];
    expect(start(code, { trusted: rule('none') }).ask()).toBe('-1 <null>');
    expect(start(code, { trusted: rule('UDP') }).ask()).toBe('1 <null>');
    expect(start(code, { trusted: rule('foo') }).ask()).toBe('-1 <null>');
    expect(() => start(code, { trusted: rule('foo'), db_mode: 1 })).toThrow('"foo" is not one of any, udp');
    expect(() => start(code, { trusted: rule('any', '('), db_mode: 1 })).toThrow(/Cannot load permissions/);
  });

  it('are nobody without a database', () => {
    const { ask, log } = start(code, {}, { db: undefined } as Partial<RuntimeOptions>);
    expect(ask()).toBe('-1 <null>');
    expect(JSON.stringify(log.lines)).toContain('there is no db_url');
  });
});

describe('loading', () => {
  const code = 'return KSR.permissions.allow_source_address_group()';

  it('takes what the database has at start, and anew by RPC, at most every reload_delta seconds', async () => {
    const { ask, db, rpc, advance } = start(code);
    db.delete('address', []);
    db.insert('address', { grp: 7, ip_addr: '127.0.0.0', mask: 8 });
    expect(ask()).toBe('1');
    await expect(rpc('addressReload')).rejects.toMatchObject({ rpcCode: 500, message: 'ongoing reload' });
    advance(5000);
    expect(await rpc('addressReload')).toBe('Reload OK');
    expect(ask()).toBe('7');
    await expect(rpc('addressReload')).rejects.toMatchObject({ message: 'ongoing reload' });
  });

  it('keeps what it has when a record makes no sense', async () => {
    const { ask, db, rpc, log } = start(code, { reload_delta: 0 });
    db.insert('address', { grp: 7, ip_addr: '127.0.0.1', mask: 99 });
    await expect(rpc('addressReload')).rejects.toMatchObject({ rpcCode: 500, message: 'Reload failed.' });
    expect(ask()).toBe('1');
    expect(JSON.stringify(log.lines)).toContain('99 is no prefix length');
  });

  it('stops the start for a record that makes no sense, not for a table that is not there', () => {
    const address = [{ grp: 1, ip_addr: '1.2.3.4', mask: 40 }];
    expect(() => start(code, { address })).toThrow(expect.objectContaining({ code: 'KEMI_ERR_CONFIG' }));
    const { ask, log } = start(code, { address_table: 'nosuch' });
    expect(ask()).toBe('-1');
    expect(JSON.stringify(log.lines)).toContain('no such table: nosuch');
  });

  it('dumps what is in use', async () => {
    const { rpc } = start(code, { db_mode: 1 });
    expect(await rpc('addressDump')).toEqual([
      { group: 1, item: { ip: '127.0.0.1', port: 0, tag: 'loc' } },
      { group: 3, item: { ip: '2001:db8::1', port: 0, tag: 'sixone' } },
      { group: 4, item: { ip: '192.0.2.7', port: 5070, tag: 'NULL' } },
    ]);
    expect((await rpc('subnetDump')) as unknown[]).toHaveLength(5);
    expect(((await rpc('subnetDump')) as unknown[])[1]).toEqual({
      id: 1,
      group: 2,
      item: { ip: '10.1.0.0', mask: 16, port: 5060, tag: 'ten1' },
    });
    expect(await rpc('domainDump')).toEqual([{ group: 4, item: { domain_name: 'example.com', port: 0, tag: 'dom' } }]);
    expect(((await rpc('trustedDump')) as unknown[])[0]).toEqual({
      item: { ip: '127.0.0.1', proto: 2, pattern: 'NULL', ruri_pattern: 'NULL', tag: 'tcp', priority: 9 },
    });
    await expect(start(code).rpc('trustedDump')).rejects.toMatchObject({ message: 'No trusted table' });
    await expect(start(code, { reload_delta: 0 }).rpc('trustedReload')).rejects.toMatchObject({
      message: 'Reload failed.',
    });
  });

  it('reads address_file in place of the table', () => {
    const file = (text: string) => ({ readFile: (name: string) => (name === 'a.list' ? bytesOf(text) : undefined) });
    const good =
      '# addresses\r\n\n8 127.0.0.1 32 0 tag # mine\n 9\t10.0.0.0 8\n9 [2001:db8::]  32 5060\n9 sip.example.org';
    const { ask } = start(code, { address_file: 'a.list' }, file(good));
    expect(ask()).toBe('8');
    expect(ask({ ip: '10.1.1.1', port: 9 })).toBe('9');
    expect(ask({ ip: '2001:db8::77', port: 5060 })).toBe('9');
    expect(ask({ ip: '2001:db8::77', port: 5061 })).toBe('-1');
    for (const bad of ['1', 'x 1.2.3.4', '1 1.2.3.4 x', '1 1.2.3.4 32 0 tag more', '1 1.2.3.4 33'])
      expect(() => start(code, { address_file: 'a.list' }, file(bad))).toThrow(/Cannot load permissions/);
    expect(() => start(code, { address_file: 'nosuch' }, file(''))).toThrow(/cannot be read/);
  });

  it('leaves out what load_backends does', () => {
    expect(start(code, { load_backends: 2 }).ask()).toBe('-1');
    expect(
      start('return KSR.permissions.allow_trusted()', { load_backends: 1 }).ask({ ip: '192.0.2.3', port: 1 }),
    ).toBe('-1');
  });

  it.each(['$var(x)', 'tag', '$avp()'])('peer_tag_avp %s is refused', peer_tag_avp => {
    expect(() => start(code, { peer_tag_avp })).toThrow(expect.objectContaining({ code: 'KEMI_ERR_CONFIG' }));
  });

  it('what reads allow and deny files is missed by name', () => {
    const { ask, log } = start('return KSR.permissions.allow_routing()');
    expect(ask()).toBeUndefined();
    expect(JSON.stringify(log.lines)).toContain('permissions.allow_routing');
  });
});

/** The address with one bit, counted from the left, turned over. */
function flip(ip: string, bit: number): string {
  const parts = ip.includes(':') ? ip.split(':') : ip.split('.');
  const width = ip.includes(':') ? 16 : 8;
  const radix = ip.includes(':') ? 16 : 10;
  const at = Math.floor(bit / width);
  parts[at] = (Number.parseInt(parts[at]!, radix) ^ (1 << (width - 1 - (bit % width)))).toString(radix);
  return parts.join(radix === 16 ? ':' : '.');
}
