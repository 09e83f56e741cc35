import { LuaInterpreter } from '../../../../src/interp/lua/lua.ts';
import { type ContractScripts, interpreterContract } from '../contract.ts';

const SCRIPTS: ContractScripts = {
  file: '/etc/kamailio/route.lua',
  empty: 'function go() end',
  calls: 'function go() KSR.c.note(KSR.t.int(5)) KSR.c.note(KSR.t.str("abc")) end',
  exits: 'function go() KSR.c.note(1) KSR.x.exit() KSR.c.note(2) end',
  argument: 'function go(event) KSR.c.text(event) end',
  fails: 'function good() end\nfunction go()\n  error("boom")\nend',
  syntax: 'function go()\n  local x = 1\n  x = = 2\nend',
  topLevelFails: 'local x = 1\nerror("boom")\n',
  waits: 'function go() KSR.c.note(KSR.c.wait(1)) KSR.c.note(KSR.t.msg()) end',
  loop: 'function go() while true do end end function good() end',
  unknown: 'function go()\n  KSR.t.intt(1)\nend function gone() KSR.dispatcher.ds_select_dst(1, 2) end',
  nested: `function outer() KSR.c.note(KSR.t.msg()) KSR.c.nested() KSR.c.note(KSR.t.msg()) end
    function inner() KSR.c.note(KSR.t.msg()) end`,
};

for (const lane of ['api', 'inplace'] as const)
  interpreterContract(`Lua, ${lane} lane`, SCRIPTS, options => new LuaInterpreter({ ...options, lane }));
