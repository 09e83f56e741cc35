/** What a REGISTER says of a contact, for tests that need only a part of it. */
import type { Binding } from '../../src/modules/usrloc/contact.ts';

export const binding = (more: Partial<Binding> = {}): Binding => ({
  uri: 'sip:a@1',
  expires: 100,
  q: -1,
  callId: 'c',
  cseq: 1,
  flags: 0,
  cflags: 0,
  methods: -1,
  userAgent: 'n/a',
  received: undefined,
  path: undefined,
  socket: undefined,
  instance: undefined,
  regId: 0,
  serverId: 0,
  connectionId: 0,
  lastModified: 0,
  xavp: undefined,
  ...more,
});
