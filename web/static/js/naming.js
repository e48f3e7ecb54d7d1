/** "This is …": gives an unknown sighting its person, known or new, and offers to keep the face as a photo. */

import { el, face, icon } from "./dom.js";
import { inWords, refusalInWords, warningInWords } from "./failure.js";
import { say } from "./text.js";

const SEARCH_AFTER_MS = 180;

export class Naming {
  #api;
  #sighting;
  #named;
  #assign;
  #input;
  #listbox;
  #submit;
  #error;
  #enrol = null;
  #options = [];
  #active = -1;
  #chosen = null;
  #timer = 0;
  #asked = 0;

  /**
   * @param {import("./api.js").Api} api
   * @param {any} sighting
   * @param {(sighting: any, lines: {tone: "green" | "amber", text: string}[]) => void} named
   * @param {((person: any, fullName: string, enrol: boolean) => Promise<{tone: "green" | "amber", text: string}[]>) | null} [assign]
   *   instead of the sighting alone, something else gets the name
   */
  constructor(api, sighting, named, assign = null) {
    this.#assign = assign;
    this.#api = api;
    this.#sighting = sighting;
    this.#named = named;
    this.#listbox = el("ul", { class: "options", id: "naming-options", role: "listbox", "aria-label": say("naming.people"), hidden: true });
    this.#input = el("input", {
      id: "naming-name", name: "fullName", type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", maxlength: 200,
      placeholder: say("naming.placeholder"), "aria-expanded": "false", "aria-controls": "naming-options", "aria-autocomplete": "list", "aria-describedby": "naming-error",
      on: { input: () => this.#typed(), focus: () => this.#typed(), keydown: (event) => this.#key(event), blur: () => setTimeout(() => this.#shut(), 150) },
    });
    this.#error = el("p", { class: "field-error", id: "naming-error", role: "alert", hidden: true });
    this.#submit = el("button", { class: "button button-primary button-wide", type: "submit", text: say("naming.submit") });
    if (sighting.faceUrl) this.#enrol = el("input", { type: "checkbox", checked: true });
    this.element = el(
      "form",
      { class: "naming", novalidate: true, on: { submit: (event) => this.#send(event) } },
      el("h3", { text: say("naming.title") }),
      el("div", { class: "field combo" }, el("label", { class: "sr-only", for: "naming-name", text: say("naming.label") }), this.#input, this.#listbox, this.#error),
      this.#enrol && el("label", { class: "check" }, this.#enrol, el("span", {}, el("b", { text: say("naming.enrol") }), el("small", { class: "quiet", text: say("naming.enrol.hint") }))),
      this.#submit,
    );
  }

  #typed() {
    this.#chosen = null;
    this.#error.hidden = true;
    this.#input.removeAttribute("aria-invalid");
    this.#relabel();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#search(), SEARCH_AFTER_MS);
  }

  async #search() {
    const words = this.#input.value.trim();
    const turn = ++this.#asked;
    const people = await this.#api.list("people", { search: words, pageSize: 5 }).then(({ data }) => data, () => []);
    if (turn !== this.#asked || document.activeElement !== this.#input) return;
    const exact = people.some((person) => person.fullName.toLowerCase() === words.toLowerCase());
    this.#options = people.map((person) => ({ person }));
    if (words && !exact) this.#options.push({ person: null, name: words });
    this.#active = -1;
    this.#listbox.replaceChildren(...this.#options.map((option, index) => this.#option(option, index)));
    this.#listbox.hidden = this.#options.length === 0;
    this.#input.setAttribute("aria-expanded", String(!this.#listbox.hidden));
  }

  #option({ person, name }, index) {
    return el(
      "li",
      { class: "option", id: `naming-option-${index}`, role: "option", "aria-selected": "false", on: { pointerdown: (event) => { event.preventDefault(); this.#choose(index); } } },
      person ? face(person.photoUrl, "face-32", person.fullName) : el("span", { class: "face face-32 face-blank" }, icon("plus")),
      el("span", { text: person ? person.fullName : say("naming.new", { name }) }),
      person?.departmentName && el("small", { class: "quiet", text: person.departmentName }),
    );
  }

  #key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (this.#listbox.hidden) return;
      event.preventDefault();
      const count = this.#options.length;
      this.#active = (this.#active + (event.key === "ArrowDown" ? 1 : count - 1 + (this.#active < 0 ? 1 : 0))) % count;
      this.#listbox.childNodes.forEach((node, index) => node.setAttribute("aria-selected", String(index === this.#active)));
      this.#input.setAttribute("aria-activedescendant", `naming-option-${this.#active}`);
    } else if (event.key === "Enter" && this.#active >= 0 && !this.#listbox.hidden) {
      event.preventDefault();
      this.#choose(this.#active);
    } else if (event.key === "Escape" && !this.#listbox.hidden) {
      event.preventDefault();
      event.stopPropagation();
      this.#shut();
    }
  }

  #choose(index) {
    const option = this.#options[index];
    this.#chosen = option.person;
    this.#input.value = option.person ? option.person.fullName : option.name;
    this.#shut();
    this.#relabel();
  }

