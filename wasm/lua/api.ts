/** The dispatcher's first lane: through Lua's API only, right for any build of Lua. Every KSR function is a closure over luaDispatchApi with its export number. */
import {
  DS_FLAGS,
  DS_NPARAMS,
  DS_RET,
  DS_TYPES,
  F_INTERN_PV,
  T_BOOL,
  T_INT,
  T_NONE,
  X_FALSE,
  X_INT,
  X_LONG,
  X_STR,
  X_TRUE,
} from '../gen/layout.gen';
import { ARGS, RET } from '../mem/state';
import { callWords, descOf, pvNumber, refuse, toInt, toStr } from './call';
import { lua_gettop, lua_pushboolean, lua_pushinteger, lua_pushlstring, lua_pushnil, lua_tointegerx, REG } from './lua';

/** lua_CFunction */
export function luaDispatchApi(L: usize): i32 {
  const id = <i32>lua_tointegerx(L, REG - 1, 0);
  const d = descOf(id);
  if (refuse(id, d, lua_gettop(L)) >= 0) {
    lua_pushboolean(L, 0);
    return 1;
  }
  const params = <i32>load<u8>(d, DS_NPARAMS);
  let w = ARGS;
  for (let i = 0; i < params; i++) {
    if (load<u8>(d + <usize>i, DS_TYPES) == T_INT) {
      store<i32>(w, toInt(L, i + 1));
      w += 4;
    } else {
      toStr(L, i + 1, w);
      if (i == 0 && <i32>load<u8>(d, DS_FLAGS) & F_INTERN_PV) {
        store<i32>(w, pvNumber(L, 1, load<usize>(w), load<i32>(w, 4)));
        w += 4;
      } else w += 8;
    }
  }
  pushResult(L, load<u8>(d, DS_RET), params, callWords(L, id, d));
  return 1;
}

/** Pushes what a target of that return type gave. */
function pushResult(L: usize, ret: i32, params: i32, r: i32): void {
  if (ret == T_INT) lua_pushinteger(L, r);
  else if (ret == T_BOOL) lua_pushboolean(L, r);
  else if (ret == T_NONE) {
    // Kamailio 6: number 0 with parameters, false without.
    if (params) lua_pushinteger(L, 0);
    else lua_pushboolean(L, 0);
  } else pushXvalApi(L, r);
}

/** Pushes the xval of tag `x` whose payload is in RET. */
export function pushXvalApi(L: usize, x: i32): void {
  switch (x) {
    case X_INT:
      lua_pushinteger(L, load<i32>(RET));
      break;
    case X_LONG:
      lua_pushinteger(L, load<i64>(RET));
      break;
    case X_STR:
      lua_pushlstring(L, load<usize>(RET), load<usize>(RET, 4));
      break;
    case X_TRUE:
      lua_pushboolean(L, 1);
      break;
    case X_FALSE:
      lua_pushboolean(L, 0);
      break;
    default:
      lua_pushnil(L);
  }
}
