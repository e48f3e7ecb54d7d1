/** Parts that forms of working time share: times of a day in rows, days of the week, a zone, numbers, what is missing. */

import { el, fieldError } from "./dom.js";
import { field } from "./fields.js";
import { say } from "./text.js";

const language = document.documentElement.lang || "en";
const short = new Intl.DateTimeFormat(language, { weekday: "short", timeZone: "UTC" });
const long = new Intl.DateTimeFormat(language, { weekday: "long", timeZone: "UTC" });
const monday = (after) => new Date(Date.UTC(2024, 0, 1 + after)); // that day was one
export const WEEK = Object.freeze([1, 2, 3, 4, 5, 6, 7].map((day) => [day, short.format(monday(day - 1)), long.format(monday(day - 1))]));

/** Mon–Fri, or Mon, Wed. @param {number[]} days */
export function daysInWords(days) {
  const sorted = [...new Set(days)].sort();
  if (sorted.length === 7) return say("work.days.all");
  const name = (day) => WEEK[day - 1][1];
  const together = sorted.length > 2 && sorted.at(-1) - sorted[0] === sorted.length - 1;
  return together ? `${name(sorted[0])}–${name(sorted.at(-1))}` : sorted.map(name).join(", ");
}

/** A set with a legend and a line for its error. @param {{name: string, legend: string, hint?: string}} of @param {...Node} content */
export function set({ name, legend, hint = "" }, ...content) {
  return el(
    "fieldset",
    { class: "hours-set", name, tabindex: "-1", "aria-describedby": `set-${name}-error` },
    el("legend", { text: legend }),
    hint && el("p", { class: "field-hint", text: hint }),
    ...content,
    el("p", { class: "field-error", id: `set-${name}-error`, hidden: true }),
  );
}

/** Boxes of the week. @param {number[]} chosen */
export function weekSet(chosen) {
  const boxes = WEEK.map(([day, brief, name]) =>
    el("label", { class: "hours-day" }, el("input", { type: "checkbox", value: day, checked: chosen.includes(day), "aria-label": name }), el("span", { text: brief, "aria-hidden": "true" })),
  );
  const element = set({ name: "days", legend: say("work.shifts.days"), hint: say("work.shifts.days.hint") }, el("div", { class: "hours-days" }, ...boxes));
  return { element, value: () => [...element.querySelectorAll("input:checked")].map((box) => Number(box.value)) };
}

/** Rows of times, each from one to another. @param {{name: string, legend: string, hint: string, add: string, rows: {start: string, end: string}[]}} of */
export function spanSet({ name, legend, hint, add, rows }) {
  const list = el("div", { class: "hours" });
  const more = el("button", { class: "button button-small", type: "button", text: add, on: { click: () => append({ start: "", end: "" }, true) } });
  const element = set({ name, legend, hint }, list, more);

  function append({ start, end }, focus = false) {
    const time = (part, value) => el("label", {}, el("span", { class: "quiet", text: say(`hours.${part}`) }), el("input", { type: "time", data: { part }, value }));
    const row = el("div", { class: "hours-row", role: "group", "aria-label": legend }, time("start", start), time("end", end));
    row.append(el("button", { class: "button button-small", type: "button", text: say("hours.remove"), on: { click: () => { row.remove(); number(); more.focus(); } } }));
    list.append(row);
    number();
    if (focus) row.querySelector("input").focus();
  }

  /** Named as the server calls them, so that what it says of one stands there. */
  function number() {
    [...list.children].forEach((row, index) => {
      for (const input of row.querySelectorAll("input")) {
        input.name = `${name}.${index}.${input.dataset.part}`;
        input.setAttribute("aria-describedby", `set-${name}-error`);
      }
    });
    more.disabled = list.children.length >= 8;
  }

  for (const row of rows) append(row);
  return {
    element,
    value: () => [...list.children].map((row) => Object.fromEntries(["start", "end"].map((part) => [part, row.querySelector(`[data-part="${part}"]`).value]))),
    /** Whether each row has both times; else it says so. */
    complete: () => {
      const open = [...list.querySelectorAll("input")].find((input) => !input.value);
      if (!open) return true;
      fieldError(open, say("work.missing.times"));
      open.focus();
      return false;
    },
  };
}

/** A time zone by its name, with those that this browser knows to choose from. */
export function zoneField({ value, required = false, hint }) {
  const known = Intl.supportedValuesOf ? Intl.supportedValuesOf("timeZone") : [];
  return el(
    "div",
    {},
    field({ id: "work-timezone", name: "timezone", label: say("work.zone"), hint, value: value ?? "", optional: !required, maxlength: 64, list: "work-zones", spellcheck: "false" }),
    el("datalist", { id: "work-zones" }, ...known.map((zone) => el("option", { value: zone }))),
  );
}

/** Minutes. @param {{name: string, label: string, value: number | null, hint?: string, optional?: boolean}} of */
export const minutes = ({ name, value, ...more }) => field({ id: `work-${name}`, name, type: "number", min: 0, max: 1440, step: 1, inputmode: "numeric", value: value ?? "", ...more });

/** @param {{name: string, label: string, value?: string | null, [more: string]: any}} of */
export const dateField = ({ name, value, ...more }) => field({ id: `work-${name}`, name, type: "date", value: value ?? "", ...more });

/** A box with its words. */
export function box({ name, label, hint = "", checked }) {
  const input = el("input", { type: "checkbox", name, checked });
  const element = el("label", { class: "check" }, input, el("span", {}, el("span", { text: label }), hint && el("span", { class: "quiet", text: hint })));
  return { element, input };
}

/** Says at each of these fields that it is missing; whether all are there. @param {any} form @param {Record<string, string>} sentences by field */
export function complete(form, sentences) {
  const missing = Object.entries(sentences).filter(([name]) => !form.elements.namedItem(name).value.trim());
  for (const [name, sentence] of missing) fieldError(form.elements.namedItem(name), sentence);
  form.elements.namedItem(missing[0]?.[0] ?? "")?.focus();
  return missing.length === 0;
}

/** Of fields with numbers: whole ones, or null where nothing is typed; undefined where something is that is none. */
export function numbers(form, names) {
  const found = {};
  for (const name of names) {
    const input = form.elements.namedItem(name);
    const wrong = input.validity.badInput || (input.value !== "" && !/^\d+$/.test(input.value));
    if (wrong) {
      fieldError(input, say("work.wrong.number"));
      const folded = input.closest("details");
      if (folded) folded.open = true;
      input.focus();
      return undefined;
    }
    found[name] = input.value === "" ? null : Number(input.value);
  }
  return found;
}
