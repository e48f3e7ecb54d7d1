/** Signing in: errors beside the field they belong to. */

import { Api, ApiError } from "../api.js";
import { clearFieldErrors, fieldError, showFieldErrors } from "../dom.js";
import { inWords } from "../failure.js";
import { say } from "../text.js";

class Login {
  #api = new Api();
  #form;
  #button;
  #error;

  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.#form = form;
    this.#button = form.querySelector("[type=submit]");
    this.#error = form.querySelector("[data-error]");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    const reveal = form.querySelector("[data-reveal]");
    reveal.addEventListener("click", () => {
      const shown = form.elements.password.type === "text";
      form.elements.password.type = shown ? "password" : "text";
      reveal.setAttribute("aria-pressed", String(!shown));
      reveal.setAttribute("aria-label", say(shown ? "login.show" : "login.hide"));
    });
  }

  async #send() {
    const { username, password } = this.#form.elements;
    clearFieldErrors(this.#form);
    this.#error.hidden = true;
    const missing = [username, password].filter((input) => !input.value);
    for (const input of missing) fieldError(input, say(`login.missing.${input.name}`));
    if (missing.length) return missing[0].focus();
    const words = this.#button.textContent;
    this.#button.disabled = true;
    this.#button.textContent = say("login.busy");
    try {
      await this.#api.post("auth/login", { username: username.value.trim(), password: password.value });
      location.assign(this.#form.dataset.onward);
      return undefined;
    } catch (error) {
      this.#show(error);
    }
    this.#button.disabled = false;
    this.#button.textContent = words;
    return undefined;
  }

  #show(error) {
    const { password } = this.#form.elements;
    if (error instanceof ApiError && error.status === 401) {
      fieldError(password, say("login.refused"));
      password.focus();
      password.select();
      return;
    }
    let words = error instanceof ApiError && error.details.length ? showFieldErrors(this.#form, error) : inWords(error);
    if (error instanceof ApiError && error.status === 429) words = say("login.many", { seconds: error.retryAfterS ?? 60 });
    this.#error.querySelector("[data-error-text]").textContent = words;
    this.#error.hidden = !words;
  }
}

new Login(document.querySelector("[data-login]"));
