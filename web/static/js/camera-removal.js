/** Asks before a camera is deleted, and deletes it. */

import { inWords } from "./failure.js";
import { say } from "./text.js";

export class CameraRemoval {
  #api;
  #dialog;
  #removed;
  #camera = null;

  /** @param {import("./api.js").Api} api @param {HTMLDialogElement} dialog @param {(camera: any) => void} removed */
  constructor(api, dialog, removed) {
    this.#api = api;
    this.#dialog = dialog;
    this.#removed = removed;
    for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
    dialog.querySelector("[data-remove]").addEventListener("click", () => this.#remove());
  }

  open(camera) {
    this.#camera = camera;
    this.#dialog.querySelector("h2").textContent = say("cameras.remove.title", { name: camera.name });
    this.#error("");
    this.#dialog.showModal();
  }

  async #remove() {
    const camera = this.#camera;
    this.#busy(true);
    try {
      await this.#api.delete(`cameras/${camera.id}`);
      this.#dialog.close();
      this.#removed(camera);
    } catch (error) {
      this.#error(inWords(error));
    } finally {
      this.#busy(false);
    }
  }

  #busy(yes) {
    const button = this.#dialog.querySelector("[data-remove]");
    button.disabled = yes;
    button.querySelector("span").textContent = say(yes ? "cameras.remove.busy" : "cameras.remove.yes");
  }

  #error(sentence) {
    const line = this.#dialog.querySelector("[data-error]");
    line.querySelector("[data-error-text]").textContent = sentence;
    line.hidden = !sentence;
  }
}
