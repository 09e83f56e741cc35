/**
 * Runs what src/interp/cfg/assemble.ts made of the routing blocks of a kamailio.cfg: words of 32 bits, an accumulator, a stack of blocks. Functions of the core
 * are called from here without a frame of JavaScript; what else there is of the language is a closure that cfgHost() calls, or stops the run (OP_OUT):
 * TypeScript does one instruction then and comes back. Each operation is one word with its OP_* and the number of its instruction, then its operands.
 *
 *   OP_CALLn  target flags args...      OP_HOST  flags closure           OP_J..      address               OP_ENTER   address instructions
 *   OP_LEAVE  value asked               OP_INT, OP_LAST  value                   OP_COMPARE  relation value        OP_CHOOSE  count addresses... address
 *   OP_CELL   cell closure              OP_CELL_EQUAL  cell value closure OP_CELL_SET  cell           OP_SWITCH  count (value address)... address
 *   OP_PV_..  getter name bytes, then:  NULL -   EQUAL  text bytes number of-null folded           MATCH  automaton closure
 */
import {
  CELL_INT,
  CELL_UNSET,
  CF_BOOL,
  CF_COMMAND,
  CF_LAST,
  CF_NONE,
  CF_QUICK,
  CFG_BUDGET,
  CFG_END,
  CFG_FULL,
  CFG_LEAVE,
  CFG_OUT,
  CS_AT,
  CS_BUDGET,
  CS_DEPTH,
  CS_END,
  CS_FRAMES,
  CS_LAST,
  CS_OUTER_RC,
  CS_RC,
  NOT_QUICK,
  OP_CALL0,
  OP_CALL1,
  OP_CALL2,
  OP_CALL3,
  OP_CALL4,
  OP_CELL,
  OP_CELL_EQUAL,
  OP_CELL_SET,
  OP_CHOOSE,
  OP_COMPARE,
  OP_ENTER,
  OP_EXIT,
  OP_HOST,
  OP_INT,
  OP_JGT,
  OP_JLE,
  OP_JNZ,
  OP_JUMP,
  OP_JZ,
  OP_LAST,
  OP_LEAVE,
  OP_LEAVE_LAST,
  OP_PV_EQUAL,
  OP_PV_MATCH,
  OP_PV_NULL,
  OP_RC,
  OP_RETURN,
  OP_SWITCH,
  X_INT,
  X_LONG,
  X_NULL,
} from '../gen/layout.gen';
import { cfgHost } from '../host/host';
import { equalBytes, equalNoCase } from '../mem/bytes';
import { MSG, RET, setMsg } from '../mem/state';
import { hdrGet } from '../modules/hdr';
import { automatonMatches } from './match';

/** CS_* */
const STATE: usize = memory.data(32, 16);
/** blocks that were called: u32 where to go on, u32 number of the instruction that called; a run begins with the BASE, MSG and CS_RC of the one around it */
const FRAMES: usize = memory.data(32768, 16);
const FRAME: usize = 8;
const HEAD: usize = 16;
const FRAMES_END: usize = FRAMES + 32768;

let SP: usize = FRAMES;
let BASE: usize = FRAMES;

/** @returns address of CS_* */
export function cfgState(): usize {
  return STATE;
}

/**
 * Runs on at an operation, until the run ends, stops or leaves the block that it began in.
 * @param last value of the last statement @param budget instructions that it may take @param room blocks that may call each other
 * @returns CFG_*; for CFG_OUT and CFG_BUDGET the place is in CS_AT and the blocks around it are in CS_FRAMES
 */
export function cfgRun(pc: usize, msg: usize, last: i32, budget: i32, room: i32): i32 {
  if (SP + HEAD + FRAME > FRAMES_END) return CFG_FULL;
  store<usize>(SP, BASE);
  store<usize>(SP, MSG, 4);
  store<i32>(SP, load<i32>(STATE, CS_RC), 8);
  return within(pc, msg, last, budget, room);
}

/**
 * Begins a run: $rc is 0 in it, and behind it what it was before. One that does not end finds that in CS_OUTER_RC.
 * @returns as cfgRun()
 */
