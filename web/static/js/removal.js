/** Asks before a webhook is deleted, and deletes it. */

import { inWords } from "./failure.js";
import { say } from "./text.js";

export class WebhookRemoval {
  #api;
  #dialog;
  #removed;
  #hook = null;

  /** @param {import("./api.js").Api} api @param {HTMLDialogElement} dialog @param {(hook: any) => void} removed */
  constructor(api, dialog, removed) {
    this.#api = api;
    this.#dialog = dialog;
    this.#removed = removed;
    for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
    dialog.querySelector("[data-remove]").addEventListener("click", () => this.#remove());
  }

  open(hook) {
    this.#hook = hook;
    this.#dialog.querySelector("h2").textContent = say("hooks.remove.title", { name: hook.name });
    this.#error("");
    this.#dialog.showModal();
  }

  async #remove() {
    const hook = this.#hook;
    const button = this.#dialog.querySelector("[data-remove]");
    button.disabled = true;
    try {
      await this.#api.delete(`webhooks/${hook.id}`);
      this.#dialog.close();
      this.#removed(hook);
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
