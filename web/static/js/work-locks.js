/** Up to which dates days are locked, because they were paid; a new lock, and the newest one taken away. */

import { ApiError } from "./api.js";
import { el, fieldError, icon, showFieldErrors, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { field, notice, tell, workingForm } from "./fields.js";
import { say } from "./text.js";
import { spoken } from "./times.js";
import { complete, dateField } from "./work-parts.js";
import { fullDate } from "./zoned.js";

const PAGE_SIZE = 100;

export class WorkLocks {
  #api;
  #sheet;
  #may;
  #uses;
  #rows = [];
  #total = 0;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./sheet.js").Sheet} sheet
   * @param {(permission: string) => boolean} may
   * @param {{changed: (sentence: string) => void}} uses
   */
  constructor(api, sheet, may, uses) {
    this.#api = api;
    this.#sheet = sheet;
    this.#may = may;
    this.#uses = uses;
  }

  async load() {
    const { data, meta } = await this.#api.list("attendance/locks", { pageSize: PAGE_SIZE });
    this.#rows = data;
    this.#total = meta.total;
  }

  get count() {
    return this.#rows.length ? say("work.locks.count", { date: fullDate(this.#rows[0].through) }) : "";
  }

  render() {
    if (!this.#rows.length) {
      const add = this.#may("attendance:delete") && el("button", { class: "button button-primary", type: "button", on: { click: () => this.open() } }, icon("key"), el("span", { text: say("work.locks.add") }));
      return [stateCard({ icon: "key", title: say("work.locks.empty.title"), text: say("work.locks.empty.text"), action: add || null })];
    }
    const rows = this.#rows.map((lock, index) => this.#item(lock, index === 0));
    return [el("div", { class: "people-card" }, el("ul", { class: "people-list work-list", data: { list: "" } }, ...rows)), this.#total > this.#rows.length && el("p", { class: "quiet", text: say("work.locks.older") })].filter(Boolean);
  }

  #item(lock, newest) {
    const remove = newest && this.#may("attendance:delete") && el("button", { class: "button button-small", type: "button", text: say("work.locks.remove"), on: { click: () => this.#ask(lock) } });
    return el(
      "li",
      {},
      el(
        "div",
        { class: "work-row" },
        el("span", { class: "people-words" }, el("b", { text: say("work.locks.through", { date: fullDate(lock.through) }) }), el("span", { class: "quiet", text: [say("work.locks.by", { name: lock.lockedByName, time: spoken(lock.createdAt) }), lock.note].filter(Boolean).join(" · ") })),
        remove,
      ),
    );
  }

  open() {
    const cancel = el("button", { class: "button", type: "button", text: say("cancel"), on: { click: () => this.#sheet.close() } });
    const send = async (form, value) => {
      if (!complete(form, { through: say("work.missing.date") })) return undefined;
      try {
        await this.#api.post("attendance/locks", { through: value("through"), note: value("note") });
        this.#sheet.close();
        this.#uses.changed(say("work.locks.added"));
      } catch (error) {
        if (error instanceof ApiError && error.code === "locked_already") return fieldError(form.elements.namedItem("through"), error.message);
        const rest = error instanceof ApiError && error.details.length ? showFieldErrors(form, error) : inWords(error);
        if (rest) tell(form, notice("red", rest));
      }
      return undefined;
    };
    const form = workingForm(
      { label: say("work.locks.add"), submit: say("work.locks.add"), busy: say("work.locks.busy"), extra: [cancel], send },
      el("p", { text: say("work.locks.help") }),
      dateField({ name: "through", label: say("work.locks.date"), hint: say("work.locks.date.hint") }),
      field({ id: "work-note", name: "note", label: say("work.note"), maxlength: 500, optional: true }),
    );
    this.#sheet.open(say("work.locks.add"), form);
    form.querySelector("input").focus();
  }

  #ask(lock) {
    const holder = el("div");
    const cancel = el("button", { class: "button", type: "button", text: say("cancel"), on: { click: () => this.#sheet.close() } });
    const remove = el("button", { class: "button button-red", type: "button", text: say("work.locks.remove"), on: { click: () => this.#remove(lock, remove, holder) } });
    this.#sheet.open(say("work.locks.remove"), el("p", { text: say("work.locks.remove.sure", { date: fullDate(lock.through) }) }), holder, el("div", { class: "row row-end" }, cancel, remove));
    cancel.focus();
  }

  async #remove(lock, button, holder) {
    button.disabled = true;
    try {
      await this.#api.delete(`attendance/locks/${lock.id}`);
      this.#sheet.close();
      this.#uses.changed(say("work.locks.removed"));
    } catch (error) {
      button.disabled = false;
      holder.replaceChildren(notice("red", inWords(error)));
    }
  }
}
