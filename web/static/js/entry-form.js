/** The one-column forms before the pages: sign in, a new password, the first account. Errors beside their field. */

import { ApiError } from "./api.js";
import { clearFieldErrors, fieldError, showFieldErrors } from "./dom.js";
import { inWords } from "./failure.js";
import { say } from "./text.js";

export class EntryForm {
  #form;
  #button;
  #error;
  #send;
  #busy;
  #refused;
  #stays;

  /**
   * @param {HTMLFormElement} form
   * @param {{busy: string, send: () => Promise<void>, refused?: (error: ApiError) => boolean, stays?: boolean}} of `busy`
   *   is a key of the catalogue; `refused` answers whether it has shown the error itself; `stays` on the page when done
   */
  constructor(form, { busy, send, refused = () => false, stays = false }) {
    this.#form = form;
    this.#button = form.querySelector("[type=submit]");
    this.#error = form.querySelector("[data-error]");
    this.#send = send;
    this.#busy = busy;
    this.#refused = refused;
    this.#stays = stays;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    for (const button of form.querySelectorAll("[data-reveal]")) this.#reveal(button);
  }

  /** Puts the sentence beside the field and goes there. @param {HTMLInputElement} input @param {string} sentence */
  complain(input, sentence) {
    fieldError(input, sentence);
    input.focus();
    input.select();
  }

  async #submit() {
    clearFieldErrors(this.#form);
    this.#error.hidden = true;
    const missing = [...this.#form.elements].filter((input) => input.required && !input.value);
    for (const input of missing) fieldError(input, say(`entry.missing.${input.name}`));
    if (missing.length) {
      missing[0].focus();
      return;
    }
    const words = this.#button.textContent;
    this.#button.disabled = true;
    this.#button.textContent = say(this.#busy);
    try {
      await this.#send();
      if (!this.#stays) return; // the page is on its way to the next one
    } catch (error) {
      this.#show(error);
    }
    this.#button.disabled = false;
    this.#button.textContent = words;
  }

  #show(error) {
    if (error instanceof ApiError && this.#refused(error)) return;
    let words = error instanceof ApiError && error.details.length ? showFieldErrors(this.#form, error) : inWords(error);
    if (error instanceof ApiError && error.status === 429) words = say("login.many", { seconds: error.retryAfterS ?? 60 });
    this.#error.querySelector("[data-error-text]").textContent = words;
    this.#error.hidden = !words;
  }

  #reveal(button) {
    const input = this.#form.elements.namedItem(button.dataset.reveal);
    button.addEventListener("click", () => {
      const shown = input.type === "text";
      input.type = shown ? "password" : "text";
      button.setAttribute("aria-pressed", String(!shown));
      button.setAttribute("aria-label", say(shown ? "login.show" : "login.hide"));
    });
  }
}
