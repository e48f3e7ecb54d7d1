/** A schedule: who works which shift on which dates, in turns where they rotate, and what goes before it on some days. */

import { el, fieldError } from "./dom.js";
import { choice, field } from "./fields.js";
import { PersonCombo, unclearPerson } from "./person-combo.js";
import { say } from "./text.js";
import { box, complete, dateField, set } from "./work-parts.js";
import { dayAfter, fullDate } from "./zoned.js";

const MOST_TURNS = 366;

export const SCHEDULES = Object.freeze({
  name: "schedules",
  path: "schedules",
  figure: "calendar",
  row: (one, context) => ({
    title: one.personId ? context.person(one.personId) : one.departmentId ? context.department(one.departmentId) : say("work.everybody"),
    lines: [what(one, context), one.to ? say("work.dates", { from: fullDate(one.from), to: fullDate(one.to) }) : say("work.dates.open", { from: fullDate(one.from) }), one.note],
    chips: one.exception ? [say("work.schedules.exception.chip")] : [],
  }),
  form,
});

function what(one, context) {
  if (one.rotation) return say(`work.schedules.rotation.${one.rotation.unit}`, { count: one.rotation.turns.length });
  return one.shiftId ? context.shift(one.shiftId) : say("work.off");
}

function form(row, context, api) {
  const of = row ? (row.personId ? "person" : row.departmentId ? "department" : "everybody") : "person";
  const works = row ? (row.rotation ? "rotation" : row.shiftId ? "shift" : "off") : "shift";
  const whose = choice({ id: "work-of", name: "of", label: say("work.schedules.of"), options: ["person", "department", "everybody"].map((one) => [one, say(`work.schedules.of.${one}`)]), value: of });
  const person = new PersonCombo(api, { name: "personId", label: say("work.person"), person: row?.personId ? { id: row.personId, fullName: context.person(row.personId) } : null });
  const department = choice({ id: "work-departmentId", name: "departmentId", label: say("work.department"), options: [["", say("work.choose")], ...context.departments()], value: row?.departmentId ?? "" });
  const kind = choice({ id: "work-works", name: "works", label: say("work.schedules.works"), options: ["shift", "rotation", "off"].map((one) => [one, say(`work.schedules.works.${one}`)]), value: works });
  const shift = choice({ id: "work-shiftId", name: "shiftId", label: say("work.shift"), options: [["", say("work.choose")], ...context.shifts()], value: row?.shiftId ?? "" });
  const turns = rotation(row?.rotation ?? null, context);
  const exception = box({ name: "exception", label: say("work.schedules.exception"), hint: say("work.schedules.exception.hint"), checked: row?.exception ?? false });
  const shown = () => {
    const [theirs, what_] = [whose.querySelector("select").value, kind.querySelector("select").value];
    person.element.hidden = theirs !== "person";
    department.hidden = theirs !== "department";
    shift.hidden = what_ !== "shift";
    turns.element.hidden = what_ !== "rotation";
    exception.element.hidden = what_ === "rotation";
  };
  for (const one of [whose, kind]) one.querySelector("select").addEventListener("change", shown);
  shown();

  const value = (made, typed) => {
    const [theirs, what_] = [typed("of"), typed("works")];
    const is = (name, sentence) => { fieldError(made.elements.namedItem(name), sentence); made.elements.namedItem(name).focus(); return null; };
    if (theirs === "person" && !person.value) return is("personId", unclearPerson(person));
    if (theirs === "department" && !typed("departmentId")) return is("departmentId", say("work.missing.department"));
    if (what_ === "shift" && !typed("shiftId")) return is("shiftId", say("work.missing.shift"));
    if (what_ === "rotation" && !turns.complete()) return null;
    if (!complete(made, { from: say("work.missing.date") })) return null;
    if (typed("to") && typed("to") < typed("from")) return is("to", say("work.wrong.order"));
    const apart = what_ !== "rotation" && exception.input.checked;
    if (apart && (!typed("to") || typed("to") >= dayAfter(typed("from"), 366))) return is("to", say("work.wrong.exception"));
    return {
      personId: theirs === "person" ? person.value : null, departmentId: theirs === "department" ? typed("departmentId") : null,
      shiftId: what_ === "shift" ? typed("shiftId") : null, rotation: what_ === "rotation" ? turns.value() : null,
      from: typed("from"), to: typed("to") || null, exception: apart, note: typed("note"),
    };
  };
  return {
    parts: [
      whose, person.element, department, kind, shift, turns.element,
      el("div", { class: "field-pair" }, dateField({ name: "from", label: say("work.from"), value: row?.from }), dateField({ name: "to", label: say("work.to"), value: row?.to, optional: true, hint: say("work.schedules.to.hint") })),
      exception.element,
      field({ id: "work-note", name: "note", label: say("work.note"), value: row?.note ?? "", maxlength: 500, optional: true }),
    ],
    value,
  };
}

/** Turns that come round again, a list of shifts to choose from for each. */
function rotation(given, context) {
  const unit = choice({ id: "work-rotation-unit", name: "rotation.unit", label: say("work.rotation.unit"), options: ["day", "week"].map((one) => [one, say(`work.rotation.unit.${one}`)]), value: given?.unit ?? "week" });
  const anchor = dateField({ name: "rotation.anchor", label: say("work.rotation.anchor"), hint: say("work.rotation.anchor.hint"), value: given?.anchor });
  const list = el("ol", { class: "hours" });
  const add = el("button", { class: "button button-small", type: "button", text: say("work.rotation.add"), on: { click: () => append([], true) } });
  const element = set({ name: "rotation.turns", legend: say("work.rotation") }, unit, anchor, list, add);

  function append(shiftIds, focus = false) {
    // A turn with several shifts keeps those that this form does not show.
    const select = el("select", { data: { rest: JSON.stringify(shiftIds.slice(1)) } }, el("option", { value: "", text: say("work.off") }), ...context.shifts().map(([id, name]) => el("option", { value: id, text: name, selected: id === shiftIds[0] })));
    const also = shiftIds.length > 1 && el("span", { class: "quiet", text: say("work.rotation.also", { shifts: shiftIds.slice(1).map((id) => context.shift(id)).join(", ") }) });
    const away = el("button", { class: "button button-small", type: "button", text: say("hours.remove"), on: { click: () => { item.remove(); number(); add.focus(); } } });
    const item = el("li", { class: "work-turn" }, select, also, away);
    list.append(item);
    number();
    if (focus) select.focus();
  }

  function number() {
    [...list.children].forEach((item, index) => {
      item.querySelector("select").setAttribute("aria-label", say("work.rotation.turn", { number: index + 1 }));
      item.querySelector("button").setAttribute("aria-label", say("work.rotation.remove", { number: index + 1 }));
    });
    add.disabled = list.children.length >= MOST_TURNS;
  }

  for (const turn of given?.turns ?? [[], []]) append(turn);
  return {
    element,
    complete: () => {
      const start = anchor.querySelector("input");
      if (!start.value) fieldError(start, say("work.missing.date"));
      else if (!list.children.length) fieldError(element, say("work.missing.turns"));
      else return true;
      (start.value ? add : start).focus();
      return false;
    },
    value: () => ({
      anchor: anchor.querySelector("input").value, unit: unit.querySelector("select").value,
      turns: [...list.querySelectorAll("select")].map((select) => (select.value ? [select.value, ...JSON.parse(select.dataset.rest).filter((id) => id !== select.value)] : [])),
    }),
  };
}
