/** acc with real transactions: the lines are those that Kamailio 5.6.3 wrote for the same calls. */
import { expect, test } from 'vitest';
import { DbError } from '../../../src/kemi/db.ts';
import { MemoryDatabase } from '../../../src/kemi/db-memory.ts';
import type { ModParamSetting } from '../../../src/runtime/options.ts';
import { answerTo, ask, NOTHING, proxy, tagOf } from '../../support/proxy.ts';

const RELAY = `
function ksr_request_route()
  if KSR.is_ACK() then KSR.tm.t_relay() return end
  if KSR.tm.t_check_trans() == 0 then return end
  KSR.setflag(1) KSR.setflag(2)
  local user = KSR.kx.gete_ruser()
  if user == "failed" then KSR.setflag(3) end
  if user == "local" then KSR.setflag(3) KSR.tm.t_newtran() KSR.sl.send_reply(404, "Nope") return end
  if user == "retry" then KSR.tm.t_on_failure("again") end
  KSR.tm.t_relay()
end
function again()
  KSR.seturi("sip:voicemail@192.0.2.11")
  KSR.tm.t_relay()
end
`;
const param = (name: string, value: number | string): ModParamSetting => ({ module: 'acc', name, value });
const LOG = [param('log_flag', 1), param('log_missed_flag', 2), param('failed_transaction_flag', 3)];
const EXTRA = param('log_extra', 'src_user=$fU;none=$avp(none);dst_user=$rU');

function accounted(modparams: ModParamSetting[], script = RELAY) {
  const p = proxy(script, { modparams });
  const lines = () => p.log.lines.map(l => l.message).filter(m => m.startsWith('ACC: '));
  return { ...p, lines };
}
const uri = (user: string) => `sip:${user}@192.0.2.10`;

test('a call that is answered, and its BYE, are accounted; nothing is left', () => {
  const p = accounted([...LOG, EXTRA]);
  p.from('uac', ask('INVITE'));
  const invite = p.last('a', 'INVITE');
  p.from('a', answerTo(invite, 180, 'Ringing'));
  expect(p.lines()).toEqual([]);
  p.from('a', answerTo(invite, 200, 'OK'));
  p.from('a', answerTo(invite, 200, 'OK'));
  p.from('uac', ask('BYE', { cseq: 2, toTag: 'uas' }));
  p.from('a', answerTo(p.last('a', 'BYE'), 200, 'OK'));
  const rest = 'from_tag=from;to_tag=uas;call_id=1@example.com;code=200;reason=OK;src_user=alice;none=;dst_user=bob';
  expect(p.lines()).toEqual([
    `ACC: transaction answered: timestamp=1700000000;method=INVITE;${rest}`,
    `ACC: transaction answered: timestamp=1700000000;method=BYE;${rest}`,
  ]);
  expect(p.runtime.stats.get('acc', 'log_records')).toBe(2);
  p.after(40_000);
  expect(p.left()).toEqual(NOTHING);
});

test('a busy call is missed; it counts as a transaction only with failed_transaction_flag', () => {
  const p = accounted(LOG);
  for (const user of ['bob', 'failed']) {
    p.from('uac', ask('INVITE', { id: user, uri: uri(user) }));
    p.from('a', answerTo(p.last('a', 'INVITE'), 486, 'Busy Here'));
  }
  const line = (what: string, id: string) =>
    `ACC: ${what}: timestamp=1700000000;method=INVITE;from_tag=from;to_tag=uas;call_id=${id}@example.com;code=486;reason=Busy Here`;
  expect(p.lines()).toEqual([
    line('call missed', 'bob'),
    line('call missed', 'failed'),
    line('transaction answered', 'failed'),
  ]);
});

test('failed_filter leaves codes out', () => {
  const p = accounted([...LOG, param('failed_filter', '404, 486')]);
  p.from('uac', ask('INVITE', { uri: uri('failed') }));
  p.from('a', answerTo(p.last('a', 'INVITE'), 486, 'Busy Here'));
  expect(p.lines().map(l => l.slice(0, 24))).toEqual(['ACC: call missed: timest']);
});

