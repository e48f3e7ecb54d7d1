/** Everybody who is expected today, or came all the same: in words and colour, first in, late, what is missing. */

import { concerns, lateChip, statusChip } from "./day-words.js";
import { el, face, icon, stateCard } from "./dom.js";
import { matches } from "./present-view.js";
import { say } from "./text.js";
import { clockOn, fullIn } from "./zoned.js";

const PAGE_SIZE = 200;
const MOST_PAGES = 10;
const SHOWN = 200;

export class TodayView {
  #api;
  #uses;
  /** @type {any[]} */
  #days = [];
  #shown = SHOWN;

  /**
   * @param {import("./api.js").Api} api
   * @param {{open: (personId: string, date: string) => void, department: (id: string | null) => string, changed: () => void}} uses
   */
  constructor(api, uses) {
    this.#api = api;
    this.#uses = uses;
  }

  async load() {
    const found = [];
    for (let page = 1; page <= MOST_PAGES; page += 1) {
      const { data, meta } = await this.#api.list("attendance/days", { pageSize: PAGE_SIZE, page, sort: "fullName" });
      found.push(...data);
      if (page * PAGE_SIZE >= meta.total) break;
    }
    this.#days = found;
    this.#shown = SHOWN;
  }

  /** Of these people something has changed. @param {string[]} personIds */
  async heard(personIds) {
    for (const personId of personIds) {
      const { data } = await this.#api.list("attendance/days", { personId, pageSize: PAGE_SIZE });
      const at = this.#days.findIndex((day) => day.personId === personId);
      const others = this.#days.filter((day) => day.personId !== personId);
      others.splice(at < 0 ? others.length : at, 0, ...data);
      this.#days = others;
    }
  }

  count() {
    const expected = this.#days.filter(concerns);
    const there = expected.filter((day) => day.entries.length).length;
    return say("today.count", { there, expected: expected.length, late: expected.filter((day) => day.lateMinutes > 0).length });
  }

  /** @param {{department: string, search: string, late: boolean, missing: boolean}} filters */
  render({ department, search, late, missing }) {
    const expected = this.#days.filter(concerns);
    const shown = expected.filter(
      (day) => (!department || day.departmentId === department) && (!late || day.lateMinutes > 0) && (!missing || day.marks.includes("missing_out")) && matches(day.person, search),
    );
    if (!expected.length) return [stateCard({ icon: "calendar", title: say("today.empty.title"), text: say("today.empty.text") })];
    if (!shown.length) return [stateCard({ icon: "search", title: say("attendance.none.title"), text: say("attendance.none.text") })];
    const more = shown.length > this.#shown && el("button", { class: "button", type: "button", data: { key: "more" }, text: say("attendance.more"), on: { click: () => { this.#shown += SHOWN; this.#uses.changed(); } } });
    return [
      el(
        "div",
        { class: "people-card" },
        el("div", { class: "today-row people-labels", "aria-hidden": "true" }, ...["name", "status", "in", "out", "go"].map((name) => el("span", { text: name === "go" ? "" : say(`today.${name}`) }))),
        el("ul", { class: "people-list", data: { list: "" } }, ...shown.slice(0, this.#shown).map((day) => this.#row(day))),
      ),
      more,
    ].filter(Boolean);
  }

  #row(day) {
    const at = (moment, words) => (moment ? el("span", {}, el("span", { class: "sr-only", text: say(words) }), el("time", { class: "figures", datetime: moment, title: fullIn(day.timezone, moment), text: clockOn(day.timezone, moment, day.date) })) : el("span", { class: "quiet", "aria-hidden": "true", text: say("person.none") }));
    return el(
      "li",
      {},
      el(
        "button",
        { class: "today-row people-button", type: "button", data: { key: `today ${day.personId} ${day.shiftId}` }, on: { click: () => this.#uses.open(day.personId, day.date) } },
        el("span", { class: "people-who" }, face(day.person.photoUrl, "face-40", day.person.fullName), el("span", { class: "people-words" }, el("b", { text: day.person.fullName }), el("span", { class: "quiet", text: day.shiftName ?? this.#uses.department(day.departmentId) }))),
        el("span", { class: "today-status" }, statusChip(day), lateChip(day)),
        at(day.firstIn, "today.in"),
        at(day.lastOut, "today.out"),
        icon("chevron-right", "people-go flips"),
      ),
    );
  }
}
