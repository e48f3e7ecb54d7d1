/** A day's status, marks and minutes in words, each with its colour and figure. */

import { el, icon } from "./dom.js";
import { say, sayOr } from "./text.js";

const TONES = { present: "green", absent: "red", leave: "out", holiday: "out", incomplete: "amber", off: "off", expected: "off", running: "green", missing_out: "amber", missing_in: "amber" };
const FIGURES = { present: "check", absent: "close", leave: "calendar", holiday: "calendar", incomplete: "alert", off: "calendar", expected: "clock", running: "in", missing_out: "alert", missing_in: "alert" };
const TOLD_BY_THE_STATUS = new Set(["expected", "running"]);

/** 7:30. @param {number} minutes */
export function hours(minutes) {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "−" : ""}${Math.floor(size / 60)}:${String(size % 60).padStart(2, "0")}`;
}

/** What matters most of a day: the key of its words, colour and figure. @param {any} day */
export function kindOf(day) {
  const found = ["expected", "missing_out", "missing_in"].find((mark) => day.marks.includes(mark));
  if (found) return found;
  return day.marks.includes("running") && day.entries.at(-1)?.direction === "in" ? "running" : day.status;
}

/** @param {any} day @returns {string} */
export const dayWords = (day) => say(`day.${kindOf(day)}`);

/** @param {any} day @returns {HTMLElement} */
export function statusChip(day) {
  const kind = kindOf(day);
  return el("span", { class: `chip chip-${TONES[kind]}`, data: { kind } }, icon(FIGURES[kind]), el("span", { text: say(`day.${kind}`) }));
}

/** @param {any} day @returns {HTMLElement | null} */
export function lateChip(day) {
  return day.lateMinutes > 0 ? el("span", { class: "chip chip-amber" }, icon("clock"), el("span", { text: say("day.late", { minutes: day.lateMinutes }) })) : null;
}

/** Marks as sentences. @param {any} day @param {string} closed when it was closed by rule @returns {string[]} */
export function marksInWords(day, closed) {
  return day.marks.filter((mark) => !TOLD_BY_THE_STATUS.has(mark)).map((mark) => sayOr(`mark.${mark}`, mark, { time: closed }));
}

/** One line for a screen reader and for who hovers. @param {any[]} days of one person and date */
export function inOneLine(days) {
  return days
    .map((day) => [dayWords(day), day.workedMinutes > 0 && say("day.worked", { hours: hours(day.workedMinutes) }), day.lateMinutes > 0 && say("day.late", { minutes: day.lateMinutes }).toLowerCase(), day.locked && say("day.locked")].filter(Boolean).join(", "))
    .join("; ");
}

/** Whether somebody was to be there, or was. @param {any} day */
export const concerns = (day) => day.status !== "off" || day.entries.length > 0 || day.marks.length > 0;
