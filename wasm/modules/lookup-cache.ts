/**
 * What lookup() found before: users with one contact that can be called, by table and address of record, with all that goes into the request in one piece of
 * memory. The records themselves are objects of src/modules/usrloc, a dozen places of memory each: among a hundred thousand of them every place is a cache miss.
 */
import { SLACK } from '../gen/layout.gen';
import { free, malloc } from '../lua/lua';
import { equalBytes } from '../mem/bytes';
import { AOR_READ } from './aor';
import { lookupRead, lookupTarget } from './lookup';

// A kept answer: u32 each: 0 next in its bucket | 4 hash | 8 number | 12 when the contact expires, seconds since 1970, 0 never | 16 branch flags |
// 20 methods | u16 each: 24 table | 26 bytes of the address of record | 28 of the URI | 30 of the destination URI, NO_URI none | 32 these texts
const NUMBER: usize = 8;
const EXPIRES: usize = 12;
const FLAGS: usize = 16;
const METHODS: usize = 20;
const TABLE: usize = 24;
const AOR_BYTES: usize = 26;
const URI_BYTES: usize = 28;
const DST_BYTES: usize = 30;
const TEXT: usize = 32;
const NO_URI: i32 = 0xffff;

/** bytes of all texts: what a URI with parameters takes */
const LONGEST: i32 = 2048;

const BUCKETS: u32 = 1 << 17;
const BUCKET_BITS: u32 = 17;
/** Answers in one bucket: phones choose what is hashed, and one that chooses badly on purpose must not make others wait. */
const MAX_CHAIN: i32 = 8;
const MULTIPLIER: u64 = 0x9e3779b97f4a7c15;

/** u32 each: the first answer; made with the first of them */
let buckets: usize = 0;

function hashOf(table: i32, at: usize, length: i32): u32 {
  let h = <u64>(table + 1) * MULTIPLIER;
  let left = length;
  for (; left >= 8; left -= 8, at += 8) h = (h ^ load<u64>(at)) * MULTIPLIER;
  for (; left > 0; left--, at++) h = (h ^ <u64>load<u8>(at)) * MULTIPLIER;
  return <u32>(h >> 32);
}

function bucketOf(hash: u32): usize {
  return buckets + ((<usize>(hash >> (32 - BUCKET_BITS))) << 2);
}

/**
 * Keeps an answer. The address of record must not be kept yet.
 * @param number 1 or more, what lookupKept() gives  @param at texts, one behind the other: address of record, URI, destination URI
 * @param dstLength -1 none  @param expires seconds since 1970, 0 never
 * @returns what lookupForget() takes; 0 when it is too long, its bucket is full or no memory is left
 */
export function lookupKeep(
  table: i32,
  number: u32,
  at: usize,
  aorLength: i32,
  uriLength: i32,
  dstLength: i32,
  expires: u32,
  flags: u32,
  methods: i32,
): usize {
  const length = aorLength + uriLength + max(dstLength, 0);
  if (aorLength < 1 || uriLength < 0 || length > LONGEST) return 0;
  if (!buckets) {
    buckets = malloc(BUCKETS << 2);
    if (!buckets) return 0;
    memory.fill(buckets, 0, BUCKETS << 2);
  }
  const hash = hashOf(table, at, aorLength);
  const bucket = bucketOf(hash);
  let chain = 0;
  for (let other = <usize>load<u32>(bucket); other; other = <usize>load<u32>(other)) if (++chain == MAX_CHAIN) return 0;
  const kept = malloc(TEXT + length + SLACK);
  if (!kept) return 0;
  store<u32>(kept, load<u32>(bucket));
  store<u32>(kept, hash, 4);
  store<u32>(kept + NUMBER, number);
  store<u32>(kept + EXPIRES, expires);
  store<u32>(kept + FLAGS, flags);
  store<i32>(kept + METHODS, methods);
  store<u16>(kept + TABLE, table);
  store<u16>(kept + AOR_BYTES, aorLength);
  store<u16>(kept + URI_BYTES, uriLength);
  store<u16>(kept + DST_BYTES, dstLength < 0 ? NO_URI : dstLength);
  memory.copy(kept + TEXT, at, length);
  store<u32>(bucket, <u32>kept);
  return kept;
}

/** The contact was registered again as it is. @param kept what lookupKeep() gave  @param expires,flags,methods as lookupKeep() */
export function lookupRenew(kept: usize, expires: u32, flags: u32, methods: i32): void {
  store<u32>(kept + EXPIRES, expires);
  store<u32>(kept + FLAGS, flags);
  store<i32>(kept + METHODS, methods);
}

/** Forgets an answer: the record has changed. @param kept what lookupKeep() gave  @returns its number */
export function lookupForget(kept: usize): u32 {
  let link = bucketOf(load<u32>(kept, 4));
  while (<usize>load<u32>(link) != kept) link = <usize>load<u32>(link);
  store<u32>(link, load<u32>(kept));
  const number = load<u32>(kept + NUMBER);
  free(kept);
  return number;
}

/**
 * KSR.registrar.lookup() on the request URI, where the answer is kept.
 * @param wants as lookupRead()  @param now wall clock, seconds since 1970
 * @returns the number of the contact that the request goes to now; 0 nothing is kept of this user, or the contact expired or does not have the method: nothing
 * is changed
 */
export function lookupKept(msg: usize, table: i32, wants: i32, now: u32): u32 {
  if (!buckets) return 0;
  const read = lookupRead(msg, 0, 0, wants);
  // an AOR_* code, or the URI of one phone (RFC 5627)
  if (read != AOR_READ || load<u32>(read, 8)) return 0;
  const aor = <usize>load<u32>(read);
  const length = load<i32>(read, 4);
  const hash = hashOf(table, aor, length);
  for (let kept = <usize>load<u32>(bucketOf(hash)); kept; kept = <usize>load<u32>(kept)) {
    if (
      load<u32>(kept, 4) != hash ||
      <i32>load<u16>(kept + AOR_BYTES) != length ||
      <i32>load<u16>(kept + TABLE) != table ||
      !equalBytes(kept + TEXT, aor, length)
    )
      continue;
    const expires = load<u32>(kept + EXPIRES);
    const method = load<i32>(read, 16);
    if ((expires && expires <= now) || (method && !(method & load<i32>(kept + METHODS)))) return 0;
    const uriLength = <i32>load<u16>(kept + URI_BYTES);
    const dstLength = <i32>load<u16>(kept + DST_BYTES);
    const none = dstLength == NO_URI;
    const to = lookupTarget(msg, uriLength, none ? -1 : dstLength, load<u32>(kept + FLAGS), 0);
    if (!to) return 0;
    memory.copy(to, kept + TEXT + <usize>length, uriLength + (none ? 0 : dstLength));
    return load<u32>(kept + NUMBER);
  }
  return 0;
}
