/** C's strftime() in the C locale: what $timef(..), {s.ftime,..} and their like format with. */

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = 'January February March April May June July August September October November December'.split(' ');

/** Broken-down time: C's struct tm with a full year and a month from 1. */
export interface Clock {
  readonly sec: number;
  readonly min: number;
  readonly hour: number;
  readonly mday: number;
  readonly mon: number;
  readonly year: number;
  /** 0 Sunday */
  readonly wday: number;
  /** 0 the first of January */
  readonly yday: number;
  /** minutes east of UTC */
  readonly offsetMin: number;
  readonly epochSec: number;
}

/** @param ms wall clock, milliseconds since 1970  @param utc whether to break it down in UTC or in the process's zone */
export function clockOf(ms: number, utc = false): Clock {
  const d = new Date(ms);
  const offsetMin = utc ? 0 : -d.getTimezoneOffset() || 0;
  // shifted so that the UTC getters read the local time
  const s = new Date(ms + offsetMin * 60_000);
  const year = s.getUTCFullYear();
  return {
    sec: s.getUTCSeconds(),
    min: s.getUTCMinutes(),
    hour: s.getUTCHours(),
    mday: s.getUTCDate(),
    mon: s.getUTCMonth() + 1,
    year,
    wday: s.getUTCDay(),
    yday: Math.floor((s.getTime() - Date.UTC(year, 0, 1)) / 86_400_000),
    offsetMin,
    epochSec: Math.floor(ms / 1000),
  };
}

const pad = (n: number, width = 2, fill = '0') => String(n).padStart(width, fill);

/** ISO 8601 week and its year: weeks start on Monday, the first one holds the first Thursday. */
function isoWeek({ year, yday, wday }: Clock): { year: number; week: number } {
  const monday = (wday + 6) % 7;
  const week = Math.floor((yday - monday + 10) / 7);
  const weeksOf = (y: number) => {
    const first = new Date(Date.UTC(y, 0, 1)).getUTCDay();
    const leap = (y % 4 === 0 && y % 100 !== 0) || y % 400 === 0;
    return first === 4 || (first === 3 && leap) ? 53 : 52;
  };
  if (week < 1) return { year: year - 1, week: weeksOf(year - 1) };
  if (week > weeksOf(year)) return { year: year + 1, week: 1 };
  return { year, week };
}

/** Replaces every %x of the format; an unknown one stays as written. */
export function strftime(format: string, t: Clock): string {
  let out = '';
  for (let i = 0; i < format.length; i++) {
    if (format[i] !== '%') {
      out += format[i];
      continue;
    }
    const start = i++;
    // E and O ask for another locale's form, which C's locale has not
    if (format[i] === 'E' || format[i] === 'O') i++;
    const piece = i < format.length ? conversion(format[i]!, t) : undefined;
    out += piece ?? format.slice(start, i + 1);
  }
  return out;
}

function conversion(c: string, t: Clock): string | undefined {
  const hour12 = t.hour % 12 || 12;
  switch (c) {
    case 'a':
      return DAYS[t.wday]!.slice(0, 3);
    case 'A':
      return DAYS[t.wday]!;
    case 'b':
    case 'h':
      return MONTHS[t.mon - 1]!.slice(0, 3);
    case 'B':
      return MONTHS[t.mon - 1]!;
    case 'c':
      return strftime('%a %b %e %H:%M:%S %Y', t);
    case 'C':
      return pad(Math.floor(t.year / 100));
    case 'd':
      return pad(t.mday);
    case 'D':
    case 'x':
      return strftime('%m/%d/%y', t);
    case 'e':
      return pad(t.mday, 2, ' ');
    case 'F':
      return strftime('%Y-%m-%d', t);
    case 'g':
      return pad(isoWeek(t).year % 100);
    case 'G':
      return String(isoWeek(t).year);
    case 'H':
      return pad(t.hour);
    case 'I':
      return pad(hour12);
    case 'j':
      return pad(t.yday + 1, 3);
    case 'k':
      return pad(t.hour, 2, ' ');
    case 'l':
      return pad(hour12, 2, ' ');
    case 'm':
      return pad(t.mon);
    case 'M':
      return pad(t.min);
    case 'n':
      return '\n';
    case 'p':
      return t.hour < 12 ? 'AM' : 'PM';
    case 'P':
      return t.hour < 12 ? 'am' : 'pm';
    case 'r':
      return strftime('%I:%M:%S %p', t);
    case 'R':
      return strftime('%H:%M', t);
    case 's':
      return String(t.epochSec);
    case 'S':
      return pad(t.sec);
    case 't':
      return '\t';
    case 'T':
    case 'X':
      return strftime('%H:%M:%S', t);
    case 'u':
      return String(t.wday || 7);
    case 'U':
      return pad(Math.floor((t.yday + 7 - t.wday) / 7));
    case 'V':
      return pad(isoWeek(t).week);
    case 'w':
      return String(t.wday);
    case 'W':
      return pad(Math.floor((t.yday + 7 - ((t.wday + 6) % 7)) / 7));
    case 'y':
      return pad(t.year % 100);
    case 'Y':
      return String(t.year);
    case 'z': {
      const m = Math.abs(t.offsetMin);
      return `${t.offsetMin < 0 ? '-' : '+'}${pad(Math.floor(m / 60))}${pad(m % 60)}`;
    }
    case 'Z':
      return t.offsetMin === 0 ? 'UTC' : conversion('z', t);
    case '%':
      return '%';
    default:
      return undefined;
  }
}
