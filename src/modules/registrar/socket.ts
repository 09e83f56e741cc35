/** Sockets as contacts keep them. */
import type { ByteStr } from '../../core/memory.ts';
import { socketOf } from '../pv/api.ts';
import type { RegistrarState } from './state.ts';

/** The stored form of a text that names a socket of ours; undefined (logged) when it names none. */
export function listeningSocket(state: RegistrarState, text: ByteStr): ByteStr | undefined {
  const socket = socketOf(state.host, text);
  if (socket) return state.sockets[socket.index];
  state.host.log.warn({ socket: text }, 'A REGISTER names a socket that we do not listen on');
  return undefined;
}

/** index + 1 of a contact's socket, 0 when it is none of ours */
export function socketNumber(state: RegistrarState, text: ByteStr | undefined): number {
  if (text === undefined) return 0;
  const own = state.sockets.indexOf(text);
  return own >= 0 ? own + 1 : (socketOf(state.host, text)?.index ?? -1) + 1;
}
