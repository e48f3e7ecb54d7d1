/** Sends photos of one person and shows the verdict of each: accepted, accepted with a warning, or refused and why. */

import { el, icon } from "./dom.js";
import { refusalInWords, warningInWords } from "./failure.js";
import { photoNumbers } from "./photo-numbers.js";
import { say } from "./text.js";

const STRAIGHT_DEGREES = 8;

/** What was measured on a photo, in few words. @param {any} quality */
export function qualityInWords(quality) {
  const words = [];
  if (typeof quality?.sizePx === "number") words.push(say("person.photo.size", { px: Math.round(quality.sizePx) }));
  if (typeof quality?.yaw === "number") {
    const degrees = Math.round(Math.abs(quality.yaw));
    words.push(degrees <= STRAIGHT_DEGREES ? say("person.photo.straight") : say("person.photo.turned", { degrees }));
  }
  return words.join(" · ");
}

/** The line under a photo. @param {any} photo as the API gives it */
export function verdict(photo) {
  const warnings = photo.warnings ?? [];
  return el(
    "span",
    { class: "verdict" },
    el(
      "span",
      { class: warnings.length ? "verdict-word tone-amber" : "verdict-word tone-green" },
      icon(warnings.length ? "alert" : "check"),
      el("b", { text: say(warnings.length ? "person.photo.warned" : "person.photo.good") }),
    ),
    el("span", { class: "quiet figures", text: qualityInWords(photo.quality) }),
    ...warnings.map((warning) => el("span", { class: "tone-amber", text: warningInWords(warning) })),
    photoNumbers(photo.quality),
  );
}

export class Photos {
  #api;
  #person;
  #grid;
  #changed;
  #queue = Promise.resolve();

  /**
   * @param {import("./api.js").Api} api
   * @param {any} person
   * @param {HTMLElement} grid where the cards of what is being sent appear
   * @param {() => void} changed
   */
  constructor(api, person, grid, changed) {
    this.#api = api;
    this.#person = person;
    this.#grid = grid;
    this.#changed = changed;
  }

  /**
   * One after the other, so that the order stays.
   * @param {Iterable<File>} files
   */
  send(files) {
    for (const file of files) {
      const card = this.#card(file);
      this.#grid.append(card.element);
      this.#queue = this.#queue.then(() => this.#sendOne(file, card));
    }
  }

  async #sendOne(file, card) {
    try {
      await this.#api.upload(`people/${this.#person.id}/photos`, file, file.name);
      card.element.remove();
      this.#changed();
    } catch (error) {
      card.refuse(refusalInWords(error));
    }
    URL.revokeObjectURL(card.preview);
  }

  #card(file) {
    const preview = URL.createObjectURL(file);
    const line = el("span", { class: "verdict", role: "status" }, el("span", { class: "verdict-word quiet", text: say("person.photo.sending") }));
    const element = el("li", { class: "photo photo-sending" }, el("span", { class: "photo-frame" }, el("img", { src: preview, alt: "" })), line);
    const refuse = (why) => {
      element.className = "photo photo-refused";
      const dismiss = el("button", { class: "icon-button photo-remove", type: "button", "aria-label": say("person.photo.dismiss", { file: file.name }), on: { click: () => element.remove() } }, icon("close"));
      element.querySelector(".photo-frame").append(dismiss);
      line.replaceChildren(
        el("span", { class: "verdict-word tone-red" }, icon("alert"), el("b", { text: say("person.photo.refused") })),
        el("span", { text: why }),
        el("span", { class: "quiet photo-file", text: file.name }),
      );
    };
    return { element, preview, refuse };
  }
}
