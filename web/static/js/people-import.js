/** The import dialog: a file is sent, a job goes through it, and what was refused is in a report. */

import { el, icon } from "./dom.js";
import { inWords } from "./failure.js";
import { say } from "./text.js";

const LOOK_EVERY_MS = 2000; // where events do not arrive

export class PeopleImport {
  #api;
  #events;
  #uses;
  #dialog = document.querySelector("[data-import-dialog]");
  #body;
  #job = null;
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
    if (!this.#job) this.#choose();
    this.#dialog.showModal();
  }

  #choose(refused = "") {
    this.#job = null;
    const input = el("input", { class: "sr-only", id: "import-file", type: "file", name: "file", accept: ".zip,.csv,application/zip,text/csv" });
    const zone = el(
      "div",
      { class: "drop" },
      el("div", { class: "row" }, input, el("label", { class: "button button-primary", for: "import-file" }, icon("upload"), el("span", { text: say("import.choose") })), el("span", { class: "quiet drop-words", text: say("import.drop") })),
      el("p", { class: "quiet", text: say("import.kinds") }),
    );
    input.addEventListener("change", () => { if (input.files[0]) this.#send(input.files[0]); });
    zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("drop-over"); });
    zone.addEventListener("dragleave", () => zone.classList.remove("drop-over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("drop-over");
      if (event.dataTransfer.files[0]) this.#send(event.dataTransfer.files[0]);
    });
    this.#body.replaceChildren(
      ...(refused ? [el("p", { class: "notice notice-red", role: "alert" }, icon("alert"), el("span", { text: refused }))] : []),
      zone,
      el("details", { class: "import-help" }, el("summary", { text: say("import.help") }), el("p", { class: "quiet", text: say("import.help.folders") }), el("p", { class: "quiet", text: say("import.help.table") }), el("p", { class: "quiet", text: say("import.help.again") })),
    );
  }

  async #send(file) {
    const turn = ++this.#turn;
    this.#body.replaceChildren(el("p", { role: "status", text: say("import.sending", { file: file.name }) }), el("div", { class: "import-bar is-sending", "aria-hidden": "true" }, el("span")));
    try {
      this.#job = await this.#api.upload("people/import", file, file.name);
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
      this.#show(job);
    } catch (error) {
      if (this.#job?.id !== id) return;
      if (error.status === 404 || error.status === 403) return this.#choose(inWords(error));
    }
    if (["queued", "running"].includes(this.#job?.state)) this.#timer = setTimeout(() => this.#look(), LOOK_EVERY_MS);
    return undefined;
  }

  #show(job) {
    if (job.state === "done") this.#done(job);
    else if (job.state === "failed" || job.state === "cancelled") {
      this.#uses.changed();
      this.#choose(job.state === "failed" ? job.error || say("failed.other") : say("import.cancelled"));
    } else this.#running(job);
  }

  #running(job) {
    const bar = this.#body.querySelector("[data-import-bar]");
    const words = job.state === "queued" ? say("import.queued") : say("import.running", { done: job.done, total: job.total ?? "…" });
    if (!bar) {
      const cancel = el("button", { class: "button", type: "button", text: say("import.cancel"), on: { click: () => this.#cancel() } });
      this.#body.replaceChildren(
        el("p", { role: "status", data: { importWords: "" } }),
        el("div", { class: "import-bar", role: "progressbar", "aria-label": say("import.title"), "aria-valuemin": 0, data: { importBar: "" } }, el("span")),
        el("p", { class: "quiet", text: say("import.goes.on") }),
        el("div", { class: "row row-end" }, cancel),
      );
    }
    const shown = this.#body.querySelector("[data-import-bar]");
    this.#body.querySelector("[data-import-words]").textContent = words;
    shown.style.setProperty("--share", String(job.total ? job.done / job.total : 0));
    shown.setAttribute("aria-valuenow", String(job.done));
    shown.setAttribute("aria-valuemax", String(job.total ?? 100));
  }

  async #cancel() {
    const id = this.#job?.id;
    try {
      await this.#api.delete(`people/import/${id}?only=open`);
    } catch (error) {
      this.#body.append(el("p", { class: "notice notice-red", role: "alert" }, icon("alert"), el("span", { text: inWords(error) })));
    }
    this.#look();
  }

  #done(job) {
    this.#uses.changed();
    const { people = 0, photos = 0, refused = 0, warnings = 0 } = job.result ?? {};
    const tone = refused || warnings ? "amber" : "green";
    const another = el("button", { class: "button", type: "button", text: say("import.another"), on: { click: () => this.#choose() } });
    const report = job.resultUrl && el("a", { class: "button", href: job.resultUrl, download: "", text: say("import.report") });
    this.#body.replaceChildren(
      el(
        "div",
        { class: `notice notice-${tone}`, role: "status" },
        icon(tone === "green" ? "check" : "alert"),
        el("div", { class: "notice-words" }, el("b", { text: say("import.done", { people, photos }) }), el("span", { text: refused ? say("import.refused", { count: refused }) : say("import.refused.none") }), warnings ? el("span", { text: say("import.warnings", { count: warnings }) }) : null),
      ),
      el("div", { class: "row row-end" }, (refused || warnings) && report, another),
    );
    this.#job = null;
  }
}
