/** Arrivals, lateness and presence of a month: drawn by the server, each with its numbers in a table behind it. */

import { el, stateCard } from "./dom.js";
import { say } from "./text.js";
import { datesOf, shortDate } from "./zoned.js";

const CHARTS = [
  { name: "arrivals", columns: ["people"], first: (row) => row.at },
  { name: "lateness", columns: ["people", "minutes"], first: (row) => shortDate(row.date) },
  { name: "presence", columns: ["there", "incomplete", "away", "absent"], first: (row) => shortDate(row.date) },
];

export class ChartsView {
  #api;
  #uses;
  #query = new URLSearchParams();
  #numbers = null;
  /** @type {Set<string>} whose table is unfolded */
  #unfolded = new Set();

  /** @param {import("./api.js").Api} api @param {{today: () => string}} uses */
  constructor(api, uses) {
    this.#api = api;
    this.#uses = uses;
  }

  /** @param {{month: string, department: string}} filters */
  async load({ month, department }) {
    const last = datesOf(month).at(-1);
    const today = this.#uses.today();
    const to = month === today.slice(0, 7) ? today : last; // days to come would be empty columns
    this.#query = new URLSearchParams({ from: `${month}-01`, to, ...(department ? { departmentId: department } : {}) });
    this.#numbers = await this.#api.get(`attendance/charts?${this.#query}`);
  }

  /** News would draw three pictures for each that comes in: they are drawn again when the page is asked for them. */
  async heard() {}

  count() {
    return "";
  }

  render() {
    const { presence, arrivals } = this.#numbers;
    if (!arrivals.length && !presence.some((one) => one.absent || one.away)) return [stateCard({ icon: "calendar", title: say("charts.empty.title"), text: say("charts.empty.text") })];
    return [el("div", { class: "charts" }, ...CHARTS.map((chart) => this.#figure(chart)))];
  }

  #figure({ name, columns, first }) {
    const address = `/api/v1/attendance/chart.svg?${this.#query}&show=${name}&theme=${theme()}`;
    const remember = (event) => (event.currentTarget.open ? this.#unfolded.add(name) : this.#unfolded.delete(name));
    return el(
      "figure",
      { class: "people-card chart", "aria-labelledby": `chart-${name}` },
      el("figcaption", {}, el("h2", { id: `chart-${name}`, text: say(`charts.${name}`) }), el("p", { class: "quiet", text: say(`charts.${name}.text`) })),
      el("div", { class: "chart-scroll", role: "group", tabindex: 0, "aria-labelledby": `chart-${name}` }, el("img", { class: "chart-picture", src: address, alt: say("charts.picture", { title: say(`charts.${name}`) }), decoding: "async" })),
      el(
        "details",
        { class: "history", open: this.#unfolded.has(name), on: { toggle: remember } },
        el("summary", { data: { key: `chart ${name}` }, text: say("charts.table") }),
        table(say(`charts.${name}`), [say(`charts.${name === "arrivals" ? "quarter" : "date"}`), ...columns.map((one) => say(`charts.column.${one}`))], this.#numbers[name].map((row) => [first(row), ...columns.map((one) => String(row[one]))])),
      ),
    );
  }
}

/** @param {string} caption @param {string[]} head @param {string[][]} rows */
function table(caption, head, rows) {
  return el(
    "table",
    { class: "recognition-table figures" },
    el("caption", { class: "sr-only", text: caption }),
    el("thead", {}, el("tr", {}, ...head.map((name) => el("th", { scope: "col", text: name })))),
    el("tbody", {}, ...rows.map(([name, ...rest]) => el("tr", {}, el("th", { scope: "row", text: name }), ...rest.map((value) => el("td", { text: value }))))),
  );
}

function theme() {
  return document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}