test('an answer of our own has our To tag', () => {
  const p = accounted(LOG);
  p.from('uac', ask('INVITE', { uri: uri('local') }));
  const tag = tagOf(p.last('uac', '404'));
  expect(tag).toHaveLength(41);
  expect(p.lines()).toEqual(
    ['call missed', 'transaction answered'].map(
      what =>
        `ACC: ${what}: timestamp=1700000000;method=INVITE;from_tag=from;to_tag=${tag};call_id=1@example.com;code=404;reason=Nope`,
    ),
  );
});

test('a call that nobody answers is missed with 408', () => {
  const p = accounted(LOG);
  p.from('uac', ask('INVITE'));
  p.after(31_000);
  expect(p.lines()).toHaveLength(1);
  expect(p.lines()[0]).toMatch(/^ACC: call missed: .*;code=408;/);
});

test('the missed flag is gone behind the failure: the next attempt needs it again', () => {
  const p = accounted(LOG);
  p.from('uac', ask('INVITE', { uri: uri('retry') }));
  p.from('a', answerTo(p.last('a', 'INVITE'), 486, 'Busy Here'));
  p.from('b', answerTo(p.last('b', 'INVITE'), 480, 'Away'));
  expect(p.lines().map(l => /code=\d+/.exec(l)![0])).toEqual(['code=486']);
});

test('early_media and report_ack account what they name', () => {
  const p = accounted([...LOG, param('early_media', 1), param('report_ack', 1)]);
  p.from('uac', ask('INVITE'));
  const invite = p.last('a', 'INVITE');
  p.from('a', answerTo(invite, 180));
  p.from('a', answerTo(invite, 183, 'Progress').replace('Content-Length: 0\r\n\r\n', 'Content-Length: 3\r\n\r\nv=0'));
  p.from('a', answerTo(invite, 200, 'OK'));
  p.from('uac', ask('ACK', { branch: 'z9hG4bK-ack', toTag: 'uas' }));
  expect(p.lines().map(l => `${/^ACC: [a-z ]+/.exec(l)![0]} ${/code=\d+/.exec(l)![0]}`)).toEqual([
    'ACC: transaction answered code=183',
    'ACC: transaction answered code=200',
    'ACC: request acknowledged code=200',
  ]);
});

const DB = [param('db_url', 'memory://acc'), param('db_flag', 1), param('db_missed_flag', 2)];

function withDatabase(modparams: ModParamSetting[], script = RELAY, database = new MemoryDatabase('memory://acc')) {
  const p = proxy(script, { modparams: [...DB, ...modparams], openDatabase: () => database });
  return { ...p, database };
}

test('rows have Kamailio columns, extras and the time', () => {
  const p = withDatabase([param('time_mode', 1)]);
  p.from('uac', ask('INVITE'));
  p.from('a', answerTo(p.last('a', 'INVITE'), 200, 'OK'));
  const columns = ['method', 'from_tag', 'to_tag', 'callid', 'sip_code', 'sip_reason'];
  expect(p.runtime.stats.get('acc', 'db_errors')).toBe(1); // the table has no time_attr
  const q = withDatabase([]);
  q.from('uac', ask('INVITE'));
  q.from('a', answerTo(q.last('a', 'INVITE'), 200, 'OK'));
  q.from('uac', ask('INVITE', { id: '2' }));
  q.from('a', answerTo(q.last('a', 'INVITE'), 486, 'Busy Here'));
  const row = { method: 'INVITE', from_tag: 'from', to_tag: 'uas', callid: '1@example.com' };
  expect(q.database.select('acc', columns)).toEqual([{ ...row, sip_code: '200', sip_reason: 'OK' }]);
  expect(q.database.select('missed_calls', columns)).toEqual([
    { ...row, callid: '2@example.com', sip_code: '486', sip_reason: 'Busy Here' },
  ]);
  expect(q.database.select('acc', ['time'])).toHaveLength(1);
  expect(q.runtime.stats.get('acc', 'db_records')).toBe(2);
});