  #shut() {
    this.#listbox.hidden = true;
    this.#active = -1;
    this.#input.setAttribute("aria-expanded", "false");
    this.#input.removeAttribute("aria-activedescendant");
  }

  #relabel() {
    const name = this.#input.value.trim();
    const key = this.#chosen ? "naming.submit.known" : name ? "naming.submit.new" : "naming.submit";
    this.#submit.textContent = say(key, { name });
  }

  async #send(event) {
    event.preventDefault();
    const fullName = this.#input.value.trim();
    if (!fullName) return this.#refuse(say("naming.missing"));
    this.#submit.disabled = true;
    try {
      if (this.#assign) {
        const known = this.#chosen ?? (await this.#find(fullName));
        this.#named(this.#sighting, await this.#assign(known, fullName, Boolean(this.#enrol?.checked)));
        return undefined;
      }
      const person = this.#chosen ?? (await this.#findOrAdd(fullName));
      const answer = await this.#api.patch(`sightings/${this.#sighting.id}`, { personId: person.id });
      const lines = [{ tone: "green", text: say("naming.done", { name: person.fullName }) }];
      if (this.#enrol?.checked) lines.push(...(await this.#keepFace(person)));
      const seen = { id: person.id, fullName: person.fullName, employeeId: person.employeeId ?? null, photoUrl: person.photoUrl ?? null };
      this.#named({ ...this.#sighting, personId: person.id, person: seen, ...answer }, lines);
    } catch (error) {
      this.#refuse(inWords(error));
    }
    this.#submit.disabled = false;
    return undefined;
  }

  /** A name typed in full without choosing it means the person who has it. */
  async #findOrAdd(fullName) {
    return (await this.#find(fullName)) ?? this.#api.post("people", { fullName });
  }

  async #find(fullName) {
    const { data } = await this.#api.list("people", { search: fullName, pageSize: 5 });
    const same = data.filter((person) => person.fullName.toLowerCase() === fullName.toLowerCase());
    return same.length === 1 ? same[0] : null;
  }

  async #keepFace(person) {
    try {
      const { blob } = await this.#api.picture(this.#sighting.faceUrl);
      const photo = await this.#api.upload(`people/${person.id}/photos`, blob, "face.jpg");
      const warnings = (photo.warnings ?? []).map((warning) => ({ tone: "amber", text: warningInWords(warning) }));
      return [{ tone: "green", text: say("naming.enrolled", { name: person.fullName }) }, ...warnings];
    } catch (error) {
      return [{ tone: "amber", text: say("naming.not.enrolled", { why: refusalInWords(error) }) }];
    }
  }

  #refuse(sentence) {
    this.#error.textContent = sentence;
    this.#error.hidden = false;
    this.#input.setAttribute("aria-invalid", "true");
    this.#input.focus();
  }
}
