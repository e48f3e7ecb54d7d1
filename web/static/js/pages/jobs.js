/** What is done in the background: what waits, runs and is over, live; cancelled and removed by who may. */

import { Api } from "../api.js";
import { el, icon, inOrder, stateCard } from "../dom.js";
import { Events } from "../events.js";
import { inWords } from "../failure.js";
import { JobRow, KINDS, isOpen, kindInWords } from "../job-row.js";
import { Pager } from "../pager.js";
import { Shell } from "../shell.js";
import { say } from "../text.js";
import { clock } from "../times.js";

const PAGE_SIZE = 25;
const AGAIN_EVERY_MS = 5000; // one that is removed is told of by no event
const NEWS_AFTER_MS = 150; // several events at once are one load
const MOST = 200;

/** @param {string} name @returns {any} the element that bears this mark */
const one = (name) => document.querySelector(`[data-${name}]`);

class JobsPage {
  #api = new Api();
  #shell = new Shell(this.#api);
  #events = new Events();
  #list = one("list");
  #card = one("card");
  #state = one("state");
  #pager = new Pager(one("pager"), PAGE_SIZE, (by) => { this.#page += by; this.#load(); });
  /** @type {Map<string, JobRow>} */
  #rows = new Map();
  #page = 1;
  #turn = 0;
  #news = 0;
  #shown = false;

  start() {
    for (const kind of [...KINDS].sort((a, b) => kindInWords(a).localeCompare(kindInWords(b)))) one("filter-kind").append(el("option", { value: kind, text: kindInWords(kind) }));
    for (const filter of this.#filters()) filter.addEventListener("change", () => { this.#page = 1; this.#keep(); this.#load(); });
    window.addEventListener("popstate", () => { this.#read(); this.#load(); });
    this.#read();
    this.#shell.follow(this.#events, (since) => {
      this.#card.classList.toggle("is-stale", since !== null);
      this.#state.replaceChildren(...(since ? [el("p", { class: "stale-line" }, icon("clock"), el("span", { text: say("jobs.stale", { time: clock(since) }) }))] : []));
      if (!since) this.#load();
    });
    this.#events.subscribe("jobs", {}, (event) => this.#hear(event.data), () => this.#load());
    setInterval(() => { if (!document.hidden && this.#shown) this.#load({ quietly: true }); }, AGAIN_EVERY_MS);
    this.#load();
    this.#elsewhere();
  }

  #filters() {
    return [one("filter-state"), one("filter-kind"), one("filter-mine")].filter(Boolean);
  }

  /** The address says what is looked for, so that it can be kept and sent. */
  #read() {
    const asked = new URLSearchParams(location.search);
    one("filter-state").value = asked.get("state") ?? "";
    one("filter-kind").value = asked.get("kind") ?? "";
    for (const select of [one("filter-state"), one("filter-kind")]) if (select.selectedIndex < 0) select.value = "";
    if (one("filter-mine")) one("filter-mine").checked = asked.has("mine");
  }

  #keep() {
    const asked = new URLSearchParams();
    if (one("filter-state").value) asked.set("state", one("filter-state").value);
    if (one("filter-kind").value) asked.set("kind", one("filter-kind").value);
    if (one("filter-mine")?.checked) asked.set("mine", "1");
    history.pushState(null, "", asked.size ? `?${asked}` : location.pathname);
  }

  async #load({ quietly = false } = {}) {
    const turn = ++this.#turn;
    const wanted = { page: this.#page, pageSize: PAGE_SIZE, state: one("filter-state").value, kind: one("filter-kind").value, mine: one("filter-mine")?.checked ? "true" : "" };
    try {
      const { data, meta } = await this.#api.list("jobs", wanted);
      if (turn !== this.#turn) return;
      if (!data.length && this.#page > 1) { // the last one of the last page is gone
        this.#page = Math.max(1, Math.min(this.#page - 1, Math.ceil(meta.total / PAGE_SIZE)));
        this.#load();
      } else this.#show(data, meta, wanted);
    } catch (error) {
      if (turn !== this.#turn || (quietly && this.#shown)) return; // the banner tells
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.#load() } });
      if (!this.#shown) this.#card.hidden = true;
      this.#state.replaceChildren(stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
  }

  #show(jobs, { total, page }, wanted) {
    this.#shown = true;
    this.#list.removeAttribute("aria-busy");
    this.#arrange(jobs);
    const words = total === 1 ? say("jobs.count.one") : say("jobs.count", { count: total });
    if (one("count").textContent !== words) one("count").textContent = words;
    this.#card.hidden = !jobs.length;
    if (!this.#shell.awaySince) {
      const filtered = Boolean(wanted.state || wanted.kind || wanted.mine);
      const empty = filtered ? { icon: "search", title: say("jobs.none.title"), text: say("jobs.none.text") } : { icon: "clock", title: say("jobs.empty.title"), text: say("jobs.empty.text") };
      this.#state.replaceChildren(...(jobs.length ? [] : [stateCard(empty)]));
    }
    this.#pager.show({ page, here: jobs.length, total }, (place) => say("jobs.page", place));
  }

  #arrange(jobs) {
    const ids = new Set(jobs.map((job) => job.id));
    for (const id of [...this.#rows.keys()]) if (!ids.has(id)) this.#rows.delete(id);
    for (const job of jobs) {
      if (this.#rows.has(job.id)) this.#rows.get(job.id).change(job);
      else this.#rows.set(job.id, new JobRow(job, { dismiss: (of) => this.#dismiss(of) }));
    }
    inOrder(this.#list, jobs.map((job) => this.#rows.get(job.id).element));
  }

  /** How far one is, is in the event; what came of it, only the list knows. */
  #hear(job) {
    const row = this.#rows.get(job.id);
    const ended = row && job.state && !isOpen(job);
    if (row) row.move(job);
    if (row && !ended) return;
    clearTimeout(this.#news);
    this.#news = setTimeout(() => this.#load({ quietly: true }), NEWS_AFTER_MS);
  }

  async #dismiss(job) {
    const cancels = isOpen(job);
    try {
      await this.#api.delete(`jobs/${job.id}${cancels ? "?only=open" : ""}`); // it may be over since it was shown
      this.#shell.toast(say(cancels ? "jobs.cancelled" : "jobs.removed", { name: kindInWords(job.kind) }));
      if (!cancels) one("filter-state").focus(); // its row is gone
    } catch (error) {
      this.#shell.toast(inWords(error), "red");
    }
    await this.#load({ quietly: true });
  }

  /** Webhooks and mails have places of their own, and logs: how much of them waits is told here. */
  async #elsewhere() {
    if (!one("elsewhere")) return;
    const [webhooks, reports] = await Promise.all(["webhooks", "reports"].map((path) => this.#api.list(path, { pageSize: MOST }).catch(() => null)));
    const sum = (rows, count) => rows.reduce((so, row) => so + count(row), 0);
    if (webhooks) one("elsewhere-webhooks").textContent = say("jobs.elsewhere.webhooks", { pending: sum(webhooks.data, (row) => row.pending), dead: sum(webhooks.data, (row) => row.dead) });
    if (reports) one("elsewhere-reports").textContent = say("jobs.elsewhere.reports", { pending: sum(reports.data, (row) => Number(row.lastRun?.state === "waiting" || row.lastRun?.state === "sending")), failed: sum(reports.data, (row) => Number(row.lastRun?.state === "failed")) });
  }
}

new JobsPage().start();