test('a row that cannot be stored is in the log, whole, and the call goes on', () => {
  const database = new MemoryDatabase('memory://acc');
  database.insert = () => {
    throw new DbError('full', 'no room');
  };
  const p = withDatabase([], RELAY, database);
  p.from('uac', ask('INVITE'));
  expect(p.from('a', answerTo(p.last('a', 'INVITE'), 200, 'OK'))).toEqual(['uac 200']);
  const line = p.log.lines.find(l => l.message.startsWith('Cannot store'))!;
  expect(line.message).toBe('Cannot store an accounting record in table acc: no room');
  expect(line.fields.rows).toMatchObject([{ method: 'INVITE', callid: '1@example.com', sip_code: '200' }]);
  expect(p.runtime.stats.get('acc', 'db_errors')).toBe(1);
});

test('multi_leg_info: one row a leg, one line for all', () => {
  const script = RELAY.replace(
    'KSR.setflag(1)',
    'KSR.pv.sets("$avp(src)", "old") KSR.pv.sets("$avp(src)", "new") KSR.setflag(1)',
  );
  const p = withDatabase([param('log_flag', 1), param('multi_leg_info', 'sip_reason=$avp(src)')], script);
  p.from('uac', ask('INVITE'));
  p.from('a', answerTo(p.last('a', 'INVITE'), 200, 'OK'));
  expect(p.database.select('acc', ['sip_reason'])).toEqual([{ sip_reason: 'new' }, { sip_reason: 'old' }]);
  expect(p.log.lines.map(l => l.message).find(m => m.startsWith('ACC: '))).toMatch(
    /reason=OK;sip_reason=new;sip_reason=old$/,
  );
});

test.each([
  ['acc_log_request("404 Somebody lost")', 1, 'code=404;reason=Somebody lost'],
  ['acc_log_request("plain words")', 1, 'code=;reason=plain words'],
  ['acc_log_request("4041 y")', 1, 'code=404;reason=1 y'],
  ['acc_log_request("404")', 1, 'code=404;reason='],
  ['acc_log_request("")', -1, ''],
  ['acc_request("404 x", "acc")', 1, 'code=404;reason=x'],
  ['acc_db_request("404 x", "acc")', -1, ''],
])('%s gives %d', (call, code, expected) => {
  const p = accounted([], `function ksr_request_route() KSR.info("RC " .. KSR.acc.${call}) end`);
  p.from('uac', ask('OPTIONS'));
  const said = p.log.lines.map(l => l.message);
  expect(said).toContain(`RC ${code}`);
  const line = p.lines()[0] ?? '';
  if (expected)
    expect(line).toMatch(/^ACC: request accounted: timestamp=1700000000;method=OPTIONS;from_tag=from;to_tag=;/);
  expect(line.endsWith(expected)).toBe(true);
});

test.each([
  [param('log_extra', 'a=b'), '"a=b" is no name=$pv'],
  [param('log_extra', ';'), 'it is empty'],
  [param('failed_filter', '200'), '"200" is no code'],
  [param('cdr_enable', 1), 'not available'],
  [param('db_flag', 1), 'set acc.db_url'],
])('the start stops for %j', (setting, message) => {
  expect(() => proxy(RELAY, { modparams: [setting] })).toThrow(message);
});

test('a line that the log does not take is not made', () => {
  const p = accounted([...LOG, param('log_level', 3)]);
  p.log.level = 'info';
  p.from('uac', ask('INVITE'));
  p.from('a', answerTo(p.last('a', 'INVITE'), 200, 'OK'));
  expect(p.lines()).toEqual([]);
  expect(p.runtime.stats.get('acc', 'log_records')).toBe(0);
});
