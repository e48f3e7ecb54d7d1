/** Whether mail can be sent at all, by which setting it could, and a test of it. */

import { el, fieldError, icon } from "./dom.js";
import { inWords } from "./failure.js";
import { field, notice, tell, workingForm } from "./fields.js";
import { Sheet } from "./sheet.js";
import { say } from "./text.js";

const SETTING = "ROLLCALL_SMTP__HOST";

export class MailNote {
  #api;
  #place;
  #sheet;
  #email;
  #writes;
  #shown = "";

  /**
   * @param {import("./api.js").Api} api
   * @param {HTMLElement} place
   * @param {HTMLDialogElement} dialog
   * @param {{email: string, writes: boolean}} of `email`: of whoever looks; `writes`: whether a test is for them
   */
  constructor(api, place, dialog, { email, writes }) {
    this.#api = api;
    this.#place = place;
    this.#sheet = new Sheet(dialog);
    this.#email = email;
    this.#writes = writes;
  }

  /** @param {{configured: boolean, from: string | null}} mail */
  show(mail) {
    const shown = JSON.stringify(mail);
    if (shown === this.#shown) return; // its button keeps the focus
    this.#shown = shown;
    if (!mail.configured) {
      const [before, after] = say("mail.none").split("{setting}");
      const words = el("span", {}, before, el("code", { text: SETTING }), after);
      this.#place.replaceChildren(el("div", { class: "notice notice-amber" }, icon("alert"), el("div", { class: "notice-words" }, words)));
      return;
    }
    const test = el("button", { class: "button button-small", type: "button", text: say("mail.test"), on: { click: () => this.#open() } });
    this.#place.replaceChildren(el("div", { class: "mail-from" }, el("p", { class: "quiet hook-url", text: say("mail.from", { address: mail.from ?? "" }) }), this.#writes && test));
  }

  #open() {
    const cancel = el("button", { class: "button", type: "button", text: say("close"), on: { click: () => this.#sheet.close() } });
    const form = workingForm(
      { label: say("mail.test"), submit: say("mail.test.send"), busy: say("mail.test.busy"), extra: [cancel], send: (made, value) => this.#send(made, value("to")) },
      field({ id: "mail-to", name: "to", type: "email", label: say("mail.to"), hint: say("mail.to.hint"), value: this.#email, maxlength: 254, spellcheck: "false" }),
    );
    this.#sheet.open(say("mail.test"), form);
    document.getElementById("mail-to").focus();
  }

  async #send(form, to) {
    const input = form.elements.namedItem("to");
    if (!to) return fieldError(input, say("mail.to.missing"));
    try {
      await this.#api.post("reports/mail/test", { to });
      return tell(form, el("div", { role: "status" }, notice("green", say("mail.tested", { address: to }))));
    } catch (error) {
      const ofField = error.details?.find(({ field: name }) => name === "to");
      if (ofField?.code === "string_pattern_mismatch") return fieldError(input, say("reports.recipients.wrong", { address: to }));
      return ofField ? fieldError(input, ofField.message) : tell(form, notice("red", inWords(error)));
    }
  }
}
