/** Reports in words: what they are of, when they are sent, and how their runs stand. */

import { el, icon } from "./dom.js";
import { say } from "./text.js";
import { WEEK } from "./work-parts.js";
import { clockIn, dateIn, fullDate, shortDate, weekday } from "./zoned.js";

const LOOKS = Object.freeze({ waiting: ["blue", "clock"], sending: ["blue", "send"], sent: ["green", "check"], failed: ["red", "alert"] });

/** Mon 30 Nov 07:30 there. @param {string} zone @param {string | null} at */
export function momentIn(zone, at) {
  if (!at) return "";
  const date = dateIn(zone, at);
  return `${weekday(date)} ${shortDate(date)} ${clockIn(zone, at)}`;
}

/** Every Monday at 07:30. @param {any} report */
export function scheduleInWords(report) {
  const { frequency, time, weekday: day, monthDay } = report;
  return say(`reports.every.${frequency}`, { time, day: day ? WEEK[day - 1][2] : "", number: monthDay ?? "" });
}

/** @param {any} report */
export function toInWords({ recipients }) {
  return recipients.length === 1 ? say("reports.to.one", { address: recipients[0] }) : say("reports.to", { count: recipients.length });
}

/** 5 January 2026, or from one to another. @param {{from: string, to: string}} period */
export function periodInWords({ from, to }) {
  return from === to ? fullDate(from) : say("reports.period", { from: fullDate(from), to: fullDate(to) });
}

function chip(tone, name, words) {
  return el("span", { class: `chip chip-${tone}` }, icon(name), el("span", { text: words }));
}

/** What became of a run. @param {any} run */
export function runChip(run) {
  if (run.state === "waiting" && run.tries > 0) return chip("amber", "alert", say("reports.run.again"));
  if (isPartly(run)) return chip("amber", "alert", say("reports.run.partly"));
  const [tone, name] = LOOKS[run.state];
  return chip(tone, name, say(`reports.run.${run.state}`));
}

/** How a report stands. @param {any} report */
export function stateChip({ enabled, lastRun }) {
  if (lastRun && (lastRun.state === "failed" || isOpen(lastRun) || (enabled && isPartly(lastRun)))) return runChip(lastRun);
  return enabled ? chip("green", "check", say("reports.on")) : chip("off", "close", say("reports.off"));
}

/** Whether there is more to come of it. @param {any} run */
export const isOpen = (run) => run?.state === "waiting" || run?.state === "sending";

/** Whether some got it and others did not. */
const isPartly = (run) => run.state === "sent" && run.reason !== null;

/** The last run in words. @param {any} report */
export function lastInWords({ lastRun, timeZone }) {
  if (!lastRun) return say("reports.last.none");
  if (isPartly(lastRun)) return say("reports.last.partly", { time: momentIn(timeZone, lastRun.sentAt), reason: lastRun.reason });
  if (lastRun.state === "sent") return say("reports.last.sent", { time: momentIn(timeZone, lastRun.sentAt) });
  if (lastRun.state === "failed") return say("reports.last.failed", { reason: lastRun.reason ?? say("reports.reason.none") });
  return lastRun.reason ? say("reports.last.again", { reason: lastRun.reason }) : say("reports.last.open");
}
