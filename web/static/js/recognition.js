/** How well people are recognised here: which networks are in use, and what was measured on the site's own pictures. */

import { el, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { notice } from "./fields.js";
import { Sheet } from "./sheet.js";
import { say } from "./text.js";
import { spoken } from "./times.js";

const ENOUGH = 20;
const COMMAND = "rollcall models eval --site";

export class Recognition {
  #api;
  #sheet;
  #turn = 0;

  /** @param {import("./api.js").Api} api @param {HTMLDialogElement} dialog @param {HTMLButtonElement} button */
  constructor(api, dialog, button) {
    this.#api = api;
    this.#sheet = new Sheet(dialog, () => (this.#turn += 1));
    button.addEventListener("click", () => this.#open());
  }

  async #open() {
    const turn = ++this.#turn;
    const title = say("recognition.title");
    this.#sheet.open(title, el("p", { class: "quiet", role: "status", text: say("recognition.loading") }));
    try {
      const found = await this.#api.get("system/models");
      if (turn === this.#turn) this.#sheet.show(title, networks(found), ...measured(found));
    } catch (error) {
      if (turn !== this.#turn) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.#open() } });
      this.#sheet.show(title, stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
  }
}

function networks({ detector, embedder, gallery }) {
  const named = (pack) => say("recognition.pack", { title: pack.title, version: pack.version, licence: pack.licence });
  return facts([
    [say("recognition.detector"), named(detector)],
    [say("recognition.embedder"), named(embedder)],
    [say("recognition.gallery"), say("recognition.gallery.size", { people: gallery.people, templates: gallery.templates })],
    [say("recognition.threshold"), gallery.threshold.toFixed(3)],
  ]);
}

function measured({ evaluation }) {
  const how = el("p", { class: "quiet" }, say("recognition.how"), " ", el("code", { text: COMMAND }));
  if (!evaluation) return [stateCard({ icon: "question", title: say("recognition.none") }), how];
  const about = say("recognition.about", { people: evaluation.people, photos: evaluation.photos, time: spoken(evaluation.at) });
  const rates = Object.entries(evaluation.tar).map(([far, tar]) => [percent(Number(far), 2), tar === null ? say("recognition.few") : percent(tar)]);
  const sizes = Object.keys(evaluation.fpir).map((size) => [size, percent(evaluation.fpir[size], 2), percent(evaluation.fnir[size], 2)]);
  return [
    evaluation.current ? null : notice("amber", say("recognition.other", { detector: evaluation.detector, embedder: evaluation.embedder })),
    el("h3", { text: say("recognition.measured") }),
    el("p", { class: "quiet", text: about }),
    evaluation.people < ENOUGH ? notice("amber", say("recognition.small")) : null,
    facts([
      [say("recognition.accuracy"), evaluation.accuracy === null ? say("recognition.few") : percent(evaluation.accuracy, 2)],
      [say("recognition.failed"), percent(evaluation.failureToEnrol)],
      [say("recognition.ms"), evaluation.msPerFace === null ? "–" : `${evaluation.msPerFace.toFixed(1)} ms`],
    ]),
    sizes.length ? table(say("recognition.sizes", { photos: evaluation.galleryPhotos }), [say("recognition.size"), say("recognition.fpir"), say("recognition.fnir")], sizes) : null,
    el("img", { class: "recognition-chart", src: `/api/v1/system/models/det.svg?theme=${theme()}`, alt: say("recognition.chart") }),
    table(say("recognition.tar"), [say("recognition.far"), say("recognition.accepted")], rates),
    how,
  ].filter(Boolean);
}

/** @param {[string, string][]} pairs */
function facts(pairs) {
  return el("dl", { class: "recognition-facts" }, ...pairs.map(([name, value]) => el("div", {}, el("dt", { class: "quiet", text: name }), el("dd", { text: value }))));
}

/** @param {string} caption @param {string[]} head @param {string[][]} rows */
function table(caption, head, rows) {
  return el(
    "table",
    { class: "recognition-table figures" },
    el("caption", { text: caption }),
    el("thead", {}, el("tr", {}, ...head.map((name) => el("th", { scope: "col", text: name })))),
    el("tbody", {}, ...rows.map(([first, ...rest]) => el("tr", {}, el("th", { scope: "row", text: first }), ...rest.map((value) => el("td", { text: value }))))),
  );
}

/** @param {number} share @param {number} [digits] */
function percent(share, digits = 1) {
  return new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: digits }).format(share);
}

function theme() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}
