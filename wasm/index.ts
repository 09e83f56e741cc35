import { HT } from './gen/layout.gen';
import { lua_gettop } from './lua/lua';
import { MSG } from './mem/state';
export function t(L: usize): i32 {
  return lua_gettop(L) + load<u8>(HT) + <i32>MSG;
}
