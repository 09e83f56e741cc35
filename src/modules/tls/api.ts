/** What other modules may ask of module tls. */
import type { SendHow } from '../../kemi/host.ts';

export interface TlsApi {
  /**
   * By which client profile, and with which name, the next connection for a message is made: what tls_set_connect_server_id() and the xavp of xavp_cfg say. The
   * first is used up by asking.
   * @param at address of the message
   */
  clientChoice(at: number): Pick<SendHow, 'serverId' | 'serverName'>;
}
