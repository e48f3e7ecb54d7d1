/** Asks before a webhook, a kiosk or a report is deleted, and deletes it. */

import { inWords } from "./failure.js";
import { say } from "./text.js";

export class Removal {
  #api;
  #dialog;
  #of;
  #one = null;

  /**
   * @param {import("./api.js").Api} api
   * @param {HTMLDialogElement} dialog
   * @param {{path: string, removed: (one: any) => void}} of `path`: of the collection
   */
  constructor(api, dialog, of) {
    this.#api = api;
    this.#dialog = dialog;
    this.#of = of;
    for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
    dialog.querySelector("[data-remove]").addEventListener("click", () => this.#remove());
  }

  open(one) {
    this.#one = one;
    this.#dialog.querySelector("h2").textContent = say("hooks.remove.title", { name: one.name });
    this.#error("");
    this.#dialog.showModal();
  }

  async #remove() {
    const one = this.#one;
    const button = this.#dialog.querySelector("[data-remove]");
    button.disabled = true;
    try {
      await this.#api.delete(`${this.#of.path}/${one.id}`);
      this.#dialog.close();
      this.#of.removed(one);
    } catch (error) {
      this.#error(inWords(error));
    } finally {
      button.disabled = false;
    }
  }

  #error(sentence) {
    const line = this.#dialog.querySelector("[data-error]");
    line.hidden = !sentence;
    line.querySelector("[data-error-text]").textContent = sentence;
  }
}
