/** Several people at once: a card for each, for its time, and never more than fit. */

import { el, face, icon } from "./dom.js";

const MOST = 4;

/**
 * @typedef {{name: string, direction: string, hello: string, what: string, time: string, at: string, shift: string,
 *   late: boolean, picture: string | null}} Said a greeting in words
 */

export class GreetingCards {
  #list;
  #emptied;
  /** @type {{said: Said, card: HTMLElement, timer: number}[]} */
  #shown = [];

  /** @param {HTMLElement} list @param {(last: Said) => void} emptied the last card has gone */
  constructor(list, emptied) {
    this.#list = list;
    this.#emptied = emptied;
  }

  get count() {
    return this.#shown.length;
  }

  /** One more. Where there is no room, the oldest goes. @param {Said} said @param {number} ms how long it stays */
  add(said, ms) {
    if (this.#shown.length >= MOST) this.#remove(this.#shown[0]);
    const shown = { said, card: card(said), timer: 0 };
    this.#shown.push(shown);
    this.#list.append(shown.card);
    shown.timer = setTimeout(() => {
      this.#remove(shown);
      if (!this.#shown.length) this.#emptied(said);
    }, ms);
  }

  /** Its portrait has arrived. @param {Said} said @param {string} picture */
  picture(said, picture) {
    said.picture = picture;
    const shown = this.#shown.find((one) => one.said === said);
    shown?.card.querySelector(".face").replaceWith(face(picture, "face-card", said.name));
  }

  clear() {
    for (const shown of [...this.#shown]) this.#remove(shown);
  }

  #remove(shown) {
    clearTimeout(shown.timer);
    shown.card.remove();
    this.#shown = this.#shown.filter((one) => one !== shown);
  }
}

/** @param {Said} said */
function card(said) {
  return el(
    "li",
    { class: "greeting-card", data: { direction: said.direction } },
    face(said.picture, "face-card", said.name),
    el(
      "span",
      { class: "greeting-words" },
      el("b", { class: "greeting-name", text: said.name }),
      el(
        "span",
        { class: "greeting-what" },
        icon(said.direction === "out" ? "out" : "in"),
        el("span", { text: said.what }),
        el("time", { class: "figures", datetime: said.at, text: said.time }),
        said.shift && el("span", { class: said.late ? "greeting-shift is-late" : "greeting-shift", text: said.shift }),
      ),
    ),
  );
}
