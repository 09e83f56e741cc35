/** Method names to ids. Case-sensitive (RFC 3261 7.1). */
import { METHOD_DELETE, METHOD_NAMES } from '../gen/layout.gen';
import { equalBytes } from '../mem/bytes';

const NAME_BYTES_SHIFT: usize = 4;
const NAME_LENGTH: usize = 15;
const MIN_LENGTH: i32 = 3;
const MAX_LENGTH: i32 = 9;
const LAST_METHOD: i32 = METHOD_DELETE;

/** @returns METHOD_* of the name at [at, at + length), 0 when it is not one of the known */
export function methodId(at: usize, length: i32): i32 {
  if (length < MIN_LENGTH || length > MAX_LENGTH) return 0;
  const first = load<u8>(at);
  let name = METHOD_NAMES;
  for (let id = 1; id <= LAST_METHOD; id++) {
    name += 1 << NAME_BYTES_SHIFT;
    if (load<u8>(name) == first && load<u8>(name + NAME_LENGTH) == <u8>length && equalBytes(at, name, length))
      return id;
  }
  return 0;
}
