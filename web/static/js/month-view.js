/** A month as a grid: people by dates, each cell a day with its status and hours. */

import { concerns, hours, inOneLine, kindOf } from "./day-words.js";
import { el, stateCard } from "./dom.js";
import { say } from "./text.js";
import { datesOf, longDate, weekday } from "./zoned.js";

const PAGE_SIZE = 200;
const PAGES_AT_ONCE = 4; // some 25 people of a whole month

export class MonthView {
  #api;
  #uses;
  /** @type {Map<string, {person: any, days: Map<string, any[]>}>} */
  #people = new Map();
  #filters = null;
  #month = "";
  #page = 0;
  #total = 0;
  #focus = "";

  /**
   * @param {import("./api.js").Api} api
   * @param {{open: (personId: string, date: string) => void, today: () => string, changed: () => void, failed: (error: unknown) => void}} uses
   */
  constructor(api, uses) {
    this.#api = api;
    this.#uses = uses;
  }

  /** @param {{month: string, department: string, search: string}} filters */
  async load({ month, department, search }) {
    this.#filters = { from: `${month}-01`, to: datesOf(month).at(-1), departmentId: department, search, sort: "fullName" };
    this.#month = month;
    this.#people = new Map();
    this.#page = this.#total = 0;
    await this.#more(this.#filters);
  }

  async #more(filters) {
    for (let count = 0; count < PAGES_AT_ONCE; count += 1) {
      const { data, meta } = await this.#api.list("attendance/days", { ...filters, pageSize: PAGE_SIZE, page: this.#page + 1 });
      if (filters !== this.#filters) return; // another month by now
      this.#page += 1;
      this.#total = meta.total;
      for (const day of data) this.#put(day);
      if (this.#page * PAGE_SIZE >= meta.total) return;
    }
  }

  #put(day) {
    const known = this.#people.get(day.personId) ?? { person: day.person, days: new Map() };
    known.days.set(day.date, [...(known.days.get(day.date) ?? []), day]);
    this.#people.set(day.personId, known);
  }

  /** @param {string[]} personIds */
  async heard(personIds) {
    const filters = this.#filters;
    for (const personId of personIds.filter((id) => this.#people.has(id))) {
      const { data } = await this.#api.list("attendance/days", { from: filters.from, to: filters.to, personId, pageSize: PAGE_SIZE });
      if (filters !== this.#filters) return;
      this.#people.get(personId).days.clear();
      for (const day of data) this.#put(day);
    }
  }

  count() {
    return "";
  }

  render() {
    if (!this.#people.size) return [stateCard({ icon: "calendar", title: say(this.#filters?.search || this.#filters?.departmentId ? "attendance.none.title" : "month.empty.title"), text: say(this.#filters?.search || this.#filters?.departmentId ? "attendance.none.text" : "month.empty.text") })];
    const dates = datesOf(this.#month);
    const body = el("tbody", {}, ...[...this.#people.values()].map((one) => this.#row(one, dates)));
    body.addEventListener("keydown", (event) => this.#move(event));
    body.addEventListener("focusin", (event) => this.#goto(event.target));
    this.#start(body);
    const more = this.#page * PAGE_SIZE < this.#total && el("button", { class: "button", type: "button", data: { key: "more" }, text: say("attendance.more") });
    if (more) more.addEventListener("click", () => this.#showMore(more));
    return [
      el("div", { class: "month-scroll people-card" }, el("table", { class: "month figures" }, el("caption", { class: "sr-only", text: say("month.caption") }), this.#head(dates), body)),
      legend(),
      more,
    ].filter(Boolean);
  }

  async #showMore(button) {
    button.disabled = true;
    try {
      await this.#more(this.#filters);
      this.#uses.changed();
    } catch (error) {
      button.disabled = false;
      this.#uses.failed(error);
    }
  }

  #head(dates) {
    const today = this.#uses.today();
    return el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "col", class: "month-who", text: say("today.name") }),
        ...dates.map((date) => el("th", { scope: "col", class: date === today ? "month-day is-today" : "month-day", "aria-label": longDate(date), "aria-current": date === today ? "date" : null }, el("span", { text: weekday(date).slice(0, 2) }), el("b", { text: String(Number(date.slice(-2))) }))),
        el("th", { scope: "col", class: "month-sum", text: say("month.sum") }),
      ),
    );
  }

  #row({ person, days }, dates) {
    const worked = [...days.values()].flat().reduce((sum, day) => sum + day.workedMinutes, 0);
    return el(
      "tr",
      {},
      el("th", { scope: "row", class: "month-who", title: person.fullName }, el("span", { text: person.fullName })),
      ...dates.map((date) => el("td", {}, days.has(date) ? this.#cell(person, date, days.get(date)) : null)),
      el("td", { class: "month-sum", text: hours(worked) }),
    );
  }

  #cell(person, date, days) {
    const worked = days.reduce((sum, day) => sum + day.workedMinutes, 0);
    const kind = kindOf(days.find((day) => ["missing_out", "missing_in"].includes(kindOf(day))) ?? days.find(concerns) ?? days[0]);
    const late = days.some((day) => day.lateMinutes > 0);
    const words = `${person.fullName}, ${longDate(date)}: ${inOneLine(days)}`;
    return el(
      "button",
      { class: `cell cell-${kind}${late ? " cell-late" : ""}`, type: "button", tabindex: -1, title: words, "aria-label": words, data: { key: `${person.id} ${date}` }, on: { click: () => this.#uses.open(person.id, date) } },
      el("span", { class: "cell-hours", text: worked > 0 ? hours(worked) : "" }),
      el("span", { class: "cell-word", text: worked > 0 && kind === "present" ? (late ? say("cell.late") : "") : say(`cell.${kind}`) }),
    );
  }

  /** One cell is reached by Tab; from there it goes by arrows. */
  #start(body) {
    const cell = (this.#focus && body.querySelector(`[data-key="${CSS.escape(this.#focus)}"]`)) || body.querySelector(".cell");
    if (cell) cell.tabIndex = 0;
  }

  #goto(cell) {
    if (!cell.matches(".cell")) return;
    for (const other of cell.closest("tbody").querySelectorAll('.cell[tabindex="0"]')) other.tabIndex = -1;
    cell.tabIndex = 0;
    this.#focus = cell.dataset.key;
  }

  #move(event) {
    const place = event.target.closest("td");
    if (!place || event.altKey || event.ctrlKey || event.metaKey) return;
    const ahead = document.dir === "rtl" ? -1 : 1;
    const row = place.parentElement;
    const next = {
      ArrowRight: () => row.cells[place.cellIndex + ahead],
      ArrowLeft: () => row.cells[place.cellIndex - ahead],
      ArrowDown: () => row.nextElementSibling?.cells[place.cellIndex],
      ArrowUp: () => row.previousElementSibling?.cells[place.cellIndex],
      Home: () => row.cells[1],
      End: () => row.cells[row.cells.length - 2],
    }[event.key]?.();
    const cell = next?.querySelector?.(".cell");
    if (!cell) return;
    event.preventDefault();
    cell.focus();
  }
}

function legend() {
  const kinds = ["late", "missing_out", "absent", "leave", "holiday", "expected"];
  return el("p", { class: "legend quiet" }, ...kinds.map((kind) => el("span", {}, el("b", { class: `cell-${kind}`, text: say(`cell.${kind}`) }), " ", say(kind === "late" ? "legend.late" : `day.${kind}`).toLowerCase())));
}
