/** Reports by e-mail: what is sent to whom and when, how the last ones went, and what can be done about it. */

import { el, icon, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { MailNote } from "./mail-note.js";
import { Removal } from "./removal.js";
import { ReportForm } from "./report-form.js";
import { ReportLog } from "./report-log.js";
import { isOpen, lastInWords, momentIn, scheduleInWords, stateChip, toInWords } from "./report-words.js";
import { Sheet } from "./sheet.js";
import { namesOf, someInWords } from "./some-of.js";
import { say } from "./text.js";
import { fullIn } from "./zoned.js";

const MOST = 200;
const AGAIN_MS = 4000; // while something is on its way

export class ReportsView {
  #api;
  #shell;
  #list;
  #state;
  #form;
  #log;
  #mail;
  #removal;
  #add;
  #asked = 0;
  #timer = 0;
  #loading = Promise.resolve();
  /** @type {string | null} the id of which one is asked whether it is to be sent */
  #sure = null;
  /** @type {string | null} the id of which one was sent, or was to be: its button was not to be pressed meanwhile, and lost the focus */
  #sent = null;

  /** @param {import("./api.js").Api} api @param {import("./shell.js").Shell} shell @param {HTMLElement} section */
  constructor(api, shell, section) {
    this.#api = api;
    this.#shell = shell;
    this.#list = section.querySelector("[data-list]");
    this.#state = section.querySelector("[data-state]");
    this.#add = section.querySelector("[data-add]");
    const sheet = new Sheet(document.querySelector("[data-report-sheet]"), () => { this.#form.left(); this.load(); });
    this.#form = new ReportForm(api, sheet, section.dataset.zone, (report) => this.#said("reports.saved", report));
    const log = new Sheet(document.querySelector("[data-report-log]"), () => { this.#log.left(); this.load().then(() => this.#back()); });
    this.#log = new ReportLog(api, log);
    this.#mail = new MailNote(api, section.querySelector("[data-mail]"), document.querySelector("[data-mail-sheet]"), { email: section.dataset.email, writes: shell.may("events:write") });
    this.#removal = new Removal(api, document.querySelector("[data-report-removal]"), {
      path: "reports",
      removed: (report) => {
        this.#said("reports.removed", report);
        (this.#add ?? section).focus(); // its row is gone
      },
    });
    this.#add?.addEventListener("click", () => this.#loading.then(() => this.#form.begin())); // with what it can be limited to
  }

  load() {
    this.#loading = this.#load();
    return this.#loading;
  }

  async #load() {
    const turn = ++this.#asked;
    clearTimeout(this.#timer);
    try {
      const [{ data }, mail, sites, departments] = await Promise.all([
        this.#api.list("reports", { pageSize: MOST, sort: "name" }), this.#api.get("reports/mail"), this.#sites(), namesOf(this.#api, "departments"),
      ]);
      if (turn !== this.#asked) return;
      this.#mail.show(mail);
      this.#show(data, mail.configured, sites, departments.names);
      if (data.some((report) => isOpen(report.lastRun))) this.#timer = setTimeout(() => this.#again(), AGAIN_MS);
    } catch (error) {
      if (turn !== this.#asked) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.load() } });
      this.#list.replaceChildren();
      this.#state.replaceChildren(stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
    this.#list.removeAttribute("aria-busy");
  }

  /** What a dialog gives the focus back to stays as it is until then. */
  #again() {
    if (document.querySelector("dialog[open]")) this.#timer = setTimeout(() => this.#again(), AGAIN_MS);
    else this.load();
  }

  #back() {
    if (this.#sent) this.#list.querySelector(`[data-does="send ${this.#sent}"]`)?.focus();
    this.#sent = null;
  }

  /** With their time zones; none where they are not for whoever looks. @returns {Promise<Map<string, any>>} */
  async #sites() {
    const { data } = await this.#api.list("sites", { pageSize: MOST, sort: "name" }).catch(() => ({ data: [] }));
    return new Map(data.map((site) => [site.id, site]));
  }

  #said(key, report) {
    this.#shell.toast(say(key, { name: report.name }));
    this.load();
  }

  #show(reports, configured, sites, departments) {
    const focused = this.#list.contains(document.activeElement) ? document.activeElement.dataset.does : null;
    this.#form.names(sites, departments);
    const names = new Map([...sites].map(([id, site]) => [id, site.name]));
    this.#list.replaceChildren(...reports.map((report) => this.#row(report, configured, names, departments)));
    if (focused) this.#list.querySelector(`[data-does="${focused}"]`)?.focus();
    this.#state.replaceChildren(...(reports.length ? [] : [stateCard({ icon: "mail", title: say("reports.empty.title"), text: say(this.#add ? "reports.empty.text" : "reports.empty.viewer") })]));
  }

  #row(report, configured, sites, departments) {
    const does = (key, run, more = {}) => el("button", {
      class: "button button-small", type: "button", text: say(`reports.${key}`), "aria-label": say(`reports.${key}.of`, { name: report.name }),
      data: { does: `${key} ${report.id}` }, on: { click: run }, ...more,
    });
    const limits = [["sites", report.siteId, sites], ["departments", report.departmentId, departments]].map(([path, id, names]) => someInWords(`reports.${path}`, id ? [id] : null, names));
    const what = [`${say(`reports.kind.${report.kind}`)} (${report.format === "xlsx" ? "Excel" : "CSV"})`, toInWords(report), ...limits];
    const next = report.nextAt ? say("reports.next", { time: momentIn(report.timeZone, report.nextAt), zone: report.timeZone }) : "";
    const writes = this.#shell.may("events:write") && this.#shell.may("attendance:read"); // it sends their days
    return el(
      "li",
      { class: "hook", "aria-label": report.name },
      el("div", { class: "hook-words" },
        el("p", { class: "hook-name" }, icon("mail"), el("b", { text: report.name }), stateChip(report)),
        el("p", { class: "quiet hook-url", title: report.recipients.join(", "), text: what.filter(Boolean).join(" · ") }),
        el("p", { class: "quiet", title: fullIn(report.timeZone, report.nextAt), text: [scheduleInWords(report), next].filter(Boolean).join(" · ") }),
        el("p", { class: "quiet hook-url", text: lastInWords(report) }),
      ),
      el("div", { class: "hook-does" },
        does("log", () => this.#log.open(report)),
        writes && configured && this.#sending(report, does),
        writes && does("edit", () => this.#form.open(report.id)),
        this.#shell.may("events:delete") && does("remove", () => this.#removal.open(report), { class: "button button-small button-quiet-red" }),
      ),
    );
  }

  /** Asked for twice: the first press says to whom it goes. */
  #sending(report, does) {
    const button = does("send", () => this.#press(report, button));
    if (this.#sure === report.id) ask(button, report);
    button.addEventListener("blur", () => setTimeout(() => {
      if (!button.isConnected || button === document.activeElement || this.#sure !== report.id) return;
      this.#sure = null; // whoever goes elsewhere is not sure
      button.replaceWith(this.#sending(report, does));
    }));
    return button;
  }

  async #press(report, button) {
    if (this.#sure !== report.id) {
      this.#sure = report.id;
      ask(button, report);
      return;
    }
    this.#sure = null;
    button.disabled = true;
    try {
      await this.#api.post(`reports/${report.id}/send`);
      this.#sent = report.id;
      this.#log.open(report);
      this.#shell.toast(say("reports.sending", { name: report.name }), "blue");
    } catch (error) {
      this.#shell.toast(inWords(error), "red");
      this.#sent = report.id;
      await this.load();
      this.#back();
    }
  }
}

/** With how many, as an address may be long. */
function ask(button, { name, recipients }) {
  const to = recipients.length === 1 ? say("reports.run.to.one") : say("reports.run.to", { count: recipients.length });
  button.textContent = say("reports.send.sure", { to });
  button.setAttribute("aria-label", say("reports.send.sure.of", { name, to }));
}
