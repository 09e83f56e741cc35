/** Parts that many scenarios begin with. */
import type { Message } from './message.ts';
import { SDP } from './message.ts';
import type { Dialog, Leg, Play, RequestOptions, Sent } from './play.ts';

export interface Ringing {
  readonly invite: Sent;
  /** the INVITE as the callee got it */
  readonly got: Message;
}

export interface Talking extends Ringing {
  readonly caller: Dialog;
  readonly callee: Dialog;
}

/** alice calls a user whose phone is the leg `at`: INVITE sent, 100 received, INVITE at the callee. */
export async function calling(t: Play, options: RequestOptions = {}, at: Leg = t.bob): Promise<Ringing> {
  await t.register('bob', [at.name]);
  const invite = t.alice.invite('bob', options);
  const got = await at.expect('INVITE');
  await t.alice.expect(100);
  return { invite, got };
}

export async function ringing(t: Play, options: RequestOptions = {}): Promise<Ringing> {
  const call = await calling(t, options);
  t.bob.reply(call.got, 180);
  await t.alice.expect(180);
  return call;
}

/** alice and bob talk: answered and acknowledged. */
export async function talking(t: Play, options: RequestOptions = {}): Promise<Talking> {
  const call = await ringing(t, options);
  t.bob.reply(call.got, 200, { body: SDP });
  const caller = call.invite.dialog(await t.alice.expect(200));
  caller.request('ACK');
  await t.bob.expect('ACK');
  return { ...call, caller, callee: t.bob.dialogOf(call.got) };
}

/** One request of a dialog to the other side, answered there. */
export async function inDialog(
  from: Dialog,
  to: Leg,
  method: string,
  options: RequestOptions = {},
  status = 200,
): Promise<Message> {
  from.request(method, options);
  const got = await to.expect(method);
  to.reply(got, status);
  await from.leg.expect(m => m.status === status && m.method === method);
  return got;
}

/** The INVITE is refused: the callee's final reply, ACK of the server to it, the caller's ACK. */
export async function refused(
  t: Play,
  call: Ringing,
  status: number,
  expected = status,
  headers: string[] = [],
): Promise<Message> {
  t.bob.reply(call.got, status, { headers });
  await t.bob.expect('ACK');
  const reply = await t.alice.expect(expected);
  call.invite.ack(reply);
  await t.settle();
  return reply;
}