export function cfgStart(pc: usize, msg: usize, budget: i32, room: i32): i32 {
  const rc = load<i32>(STATE, CS_RC);
  store<i32>(STATE, 0, CS_RC);
  if (SP + HEAD + FRAME > FRAMES_END) {
    store<i32>(STATE, rc, CS_OUTER_RC);
    return CFG_FULL;
  }
  store<usize>(SP, BASE);
  store<usize>(SP, MSG, 4);
  store<i32>(SP, rc, 8);
  const status = within(pc, msg, 1, budget, room);
  if (status <= CFG_LEAVE) store<i32>(STATE, rc, CS_RC);
  return status;
}

/** Runs with what is around the run at SP. */
function within(pc: usize, msg: usize, last: i32, budget: i32, room: i32): i32 {
  BASE = SP;
  SP += HEAD;
  setMsg(msg);
  store<i32>(STATE, budget, CS_BUDGET);
  const status = execute(pc, last, min<usize>(SP + <usize>room * FRAME, FRAMES_END));
  cfgUnwind();
  return status;
}

/** Forgets the innermost run, and tells the blocks it was in: also when something flew through it. */
export function cfgUnwind(): void {
  store<usize>(STATE, BASE + HEAD, CS_FRAMES);
  store<u32>(STATE, <u32>((SP - BASE - HEAD) / FRAME), CS_DEPTH);
  store<i32>(STATE, load<i32>(BASE, 8), CS_OUTER_RC);
  SP = BASE;
  setMsg(load<usize>(BASE, 4));
  BASE = load<usize>(BASE);
}

