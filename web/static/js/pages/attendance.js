/** Attendance: who is in now, today, a month, charts, and what waits; each day opens its sheet, each entry its frame. */

import { Api } from "../api.js";
import { CalendarFeed } from "../calendar-feed.js";
import { ChartsView } from "../charts-view.js";
import { DaySheet } from "../day-sheet.js";
import { el, icon, stateCard } from "../dom.js";
import { EntriesImport } from "../entries-import.js";
import { Events } from "../events.js";
import { Evidence } from "../evidence.js";
import { inWords } from "../failure.js";
import { MonthView } from "../month-view.js";
import { PersonDaysView } from "../person-days-view.js";
import { PresentView } from "../present-view.js";
import { Sheet } from "../sheet.js";
import { Shell } from "../shell.js";
import { say } from "../text.js";
import { clock } from "../times.js";
import { TodayView } from "../today-view.js";
import { WaitingView } from "../waiting-view.js";
import { monthAfter, monthName } from "../zoned.js";

const SEARCH_AFTER_MS = 220;
const NEWS_AFTER_MS = 400; // a crowd at the door is one round, not one each
const MONTHLY = new Set(["month", "person", "charts"]); // what they show is asked for by month
const MANY = 8; // of more people at once all is loaded again

const one = (name) => document.querySelector(`[data-${name}]`);

