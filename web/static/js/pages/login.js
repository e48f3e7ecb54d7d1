/** Signing in; whoever has a second factor is asked for its code once the password was right. */

import { Api } from "../api.js";
import { EntryForm } from "../entry-form.js";
import { say } from "../text.js";

class Login {
  #api = new Api();
  #form;
  #entry;

  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.#form = form;
    this.#entry = new EntryForm(form, {
      busy: "login.busy",
      send: () => this.#send(),
      refused: (error) => this.#refused(error),
    });
  }

  async #send() {
    const { username, password, otp } = this.#form.elements;
    const given = { username: username.value.trim(), password: password.value };
    if (otp.value.trim()) given.otp = otp.value.trim();
    const { user } = await this.#api.post("auth/login", given);
    const onward = this.#form.dataset.onward;
    location.assign(user.mustChangePassword ? `/password?next=${encodeURIComponent(onward)}` : onward);
  }

  #refused(error) {
    if (error.status !== 401) return false;
    const { password, otp } = this.#form.elements;
    if (error.code === "otp_required" || error.code === "otp_wrong") {
      this.#form.querySelector("[data-otp]").hidden = false;
      otp.required = true;
      if (error.code === "otp_wrong") this.#entry.complain(otp, say("login.otp.refused"));
      else otp.focus();
      return true;
    }
    this.#entry.complain(password, say("login.refused"));
    return true;
  }
}

new Login(document.querySelector("[data-login]"));
