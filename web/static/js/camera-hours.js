/** When a camera is analysed: always, while something moves, or at hours that are named, a row each. */

import { el } from "./dom.js";
import { choice } from "./fields.js";
import { say } from "./text.js";

const WAYS = Object.freeze(["always", "motion", "schedule"]);
const MOST = 50;
const language = document.documentElement.lang || "en";
const DAY = new Intl.DateTimeFormat(language, { weekday: "short", timeZone: "UTC" });
const LONG_DAY = new Intl.DateTimeFormat(language, { weekday: "long", timeZone: "UTC" });
const monday = (after) => new Date(Date.UTC(2024, 0, 1 + after)); // that day was one
const DAYS = Object.freeze([1, 2, 3, 4, 5, 6, 7].map((day) => [day, DAY.format(monday(day - 1)), LONG_DAY.format(monday(day - 1))]));
const OFFICE = Object.freeze({ days: [1, 2, 3, 4, 5], start: "07:00", end: "19:00" });

/** The fields of it; `value()` is what the API takes. @param {{analysis: string, analysisHours: any[]}} camera */
export function hoursFields({ analysis, analysisHours }) {
  const rows = el("div", { class: "hours" });
  const add = el("button", { class: "button button-small", type: "button", text: say("hours.add"), on: { click: () => append(OFFICE, true) } });
  const times = el("fieldset", { class: "hours-set" }, el("legend", { text: say("hours.legend") }), rows, add);
  const way = choice({
    id: "edit-analysis", name: "analysis", label: say("hours.when"), hint: say("hours.hint"), value: analysis,
    options: WAYS.map((one) => [one, say(`hours.${one}`)]),
  });
  const select = way.querySelector("select");

  function append(hours, focus = false) {
    const row = hoursRow(hours, () => {
      row.remove();
      limit();
      add.focus();
    });
    rows.append(row);
    limit();
    if (focus) row.querySelector("input").focus();
  }

  function limit() {
    add.disabled = rows.children.length >= MOST;
  }

  function shown() {
    times.hidden = select.value !== "schedule";
    if (!times.hidden && !rows.children.length) append(OFFICE);
  }

  for (const hours of analysisHours) append(hours);
  select.addEventListener("change", shown);
  shown();
  return {
    parts: [way, times],
    /** Whether a row names no day or no time; the focus goes there. */
    incomplete: () => {
      const row = select.value === "schedule" && [...rows.children].find((one) => !(read(one).days.length && read(one).start && read(one).end));
      row && row.querySelector("input").focus();
      return Boolean(row);
    },
    value: () => ({ analysis: select.value, analysisHours: [...rows.children].map(read) }),
  };
}

function hoursRow({ days, start, end }, remove) {
  const boxes = DAYS.map(([day, short, long]) =>
    el("label", { class: "hours-day" }, el("input", { type: "checkbox", value: day, checked: days.includes(day), "aria-label": long }), el("span", { text: short, "aria-hidden": "true" })),
  );
  const time = (name, value) => el("label", {}, el("span", { class: "quiet", text: say(`hours.${name}`) }), el("input", { type: "time", name: `hours-${name}`, value, required: true }));
  const away = el("button", { class: "button button-small", type: "button", text: say("hours.remove"), on: { click: remove } });
  return el("div", { class: "hours-row", role: "group", "aria-label": say("hours.row") }, el("div", { class: "hours-days" }, ...boxes), time("start", start), time("end", end), away);
}

function read(row) {
  const at = (name) => row.querySelector(`[name="hours-${name}"]`).value;
  const days = [...row.querySelectorAll('[type="checkbox"]:checked')].map((box) => Number(box.value));
  return { days, start: at("start"), end: at("end") };
}