function execute(pc: usize, last: i32, limit: usize): i32 {
  let a: i32 = 0;
  let status: i32 = -1;
  while (status < 0) {
    const w = load<u32>(pc);
    switch (w & 255) {
      case OP_CALL0: {
        store<u32>(STATE, w >> 8, CS_AT);
        const flags = load<i32>(pc, 8);
        let n: usize = 12;
        a = call_indirect<i32>(load<i32>(pc, 4));
        if (flags) {
          if (flags & CF_QUICK) n = 16;
          a = result(a, flags, pc + 12);
          if (flags & CF_LAST) last = a;
          if (load<i32>(STATE, CS_END)) return end();
        }
        pc += n;
        break;
      }
      case OP_CALL1: {
        store<u32>(STATE, w >> 8, CS_AT);
        const flags = load<i32>(pc, 8);
        let n: usize = 16;
        a = call_indirect<i32>(load<i32>(pc, 4), load<i32>(pc, 12));
        if (flags) {
          if (flags & CF_QUICK) n = 20;
          a = result(a, flags, pc + 16);
          if (flags & CF_LAST) last = a;
          if (load<i32>(STATE, CS_END)) return end();
        }
        pc += n;
        break;
      }
      case OP_CALL2: {
        store<u32>(STATE, w >> 8, CS_AT);
        const flags = load<i32>(pc, 8);
        let n: usize = 20;
        a = call_indirect<i32>(load<i32>(pc, 4), load<i32>(pc, 12), load<i32>(pc, 16));
        if (flags) {
          if (flags & CF_QUICK) n = 24;
          a = result(a, flags, pc + 20);
          if (flags & CF_LAST) last = a;
          if (load<i32>(STATE, CS_END)) return end();
        }
        pc += n;
        break;
      }
      case OP_CALL3: {
        store<u32>(STATE, w >> 8, CS_AT);
        const flags = load<i32>(pc, 8);
        let n: usize = 24;
        a = call_indirect<i32>(load<i32>(pc, 4), load<i32>(pc, 12), load<i32>(pc, 16), load<i32>(pc, 20));
        if (flags) {
          if (flags & CF_QUICK) n = 28;
          a = result(a, flags, pc + 24);
          if (flags & CF_LAST) last = a;
          if (load<i32>(STATE, CS_END)) return end();
        }
        pc += n;
        break;
      }
      case OP_CALL4: {
        store<u32>(STATE, w >> 8, CS_AT);
        const flags = load<i32>(pc, 8);
        let n: usize = 28;
        a = call_indirect<i32>(
          load<i32>(pc, 4),
          load<i32>(pc, 12),
          load<i32>(pc, 16),
          load<i32>(pc, 20),
          load<i32>(pc, 24),
        );
        if (flags) {
          if (flags & CF_QUICK) n = 32;
          a = result(a, flags, pc + 28);
          if (flags & CF_LAST) last = a;
          if (load<i32>(STATE, CS_END)) return end();
        }
        pc += n;
        break;
      }
      case OP_HOST: {
        store<u32>(STATE, w >> 8, CS_AT);
        const flags = load<i32>(pc, 4);
        a = cfgHost(load<i32>(pc, 8));
        if (flags & CF_COMMAND) {
          store<i32>(STATE, a, CS_RC);
          if (!a) return end();
        }
        if (flags & CF_LAST) last = a;
        if (load<i32>(STATE, CS_END)) return end();
        pc += 12;
        break;
      }
      case OP_JLE:
        pc = a <= 0 ? load<usize>(pc, 4) : pc + 8;
        break;
      case OP_JGT:
        pc = a > 0 ? load<usize>(pc, 4) : pc + 8;
        break;
      case OP_JZ:
        pc = a ? pc + 8 : load<usize>(pc, 4);
        break;
      case OP_JNZ:
        pc = a ? load<usize>(pc, 4) : pc + 8;
        break;
      case OP_JUMP:
        pc = load<usize>(pc, 4);
        break;
      case OP_LAST:
        last = load<i32>(pc, 4);
        pc += 8;
        break;
      case OP_ENTER: {
        if (SP >= limit) return stop(w >> 8, last, CFG_OUT);
        const left = load<i32>(STATE, CS_BUDGET) - load<i32>(pc, 8);
        if (left < 0) return stop(w >> 8, last, CFG_BUDGET);
        store<i32>(STATE, left, CS_BUDGET);
        store<usize>(SP, pc + 16);
        store<u32>(SP, (w >> 8) | load<u32>(pc, 12), 4);
        SP += FRAME;
        last = 1;
        pc = load<usize>(pc, 4);
        break;
      }
      case OP_LEAVE:
      case OP_LEAVE_LAST:
      case OP_RETURN: {
        let value = last;
        if ((w & 255) != OP_LEAVE_LAST) {
          if ((w & 255) == OP_RETURN) value = a;
          else value = load<i32>(pc, 4);
          if (!value && ((w & 255) == OP_RETURN || load<i32>(pc, 8))) return CFG_END;
        }
        if (SP == BASE + HEAD) {
          store<i32>(STATE, value, CS_LAST);
          return CFG_LEAVE;
        }
        SP -= FRAME;
        store<i32>(STATE, value, CS_RC);
        last = value;
        a = value;
        pc = load<usize>(SP);
        break;
      }
      case OP_EXIT:
        status = CFG_END;
        break;
      case OP_RC:
        a = load<i32>(STATE, CS_RC);
        pc += 4;
        break;
      case OP_INT:
        a = load<i32>(pc, 4);
        pc += 8;
        break;
      case OP_COMPARE:
        a = related(load<i32>(pc, 4), a, load<i32>(pc, 8));
        pc += 12;
        break;
      case OP_CHOOSE: {
        const count = load<u32>(pc, 4);
        pc = load<usize>(pc + ((<usize>min<u32>(<u32>a, count)) << 2), 8);
        break;
      }
      case OP_PV_NULL:
        a = <i32>(value(pc) == X_NULL);
        pc += 16;
        break;
      case OP_PV_EQUAL: {
        store<u32>(STATE, w >> 8, CS_AT);
        a = equalsValue(pc);
        pc += 36;
        break;
      }
      case OP_PV_MATCH: {
        store<u32>(STATE, w >> 8, CS_AT);
        const tag = value(pc);
        if (tag == X_INT || tag == X_LONG) a = cfgHost(load<i32>(pc, 20));
        else if (tag == X_NULL) a = automatonMatches(load<usize>(pc, 16), 0, 0);
        else a = automatonMatches(load<usize>(pc, 16), load<usize>(RET), load<usize>(RET, 4));
        pc += 24;
        break;
      }
      case OP_CELL: {
        const cell = load<usize>(pc, 4);
        const tag = load<u32>(cell);
        if (tag == CELL_INT) a = load<i32>(cell, 4);
        else if (tag == CELL_UNSET) a = 0;
        else {
          store<u32>(STATE, w >> 8, CS_AT);
          a = cfgHost(load<i32>(pc, 8));
        }
        pc += 12;
        break;
      }
      case OP_CELL_EQUAL: {
        const cell = load<usize>(pc, 4);
        const tag = load<u32>(cell);
        if (tag == CELL_INT) a = <i32>(load<i32>(cell, 4) == load<i32>(pc, 8));
        else if (tag == CELL_UNSET) a = <i32>(load<i32>(pc, 8) == 0);
        else {
          store<u32>(STATE, w >> 8, CS_AT);
          a = cfgHost(load<i32>(pc, 12));
        }
        pc += 16;
        break;
      }
      case OP_CELL_SET: {
        const cell = load<usize>(pc, 4);
        store<u32>(cell, CELL_INT);
        store<i32>(cell, a, 4);
        pc += 8;
        break;
      }
      case OP_SWITCH: {
        let at = pc + 8;
        const end = at + ((<usize>load<u32>(pc, 4)) << 3);
        while (at < end && load<i32>(at) != a) at += 8;
        pc = at < end ? load<usize>(at, 4) : load<usize>(end);
        break;
      }
      default:
        status = stop(w >> 8, last, CFG_OUT);
    }
  }
  return status;
}

