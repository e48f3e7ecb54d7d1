/** One job in the list: what it is, who asked for it, how far it is, what came of it, and what may be done about it. */

import { el, icon } from "./dom.js";
import { say, sayOr } from "./text.js";
import { fullTime, spoken } from "./times.js";

export const KINDS = ["attendance-export", "attendance-import", "audit-export", "check-outs", "erasure", "people-import", "retention", "templates-rebuild", "terminal-lines"];
const OPEN = ["queued", "running"];
const TONES = { queued: "off", running: "out", done: "green", failed: "red", cancelled: "off" };

/** @param {{state: string}} job */
export const isOpen = (job) => OPEN.includes(job.state);

/** @param {string} kind */
export const kindInWords = (kind) => sayOr(`jobs.kind.${kind}`, kind);

export class JobRow {
  #uses;
  #sure = false;
  #key = "";
  #job;
  #name = el("p", { class: "hook-name" });
  #who = el("p", { class: "quiet figures" });
  #bar = el("div", { class: "import-bar", role: "progressbar", "aria-valuemin": 0 }, el("span"));
  #far = el("p", { class: "quiet figures" });
  #progress = el("div", { class: "job-progress" }, this.#bar, this.#far);
  #told = el("div", { class: "job-told" });
  #does = el("div", { class: "hook-does" });

  /** @param {any} job @param {{dismiss: (job: any) => Promise<void>}} uses */
  constructor(job, uses) {
    this.#uses = uses;
    this.element = el("li", { class: "job", data: { job: job.id } }, el("div", { class: "hook-words" }, this.#name, this.#who, this.#progress, this.#told), this.#does);
    this.change(job);
  }

  get job() {
    return this.#job;
  }

  /** Whole, as the list gives it. */
  change(job) {
    this.#job = job;
    const words = kindInWords(job.kind);
    this.element.setAttribute("aria-label", words);
    this.#bar.setAttribute("aria-label", words);
    this.#name.replaceChildren(el("b", { text: words }), el("span", { class: `chip chip-${TONES[job.state]}`, text: say(`jobs.state.${job.state}`) }));
    const by = job.askedBy ? (job.askedByName ?? say("jobs.by.gone")) : say("jobs.by.itself");
    const ended = job.finishedAt && say(`jobs.at.${job.state}`, { time: spoken(job.finishedAt) });
    const again = job.attempts > 1 && say("jobs.attempts", { count: job.attempts });
    const later = job.state === "queued" && Date.parse(job.runAt) > Date.now() && say("jobs.later", { time: spoken(job.runAt) });
    this.#who.textContent = [by, say(job.askedBy ? "jobs.at.asked" : "jobs.at.due", { time: spoken(job.createdAt) }), ended, again, later].filter(Boolean).join(" · ");
    this.#who.title = fullTime(job.finishedAt ?? job.createdAt);
    this.#advance();
    this.#tell();
    this.#offer();
  }

  /** How far it is by now, as an event says. */
  move({ done, total, state, error }) {
    if (state === this.#job.state) {
      Object.assign(this.#job, { done, total, error });
      this.#advance();
    } else this.change({ ...this.#job, done, total, error, state });
  }

  #advance() {
    const { state, done, total } = this.#job;
    const shown = state === "running" || (state === "queued" && done > 0);
    this.#progress.hidden = !shown;
    if (!shown) return;
    this.#bar.classList.toggle("is-sending", !total);
    this.#bar.style.setProperty("--share", String(total ? done / total : 0));
    if (total) {
      this.#bar.setAttribute("aria-valuenow", String(done));
      this.#bar.setAttribute("aria-valuemax", String(total));
    }
    this.#far.textContent = total ? say("jobs.far", { done, total }) : say("jobs.far.unknown");
  }

  #tell() {
    const { error, result, state, stays } = this.#job;
    const figures = Object.entries(result ?? {}).map(([name, count]) => count && sayOr(`jobs.figure.${name}`, "", { count: name === "bytes" ? inKilobytes(count) : count })).filter(Boolean);
    this.#told.replaceChildren(
      ...[
        figures.length && el("p", { class: "quiet figures", text: figures.join(" · ") }),
        error && state !== "cancelled" && el("p", { class: "job-error" }, icon("alert"), el("span", { text: error })),
        stays && el("p", { class: "quiet", text: stays }),
      ].filter(Boolean),
    );
  }

  /** The same buttons stay the same elements: somebody may be on one. */
  #offer() {
    const job = this.#job;
    const key = [isOpen(job), job.mayDismiss, Boolean(job.resultUrl)].join();
    const link = this.#does.querySelector("a");
    if (link && job.resultUrl) link.href = job.resultUrl; // signed anew each time
    if (key === this.#key) return;
    const had = this.#does.contains(document.activeElement);
    this.#key = key;
    this.#sure = false;
    const words = kindInWords(job.kind);
    const dismiss = job.mayDismiss && el("button", { class: `button button-small${isOpen(job) ? "" : " button-quiet-red"}`, type: "button", on: { click: () => this.#press(dismiss), blur: () => this.#doubt(dismiss) } });
    if (dismiss) this.#label(dismiss);
    this.#does.replaceChildren(
      ...[
        job.resultUrl && el("a", { class: "button button-small", href: job.resultUrl, download: "", text: say("jobs.result"), "aria-label": say("jobs.result.of", { name: words }) }),
        dismiss,
      ].filter(Boolean),
    );
    if (had) this.#does.querySelector("a, button")?.focus();
  }

  #label(button) {
    const does = isOpen(this.#job) ? "cancel" : "remove";
    button.textContent = say(this.#sure ? `jobs.${does}.sure` : `jobs.${does}`);
    button.setAttribute("aria-label", say(this.#sure ? `jobs.${does}.sure.of` : `jobs.${does}.of`, { name: kindInWords(this.#job.kind) }));
  }

  #doubt(button) {
    this.#sure = false; // whoever goes elsewhere is not sure
    this.#label(button);
  }

  /** Asked for twice: what runs may have run for long, and a file is gone with its job. */
  async #press(button) {
    if (!this.#sure) {
      this.#sure = true;
      this.#label(button);
      return;
    }
    button.disabled = true;
    await this.#uses.dismiss(this.#job);
    button.disabled = false;
    this.#sure = false;
    if (button.isConnected) this.#label(button);
  }
}

function inKilobytes(bytes) {
  return Math.max(1, Math.round(bytes / 1000));
}
