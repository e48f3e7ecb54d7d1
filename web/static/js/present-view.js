/** Who is in now, by site and department, since when. */

import { el, face, icon, stateCard } from "./dom.js";
import { say } from "./text.js";
import { clockIn, dateIn, fullIn } from "./zoned.js";

const PAGE_SIZE = 200;
const MOST_PAGES = 10;

export class PresentView {
  #api;
  #uses;
  /** @type {any[]} */
  #people = [];
  /** @type {Map<string, string>} */
  #sites = new Map();

  /**
   * @param {import("./api.js").Api} api
   * @param {{open: (personId: string, date: string) => void, department: (id: string | null) => string}} uses
   */
  constructor(api, uses) {
    this.#api = api;
    this.#uses = uses;
  }

  async load() {
    const sites = await this.#api.list("sites", { pageSize: 200, sort: "name" });
    this.#sites = new Map(sites.data.map((one) => [one.id, one.name]));
    await this.heard();
  }

  /** Somebody came or went. */
  async heard() {
    const found = [];
    for (let page = 1; page <= MOST_PAGES; page += 1) {
      const { data, meta } = await this.#api.list("attendance/present", { pageSize: PAGE_SIZE, page, sort: "fullName" });
      found.push(...data);
      if (page * PAGE_SIZE >= meta.total) break;
    }
    this.#people = [...new Map(found.map((one) => [one.person.id, one])).values()];
  }

  /** @param {{department: string, search: string}} filters */
  render({ department, search }) {
    const shown = this.#people.filter(({ person }) => (!department || person.departmentId === department) && matches(person, search));
    if (!this.#people.length) return [stateCard({ icon: "in", title: say("now.empty.title"), text: say("now.empty.text") })];
    if (!shown.length) return [stateCard({ icon: "search", title: say("attendance.none.title"), text: say("attendance.none.text") })];
    const severalSites = new Set(shown.map((one) => one.siteId)).size > 1;
    const sites = [...this.#sites.keys(), null].map((id) => [id, shown.filter((one) => (this.#sites.has(one.siteId) ? one.siteId : null) === id)]);
    return sites
      .filter(([, some]) => some.length)
      .map(([id, some]) =>
        el(
          "section",
          { class: "now-site", "aria-label": severalSites ? this.#site(id) : say("now.everywhere") },
          severalSites && el("h2", { class: "now-site-name" }, this.#site(id), el("span", { class: "quiet figures", text: String(some.length) })),
          el("div", { class: "now-groups" }, ...this.#groups(some)),
        ),
      );
  }

  count() {
    const count = this.#people.length;
    return say(count === 1 ? "now.count.one" : "now.count", { count });
  }

  #site(id) {
    return id === null ? say("now.no_site") : this.#sites.get(id);
  }

  #groups(some) {
    /** @type {Map<string, any[]>} */
    const by = new Map();
    for (const one of some) by.set(this.#uses.department(one.person.departmentId), [...(by.get(this.#uses.department(one.person.departmentId)) ?? []), one]);
    const none = this.#uses.department(null);
    return [...by.entries()]
      .sort(([a], [b]) => Number(a === none) - Number(b === none) || a.localeCompare(b))
      .map(([name, people]) =>
        el(
          "section",
          { class: "people-card now-group", "aria-label": name },
          el("h3", { class: "now-name" }, el("span", { text: name }), el("span", { class: "quiet figures", text: String(people.length) })),
          el("ul", {}, ...people.map((one) => this.#line(one))),
        ),
      );
  }

  #line({ person, since, timezone }) {
    return el(
      "li",
      {},
      el(
        "button",
        { class: "now-line", type: "button", data: { key: `now ${person.id}` }, on: { click: () => this.#uses.open(person.id, dateIn(timezone, since)) } },
        face(person.photoUrl, "face-40", person.fullName),
        el("b", { class: "now-who", text: person.fullName }),
        el("span", { class: "now-since" }, icon("in"), el("span", { class: "sr-only", text: say("now.since") }), el("time", { class: "figures", datetime: since, title: fullIn(timezone, since), text: clockIn(timezone, since) })),
      ),
    );
  }
}

/** @param {any} person @param {string} search */
export function matches(person, search) {
  const words = `${person.fullName} ${person.employeeId ?? ""}`.toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => words.includes(word));
}
