/** What a person has said about the use of their face, and what they may ask for: all that is held, or its erasure. */

import { ApiError } from "./api.js";
import { el, icon, showFieldErrors } from "./dom.js";
import { inWords } from "./failure.js";
import { choice, field, notice, tell, workingForm } from "./fields.js";
import { say } from "./text.js";
import { fullTime, spoken } from "./times.js";

const STATES = ["given", "refused", "withdrawn"];
const WAYS = ["paper", "screen", "email", "spoken", "other"];
const TONES = { given: "green", refused: "red", withdrawn: "red" };

export class Privacy {
  #api;
  #person;
  #may;
  #uses;
  #statement = el("div");
  #holder = el("div", { class: "privacy" });

  /**
   * @param {import("./api.js").Api} api
   * @param {any} person
   * @param {(permission: string) => boolean} may
   * @param {{erased: () => void, said: (sentence: string, tone?: "green" | "red") => void}} uses
   */
  constructor(api, person, may, uses) {
    this.#api = api;
    this.#person = person;
    this.#may = may;
    this.#uses = uses;
  }

  /** @returns {HTMLElement} */
  block() {
    this.#load();
    this.#rest();
    return el("section", { class: "block", "aria-labelledby": "privacy-title" }, el("h3", { id: "privacy-title", text: say("privacy.title") }), this.#statement, this.#holder);
  }

  get #path() {
    return `people/${this.#person.id}`;
  }

  async #load() {
    try {
      const { data } = await this.#api.list(`${this.#path}/consent`, { pageSize: 1 });
      this.#state(data[0] ?? null);
    } catch (error) {
      this.#statement.replaceChildren(notice("red", inWords(error)));
    }
  }

  #state(newest) {
    if (!newest) return this.#statement.replaceChildren(el("p", { class: "quiet", text: say("privacy.none") }));
    this.#statement.replaceChildren(
      el(
        "p",
        { class: "row" },
        el("span", { class: `chip chip-${TONES[newest.state]}`, text: say(`privacy.state.${newest.state}`) }),
        el("span", { class: "quiet" }, say("privacy.how", { how: say(`privacy.way.${newest.how}`), text: newest.textVersion, who: newest.notedBy }), " ", el("time", { datetime: newest.at, title: fullTime(newest.at), text: spoken(newest.at) })),
      ),
    );
  }

  /** The buttons, where no form is open. @param {boolean} [back] whether a form was */
  #rest(back = false) {
    const note = this.#may("people:write") && el("button", { class: "button button-small", type: "button", on: { click: () => this.#note() } }, icon("pencil"), el("span", { text: say("privacy.note") }));
    const held = this.#may("people:erase") && el("a", { class: "button button-small", href: `/api/v1/${this.#path}/export`, download: true, text: say("privacy.held") });
    const erase = this.#may("people:erase") && el("button", { class: "button button-small button-quiet-red", type: "button", on: { click: () => this.#sure() } }, icon("trash"), el("span", { text: say("privacy.erase") }));
    this.#holder.replaceChildren(el("div", { class: "row" }, note, held, erase));
    if (back) this.#holder.querySelector("button")?.focus();
  }

  #note() {
    const cancel = el("button", { class: "button", type: "button", text: say("cancel"), on: { click: () => this.#rest(true) } });
    const warning = el("p", { class: "notice notice-amber", role: "alert", hidden: true }, icon("alert"), el("span", { text: say("privacy.note.erases") }));
    const state = choice({ id: "consent-state", name: "state", label: say("privacy.state"), options: STATES.map((one) => [one, say(`privacy.state.${one}`)]), value: "given" });
    state.querySelector("select").addEventListener("change", (event) => (warning.hidden = event.target.value === "given"));
    const form = workingForm(
      { label: say("privacy.note"), submit: say("save"), busy: say("privacy.busy"), extra: [cancel], send: (made, value) => this.#send(made, value) },
      state,
      warning,
      el(
        "div",
        { class: "field-pair" },
        field({ id: "consent-textVersion", name: "textVersion", label: say("privacy.text"), hint: say("privacy.text.hint"), maxlength: 100 }),
        choice({ id: "consent-how", name: "how", label: say("privacy.way"), options: WAYS.map((one) => [one, say(`privacy.way.${one}`)]), value: "paper" }),
      ),
    );
    this.#holder.replaceChildren(form);
    form.querySelector("select").focus();
  }

  async #send(form, value) {
    try {
      const noted = await this.#api.put(`${this.#path}/consent`, { state: value("state"), textVersion: value("textVersion"), how: value("how") });
      this.#state(noted);
      this.#rest(true);
      this.#uses.said(say("saved"));
      if (noted.state !== "given") this.#uses.erased();
    } catch (error) {
      const rest = error instanceof ApiError ? showFieldErrors(form, error) : say("failed.other");
      if (rest) tell(form, notice("red", rest));
    }
  }

  #sure() {
    const cancel = el("button", { class: "button", type: "button", text: say("cancel"), on: { click: () => this.#rest(true) } });
    const yes = el("button", { class: "button button-red", type: "button", text: say("privacy.erase.yes"), on: { click: () => this.#erase(yes) } });
    this.#holder.replaceChildren(el("p", { text: say("privacy.erase.sure", { name: this.#person.fullName }) }), el("div", { class: "row" }, cancel, yes));
    cancel.focus();
  }

  async #erase(button) {
    button.disabled = true;
    try {
      const receipt = await this.#api.delete(`${this.#path}/biometrics`);
      const { photos = 0, templates = 0, sightingPictures = 0, clips = 0 } = receipt.counts;
      this.#rest(true);
      const sentence = say(receipt.state === "done" ? "privacy.erased" : "privacy.erased.pending", { photos, templates, pictures: sightingPictures, clips });
      this.#holder.prepend(notice(receipt.state === "done" ? "green" : "amber", sentence, el("code", { text: receipt.sha256 ?? receipt.id })));
      this.#uses.erased();
    } catch (error) {
      this.#rest(true);
      this.#holder.prepend(notice("red", inWords(error)));
    }
  }
}
