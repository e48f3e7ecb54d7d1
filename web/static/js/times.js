/** Times as people say them: 09:02, yesterday 17:40, 3 March; in full for who hovers. */

import { say } from "./text.js";

const language = document.documentElement.lang || "en";
const CLOCK = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const SECONDS = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const LONG_DAY = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });
const FULL = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "medium" });

/** @param {string | Date | null | undefined} at */
export const clock = (at) => (at ? CLOCK.format(new Date(at)) : "");
export const clockSeconds = (at) => (at ? SECONDS.format(new Date(at)) : "");
export const fullTime = (at) => (at ? FULL.format(new Date(at)) : "");
export const longDay = (at) => LONG_DAY.format(new Date(at));

/** @param {string | Date} at @param {Date} [now] */
export function isToday(at, now = new Date()) {
  return new Date(at).toDateString() === now.toDateString();
}

/** @param {string | Date | null | undefined} at @param {Date} [now] */
export function spoken(at, now = new Date()) {
  if (!at) return "";
  if (isToday(at, now)) return clock(at);
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (isToday(at, yesterday)) return say("time.yesterday", { time: clock(at) });
  return DAY.format(new Date(at));
}
