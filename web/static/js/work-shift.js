/** A shift: when people are expected, and what counts by its rules. */

import { el } from "./dom.js";
import { choice, field } from "./fields.js";
import { say } from "./text.js";
import { box, complete, daysInWords, minutes, numbers, spanSet, weekSet, zoneField } from "./work-parts.js";

const NEW = Object.freeze({
  name: "", start: "09:00", end: "17:00", timezone: null, days: [1, 2, 3, 4, 5], kind: "fixed", breakMinutes: 30, breaks: [], breakAfterMinutes: 0, graceLateMinutes: 5, graceEarlyMinutes: 0,
  opensMinutes: 240, closesMinutes: 480, roundIn: { step: "none", minutes: 15 }, roundOut: { step: "none", minutes: 15 }, leastMinutes: 0, halfDayMinutes: 0,
  overtime: { afterMinutes: null, leastMinutes: 0, limitMinutes: null, earlyCounts: false }, parts: [], core: null, requiredMinutes: null, pairing: "pairs", closing: "end",
});
const ZERO = ["breakMinutes", "breakAfterMinutes", "graceLateMinutes", "graceEarlyMinutes", "leastMinutes", "halfDayMinutes", "overtime.leastMinutes"]; // nothing typed is none
const OPEN = ["overtime.afterMinutes", "overtime.limitMinutes", "requiredMinutes"]; // nothing typed is no such rule
const DEFAULTS = { opensMinutes: 240, closesMinutes: 480, "roundIn.minutes": 15, "roundOut.minutes": 15 };
const pairOf = (...content) => el("div", { class: "field-pair" }, ...content);
const options = (of, values) => values.map((value) => [value, say(`work.${of}.${value}`)]);

export const SHIFTS = Object.freeze({
  name: "shifts",
  path: "shifts",
  figure: "clock",
  taken: { shift_exists: "name" },
  renamed: { rounding: "roundIn.minutes", core: "core.start", opensMinutes: "opensMinutes" },
  row: (shift) => ({
    title: shift.name,
    lines: [
      [`${shift.start}–${shift.end}`, shift.end <= shift.start && say("work.shifts.overnight"), shift.breakMinutes > 0 && say("work.shifts.break", { minutes: shift.breakMinutes })].filter(Boolean).join(", "),
      [daysInWords(shift.days), shift.timezone].filter(Boolean).join(" · "),
    ],
    chips: [say(`work.kind.${shift.kind}`)],
  }),
  form,
});

