/** The list of people: searched, paged, opened one by one, added to. */

import { Api, ApiError } from "../api.js";
import { clearFieldErrors, el, face, fieldError, icon, showFieldErrors, stateCard } from "../dom.js";
import { Events } from "../events.js";
import { Evidence } from "../evidence.js";
import { FaceSearch } from "../face-search.js";
import { inWords } from "../failure.js";
import { Pager } from "../pager.js";
import { PeopleImport } from "../people-import.js";
import { PersonSheet } from "../person.js";
import { Poses } from "../poses.js";
import { Recognition } from "../recognition.js";
import { Sheet } from "../sheet.js";
import { Shell } from "../shell.js";
import { say } from "../text.js";
import { clock, fullTime, spoken } from "../times.js";
import { Visitors } from "../visitors.js";

const PAGE_SIZE = 50;
const SEARCH_AFTER_MS = 220;

class People {
  #api = new Api();
  #shell = new Shell(this.#api);
  #events = new Events();
  #wanted = Number(document.body.dataset.photosWanted);
  #list = document.querySelector("[data-list]");
  #card = document.querySelector(".people-card");
  #state = document.querySelector("[data-state]");
  #count = document.querySelector("[data-count]");
  #pager = new Pager(document.querySelector("[data-pager]"), PAGE_SIZE, (by) => { this.#page += by; this.#load(); });
  #input = document.querySelector("[data-search]");
  #sheet;
  #department = document.querySelector("[data-department]");
  #enrolment = document.querySelector("[data-enrolment]");
  #export = document.querySelector("[data-export]");
  #search = "";
  #page = 1;
  #asked = 0;
  #timer = 0;
  #shown = false;
  #faces;
  #evidence = null;
  #visitors = new Visitors(this.#api, (permission) => this.#shell.may(permission), { named: () => this.#load(), said: (sentence, tone) => this.#shell.toast(sentence, tone) });

