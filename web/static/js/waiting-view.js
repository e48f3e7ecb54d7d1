/** What waits for somebody: corrections for a second person, and check-outs that are missing. */

import { correctionItem } from "./correction-item.js";
import { el, icon, stateCard } from "./dom.js";
import { say } from "./text.js";
import { longDate } from "./zoned.js";

const PAGE_SIZE = 100;

export class WaitingView {
  #api;
  #uses;
  /** @type {any[]} */
  #waiting = [];
  /** @type {any[]} */
  #missing = [];
  #missingTotal = 0;
  #corrections = 0;
  #people = new Map();

  /** @param {import("./api.js").Api} api @param {{decided: (agreed: boolean) => void, alerts: boolean, open: (personId: string, date: string) => void, acknowledge: ((alert: any) => Promise<void>) | null}} uses */
  constructor(api, uses) {
    this.#api = api;
    this.#uses = uses;
  }

  async load() {
    const { data, meta } = await this.#api.list("attendance/corrections", { state: "pending", sort: "createdAt", pageSize: PAGE_SIZE });
    this.#waiting = data;
    this.#corrections = meta.total;
    if (this.#uses.alerts) await this.#loadMissing();
  }

  get total() {
    return this.#corrections + this.#missing.filter((one) => !one.acknowledgedAt).length;
  }

  async #loadMissing() {
    const { data, meta } = await this.#api.list("alerts", { kind: "check_out_missing", state: "open", sort: "createdAt", pageSize: PAGE_SIZE });
    const found = data.map((alert) => ({ ...alert, personId: alert.subject.split("/")[1], date: alert.subject.split("/")[3] }));
    const unknown = [...new Set(found.map((one) => one.personId))].filter((id) => !this.#people.has(id));
    await Promise.all(unknown.map(async (id) => {
      const person = await this.#api.get(`people/${id}`).catch(() => null); // the day is told all the same
      if (person) this.#people.set(id, person.fullName);
    }));
    this.#missing = found;
    this.#missingTotal = meta.total;
  }

  async heard() {
    await this.load();
  }

  count() {
    if (!this.#corrections && this.#missingTotal) return this.#missingTotal === 1 ? say("waiting.missing.count.one") : say("waiting.missing.count", { count: this.#missingTotal });
    return this.#corrections === 1 ? say("waiting.count.one") : say("waiting.count", { count: this.#corrections });
  }

  render() {
    if (!this.#waiting.length && !this.#missing.length) return [stateCard({ icon: "check", title: say("waiting.empty.title"), text: say("waiting.empty.text") })];
    const corrections = this.#waiting.length > 0 && el("ul", { class: "people-card waiting-list" }, ...this.#waiting.map((one) => correctionItem(one, { person: true, decide: (agreed) => this.#decide(one, agreed) })));
    return [corrections, this.#missing.length > 0 && this.#missingList()].filter(Boolean);
  }

  #missingList() {
    const items = this.#missing.map((one) => this.#missingItem(one));
    const older = this.#missingTotal > this.#missing.length && el("p", { class: "quiet", text: say("waiting.missing.more", { count: this.#missingTotal - this.#missing.length }) });
    return el("section", { class: "block", "aria-labelledby": "waiting-missing" }, el("h2", { id: "waiting-missing", text: say("waiting.missing") }), el("ul", { class: "people-card people-list work-list", data: { missing: "" } }, ...items), older);
  }

  #missingItem(one) {
    const name = this.#people.get(one.personId) ?? say("work.person.somebody");
    const seen = one.acknowledgedAt
      ? el("span", { class: "chip" }, icon("check"), el("span", { text: say("waiting.missing.seen", { name: one.acknowledgedBy ?? "" }) }))
      : this.#uses.acknowledge && el("button", { class: "button button-small", type: "button", text: say("waiting.missing.acknowledge"), "aria-label": say("waiting.missing.acknowledge.of", { name, date: longDate(one.date) }), data: { key: `seen ${one.id}` }, on: { click: () => this.#uses.acknowledge(one) } });
    return el(
      "li",
      {},
      el(
        "div",
        { class: "missing-row" },
        el("button", { class: "work-row people-button", type: "button", data: { key: `${one.personId} ${one.date}` }, on: { click: () => this.#uses.open(one.personId, one.date) } }, el("span", { class: "people-words" }, el("b", { text: `${name}, ${longDate(one.date)}` }), el("span", { class: "quiet", text: one.message })), icon("chevron-right", "people-go flips")),
        seen,
      ),
    );
  }

  async #decide(correction, agreed) {
    await this.#api.post(`attendance/corrections/${correction.id}/${agreed ? "approve" : "refuse"}`);
    this.#uses.decided(agreed);
  }
}
