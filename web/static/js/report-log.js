/** The runs of a report: of which dates each is, to how many it went, and what became of it. */

import { el, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { isOpen, momentIn, periodInWords, runChip } from "./report-words.js";
import { say } from "./text.js";
import { fullIn } from "./zoned.js";

const PAGE_SIZE = 50;
const AGAIN_MS = 1500; // while something is on its way

export class ReportLog {
  #api;
  #sheet;
  #report = null;
  #turn = 0;
  #timer = 0;
  #pages = 1;
  #list = el("ul", { class: "deliveries" });
  #state = el("div", {});
  #count = el("p", { class: "quiet" });
  #more = el("button", { class: "button", type: "button", hidden: true, on: { click: () => { this.#pages += 1; this.#load(); } } });

  /** @param {import("./api.js").Api} api @param {import("./sheet.js").Sheet} sheet */
  constructor(api, sheet) {
    this.#api = api;
    this.#sheet = sheet;
    this.#more.textContent = say("reports.log.more");
  }

  open(report) {
    this.#report = report;
    this.#pages = 1;
    this.#count.textContent = "";
    this.#state.replaceChildren();
    this.#more.hidden = true;
    this.#list.replaceChildren(...[0, 1].map(() => el("li", { class: "delivery", "aria-hidden": "true" }, el("span", { class: "bone" }))));
    this.#list.setAttribute("aria-busy", "true");
    this.#sheet.open(say("reports.log.title", { name: report.name }), el("div", { class: "deliveries-head" }, this.#count), this.#state, this.#list, this.#more);
    this.#load();
  }

  left() {
    this.#turn += 1;
    this.#report = null;
    clearTimeout(this.#timer);
  }

  async #load() {
    const turn = ++this.#turn;
    clearTimeout(this.#timer);
    try {
      const asked = Array.from({ length: this.#pages }, (_, index) => this.#api.list(`reports/${this.#report.id}/runs`, { pageSize: PAGE_SIZE, page: index + 1 }));
      const answers = await Promise.all(asked);
      if (turn !== this.#turn) return;
      const rows = answers.flatMap(({ data }) => data);
      this.#show(rows, answers[0].meta.total);
      if (rows.some(isOpen)) this.#timer = setTimeout(() => this.#load(), AGAIN_MS);
    } catch (error) {
      if (turn !== this.#turn) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.#load() } });
      this.#list.replaceChildren();
      this.#state.replaceChildren(stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
    this.#list.removeAttribute("aria-busy");
  }

  #show(rows, total) {
    this.#count.textContent = total === 1 ? say("reports.count.one") : say("reports.count", { count: total });
    this.#list.replaceChildren(...rows.map((row) => this.#row(row)));
    this.#more.hidden = rows.length >= total;
    this.#state.replaceChildren(...(rows.length ? [] : [stateCard({ icon: "mail", title: say("reports.log.empty.title"), text: say("reports.log.empty.text") })]));
  }

  #row(run) {
    const zone = this.#report.timeZone;
    const at = run.sentAt ?? run.dueAt;
    const of = (key, count) => (count === 1 ? say(`${key}.one`) : say(key, { count }));
    const figures = [
      say(run.sentAt ? "reports.run.at.sent" : "reports.run.at.due", { time: momentIn(zone, at) }),
      of("reports.run.to", run.recipients),
      run.rows !== null && of("reports.run.rows", run.rows),
      run.tries > 1 && say("reports.run.tries", { count: run.tries }),
    ];
    return el("li", { class: "delivery report-run" },
      el("p", { class: "hook-name" }, runChip(run), el("b", { text: periodInWords(run.period) })),
      el("p", { class: "quiet figures", title: fullIn(zone, at), text: figures.filter(Boolean).join(" · ") }),
      run.reason && el("p", { class: "report-reason", text: run.reason }),
    );
  }
}