class Attendance {
  #api = new Api();
  #shell = new Shell(this.#api);
  #events = new Events();
  #root = one("attendance");
  #holder = one("view");
  #state = one("state");
  #shapes = [...one("view").childNodes].map((node) => node.cloneNode(true));
  #views;
  #evidence;
  #sheet;
  #tab = "now";
  #filters = { department: "", search: "", late: false, missing: false, month: "", of: "" };
  #sheetOf = { person: "", date: "" };
  #departments = new Map();
  #today = "";
  #turn = 0;
  #timer = 0;
  /** @type {Set<string>} */
  #news = new Set();
  #later = 0;
  #waiting = new WaitingView(this.#api, {
    decided: (agreed) => { this.#shell.toast(say(agreed ? "correction.approved" : "correction.refused")); this.#load(); },
    open: (personId, date) => this.#sheet.open(personId, date),
    alerts: this.#shell.may("alerts:read"),
    acknowledge: this.#shell.may("alerts:write") ? (alert) => this.#acknowledge(alert) : null,
  });
  #loaded = false;

  constructor() {
    const open = (personId, date) => this.#sheet.open(personId, date);
    const department = (id) => this.#departments.get(id) ?? say("attendance.no_department");
    const changed = () => this.#show();
    this.#views = {
      now: new PresentView(this.#api, { open, department }),
      today: new TodayView(this.#api, { open, department, changed }),
      person: new PersonDaysView(this.#api, { holder: one("of"), open, chosen: (of) => this.#filter({ of }), today: () => this.#today, pdf: "pdf" in this.#root.dataset }),
      charts: new ChartsView(this.#api, { today: () => this.#today }),
      month: new MonthView(this.#api, { open, changed, today: () => this.#today, failed: (error) => this.#shell.toast(inWords(error), "red") }),
    };
    if (this.#shell.may("attendance:correct")) this.#views.waiting = this.#waiting;
    let entry = null;
    this.#evidence = new Evidence(this.#api, new Sheet(one("evidence")), (permission) => this.#shell.may(permission), {
      entryOf: () => entry,
      cameraName: () => null,
      corrected: (sighting) => sighting.personId !== entry?.personId && this.#heard(entry?.personId),
      said: (sentence, tone) => this.#shell.toast(sentence, tone),
    });
    this.#sheet = new DaySheet(this.#api, new Sheet(one("day-sheet"), () => this.#closed()), (permission) => this.#shell.may(permission), {
      opened: (personId, date) => this.#opened(personId, date),
      changed: (personId) => this.#heard(personId),
      said: (sentence, tone) => this.#shell.toast(sentence, tone),
      evidence: (of) => { entry = of; this.#openEvidence(of.sightingId); },
    });
    this.#controls();
  }

  async start() {
    this.#shell.follow(this.#events, (since) => {
      this.#holder.classList.toggle("is-stale", since !== null);
      this.#state.replaceChildren(...(since ? [el("p", { class: "stale-line" }, icon("clock"), el("span", { text: say("attendance.stale", { time: clock(since) }) }))] : []));
      if (!since) this.#load();
    });
    this.#events.subscribe("attendance", { settle: true }, (event) => this.#heard(event.data.person?.id), () => this.#load());
    if (one("calendar")) new CalendarFeed(this.#api, () => [...this.#departments]);
    if (one("import")) new EntriesImport(this.#api, this.#events, { changed: () => this.#load() });
    await this.#load(true);
    const { person, date } = this.#sheetOf;
    if (person && date) this.#sheet.open(person, date);
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
      this.#timer = setTimeout(() => this.#filter({ search: one("search").value.trim() }), SEARCH_AFTER_MS);
    });
    one("department").addEventListener("change", () => this.#filter({ department: one("department").value }));
    for (const name of ["late", "missing"]) one(name).addEventListener("change", () => this.#filter({ [name]: one(name).checked }));
    one("month-before").addEventListener("click", () => this.#filter({ month: monthAfter(this.#filters.month, -1) }));
    one("month-after").addEventListener("click", () => this.#filter({ month: monthAfter(this.#filters.month, 1) }));
    // Charts are drawn in the colours of the page.
    const recolour = () => this.#tab === "charts" && this.#loaded && this.#show();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
    document.addEventListener("rollcall:theme", recolour);
    this.#read();
  }

  /** The address says what is shown. */
  #read() {
    const asked = new URLSearchParams(location.search);
    this.#tab = asked.get("tab") in this.#views ? asked.get("tab") : "now";
    const month = asked.get("month") ?? "";
    this.#filters = { department: asked.get("department") ?? "", search: asked.get("search") ?? "", late: asked.has("late"), missing: asked.has("missing"), of: asked.get("of") ?? "", month: /^\d{4}-(0[1-9]|1[0-2])$/.test(month) ? month : this.#today.slice(0, 7) };
    this.#sheetOf = { person: asked.get("person") ?? "", date: /^\d{4}-\d\d-\d\d$/.test(asked.get("date") ?? "") ? asked.get("date") : "" };
    this.#put();
  }

  #write() {
    const { department, search, late, missing, month, of } = this.#filters;
    const said = { tab: this.#tab, department, search, late: late && "1", missing: missing && "1", month: MONTHLY.has(this.#tab) && month, of: this.#tab === "person" && of, ...this.#sheetOf };
    history.replaceState(null, "", `/attendance?${new URLSearchParams(Object.entries(said).filter(([, value]) => value))}`);
  }

  #put() {
    this.#root.dataset.tab = this.#tab;
    for (const link of document.querySelectorAll("[data-tab-link]")) {
      if (link.dataset.tabLink === this.#tab) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
      if (link.dataset.tabLink === this.#tab) link.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    for (const part of document.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(this.#tab) || (part.matches("select") && !this.#departments.size);
    if (one("search").value.trim() !== this.#filters.search) one("search").value = this.#filters.search;
    one("department").value = this.#filters.department;
    for (const name of ["late", "missing"]) one(name).checked = this.#filters[name];
    one("month-name").textContent = this.#filters.month ? monthName(this.#filters.month) : "";
  }

  #filter(changed) {
    this.#filters = { ...this.#filters, ...changed };
    this.#put();
    this.#write();
    if (MONTHLY.has(this.#tab) || !this.#loaded) this.#load("month" in changed || "of" in changed);
    else this.#show();
  }

  #opened(person, date) {
    this.#sheetOf = { person, date };
    this.#write();
  }

  /** What opened the sheet has the focus again, also where it was drawn anew meanwhile. */
  #closed() {
    const { person, date } = this.#sheetOf;
    this.#opened("", "");
    if (document.activeElement !== document.body) return;
    const exact = this.#holder.querySelector(`[data-key="${CSS.escape(`${person} ${date}`)}"]`);
    (exact ?? this.#holder.querySelector(`[data-key*="${CSS.escape(person)}"]`))?.focus({ preventScroll: true });
  }

  /** @param {boolean} [fresh] whether what is shown is of something else, so that shapes stand in its place */
  async #load(fresh = false) {
    const turn = ++this.#turn;
    const view = this.#views[this.#tab];
    if (fresh) {
      this.#loaded = false;
      this.#holder.setAttribute("aria-busy", "true");
      this.#holder.replaceChildren(...this.#shapes.map((node) => node.cloneNode(true)));
      one("count").textContent = "";
    }
    try {
      await this.#site();
      await view.load(this.#filters);
      if (turn !== this.#turn) return;
      this.#loaded = true;
      if (!this.#shell.awaySince) this.#state.replaceChildren();
      this.#show();
      this.#countWaiting();
    } catch (error) {
      if (turn !== this.#turn) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.#load(!this.#loaded) } });
      if (!this.#loaded) this.#holder.replaceChildren();
      this.#holder.removeAttribute("aria-busy");
      this.#state.replaceChildren(stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
  }

  /** Which date it is at the site, and the departments of those at work. */
  async #site() {
    const summary = await this.#api.get("attendance/summary");
    this.#today = summary.from;
    this.#departments = new Map(summary.byDepartment.filter((each) => each.departmentId).map((each) => [each.departmentId, each.name]));
    if (!this.#filters.month) this.#filters.month = this.#today.slice(0, 7);
    const select = one("department");
    select.replaceChildren(select.options[0], ...[...this.#departments].map(([id, name]) => el("option", { value: id, text: name })));
    this.#put();
  }

  #show() {
    const view = this.#views[this.#tab];
    const key = document.activeElement?.closest("[data-view] [data-key]")?.dataset.key;
    const scrolled = this.#holder.querySelector(".month-scroll")?.scrollLeft;
    this.#holder.removeAttribute("aria-busy");
    this.#holder.replaceChildren(...view.render(this.#filters));
    const table = this.#holder.querySelector(".month-scroll");
    if (table && scrolled !== undefined) table.scrollLeft = scrolled;
    else table?.querySelector(".is-today")?.scrollIntoView({ block: "nearest", inline: "end" });
    if (key) this.#holder.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
    const count = view.count();
    if (one("count").textContent !== count) one("count").textContent = count;
  }

  /** Somebody came or went, or an entry was corrected. @param {string | undefined} personId */
  #heard(personId) {
    if (personId) this.#news.add(personId);
    clearTimeout(this.#later);
    this.#later = setTimeout(() => this.#catchUp(), NEWS_AFTER_MS);
  }

  async #catchUp() {
    const people = [...this.#news];
    this.#news.clear();
    this.#sheet.heard(people);
    if (!this.#loaded || people.length > MANY) return this.#load();
    const turn = this.#turn;
    try {
      await this.#views[this.#tab].heard(people);
      if (turn === this.#turn) this.#show();
      this.#countWaiting();
    } catch {
      this.#load(); // which tells what is wrong
    }
    return undefined;
  }

  /** Beside the tab: how many wait for a second person. */
  async #countWaiting() {
    const badge = one("waiting-count");
    if (!badge) return;
    if (this.#tab !== "waiting") await this.#waiting.load().catch(() => undefined); // then what was known stays
    badge.textContent = String(this.#waiting.total);
    badge.hidden = this.#waiting.total === 0;
  }

  async #acknowledge(alert) {
    try {
      await this.#api.post(`alerts/${alert.id}/acknowledge`);
      await this.#load();
    } catch (error) {
      this.#shell.toast(inWords(error), "red");
    }
  }

  async #openEvidence(sightingId) {
    try {
      this.#evidence.open(await this.#api.get(`sightings/${sightingId}`));
    } catch (error) {
      this.#shell.toast(inWords(error), "red");
    }
  }
}

new Attendance().start();
