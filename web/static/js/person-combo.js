/** Somebody chosen by typing: a combobox of people with its label and error, for a form that needs who they are. */

import { el, face } from "./dom.js";
import { say } from "./text.js";

const SEARCH_AFTER_MS = 180;
const SHOWN = 6;

export class PersonCombo {
  #api;
  #name;
  #input;
  #listbox;
  #people = [];
  #active = -1;
  #chosen = null;
  #told;
  #timer = 0;
  #asked = 0;

  /**
   * @param {import("./api.js").Api} api
   * @param {{name: string, label: string, hint?: string, person?: {id: string, fullName: string} | null,
   *   chosen?: (person: any) => void}} of `name` of the field in errors
   */
  constructor(api, { name, label, hint = "", person = null, chosen = () => undefined }) {
    this.#told = chosen;
    this.#api = api;
    this.#name = name;
    this.#chosen = person;
    this.#listbox = el("ul", { class: "options", id: `combo-${name}-options`, role: "listbox", "aria-label": label, hidden: true });
    this.#input = el("input", {
      id: `combo-${name}`, name, type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", maxlength: 200, value: person?.fullName ?? "",
      "aria-expanded": "false", "aria-controls": `combo-${name}-options`, "aria-autocomplete": "list", "aria-describedby": `${hint ? `combo-${name}-hint ` : ""}combo-${name}-error`,
      on: { input: () => this.#typed(), keydown: (event) => this.#key(event), blur: () => setTimeout(() => this.#shut(), 150) },
    });
    this.element = el(
      "div",
      { class: "field combo" },
      el("label", { for: `combo-${name}`, text: label }),
      this.#input,
      this.#listbox,
      hint && el("p", { class: "field-hint", id: `combo-${name}-hint`, text: hint }),
      el("p", { class: "field-error", id: `combo-${name}-error`, hidden: true }),
    );
  }

  /** The id of who is chosen; null for nobody. */
  get value() {
    return this.#chosen?.id ?? null;
  }

  /** Whether something is typed that means nobody. */
  get unclear() {
    return !this.#chosen && this.#input.value.trim() !== "";
  }

  get input() {
    return this.#input;
  }

  #typed() {
    this.#chosen = null;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#search(), SEARCH_AFTER_MS);
  }

  async #search() {
    const words = this.#input.value.trim();
    const turn = ++this.#asked;
    const people = await this.#api.list("people", { search: words, pageSize: SHOWN, sort: "fullName" }).then(({ data }) => data, () => []);
    if (turn !== this.#asked || !this.#input.isConnected) return;
    this.#people = people;
    this.#active = -1;
    this.#input.removeAttribute("aria-activedescendant");
    // A name typed in full means the one person who has it.
    const same = people.filter((person) => person.fullName.toLowerCase() === words.toLowerCase());
    if (same.length === 1 && !this.#chosen) {
      this.#chosen = same[0];
      this.#told(same[0]);
    }
    this.#listbox.replaceChildren(...people.map((person, index) => this.#option(person, index)));
    this.#listbox.hidden = people.length === 0 || document.activeElement !== this.#input;
    this.#input.setAttribute("aria-expanded", String(!this.#listbox.hidden));
  }

  #option(person, index) {
    const details = [person.employeeId, person.departmentName].filter(Boolean).join(" · ");
    return el(
      "li",
      { class: "option", id: `combo-${this.#name}-${index}`, role: "option", "aria-selected": "false", on: { pointerdown: (event) => { event.preventDefault(); this.#choose(index); } } },
      face(person.photoUrl, "face-32", person.fullName),
      el("span", { text: person.fullName }),
      details && el("small", { class: "quiet", text: details }),
    );
  }

  #key(event) {
    const open = !this.#listbox.hidden;
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && open) {
      event.preventDefault();
      const count = this.#people.length;
      this.#active = (this.#active + (event.key === "ArrowDown" ? 1 : count - 1 + (this.#active < 0 ? 1 : 0))) % count;
      this.#listbox.childNodes.forEach((node, index) => node.setAttribute("aria-selected", String(index === this.#active)));
      this.#input.setAttribute("aria-activedescendant", `combo-${this.#name}-${this.#active}`);
    } else if (event.key === "ArrowDown") {
      this.#search();
    } else if (event.key === "Enter" && this.#active >= 0 && open) {
      event.preventDefault();
      this.#choose(this.#active);
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      this.#shut();
    }
  }

  #choose(index) {
    this.#chosen = this.#people[index];
    this.#input.value = this.#chosen.fullName;
    this.#input.removeAttribute("aria-invalid");
    this.#shut();
    this.#told(this.#chosen);
  }

  #shut() {
    this.#listbox.hidden = true;
    this.#active = -1;
    this.#input.setAttribute("aria-expanded", "false");
    this.#input.removeAttribute("aria-activedescendant");
  }
}

/** What a field of somebody says where nobody is meant. @param {PersonCombo} combo */
export const unclearPerson = (combo) => say(combo.unclear ? "work.person.unclear" : "work.person.missing");
