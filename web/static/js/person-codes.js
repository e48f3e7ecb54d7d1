/** What somebody checks in with at a kiosk instead of a face: a PIN and badges, set here and never shown again. */

import { ApiError } from "./api.js";
import { badgeCard } from "./badge-card.js";
import { el, icon, showFieldErrors } from "./dom.js";
import { inWords } from "./failure.js";
import { field, notice, tell, workingForm } from "./fields.js";
import { say } from "./text.js";
import { fullTime, spoken } from "./times.js";

export class PersonCodes {
  #api;
  #person;
  #said;
  #list = el("ul", { class: "seen", "aria-label": say("codes.title") });
  #news = el("div");
  #holder = el("div", { class: "privacy" });
  #hasPin = false;

  /**
   * @param {import("./api.js").Api} api
   * @param {any} person
   * @param {(sentence: string, tone?: "green" | "red") => void} said
   */
  constructor(api, person, said) {
    this.#api = api;
    this.#person = person;
    this.#said = said;
  }

  /** @returns {HTMLElement} */
  block() {
    this.#rest();
    this.#load();
    return el("section", { class: "block", "aria-labelledby": "codes-title" }, el("h3", { id: "codes-title", text: say("codes.title") }), this.#list, this.#news, this.#holder);
  }

  get #path() {
    return `people/${this.#person.id}`;
  }

  async #load() {
    try {
      const { data } = await this.#api.list(`${this.#path}/credentials`, { pageSize: 50, sort: "-kind" });
      this.#list.replaceChildren(...data.map((one) => this.#item(one)));
      if (!data.length) this.#list.append(el("li", { class: "none quiet" }, icon("key"), el("span", { text: say("codes.none", { name: this.#person.fullName }) })));
      this.#hasPin = data.some((one) => one.kind === "pin");
      this.#holder.querySelector("[data-set-pin]")?.replaceChildren(say(this.#hasPin ? "codes.pin.change" : "codes.pin.set"));
    } catch (error) {
      this.#list.replaceChildren(el("li", { class: "none quiet", role: "alert" }, icon("alert"), el("span", { text: inWords(error) })));
    }
  }

  #item(one) {
    const words = one.kind === "pin" ? say("codes.pin") : one.label || say("codes.badge");
    const used = one.lastUsedAt ? say("codes.used", { time: spoken(one.lastUsedAt) }) : say("codes.unused");
    const more = one.kind === "badge" ? `${say("codes.ending", { ending: one.ending })} · ${used}` : used;
    return el(
      "li",
      { class: "seen-item" },
      icon(one.kind === "pin" ? "key" : "person"),
      el("span", { class: "seen-words" }, el("b", { text: words }), el("span", { class: "quiet", title: fullTime(one.lastUsedAt), text: more })),
      this.#removal(one, words),
    );
  }

  /** Asks by changing its own words: a second click within a few seconds removes. */
  #removal(one, words) {
    const button = el("button", { class: "button button-small button-quiet-red", type: "button", "aria-label": say("codes.remove.of", { what: words }), text: say("codes.remove") });
    let sure = false;
    button.addEventListener("click", async () => {
      if (!sure) {
        sure = true;
        button.textContent = say("codes.remove.sure");
        button.setAttribute("aria-label", say("codes.remove.sure.of", { what: words }));
        setTimeout(() => {
          sure = false;
          button.textContent = say("codes.remove");
          button.setAttribute("aria-label", say("codes.remove.of", { what: words }));
        }, 4000);
        return;
      }
      button.disabled = true;
      try {
        await this.#api.delete(`${this.#path}/credentials/${one.id}`);
        this.#said(say("codes.removed", { what: words }));
        this.#news.replaceChildren();
      } catch (error) {
        this.#news.replaceChildren(notice("red", inWords(error)));
      }
      await this.#load();
      this.#holder.querySelector("button")?.focus();
    });
    return button;
  }

  /** The buttons, where no form is open. @param {boolean} [back] whether a form was */
  #rest(back = false) {
    const button = (words, run, data = {}) => el("button", { class: "button button-small", type: "button", text: words, data, on: { click: run } });
    const draw = button(say("codes.pin.draw"), () => this.#draw(draw));
    this.#holder.replaceChildren(
      el(
        "div",
        { class: "row" },
        button(say(this.#hasPin ? "codes.pin.change" : "codes.pin.set"), () => this.#pinForm(), { setPin: "" }),
        draw,
        button(say("codes.badge.add"), () => this.#badgeForm()),
      ),
    );
    if (back) this.#holder.querySelector("button").focus();
  }

  async #draw(button) {
    button.disabled = true;
    try {
      const { pin } = await this.#api.put(`${this.#path}/pin`, {});
      this.#news.replaceChildren(notice("green", say("codes.pin.drawn"), el("code", { class: "drawn-pin", text: pin })));
    } catch (error) {
      this.#news.replaceChildren(notice("red", inWords(error)));
    }
    button.disabled = false;
    await this.#load();
  }

  #pinForm() {
    this.#form(
      say("codes.pin.set"),
      field({ id: "code-pin", name: "pin", label: say("codes.pin.label"), hint: say("codes.pin.hint"), inputmode: "numeric", maxlength: 12 }),
      async (value) => {
        await this.#api.put(`${this.#path}/pin`, { pin: value("pin") });
        this.#said(say("codes.pin.saved"));
      },
    );
  }

  #badgeForm() {
    this.#form(
      say("codes.badge.add"),
      el(
        "div",
        { class: "field-pair" },
        field({ id: "code-badge", name: "badge", label: say("codes.badge.label"), hint: say("codes.badge.hint"), optional: true, maxlength: 128 }),
        field({ id: "code-label", name: "label", label: say("codes.badge.name"), hint: say("codes.badge.name.hint"), optional: true, maxlength: 100 }),
      ),
      async (value) => {
        const made = await this.#api.post(`${this.#path}/badges`, { badge: value("badge") || null, label: value("label") });
        this.#said(say("codes.badge.added"));
        return notice("green", say("codes.badge.made"), badgeCard({ ...made, name: this.#person.fullName }));
      },
    );
  }

  /** @param {(value: (name: string) => string) => Promise<Node | void>} send answers what is to be shown of it once */
  #form(label, fields, send) {
    const cancel = el("button", { class: "button", type: "button", text: say("cancel"), on: { click: () => this.#rest(true) } });
    const form = workingForm(
      {
        label,
        submit: say("save"),
        busy: say("codes.busy"),
        extra: [cancel],
        send: async (made, value) => {
          try {
            const news = await send(value);
            this.#news.replaceChildren(...(news ? [news] : []));
            await this.#load();
            this.#rest(true);
          } catch (error) {
            const rest = error instanceof ApiError ? showFieldErrors(made, error) : say("failed.other");
            if (rest) tell(made, notice("red", rest));
          }
        },
      },
      fields,
    );
    this.#holder.replaceChildren(form);
    form.querySelector("input").focus();
  }
}