function form(row) {
  const shift = row ?? NEW;
  const at = (name, label, more = {}) => field({ id: `work-${name}`, name, type: "time", label, ...more });
  const rule = (name, more = {}) => minutes({ name, label: say(`work.shifts.${name}`), value: name.split(".").reduce((of, part) => of?.[part], shift), ...more });
  const kind = choice({ id: "work-kind", name: "kind", label: say("work.shifts.kind"), options: options("kind", ["fixed", "flexible", "split"]), value: shift.kind });
  const week = weekSet(shift.days);
  const breaks = spanSet({ name: "breaks", legend: say("work.shifts.breaks"), hint: say("work.shifts.breaks.hint"), add: say("work.shifts.breaks.add"), rows: shift.breaks });
  const parts = spanSet({ name: "parts", legend: say("work.shifts.parts"), hint: say("work.shifts.parts.hint"), add: say("work.shifts.parts.add"), rows: shift.parts });
  const early = box({ name: "overtime.earlyCounts", label: say("work.shifts.overtime.earlyCounts"), checked: shift.overtime.earlyCounts });
  const flexible = el(
    "div",
    { class: "edit" },
    pairOf(at("core.start", say("work.shifts.core.start"), { optional: true, value: shift.core?.start ?? "" }), at("core.end", say("work.shifts.core.end"), { optional: true, value: shift.core?.end ?? "" })),
    rule("requiredMinutes", { optional: true, hint: say("work.shifts.requiredMinutes.hint") }),
  );
  const rounding = (name) => pairOf(choice({ id: `work-${name}.step`, name: `${name}.step`, label: say(`work.shifts.${name}.step`), options: options("step", ["none", "nearest", "up", "down"]), value: shift[name].step }), rule(`${name}.minutes`));
  const more = el(
    "details",
    { class: "import-help work-more" },
    el("summary", { text: say("work.shifts.more") }),
    el(
      "div",
      { class: "edit" },
      rule("breakAfterMinutes", { hint: say("work.shifts.breakAfterMinutes.hint") }),
      breaks.element,
      pairOf(rule("opensMinutes"), rule("closesMinutes")),
      el("p", { class: "field-hint", text: say("work.shifts.window.hint") }),
      rounding("roundIn"),
      rounding("roundOut"),
      pairOf(rule("leastMinutes", { hint: say("work.shifts.leastMinutes.hint") }), rule("halfDayMinutes", { hint: say("work.shifts.halfDayMinutes.hint") })),
      rule("overtime.afterMinutes", { optional: true, hint: say("work.shifts.overtime.afterMinutes.hint") }),
      pairOf(rule("overtime.leastMinutes"), rule("overtime.limitMinutes", { optional: true })),
      early.element,
      choice({ id: "work-pairing", name: "pairing", label: say("work.shifts.pairing"), options: options("pairing", ["pairs", "first_last"]), value: shift.pairing }),
      choice({ id: "work-closing", name: "closing", label: say("work.shifts.closing"), options: options("closing", ["end", "longest", "nothing"]), value: shift.closing }),
    ),
  );
  const select = kind.querySelector("select");
  const shown = () => {
    flexible.hidden = select.value !== "flexible";
    parts.element.hidden = select.value !== "split";
  };
  select.addEventListener("change", shown);
  shown();

  const value = (made, typed) => {
    const sentences = { name: say("work.missing.name"), start: say("work.missing.time"), end: say("work.missing.time") };
    if (!complete(made, sentences)) return null;
    const figures = numbers(made, [...ZERO, ...OPEN, ...Object.keys(DEFAULTS)]);
    if (!figures || !breaks.complete() || (select.value === "split" && !parts.complete())) return null;
    const core = typed("core.start") || typed("core.end");
    if (select.value === "flexible" && core && !complete(made, { "core.start": say("work.missing.time"), "core.end": say("work.missing.time") })) return null;
    const number = (name) => figures[name] ?? DEFAULTS[name] ?? 0;
    return {
      name: typed("name"), start: typed("start"), end: typed("end"), timezone: typed("timezone") || null, days: week.value(), kind: select.value,
      breakMinutes: number("breakMinutes"), breaks: breaks.value(), breakAfterMinutes: number("breakAfterMinutes"), graceLateMinutes: number("graceLateMinutes"), graceEarlyMinutes: number("graceEarlyMinutes"),
      opensMinutes: number("opensMinutes"), closesMinutes: number("closesMinutes"), leastMinutes: number("leastMinutes"), halfDayMinutes: number("halfDayMinutes"),
      roundIn: { step: typed("roundIn.step"), minutes: number("roundIn.minutes") }, roundOut: { step: typed("roundOut.step"), minutes: number("roundOut.minutes") },
      overtime: { afterMinutes: figures["overtime.afterMinutes"], leastMinutes: number("overtime.leastMinutes"), limitMinutes: figures["overtime.limitMinutes"], earlyCounts: early.input.checked },
      parts: select.value === "split" ? parts.value() : [],
      core: select.value === "flexible" && core ? { start: typed("core.start"), end: typed("core.end") } : null,
      requiredMinutes: select.value === "flexible" ? figures.requiredMinutes : null,
      pairing: typed("pairing"), closing: typed("closing"),
    };
  };
  return {
    parts: [
      field({ id: "work-name", name: "name", label: say("work.name"), value: shift.name, maxlength: 200 }),
      kind,
      pairOf(at("start", say("work.shifts.start"), { value: shift.start }), at("end", say("work.shifts.end"), { value: shift.end, hint: say("work.shifts.end.hint") })),
      flexible,
      parts.element,
      week.element,
      rule("breakMinutes", { hint: say("work.shifts.breakMinutes.hint") }),
      pairOf(rule("graceLateMinutes"), rule("graceEarlyMinutes")),
      zoneField({ value: shift.timezone, hint: say("work.shifts.zone.hint") }),
      more,
    ],
    value,
  };
}
