/** Holidays, leave and sites: the plain ones of working time. */

import { el, fieldError } from "./dom.js";
import { choice, field } from "./fields.js";
import { PersonCombo, unclearPerson } from "./person-combo.js";
import { say, sayOr } from "./text.js";
import { complete, dateField, zoneField } from "./work-parts.js";
import { fullDate } from "./zoned.js";

const KINDS = ["vacation", "sick", "parental", "training", "unpaid", "business trip"];
const HALVES = ["first", "second"];

const kindInWords = (kind) => sayOr(`work.leave.kind.${kind.replace(" ", "_")}`, kind);

export const HOLIDAYS = Object.freeze({
  name: "holidays",
  path: "holidays",
  figure: "sun",
  taken: { holiday_exists: "name" },
  row: (one, context) => ({ title: one.name, lines: [fullDate(one.date), one.siteId ? context.site(one.siteId) : say("work.holidays.everywhere")] }),
  form: (row, context) => ({
    parts: [
      dateField({ name: "date", label: say("work.date"), value: row?.date }),
      field({ id: "work-name", name: "name", label: say("work.name"), value: row?.name ?? "", maxlength: 200 }),
      choice({ id: "work-siteId", name: "siteId", label: say("work.site"), options: [["", say("work.holidays.everywhere")], ...context.sites()], value: row?.siteId ?? "" }),
    ],
    value: (made, typed) => complete(made, { date: say("work.missing.date"), name: say("work.missing.name") }) && { date: typed("date"), name: typed("name"), siteId: typed("siteId") || null },
  }),
});

export const LEAVE = Object.freeze({
  name: "leave",
  path: "leave",
  figure: "person",
  taken: { leave_overlaps: "from" },
  row: (one, context) => ({
    title: context.person(one.personId),
    lines: [one.from === one.to ? fullDate(one.from) : say("work.dates", { from: fullDate(one.from), to: fullDate(one.to) }), one.note],
    chips: [kindInWords(one.kind), one.half && say(`work.leave.half.${one.half}`)].filter(Boolean),
  }),
  form: (row, context, api) => {
    const person = new PersonCombo(api, { name: "personId", label: say("work.person"), person: row ? { id: row.personId, fullName: context.person(row.personId) } : null });
    const value = (made, typed) => {
      const is = (name, sentence) => { fieldError(made.elements.namedItem(name), sentence); made.elements.namedItem(name).focus(); return null; };
      if (!person.value) return is("personId", unclearPerson(person));
      if (!complete(made, { from: say("work.missing.date"), to: say("work.missing.date"), kind: say("work.missing.kind") })) return null;
      if (typed("to") < typed("from")) return is("to", say("work.wrong.order"));
      if (typed("half") && typed("to") !== typed("from")) return is("half", say("work.wrong.half"));
      return { personId: person.value, from: typed("from"), to: typed("to"), kind: typed("kind"), half: typed("half") || null, note: typed("note") };
    };
    const from = dateField({ name: "from", label: say("work.from"), value: row?.from });
    const to = dateField({ name: "to", label: say("work.to"), value: row?.to });
    // A leave is of one day until the other end is named.
    from.querySelector("input").addEventListener("change", ({ target }) => { const end = to.querySelector("input"); if (!end.value) end.value = target.value; });
    return {
      parts: [
        person.element,
        el("div", { class: "field-pair" }, from, to),
        el("div", {}, field({ id: "work-kind", name: "kind", label: say("work.leave.kind"), hint: say("work.leave.kind.hint"), value: row?.kind ?? "vacation", maxlength: 40, list: "work-kinds" }), el("datalist", { id: "work-kinds" }, ...KINDS.map((kind) => el("option", { value: kind, text: kindInWords(kind) })))),
        choice({ id: "work-half", name: "half", label: say("work.leave.half"), options: [["", say("work.leave.half.none")], ...HALVES.map((half) => [half, say(`work.leave.half.${half}`)])], value: row?.half ?? "" }),
        field({ id: "work-note", name: "note", label: say("work.note"), value: row?.note ?? "", maxlength: 500, optional: true }),
      ],
      value,
    };
  },
});

export const SITES = Object.freeze({
  name: "sites",
  path: "sites",
  figure: "zones",
  taken: { site_exists: "name" },
  row: (one) => ({ title: one.name, lines: [one.timezone] }),
  form: (row) => ({
    parts: [field({ id: "work-name", name: "name", label: say("work.name"), value: row?.name ?? "", maxlength: 200 }), zoneField({ value: row?.timezone, required: true, hint: say("work.zone.hint") })],
    value: (made, typed) => complete(made, { name: say("work.missing.name"), timezone: say("work.missing.zone") }) && { name: typed("name"), timezone: typed("timezone") },
  }),
});
