/** Holidays of an iCalendar file: the file, for which site, and what was left out. */

import { ApiError } from "./api.js";
import { el, fieldError, showFieldErrors } from "./dom.js";
import { inWords } from "./failure.js";
import { choice, field, notice, tell, workingForm } from "./fields.js";
import { say } from "./text.js";

const SHOWN = 50;

export class WorkCalendar {
  #api;
  #sheet;
  #context;
  #changed;

  /** @param {import("./api.js").Api} api @param {import("./sheet.js").Sheet} sheet @param {any} context @param {() => void} changed */
  constructor(api, sheet, context, changed) {
    this.#api = api;
    this.#sheet = sheet;
    this.#context = context;
    this.#changed = changed;
  }

  async open() {
    const title = say("work.calendar.title");
    this.#sheet.open(title, el("div", { class: "person-loading shimmer", role: "status", "aria-label": say("work.loading") }));
    await this.#context.prepare().catch(() => undefined); // then it is for every site
    const cancel = el("button", { class: "button", type: "button", text: say("cancel"), on: { click: () => this.#sheet.close() } });
    const form = workingForm(
      { label: title, submit: say("work.calendar.submit"), busy: say("work.calendar.busy"), extra: [cancel], send: (...given) => this.#send(...given) },
      el("p", { text: say("work.calendar.help") }),
      field({ id: "work-file", name: "file", type: "file", label: say("work.calendar.file"), accept: ".ics,text/calendar" }),
      choice({ id: "work-siteId", name: "siteId", label: say("work.site"), options: [["", say("work.holidays.everywhere")], ...this.#context.sites()], value: "" }),
    );
    this.#sheet.show(title, form);
    form.querySelector("input").focus();
  }

  async #send(form, value) {
    const input = form.elements.namedItem("file");
    const [file] = input.files;
    if (!file) return fieldError(input, say("work.missing.file"));
    try {
      const { added, skipped } = await this.#api.upload("holidays/import", file, file.name, value("siteId") ? { siteId: value("siteId") } : {});
      this.#changed();
      this.#done(added, skipped);
    } catch (error) {
      const rest = error instanceof ApiError && error.details.length ? showFieldErrors(form, error) : inWords(error);
      if (rest) tell(form, notice("red", rest));
    }
    return undefined;
  }

  #done(added, skipped) {
    const lines = skipped.slice(0, SHOWN).map((one) => el("li", { text: say("work.calendar.line", { line: one.line, name: one.name ?? "", reason: one.reason }) }));
    const close = el("button", { class: "button button-primary", type: "button", text: say("close"), on: { click: () => this.#sheet.close() } });
    const left = skipped.length ? el("section", { class: "block" }, el("h3", { text: say("work.calendar.skipped", { count: skipped.length }) }), el("ul", { class: "day-marks" }, ...lines)) : null;
    this.#sheet.show(say("work.calendar.title"), notice(added ? "green" : "blue", say("work.calendar.added", { count: added })), ...(left ? [left] : []), el("div", { class: "row row-end" }, close));
    close.focus();
  }
}
