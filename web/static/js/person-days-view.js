/** One person's month: each day with its status and numbers, its entries and the frames that they came from. */

import { concerns, hours, lateChip, statusChip } from "./day-words.js";
import { el, face, icon, stateCard } from "./dom.js";
import { PersonCombo } from "./person-combo.js";
import { say } from "./text.js";
import { clockOn, datesOf, dayAfter, fullIn, instant, longDate } from "./zoned.js";

const PAGE_SIZE = 200;
const MOST_PAGES = 5; // a thousand entries in a month

export class PersonDaysView {
  #api;
  #uses;
  #combo = null;
  #personId = "";
  #month = "";
  #days = [];
  #entries = new Map();

  /**
   * @param {import("./api.js").Api} api
   * @param {{holder: HTMLElement, open: (personId: string, date: string) => void, chosen: (personId: string) => void, today: () => string, pdf: boolean}} uses
   *   `holder` is where somebody is chosen
   */
  constructor(api, uses) {
    this.#api = api;
    this.#uses = uses;
  }

  /** @param {{of: string, month: string}} filters */
  async load({ of, month }) {
    await this.#offer(of);
    this.#personId = of;
    this.#month = month;
    this.#days = [];
    this.#entries = new Map();
    if (!of) return;
    const [from, to] = [`${month}-01`, datesOf(month).at(-1)];
    const days = await this.#pages("attendance/days", { personId: of, from, to, sort: "-date" });
    const zone = days[0]?.timezone ?? "UTC";
    // A shift over midnight ends, and one may begin, beyond the month.
    const [start, end] = [instant(zone, dayAfter(from, -1), "00:00"), instant(zone, dayAfter(to, 3), "00:00")];
    const entries = days.length ? await this.#pages("attendance/entries", { personId: of, from: start, to: end, sort: "at" }) : [];
    if (of !== this.#personId || month !== this.#month) return; // another one by now
    this.#days = days;
    this.#entries = new Map(entries.map((entry) => [entry.id, entry]));
  }

  async #pages(path, query) {
    const found = [];
    for (let page = 1; page <= MOST_PAGES; page += 1) {
      const { data, meta } = await this.#api.list(path, { ...query, pageSize: PAGE_SIZE, page });
      found.push(...data);
      if (page * PAGE_SIZE >= meta.total) break;
    }
    return found;
  }

  /** The field in which somebody is chosen, with who is. */
  async #offer(of) {
    if (this.#combo && (this.#combo.value ?? "") === of) return;
    const person = of ? await this.#api.get(`people/${of}`) : null;
    this.#combo = new PersonCombo(this.#api, { name: "of", label: say("timeline.person"), person, chosen: (one) => this.#uses.chosen(one.id) });
    this.#uses.holder.replaceChildren(this.#combo.element);
  }

  /** @param {string[]} personIds */
  async heard(personIds) {
    if (personIds.includes(this.#personId)) await this.load({ of: this.#personId, month: this.#month });
  }

  count() {
    const worked = this.#days.reduce((sum, day) => sum + day.workedMinutes, 0);
    return this.#days.length ? say("timeline.count", { hours: hours(worked), days: this.#days.filter((day) => day.entries.length).length }) : "";
  }

  render() {
    if (!this.#personId) return [stateCard({ icon: "person", title: say("timeline.nobody.title"), text: say("timeline.nobody.text") })];
    const today = this.#uses.today();
    const shown = this.#days.filter((day) => concerns(day) && day.date <= today);
    if (!shown.length) return [stateCard({ icon: "calendar", title: say("timeline.empty.title"), text: say("timeline.empty.text") })];
    return [this.#files(), el("ol", { class: "people-card people-list timeline", data: { list: "" } }, ...shown.map((day) => this.#day(day)))];
  }

  /** The month to take along, and to be signed. */
  #files() {
    const query = { personId: this.#personId, from: `${this.#month}-01`, to: datesOf(this.#month).at(-1) };
    const link = (format) => el("a", { class: "button button-small", href: `/api/v1/attendance/export?${new URLSearchParams({ ...query, format })}`, download: "" }, icon("calendar"), el("span", { text: say(`timeline.file.${format}`) }));
    return el("div", { class: "row" }, ...(this.#uses.pdf ? [link("pdf")] : []), link("xlsx"));
  }

  #day(day) {
    const entries = day.entries.map((entry) => this.#entries.get(entry.id) ?? entry);
    const sums = [day.workedMinutes > 0 && say("day.worked", { hours: hours(day.workedMinutes) }), day.overtimeMinutes > 0 && say("timeline.overtime", { hours: hours(day.overtimeMinutes) })].filter(Boolean).join(", ");
    return el(
      "li",
      { class: "timeline-day" },
      el(
        "button",
        { class: "timeline-head people-button", type: "button", data: { key: `${day.personId} ${day.date}` }, on: { click: () => this.#uses.open(day.personId, day.date) } },
        el("span", { class: "people-words" }, el("b", { text: longDate(day.date) }), el("span", { class: "quiet figures", text: [day.shiftName, sums].filter(Boolean).join(" · ") })),
        el("span", { class: "today-status" }, statusChip(day), lateChip(day)),
        icon("chevron-right", "people-go flips"),
      ),
      entries.length > 0 && el("ul", { class: "timeline-entries" }, ...entries.map((entry) => this.#entry(entry, day))),
    );
  }

  #entry(entry, day) {
    const words = say(`person.entry.${entry.direction}`);
    const time = el("time", { class: "figures", datetime: entry.at, title: fullIn(day.timezone, entry.at), text: clockOn(day.timezone, entry.at, day.date) });
    return el("li", {}, face(entry.snapshotUrl ?? null, "face-40"), el("span", { class: `chip chip-${entry.direction}` }, icon(entry.direction), el("span", { text: words })), time);
  }
}
