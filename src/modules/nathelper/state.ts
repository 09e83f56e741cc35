import type { ByteStr } from '../../core/memory.ts';
import type { Pv } from '../../kemi/pv-types.ts';
import type { Call } from '../../kemi/table.ts';
import type { Pinger } from './ping.ts';

export interface State {
  /** received_avp, compiled at its first use: PVs are there only after all modules are */
  readonly receivedAvp: ByteStr;
  received: Pv | undefined;
  /** nat_addr_mode: count other reserved networks as private */
  readonly reserved: boolean;
  readonly alias: ByteStr;
  /** line that marks SDP that was changed, with its CRLF; '' none */
  readonly mark: ByteStr;
  readonly oldMediaIp: boolean;
  readonly pinger: Pinger;
}
export type C = Call<State>;
