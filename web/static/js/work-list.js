/** One collection of working time as a list: pages, search, what each row says, and what to do where there is none. */

import { el, icon, stateCard } from "./dom.js";
import { say } from "./text.js";

const PAGE_SIZE = 50;

export class WorkList {
  #api;
  #kind;
  #context;
  #uses;
  /** @type {any[]} */
  #rows = [];
  #page = 0;
  #total = 0;
  #search = "";

  /**
   * @param {import("./api.js").Api} api
   * @param {any} kind of the collection: `name`, `path`, `row`, `figure`
   * @param {any} context names of what rows refer to
   * @param {{open: (row: any) => void, add: (() => void) | null, more: () => void}} uses
   */
  constructor(api, kind, context, uses) {
    this.#api = api;
    this.#kind = kind;
    this.#context = context;
    this.#uses = uses;
  }

  /** @param {string} search */
  async load(search) {
    this.#search = search;
    const found = [];
    const pages = Math.max(1, this.#page);
    for (let page = 1; page <= pages; page += 1) found.push(...(await this.#fetch(page)));
    this.#page = pages;
    this.#rows = found;
  }

  async #fetch(page) {
    const { data, meta } = await this.#api.list(this.#kind.path, { search: this.#search, pageSize: PAGE_SIZE, page });
    this.#total = meta.total;
    await this.#context.learn(data);
    return data;
  }

  get count() {
    return this.#total === 1 ? say(`work.${this.#kind.name}.count.one`) : say(`work.${this.#kind.name}.count`, { count: this.#total });
  }

  render() {
    const { name, figure } = this.#kind;
    if (!this.#rows.length && this.#search) return [stateCard({ icon: "search", title: say("work.none.title"), text: say("work.none.text") })];
    if (!this.#rows.length) {
      const add = this.#uses.add && el("button", { class: "button button-primary", type: "button", on: { click: this.#uses.add } }, icon("plus"), el("span", { text: say(`work.${name}.add`) }));
      return [stateCard({ icon: figure, title: say(`work.${name}.empty.title`), text: say(`work.${name}.empty.text`), action: add })];
    }
    const more = this.#rows.length < this.#total && el("button", { class: "button", type: "button", text: say("attendance.more"), on: { click: (event) => this.#more(event.currentTarget) } });
    return [el("div", { class: "people-card" }, el("ul", { class: "people-list work-list", data: { list: "" } }, ...this.#rows.map((row) => this.#item(row)))), more].filter(Boolean);
  }

  async #more(button) {
    button.disabled = true;
    try {
      this.#rows.push(...(await this.#fetch(this.#page + 1)));
      this.#page += 1;
    } finally {
      button.disabled = false;
    }
    this.#uses.more();
  }

  #item(row) {
    const { title, lines, chips = [] } = this.#kind.row(row, this.#context);
    return el(
      "li",
      {},
      el(
        "button",
        { class: "work-row people-button", type: "button", data: { key: row.id }, on: { click: () => this.#uses.open(row) } },
        el("span", { class: "people-words" }, el("b", { text: title }), ...lines.filter(Boolean).map((line) => el("span", { class: "quiet figures", text: line }))),
        el("span", { class: "work-chips" }, ...chips.map((text) => el("span", { class: "chip", text }))),
        icon("chevron-right", "people-go flips"),
      ),
    );
  }
}
