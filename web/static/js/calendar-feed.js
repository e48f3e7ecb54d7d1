/** An address for calendar programs: a key of its own that reads attendance and nothing else, shown once. */

import { el } from "./dom.js";
import { inWords } from "./failure.js";
import { choice, field, notice, tell, workingForm } from "./fields.js";
import { Sheet } from "./sheet.js";
import { say } from "./text.js";

const KINDS = { attendance: "attendance/calendar.ics", holidays: "holidays.ics" };

export class CalendarFeed {
  #api;
  #sheet;
  #departments;

  /** @param {import("./api.js").Api} api @param {() => [string, string][]} departments ids with names */
  constructor(api, departments) {
    this.#api = api;
    this.#departments = departments;
    this.#sheet = new Sheet(document.querySelector("[data-calendar-sheet]"), () => this.#sheet.show(say("calendar.title"))); // the address does not stay
    document.querySelector("[data-calendar]").addEventListener("click", () => this.#open());
  }

  #open() {
    const whose = choice({ id: "calendar-department", name: "departmentId", label: say("work.department"), options: [["", say("calendar.everybody")], ...this.#departments()], value: "" });
    const kind = choice({ id: "calendar-kind", name: "kind", label: say("calendar.kind"), options: Object.keys(KINDS).map((one) => [one, say(`calendar.kind.${one}`)]), value: "attendance" });
    kind.querySelector("select").addEventListener("change", ({ target }) => { whose.hidden = target.value === "holidays"; });
    const form = workingForm(
      { label: say("calendar.title"), submit: say("calendar.make"), busy: say("account.busy"), send: (...given) => this.#send(...given) },
      el("p", { text: say("calendar.help") }),
      field({ id: "calendar-name", name: "name", label: say("calendar.name"), value: say("calendar.name.default"), maxlength: 200 }),
      kind,
      whose,
    );
    this.#sheet.open(say("calendar.title"), form);
    form.querySelector("input").focus();
  }

  async #send(form, value) {
    try {
      const { key } = await this.#api.post("api-keys", { name: value("name") || say("calendar.name.default"), permissions: ["attendance:read"] });
      const query = new URLSearchParams({ key });
      if (value("kind") === "attendance" && value("departmentId")) query.set("departmentId", value("departmentId"));
      this.#made(new URL(`/api/v1/${KINDS[value("kind")]}?${query}`, location.href).href);
    } catch (error) {
      tell(form, notice("red", inWords(error)));
    }
  }

  #made(address) {
    const shown = field({ id: "calendar-address", name: "address", label: say("calendar.address"), hint: say("calendar.address.hint"), value: address, readonly: true });
    const input = shown.querySelector("input");
    input.addEventListener("focus", () => input.select());
    this.#sheet.show(say("calendar.title"), notice("green", say("calendar.made")), shown);
    input.focus();
  }
}
