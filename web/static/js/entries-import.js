/** The import of entries: a file is looked at first, what would be refused is told by row and field, then it is added. */

import { el, icon } from "./dom.js";
import { inWords } from "./failure.js";
import { notice } from "./fields.js";
import { say } from "./text.js";

const LOOK_EVERY_MS = 2000; // where events do not arrive
const SHOWN = 20; // refusals; the report has all

export class EntriesImport {
  #api;
  #events;
  #uses;
  #dialog = document.querySelector("[data-import-dialog]");
  #body;
  /** @type {File | null} */
  #file = null;
  #job = null;
  #dry = true;
  #timer = 0;
  #turn = 0;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./events.js").Events} events
   * @param {{changed: () => void}} uses
   */
  constructor(api, events, uses) {
    this.#api = api;
    this.#events = events;
    this.#uses = uses;
    this.#body = this.#dialog.querySelector("[data-import-body]");
    document.querySelector("[data-import]").addEventListener("click", () => this.#open());
    for (const button of this.#dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => this.#dialog.close());
    this.#events.subscribe("jobs", {}, (event) => { if (event.data.id === this.#job?.id) this.#look(); });
  }

  /** An import goes on when the dialog is closed; opened again, it is there. */
  #open() {
    if (!this.#job && !this.#file) this.#choose();
    this.#dialog.showModal();
  }

  #choose(refused = "") {
    this.#job = this.#file = null;
    const input = el("input", { class: "sr-only", id: "import-file", type: "file", name: "file", accept: ".csv,.xlsx,text/csv" });
    const zone = el(
      "div",
      { class: "drop" },
      el("div", { class: "row" }, input, el("label", { class: "button button-primary", for: "import-file" }, icon("upload"), el("span", { text: say("import.choose") })), el("span", { class: "quiet drop-words", text: say("import.drop") })),
      el("p", { class: "quiet", text: say("entries.import.kinds") }),
    );
    input.addEventListener("change", () => { if (input.files[0]) this.#send(input.files[0], true); });
    zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("drop-over"); });
    zone.addEventListener("dragleave", () => zone.classList.remove("drop-over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("drop-over");
      if (event.dataTransfer.files[0]) this.#send(event.dataTransfer.files[0], true);
    });
    const help = ["who", "at", "again"].map((name) => el("p", { class: "quiet", text: say(`entries.import.help.${name}`) }));
    this.#body.replaceChildren(...(refused ? [notice("red", refused)] : []), zone, el("details", { class: "import-help" }, el("summary", { text: say("import.help") }), ...help));
  }

  /** @param {File} file @param {boolean} dry */
  async #send(file, dry) {
    const turn = ++this.#turn;
    this.#file = file;
    this.#dry = dry;
    this.#body.replaceChildren(el("p", { role: "status", text: say("import.sending", { file: file.name }) }), el("div", { class: "import-bar is-sending", "aria-hidden": "true" }, el("span")));
    try {
      this.#job = await this.#api.upload("attendance/import", file, file.name, { dryRun: String(dry) });
      if (turn === this.#turn) this.#look();
    } catch (error) {
      if (turn === this.#turn) this.#choose(inWords(error));
    }
  }

  async #look() {
    clearTimeout(this.#timer);
    const id = this.#job?.id;
    if (!id) return;
    try {
      const job = await this.#api.get(`jobs/${id}`);
      if (this.#job?.id !== id) return;
      this.#job = job;
      await this.#show(job);
    } catch (error) {
      if (this.#job?.id !== id) return;
      if (error.status === 404 || error.status === 403) return this.#choose(inWords(error));
    }
    if (["queued", "running"].includes(this.#job?.state)) this.#timer = setTimeout(() => this.#look(), LOOK_EVERY_MS);
    return undefined;
  }

  #show(job) {
    if (job.state === "done") return this.#done(job);
    if (job.state === "failed" || job.state === "cancelled") {
      this.#uses.changed();
      return this.#choose(job.state === "failed" ? job.error || say("failed.other") : say("entries.import.cancelled"));
    }
    return this.#running(job);
  }

  #running(job) {
    if (!this.#body.querySelector("[data-import-bar]")) {
      const cancel = el("button", { class: "button", type: "button", text: say("import.cancel"), on: { click: () => this.#cancel() } });
      this.#body.replaceChildren(
        el("p", { role: "status", data: { importWords: "" } }),
        el("div", { class: "import-bar", role: "progressbar", "aria-label": say("entries.import.title"), "aria-valuemin": 0, data: { importBar: "" } }, el("span")),
        el("p", { class: "quiet", text: say("import.goes.on") }),
        el("div", { class: "row row-end" }, cancel),
      );
    }
    const bar = this.#body.querySelector("[data-import-bar]");
    const key = this.#dry ? "entries.import.looking" : "entries.import.running";
    this.#body.querySelector("[data-import-words]").textContent = job.state === "queued" ? say("import.queued") : say(key, { done: job.done, total: job.total ?? "…" });
    bar.style.setProperty("--share", String(job.total ? job.done / job.total : 0));
    bar.setAttribute("aria-valuenow", String(job.done));
    bar.setAttribute("aria-valuemax", String(job.total ?? 100));
  }

  async #cancel() {
    try {
      await this.#api.delete(`attendance/import/${this.#job?.id}?only=open`);
    } catch (error) {
      this.#body.append(notice("red", inWords(error)));
    }
    this.#look();
  }

  async #done(job) {
    const { added = 0, known = 0, locked = 0, pending = 0, refused = 0 } = job.result ?? {};
    const refusals = refused ? await this.#refusals(job.resultUrl) : [];
    if (this.#job?.id !== job.id) return;
    const [file, dry] = [this.#file, this.#dry];
    if (!dry) this.#uses.changed();
    const lines = [known && say("entries.import.known", { count: known }), locked && say("entries.import.locked", { count: locked }), pending && say("entries.import.pending", { count: pending }), say(refused ? "entries.import.refused" : "import.refused.none", { count: refused })].filter(Boolean);
    const another = el("button", { class: "button", type: "button", text: say("import.another"), on: { click: () => this.#choose() } });
    const report = job.resultUrl && (refused || known) && el("a", { class: "button", href: job.resultUrl, download: "", text: say("import.report") });
    const go = dry && added > 0 && el("button", { class: "button button-primary", type: "button", text: say(added === 1 ? "entries.import.go.one" : "entries.import.go", { count: added }), on: { click: () => this.#send(file, false) } });
    const tone = refused ? "amber" : dry ? "blue" : "green";
    this.#body.replaceChildren(
      el(
        "div",
        { class: `notice notice-${tone}`, role: "status" },
        icon(tone === "green" ? "check" : "alert"),
        el("div", { class: "notice-words" }, el("b", { text: say(dry ? "entries.import.would" : "entries.import.done", { count: added }) }), ...lines.map((text) => el("span", { text }))),
      ),
      ...(refusals.length ? [table(refusals)] : []),
      el("div", { class: "row row-end" }, report, another, go),
    );
    if (go) go.focus();
    this.#job = null;
  }

  /** The first of the report's refusals. */
  async #refusals(url) {
    try {
      const { blob } = await this.#api.picture(url);
      return records(await blob.text()).slice(1).filter(([kind]) => kind === "refused").slice(0, SHOWN);
    } catch {
      return []; // the button leads to it all the same
    }
  }
}

function table(refusals) {
  const head = ["line", "column", "message"].map((name) => el("th", { scope: "col", text: say(`entries.import.${name}`) }));
  const rows = refusals.map(([, line, column, , , message]) => el("tr", {}, el("td", { class: "figures", text: line }), el("td", { text: column }), el("td", { text: message })));
  return el("div", { class: "chart-scroll", tabindex: "0", role: "region", "aria-label": say("entries.import.refusals") }, el("table", { class: "import-refusals" }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows)));
}

/** The rows of a CSV as the server writes it: RFC 4180. @param {string} text */
function records(text) {
  const found = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    found.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === "\r\n") found.push([]);
    if (end === "") break;
  }
  return found.filter((row) => row.length > 1);
}
