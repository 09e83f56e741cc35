/** The contract of a transport (test/runtime/contract/transport.ts) as vitest's tests. */
import { transportContract as contract, type TransportFixture } from '../../runtime/contract/transport.ts';
import { describeSuite } from '../../support/suite.ts';

export type { TransportFixture };

/** Holds a transport to the contract of src/transport/transport.ts. */
export function transportContract(name: string, fixture: () => TransportFixture): void {
  describeSuite(contract(name, fixture));
}
