/** Working time: shifts, schedules, leave, holidays, sites and locked days, each a list whose rows open their form. */

import { Api } from "../api.js";
import { el, icon, stateCard } from "../dom.js";
import { Events } from "../events.js";
import { inWords } from "../failure.js";
import { Sheet } from "../sheet.js";
import { Shell } from "../shell.js";
import { say } from "../text.js";
import { clock } from "../times.js";
import { HOLIDAYS, LEAVE, SITES } from "../work-away.js";
import { WorkCalendar } from "../work-calendar.js";
import { WorkContext } from "../work-context.js";
import { WorkList } from "../work-list.js";
import { WorkLocks } from "../work-locks.js";
import { SCHEDULES } from "../work-schedule.js";
import { WorkSheet } from "../work-sheet.js";
import { SHIFTS } from "../work-shift.js";

const SEARCH_AFTER_MS = 220;
const KINDS = { shifts: SHIFTS, schedules: SCHEDULES, leave: LEAVE, holidays: HOLIDAYS, sites: SITES };

const one = (name) => document.querySelector(`[data-${name}]`);

class WorkingTime {
  #api = new Api();
  #shell = new Shell(this.#api);
  #events = new Events();
  #holder = one("view");
  #state = one("state");
  #shapes = [...one("view").childNodes].map((node) => node.cloneNode(true));
  #context = new WorkContext(this.#api);
  #sheet = new Sheet(one("work-sheet"), () => this.#closed());
  #form;
  #calendar;
  #views;
  #show = "shifts";
  #search = "";
  #opened = "";
  #timer = 0;
  #turn = 0;

  constructor() {
    const may = (permission) => this.#shell.may(permission);
    const changed = (sentence) => { this.#shell.toast(sentence); this.#load(); };
    this.#form = new WorkSheet(this.#api, this.#sheet, this.#context, may, { changed });
    this.#calendar = new WorkCalendar(this.#api, this.#sheet, this.#context, () => this.#load());
    this.#views = { locks: new WorkLocks(this.#api, this.#sheet, may, { changed }) };
    for (const [name, kind] of Object.entries(KINDS)) {
      const open = (row) => { this.#opened = row.id; this.#form.open(kind, row.id); };
      this.#views[name] = new WorkList(this.#api, kind, this.#context, { open, add: () => this.#add(), more: () => this.#draw() });
    }
    this.#controls();
  }

  start() {
    this.#shell.follow(this.#events, (since) => {
      this.#holder.classList.toggle("is-stale", since !== null);
      this.#state.replaceChildren(...(since ? [el("p", { class: "stale-line" }, icon("clock"), el("span", { text: say("attendance.stale", { time: clock(since) }) }))] : []));
      if (!since) this.#load();
    });
    this.#load(true);
  }

  #controls() {
    for (const link of document.querySelectorAll("[data-tab-link]")) {
      link.addEventListener("click", (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return; // a tab of the browser
        event.preventDefault();
        history.pushState(null, "", link.href);
        this.#read();
        this.#load(true);
      });
    }
    window.addEventListener("popstate", () => { this.#read(); this.#load(true); });
    one("search-form").addEventListener("submit", (event) => event.preventDefault());
    one("search").addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => { this.#search = one("search").value.trim(); this.#load(); }, SEARCH_AFTER_MS);
    });
    one("add").addEventListener("click", () => this.#add());
    one("calendar").addEventListener("click", () => this.#calendar.open());
    this.#read();
  }

  /** The address says which list is shown. */
  #read() {
    const asked = new URLSearchParams(location.search).get("show") ?? "";
    this.#show = asked in this.#views ? asked : "shifts";
    this.#search = one("search").value = "";
    for (const link of document.querySelectorAll("[data-tab-link]")) {
      if (link.dataset.tabLink === this.#show) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
      if (link.dataset.tabLink === this.#show) link.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    const locks = this.#show === "locks";
    one("search-form").hidden = locks || this.#show === "schedules"; // nothing in them has a name to search for
    one("calendar").hidden = this.#show !== "holidays";
    one("add").hidden = locks && !this.#shell.may("attendance:delete");
    one("add").querySelector("span").textContent = say(`work.${this.#show}.add`);
  }

  #add() {
    this.#opened = "";
    if (this.#show === "locks") this.#views.locks.open();
    else this.#form.open(KINDS[this.#show]);
  }

  /** What opened the sheet has the focus again, also where it was drawn anew meanwhile. */
  #closed() {
    if (document.activeElement !== document.body) return;
    const row = this.#opened && this.#holder.querySelector(`[data-key="${CSS.escape(this.#opened)}"]`);
    (row || one("add")).focus({ preventScroll: true });
  }

  async #load(fresh = false) {
    const turn = ++this.#turn;
    const view = this.#views[this.#show];
    if (fresh) {
      this.#holder.setAttribute("aria-busy", "true");
      this.#holder.replaceChildren(...this.#shapes.map((node) => node.cloneNode(true)));
      one("count").textContent = "";
    }
    try {
      await view.load(this.#search);
      if (turn !== this.#turn) return;
      if (!this.#shell.awaySince) this.#state.replaceChildren();
      this.#draw();
    } catch (error) {
      if (turn !== this.#turn) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.#load(true) } });
      this.#holder.replaceChildren();
      this.#holder.removeAttribute("aria-busy");
      this.#state.replaceChildren(stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
  }

  #draw() {
    const view = this.#views[this.#show];
    const key = document.activeElement?.closest("[data-view] [data-key]")?.dataset.key;
    this.#holder.removeAttribute("aria-busy");
    this.#holder.replaceChildren(...view.render());
    if (key) this.#holder.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
    if (one("count").textContent !== view.count) one("count").textContent = view.count;
  }
}

new WorkingTime().start();
