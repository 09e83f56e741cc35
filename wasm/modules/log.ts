/** KSR.dbg ... crit, log. A line that nobody wants costs a compare: the level lies on this side of the wall. */
import { log } from '../host/host';
import { byte, LOWER } from '../mem/bytes';

const CRIT: i32 = -2;
const ERR: i32 = -1;
const WARN: i32 = 0;
const NOTICE: i32 = 1;
const INFO: i32 = 2;
const DBG: i32 = 3;

let logLevel: i32 = INFO;

/** Lines above this level are not made. @param level Kamailio's numbers: -2 crit, -1 err, 0 warn, 1 notice, 2 info, 3 dbg */
export function setLogLevel(level: i32): void {
  logLevel = level;
}

/** @returns what setLogLevel set */
export function getLogLevel(): i32 {
  return logLevel;
}

function line(level: i32, at: usize, length: i32): i32 {
  if (level <= logLevel && at) log(level, at, length);
  return 0;
}

/** Logs a line at level crit. */
export function logCrit(at: usize, length: i32): i32 {
  return line(CRIT, at, length);
}

/** Logs a line at level err. */
export function logErr(at: usize, length: i32): i32 {
  return line(ERR, at, length);
}

/** Logs a line at level warn. */
export function logWarn(at: usize, length: i32): i32 {
  return line(WARN, at, length);
}

/** Logs a line at level notice. */
export function logNotice(at: usize, length: i32): i32 {
  return line(NOTICE, at, length);
}

/** Logs a line at level info. */
export function logInfo(at: usize, length: i32): i32 {
  return line(INFO, at, length);
}

/** Logs a line at level dbg. */
export function logDbg(at: usize, length: i32): i32 {
  return line(DBG, at, length);
}

/** Logs a line. @param name "dbg", "info", "notice", "warn" or "crit", in any case; anything else is err */
export function logAt(name: usize, nameLength: i32, at: usize, length: i32): i32 {
  return line(levelOf(name, nameLength), at, length);
}

function levelOf(name: usize, length: i32): i32 {
  let letters: u64 = 0;
  if (length > 6) return ERR;
  for (let i = length - 1; i >= 0; i--) letters = (letters << 8) | <u64>(byte(name + i) | LOWER);
  // little-endian ASCII
  if (letters == 0x676264) return DBG;
  if (letters == 0x6f666e69) return INFO;
  if (letters == 0x656369746f6e) return NOTICE;
  if (letters == 0x6e726177) return WARN;
  if (letters == 0x74697263) return CRIT;
  return ERR;
}
