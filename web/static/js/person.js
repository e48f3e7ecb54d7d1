/** A person's sheet: who it is, the photos with their verdicts, where it was seen, and changing all that. */

import { ApiError } from "./api.js";
import { el, face, icon, showFieldErrors, stateCard } from "./dom.js";
import { inWords } from "./failure.js";
import { PersonCodes } from "./person-codes.js";
import { histories } from "./person-history.js";
import { Photos, verdict } from "./photos.js";
import { Privacy } from "./privacy.js";
import { say } from "./text.js";
import { fullTime, spoken } from "./times.js";

export class PersonSheet {
  #api;
  #sheet;
  #poses;
  #may;
  #uses;
  #person = null;
  #grid = el("ul");
  #pending = el("ul");
  #editing = false;
  #turn = 0; // an answer about who was opened before is not shown

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./sheet.js").Sheet} sheet
   * @param {import("./poses.js").Poses | null} poses
   * @param {(permission: string) => boolean} may
   * @param {{wanted: number, changed: () => void, sighting: (sighting: any) => void, said: (sentence: string, tone?: "green" | "red") => void}} uses
   */
  constructor(api, sheet, poses, may, uses) {
    this.#api = api;
    this.#sheet = sheet;
    this.#poses = poses;
    this.#may = may;
    this.#uses = uses;
  }

