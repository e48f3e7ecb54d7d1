/** The second factor on one's own account: set up, confirmed with a code, switched off. */

import { el } from "./dom.js";
import { EntryForm } from "./entry-form.js";
import { say } from "./text.js";

export class TwoStep {
  #api;
  #root;
  #forms;

  /** @param {import("./api.js").Api} api @param {HTMLElement} root */
  constructor(api, root) {
    this.#api = api;
    this.#root = root;
    const form = (name) => root.querySelector(`[data-${name}]`);
    this.#forms = { begin: form("begin"), confirm: form("confirm"), codes: form("codes"), end: form("end") };
    const { begin, confirm, end } = this.#forms;
    new EntryForm(begin, { busy: "account.busy", send: () => this.#begin(), stays: true });
    new EntryForm(confirm, { busy: "account.busy", send: () => this.#confirm(), stays: true });
    new EntryForm(end, { busy: "account.busy", send: () => this.#end(), stays: true });
    root.querySelector("[data-codes-done]").addEventListener("click", () => this.show(true));
  }

  /** @param {boolean} on */
  show(on) {
    this.#root.querySelector("[data-two-step-state]").textContent = say(on ? "account.two.on" : "account.two.off");
    this.#only(on ? "end" : "begin");
  }

  async #begin() {
    const { currentPassword } = this.#forms.begin.elements;
    const { secret, svg } = await this.#api.post("auth/totp", { currentPassword: currentPassword.value });
    currentPassword.value = "";
    this.#root.querySelector("[data-qr]").src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
    this.#root.querySelector("[data-key]").textContent = secret.match(/.{1,4}/g).join(" ");
    this.#only("confirm");
    this.#forms.confirm.elements.otp.focus();
  }

  async #confirm() {
    const { otp } = this.#forms.confirm.elements;
    const { recoveryCodes } = await this.#api.post("auth/totp/confirm", { otp: otp.value.trim() });
    otp.value = "";
    this.#root.querySelector("[data-qr]").removeAttribute("src");
    this.#root.querySelector("[data-key]").textContent = "";
    this.#root.querySelector("[data-codes-list]").replaceChildren(...recoveryCodes.map((code) => el("li", {}, el("code", { text: code }))));
    this.#root.querySelector("[data-two-step-state]").textContent = say("account.two.on");
    this.#only("codes");
  }

  async #end() {
    const { currentPassword, otp } = this.#forms.end.elements;
    await this.#api.delete("auth/totp", { currentPassword: currentPassword.value, otp: otp.value.trim() });
    this.#forms.end.reset();
    this.show(false);
  }

  #only(shown) {
    for (const [name, part] of Object.entries(this.#forms)) part.hidden = name !== shown;
  }
}
