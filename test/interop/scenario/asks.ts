/** Requests that name the route of test/fixtures/stateful/routes.lua that handles them, and how such calls end. */
import type { Ringing } from './flows.ts';
import { type Message, SDP } from './message.ts';
import type { Leg, Play, RequestOptions, Sent } from './play.ts';

export const at = (leg: Leg) => `sip:${leg.play.user(leg.name)}@${leg.address}`;

export interface DoOptions extends RequestOptions {
  method?: string;
  next?: readonly string[];
}

/** alice sends a request that the function `route` of the script handles. */
export function ask(t: Play, route: string, { method = 'INVITE', next = [], ...options }: DoOptions = {}): Sent {
  return t.alice.request(method, t.aor('somebody'), {
    ...(method === 'INVITE' && { body: SDP, type: 'application/sdp' }),
    ...options,
    headers: [`X-Do: ${route}`, ...(next.length ? [`X-Next: ${next.join(', ')}`] : []), ...(options.headers ?? [])],
  });
}

/** alice's INVITE by this route, arrived at the leg. */
export async function invited(t: Play, route: string, leg: Leg, options: DoOptions = {}): Promise<Ringing> {
  const invite = ask(t, route, { next: [at(leg)], ...options });
  return { invite, got: await leg.expect('INVITE') };
}

export async function answered(t: Play, leg: Leg, got: Message): Promise<void> {
  leg.reply(got, 200, { body: SDP });
  // no record route: the ACK goes from phone to phone
  await t.alice.expect(m => m.status === 200 && m.method === 'INVITE');
  await t.settle();
}

export const refuse = async (leg: Leg, got: Message, status: number) => {
  leg.reply(got, status);
  await leg.expect('ACK');
};

/** What comes to alice in the end: acknowledged. */
export async function ends(t: Play, invite: Sent, ms?: number): Promise<Message> {
  const reply = await t.alice.expect(m => m.status > 299 && m.method === 'INVITE', ms);
  invite.ack(reply);
  await t.settle();
  return reply;
}