  constructor() {
    const poses = document.querySelector("[data-poses]");
    const sheet = new Sheet(document.querySelector("[data-person-sheet]"), () => this.#address(null));
    this.#sheet = new PersonSheet(this.#api, sheet, poses && new Poses(this.#api, poses), (permission) => this.#shell.may(permission), {
      wanted: this.#wanted,
      changed: () => this.#load(),
      sighting: (sighting) => this.#evidence?.open(sighting),
      said: (sentence, tone) => this.#shell.toast(sentence, tone),
    });
    this.#input.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => { this.#search = this.#input.value.trim(); this.#page = 1; this.#load(); }, SEARCH_AFTER_MS);
    });
    document.querySelector("[data-search-form]").addEventListener("submit", (event) => event.preventDefault());
    this.#searchByPhoto();
    const recognition = document.querySelector("[data-recognition]");
    if (recognition) new Recognition(this.#api, document.querySelector("[data-recognition-sheet]"), recognition);
    for (const filter of [this.#department, this.#enrolment]) filter.addEventListener("change", () => { this.#page = 1; this.#load(); });
    this.#adding();
  }

  get #filters() {
    return { search: this.#search, departmentId: this.#department.value, enrolment: this.#enrolment.value };
  }

  async #departments() {
    const { data } = await this.#api.list("departments", { pageSize: 200, sort: "name" }).catch(() => ({ data: [] }));
    const chosen = this.#department.value;
    this.#department.replaceChildren(el("option", { value: "", text: say("people.department.all") }), ...data.map((one) => el("option", { value: one.id, text: one.name })));
    this.#department.value = chosen;
    this.#department.hidden = data.length === 0;
  }

  start() {
    this.#shell.follow(this.#events, (since) => {
      this.#card.classList.toggle("is-stale", since !== null);
      this.#state.replaceChildren(...(since ? [el("p", { class: "stale-line" }, icon("clock"), el("span", { text: say("people.stale", { time: clock(since) }) }))] : []));
      this.#faces.stale(since);
      if (!since) this.#load();
    });
    if (this.#shell.may("sightings:read")) this.#events.subscribe("sightings", { settle: true }, (event) => this.#seen(event.data), () => this.#load());
    this.#load();
    this.#departments();
    if (document.querySelector("[data-import]")) new PeopleImport(this.#api, this.#events, { changed: () => { this.#load(); this.#departments(); } });
    this.#visitors.load();
    const wanted = new URLSearchParams(location.search).get("person");
    if (wanted) this.#open(wanted);
  }

  async #load() {
    const turn = ++this.#asked;
    this.#export.href = `/api/v1/people/export?${new URLSearchParams(Object.entries(this.#filters).filter(([, value]) => value))}`;
    try {
      const { data, meta } = await this.#api.list("people", { ...this.#filters, page: this.#page, pageSize: PAGE_SIZE, sort: "fullName" });
      if (turn !== this.#asked) return;
      if (!data.length && this.#page > 1) { // the last one of the last page is gone
        this.#page = Math.max(1, Math.min(this.#page - 1, Math.ceil(meta.total / PAGE_SIZE)));
        this.#load();
      } else this.#show(data, meta);
    } catch (error) {
      if (turn !== this.#asked) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.#load() } });
      if (!this.#shown) this.#card.hidden = true;
      this.#state.replaceChildren(stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
  }

  #show(people, { total, page }) {
    this.#shown = true;
    this.#list.removeAttribute("aria-busy");
    this.#list.replaceChildren(...people.map((person) => this.#row(person)));
    this.#count.textContent = total === 1 ? say("people.count.one") : say("people.count", { count: total });
    this.#card.hidden = people.length === 0;
    if (!this.#shell.awaySince) this.#state.replaceChildren(...(people.length ? [] : [this.#empty()]));
    this.#pager.show({ page, here: people.length, total }, (place) => say("people.page", place));
  }

  #empty() {
    const words = [this.#search, this.#department.value && this.#department.selectedOptions[0].text, this.#enrolment.value && this.#enrolment.selectedOptions[0].text.trim()].filter(Boolean).join(", ");
    if (words) return stateCard({ icon: "search", title: say("people.none.title", { search: words }), text: say("people.none.text") });
    const add = document.querySelector("[data-add]");
    const button = add && el("button", { class: "button button-primary", type: "button", on: { click: () => add.click() } }, icon("plus"), el("span", { text: add.textContent.trim() }));
    return stateCard({ icon: "people", title: say("people.empty.title"), text: say(add ? "people.empty.text" : "people.empty.viewer"), action: button });
  }

  #row(person) {
    const count = person.photoCount ?? 0;
    const pips = Array.from({ length: this.#wanted }, (_, index) => el("span", { class: index < count ? "pip pip-on" : "pip" }));
    return el(
      "li",
      {},
      el(
        "button",
        { class: "people-row people-button", type: "button", data: { person: person.id }, on: { click: () => this.#open(person.id) } },
        el(
          "span",
          { class: "people-who" },
          face(person.photoUrl, "face-48", person.fullName),
          el("span", { class: "people-words" }, el("b", { text: person.fullName }), el("span", { class: "quiet", text: person.employeeId ?? person.email ?? "" })),
          person.active === false && el("span", { class: "chip chip-amber", text: say("people.inactive") }),
        ),
        el("span", { class: "people-department", text: person.departmentName ?? say("person.none") }),
        el("span", { class: count < this.#wanted ? "people-photos tone-amber" : "people-photos" }, el("span", { class: "pips", "aria-hidden": "true" }, ...pips), el("span", { text: say("people.photos", { count, wanted: Math.max(this.#wanted, count) }) })),
        el("time", { class: "people-seen figures quiet", data: { seen: person.id }, title: fullTime(person.lastSeenAt), text: spoken(person.lastSeenAt) || say("people.never") }),
        icon("chevron-right", "people-go"),
      ),
    );
  }

  #seen(sighting) {
    if (!sighting.personId && sighting.state === "closed") this.#visitors.load();
    if (!sighting.personId) return;
    const time = this.#list.querySelector(`[data-seen="${CSS.escape(sighting.personId)}"]`);
    if (time) time.textContent = spoken(sighting.lastSeenAt ?? sighting.startedAt);
  }

  #open(id) {
    this.#address(id);
    this.#sheet.open(id);
  }

  #address(id) {
    history.replaceState(null, "", id ? `/people?person=${encodeURIComponent(id)}` : "/people");
  }

  #searchByPhoto() {
    const dialog = document.querySelector("[data-evidence]");
    this.#evidence = dialog && new Evidence(this.#api, new Sheet(dialog), (permission) => this.#shell.may(permission), {
      entryOf: () => null,
      cameraName: () => null,
      corrected: () => { this.#load(); this.#visitors.load(); this.#faces.again(); },
      said: (sentence, tone) => this.#shell.toast(sentence, tone),
    });
    const parts = { button: document.querySelector("[data-face-search]"), dialog: document.querySelector("[data-face-search-sheet]") };
    this.#faces = new FaceSearch(this.#api, (permission) => this.#shell.may(permission), parts, { person: (id) => this.#open(id), sighting: (sighting) => this.#evidence?.open(sighting) });
  }

  #adding() {
    const dialog = document.querySelector("[data-add-dialog]");
    if (!dialog) return;
    const form = dialog.querySelector("[data-add-form]");
    const refused = form.querySelector("[data-error]");
    document.querySelector("[data-add]").addEventListener("click", () => {
      form.reset();
      clearFieldErrors(form);
      refused.hidden = true;
      dialog.showModal();
    });
    for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      refused.hidden = true;
      clearFieldErrors(form);
      const value = (name) => form.elements.namedItem(name).value.trim();
      if (!value("fullName")) {
        fieldError(form.elements.namedItem("fullName"), say("people.missing.fullName"));
        return form.elements.namedItem("fullName").focus();
      }
      const optional = Object.fromEntries(["employeeId", "email"].map((name) => [name, value(name)]).filter(([, given]) => given));
      try {
        const person = await this.#api.post("people", { fullName: value("fullName"), ...optional });
        dialog.close();
        this.#shell.toast(say("people.added", { name: person.fullName }));
        this.#load();
        this.#open(person.id);
      } catch (error) {
        const rest = error instanceof ApiError && error.details.length ? showFieldErrors(form, error) : inWords(error);
        refused.querySelector("[data-error-text]").textContent = rest;
        refused.hidden = !rest;
      }
      return undefined;
    });
  }
}

new People().start();
