/** Corrections that wait for a second person, the oldest first. */

import { correctionItem } from "./correction-item.js";
import { el, stateCard } from "./dom.js";
import { say } from "./text.js";

const PAGE_SIZE = 100;

export class WaitingView {
  #api;
  #uses;
  /** @type {any[]} */
  #waiting = [];
  total = 0;

  /** @param {import("./api.js").Api} api @param {{decided: (agreed: boolean) => void}} uses */
  constructor(api, uses) {
    this.#api = api;
    this.#uses = uses;
  }

  async load() {
    const { data, meta } = await this.#api.list("attendance/corrections", { state: "pending", sort: "createdAt", pageSize: PAGE_SIZE });
    this.#waiting = data;
    this.total = meta.total;
  }

  async heard() {
    await this.load();
  }

  count() {
    return this.total === 1 ? say("waiting.count.one") : say("waiting.count", { count: this.total });
  }

  render() {
    if (!this.#waiting.length) return [stateCard({ icon: "check", title: say("waiting.empty.title"), text: say("waiting.empty.text") })];
    return [el("ul", { class: "people-card waiting-list" }, ...this.#waiting.map((one) => correctionItem(one, { person: true, decide: (agreed) => this.#decide(one, agreed) })))];
  }

  async #decide(correction, agreed) {
    await this.#api.post(`attendance/corrections/${correction.id}/${agreed ? "approve" : "refuse"}`);
    this.#uses.decided(agreed);
  }
}
