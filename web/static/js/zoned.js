/** Times on the wall of a time zone that is not this browser's: shown, and typed. Dates are `2026-01-05`. */

const MINUTE_MS = 60_000;
/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {string} zone @param {string} name @param {Intl.DateTimeFormatOptions} options */
function format(zone, name, options) {
  const key = `${name} ${zone}`;
  let found = formats.get(key);
  if (!found) {
    try {
      found = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
    } catch {
      found = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", hourCycle: "h23", ...options }); // a zone that this browser does not know
    }
    formats.set(key, found);
  }
  return found;
}

/** 09:02 there. @param {string} zone @param {string | Date | null | undefined} at */
export const clockIn = (zone, at) => (at ? format(zone, "clock", { hour: "2-digit", minute: "2-digit" }).format(new Date(at)) : "");

/** Day, time and zone in full, for who hovers. @param {string} zone @param {string | null | undefined} at */
export const fullIn = (zone, at) => (at ? `${format(zone, "full", { dateStyle: "full", timeStyle: "medium" }).format(new Date(at))}, ${zone}` : "");

/** The date there. @param {string} zone @param {string | Date | number} at */
export function dateIn(zone, at) {
  const { year, month, day } = parts(zone, new Date(at));
  return `${year}-${month}-${day}`;
}

/** 09:02, or 5 Jan 09:02 where that is not on the date. @param {string} zone @param {string} at @param {string} date */
export function clockOn(zone, at, date) {
  const there = dateIn(zone, at);
  return there === date ? clockIn(zone, at) : `${shortDate(there)} ${clockIn(zone, at)}`;
}

/**
 * When it is that time on that date there. A time that comes twice is the first of both; one that never comes moves
 * forward by the gap, as the server's shifts do.
 * @param {string} zone @param {string} date @param {string} time `09:02`
 */
export function instant(zone, date, time) {
  const wall = Date.parse(`${date}T${time}:00Z`);
  const before = offset(zone, wall - 86_400_000);
  const after = offset(zone, wall + 86_400_000);
  const tried = [wall - before, wall - after].filter((at) => at + offset(zone, at) === wall);
  return new Date(tried.length ? Math.min(...tried) : wall - before).toISOString();
}

/** By how many ms the wall there is ahead of UTC. */
function offset(zone, at) {
  const { year, month, day, hour, minute } = parts(zone, new Date(at));
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:00Z`) - Math.floor(at / MINUTE_MS) * MINUTE_MS;
}

function parts(zone, at) {
  const shape = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
  return Object.fromEntries(format(zone, "parts", shape).formatToParts(at).map(({ type, value }) => [type, value]));
}

/** Monday 5 January. @param {string} date */
export const longDate = (date) => format("UTC", "long", { weekday: "long", day: "numeric", month: "long" }).format(new Date(`${date}T00:00Z`));
export const shortDate = (date) => format("UTC", "short", { day: "numeric", month: "short" }).format(new Date(`${date}T00:00Z`));
/** 5 January 2026. @param {string} date */
export const fullDate = (date) => format("UTC", "full date", { day: "numeric", month: "long", year: "numeric" }).format(new Date(`${date}T00:00Z`));
export const weekday = (date) => format("UTC", "weekday", { weekday: "short" }).format(new Date(`${date}T00:00Z`));
/** January 2026. @param {string} month `2026-01` */
export const monthName = (month) => format("UTC", "month", { month: "long", year: "numeric" }).format(new Date(`${month}-01T00:00Z`));

/** @param {string} date @param {number} days */
export function dayAfter(date, days = 1) {
  return new Date(Date.parse(`${date}T00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** The month before or after. @param {string} month @param {number} by */
export function monthAfter(month, by) {
  const [year, number] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + by, 1)).toISOString().slice(0, 7);
}

/** All its dates. @param {string} month @returns {string[]} */
export function datesOf(month) {
  const found = [];
  for (let date = `${month}-01`; date.startsWith(month); date = dayAfter(date)) found.push(date);
  return found;
}