  /** @param {string} id */
  async open(id) {
    const turn = ++this.#turn;
    this.#person = null;
    this.#editing = false;
    this.#grid.replaceChildren();
    this.#pending.replaceChildren();
    this.#sheet.open(say("person.title"), el("div", { class: "person-loading shimmer", "aria-hidden": "true" }));
    try {
      const person = await this.#api.get(`people/${id}`);
      if (turn !== this.#turn) return;
      this.#person = person;
      this.#show();
      await this.#loadPhotos();
    } catch (error) {
      if (turn !== this.#turn) return;
      const again = el("button", { class: "button", type: "button", text: say("again"), on: { click: () => this.open(id) } });
      this.#sheet.show(say("failed.title"), stateCard({ icon: "alert", title: say("failed.title"), text: inWords(error), action: again, tone: "state-failed" }));
    }
  }

  #show() {
    const person = this.#person;
    this.#sheet.show(
      say("person.title"),
      this.#editing ? this.#form() : this.#card(),
      el("section", { class: "block" }, this.#photosHead(), el("div", { class: "photos" }, this.#grid, this.#pending), this.#may("people:write") && this.#adding()),
      ...histories(this.#api, person, this.#may, this.#uses.sighting),
      ...(this.#may("people:write") ? [new PersonCodes(this.#api, person, this.#uses.said).block()] : []),
      this.#privacy(),
      ...(this.#may("people:delete") ? [this.#removal()] : []),
    );
  }

  #privacy() {
    const erased = () => this.#photosChanged();
    return new Privacy(this.#api, this.#person, this.#may, { erased, said: this.#uses.said }).block();
  }

  #card() {
    const person = this.#person;
    const facts = [person.departmentName, person.employeeId, person.email].filter(Boolean).join(" · ");
    return el(
      "div",
      { class: "who" },
      face(person.photoUrl, "face-88", person.fullName),
      el(
        "div",
        { class: "who-words" },
        el("p", { class: "who-name", text: person.fullName }),
        facts && el("p", { class: "quiet", text: facts }),
        el("p", { class: "quiet" }, person.lastSeenAt ? say("evidence.to") + " " : "", el("time", { title: fullTime(person.lastSeenAt), text: spoken(person.lastSeenAt) || say("people.never") })),
        person.active === false && el("span", { class: "chip chip-amber", text: say("people.inactive") }),
      ),
      this.#may("people:write") && el("button", { class: "button button-small", type: "button", on: { click: () => { this.#editing = true; this.#show(); } } }, icon("pencil"), el("span", { text: say("person.edit") })),
    );
  }

  #form() {
    const person = this.#person;
    const field = (name, type, limit) =>
      el(
        "div",
        { class: "field" },
        el("label", { for: `edit-${name}`, text: say(`person.${name}`) }),
        el("input", { id: `edit-${name}`, name, type, maxlength: limit, autocomplete: "off", value: person[name] ?? "", "aria-describedby": `edit-${name}-error` }),
        el("p", { class: "field-error", id: `edit-${name}-error`, hidden: true }),
      );
    const back = () => {
      this.#editing = false;
      this.#show();
    };
    const active = el("input", { type: "checkbox", name: "active", checked: person.active !== false });
    const form = el(
      "form",
      { class: "edit", novalidate: true },
      field("fullName", "text", 200),
      el("div", { class: "field-pair" }, field("employeeId", "text", 64), field("email", "email", 254)),
      el("label", { class: "check" }, active, el("span", { text: say("person.active") })),
      el("div", { class: "row row-end" }, el("button", { class: "button", type: "button", text: say("cancel"), on: { click: back } }), el("button", { class: "button button-primary", type: "submit", text: say("save") })),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const value = (name) => form.elements.namedItem(name).value.trim();
      try {
        const changed = { fullName: value("fullName"), employeeId: value("employeeId") || null, email: value("email") || null, departmentId: person.departmentId ?? null, externalIds: person.externalIds ?? {}, active: active.checked };
        const saved = await this.#api.put(`people/${person.id}`, changed);
        this.#uses.changed();
        this.#uses.said(say("saved"));
        if (this.#person?.id !== person.id) return;
        this.#person = { ...person, ...saved };
        back();
      } catch (error) {
        const rest = error instanceof ApiError ? showFieldErrors(form, error) : say("failed.other");
        if (rest) this.#uses.said(rest, "red");
      }
    });
    return form;
  }

  #photosHead() {
    const count = this.#person.photoCount ?? 0;
    return el("div", { class: "block-head" }, el("h3", { text: say("person.photos") }), el("span", { class: "quiet", data: { photoCount: "" }, text: say("people.photos", { count, wanted: Math.max(this.#uses.wanted, count) }) }));
  }

  async #loadPhotos() {
    const id = this.#person?.id;
    if (!id) return;
    const { data } = await this.#api.list(`people/${id}/photos`, { pageSize: 50 });
    if (this.#person?.id !== id) return;
    this.#grid.replaceChildren(...data.map((photo, index) => this.#photo(photo, index + 1)));
    if (!data.length) this.#grid.append(el("li", { class: "none quiet" }, icon("person"), el("span", { text: say("person.photos.empty", { name: this.#person.fullName }) })));
    this.#person.photoCount = data.length;
    document.querySelector("[data-photo-count]")?.replaceChildren(say("people.photos", { count: data.length, wanted: Math.max(this.#uses.wanted, data.length) }));
  }

  #photo(photo, number) {
    const frame = el("span", { class: "photo-frame" }, el("img", { src: photo.url, alt: say("person.photo", { number, name: this.#person.fullName }), loading: "lazy" }));
    if (this.#may("people:write")) frame.append(this.#photoRemoval(photo, number));
    return el("li", { class: "photo" }, frame, verdict(photo));
  }

  /** Asks by changing its own words: a second click within a few seconds removes. */
  #photoRemoval(photo, number) {
    const button = el("button", { class: "icon-button photo-remove", type: "button", "aria-label": say("person.photo.remove", { number }) }, icon("trash"));
    let sure = false;
    button.addEventListener("click", async () => {
      if (!sure) {
        sure = true;
        button.classList.add("photo-remove-sure");
        button.append(el("span", { text: say("person.photo.remove.sure") }));
        setTimeout(() => { sure = false; button.classList.remove("photo-remove-sure"); button.querySelector("span")?.remove(); }, 4000);
        return;
      }
      try {
        await this.#api.delete(`people/${this.#person.id}/photos/${photo.id}`);
        await this.#photosChanged();
      } catch (error) {
        this.#uses.said(inWords(error), "red");
      }
    });
    return button;
  }

  async #photosChanged() {
    this.#uses.changed();
    await this.#loadPhotos().catch((error) => this.#uses.said(inWords(error), "red"));
  }

  #adding() {
    const photos = new Photos(this.#api, this.#person, this.#pending, () => this.#photosChanged());
    const input = el("input", { class: "sr-only", id: "photo-files", type: "file", name: "file", accept: "image/jpeg,image/png,image/webp", multiple: true, "aria-label": say("person.photos.upload") });
    input.addEventListener("change", () => {
      photos.send([...input.files]);
      input.value = "";
    });
    const zone = el(
      "div",
      { class: "drop" },
      el("div", { class: "row" }, input, el("label", { class: "button button-primary", for: "photo-files" }, icon("upload"), el("span", { text: say("person.photos.upload") })),
        this.#poses && el("button", { class: "button", type: "button", on: { click: () => this.#poses.open(this.#person, () => this.#photosChanged()) } }, icon("camera"), el("span", { text: say("person.photos.camera") })),
        el("span", { class: "quiet drop-words", text: say("person.photos.drop") })),
      el("p", { class: "quiet", text: say("person.photos.hint") }),
    );
    zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("drop-over"); });
    zone.addEventListener("dragleave", () => zone.classList.remove("drop-over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("drop-over");
      photos.send([...event.dataTransfer.files]);
    });
    return zone;
  }

  #removal() {
    const { id, fullName } = this.#person;
    const ask = el("button", { class: "button button-quiet-red", type: "button" }, icon("trash"), el("span", { text: say("person.remove") }));
    const holder = el("div", { class: "removal" }, ask);
    const remove = async () => {
      try {
        await this.#api.delete(`people/${id}`);
        if (this.#person?.id === id) this.#sheet.close();
        this.#uses.changed();
        this.#uses.said(say("person.removed", { name: fullName }));
      } catch (error) {
        this.#uses.said(inWords(error), "red");
      }
    };
    ask.addEventListener("click", () => {
      const no = el("button", { class: "button", type: "button", text: say("cancel"), on: { click: () => { holder.replaceChildren(ask); ask.focus(); } } });
      holder.replaceChildren(el("p", { text: say("person.remove.sure", { name: fullName }) }), el("div", { class: "row" }, no, el("button", { class: "button button-red", type: "button", text: say("person.remove.yes"), on: { click: remove } })));
      no.focus();
    });
    return holder;
  }
}