function stop(at: u32, last: i32, status: i32): i32 {
  store<u32>(STATE, at, CS_AT);
  store<i32>(STATE, last, CS_LAST);
  return status;
}

/** A closure has ended the run. */
function end(): i32 {
  store<i32>(STATE, 0, CS_END);
  return CFG_END;
}

/** A function's result as a code. A command that gives 0 sets CS_END. @param more address of the number of the closure that is asked instead */
function result(r: i32, flags: i32, more: usize): i32 {
  if (flags & CF_QUICK) {
    if (r == NOT_QUICK) r = cfgHost(load<i32>(more));
  } else if (flags & CF_BOOL) r = r ? 1 : -1;
  else if (flags & CF_NONE) r = 1;
  if (flags & CF_COMMAND) {
    store<i32>(STATE, r, CS_RC);
    if (!r) store<i32>(STATE, 1, CS_END);
  }
  return r;
}

/** The value of the PV at an operation. @returns X_* */
function value(pc: usize): i32 {
  if (!MSG) return X_NULL;
  const getter = load<i32>(pc, 4);
  return getter ? call_indirect<i32>(getter) : hdrGet(load<usize>(pc, 8), load<i32>(pc, 12));
}

/** Whether a PV equals a constant: what the PV is decides how they are compared. */
function equalsValue(pc: usize): i32 {
  const tag = value(pc);
  if (tag == X_NULL) return load<i32>(pc, 28);
  if (tag == X_INT || tag == X_LONG) return <i32>(load<i32>(RET) == load<i32>(pc, 24));
  const length = load<i32>(RET, 4);
  if (length != load<i32>(pc, 20)) return 0;
  const at = load<usize>(RET);
  const text = load<usize>(pc, 16);
  return <i32>(load<i32>(pc, 32) ? equalNoCase(at, text, length) : equalBytes(at, text, length));
}

/** @param relation 0 == 1 != 2 < 3 > 4 <= 5 >= 6 + 7 - 8 * 9 & 10 | 11 ^ 12 << 13 >> */
function related(relation: i32, left: i32, right: i32): i32 {
  switch (relation) {
    case 0:
      return <i32>(left == right);
    case 1:
      return <i32>(left != right);
    case 2:
      return <i32>(left < right);
    case 3:
      return <i32>(left > right);
    case 4:
      return <i32>(left <= right);
    case 5:
      return <i32>(left >= right);
    case 6:
      return left + right;
    case 7:
      return left - right;
    case 8:
      return left * right;
    case 9:
      return left & right;
    case 10:
      return left | right;
    case 11:
      return left ^ right;
    case 12:
      return left << right;
    default:
      return left >> right;
  }
}
