/** The language of the kiosk: chosen on the screen, kept on the device, and applied to what the page shows. */

import { speak, say } from "./text.js";

const KEY = "rollcall.kiosk.language";
const CHOSEN_FOR_MS = 60_000; // since somebody touched the screen last

export class Languages {
  #buttons;
  #listeners = new Set();
  /** The kiosk's own. @type {string | null} */
  #own = null;
  #back = 0;
  #turn = 0; // a catalogue that arrives late does not undo a later choice

  /** @param {HTMLElement} list buttons with `lang`, as the page offers them */
  constructor(list) {
    this.#buttons = [...list.querySelectorAll("button[lang]")];
    for (const button of this.#buttons) {
      button.addEventListener("click", () => {
        if (this.#own) this.#visit();
        else keep(button.lang);
        list.hidePopover?.();
        this.use(button.lang).catch(() => undefined); // the language stays as it is
      });
    }
    for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => this.#back && this.#visit(), { capture: true });
  }

  /** Called after each change. @param {() => void} listener */
  onChange(listener) {
    this.#listeners.add(listener);
  }

  /**
   * The kiosk's own, else what was chosen here before, else what the browser prefers, else English.
   * @param {string | null} [own]
   */
  async start(own = null) {
    this.#own = this.#known(own);
    clearTimeout(this.#back);
    this.#back = 0;
    const wanted = [this.#own, kept(), ...navigator.languages].filter((tag) => tag);
    const found = wanted.map((tag) => this.#known(tag)).find((tag) => tag) ?? "en";
    try {
      await this.use(found);
    } catch (error) {
      if (found === "en") throw error;
      await this.use("en");
    }
  }

  /** The kiosk has another one of its own now, or none. @param {string | null | undefined} own */
  async prefer(own) {
    if (this.#known(own) !== this.#own) await this.start(own ?? null);
  }

  /** What somebody chose at a kiosk with a language of its own is theirs until they have gone. */
  #visit() {
    clearTimeout(this.#back);
    this.#back = setTimeout(() => {
      this.#back = 0;
      this.use(this.#own).catch(() => undefined);
    }, CHOSEN_FOR_MS);
  }

  #known(tag) {
    return (tag && bestOf(tag, this.#buttons.map((button) => button.lang))) || null;
  }

  /** @param {string} tag @throws {Error} where its sentences cannot be loaded */
  async use(tag) {
    const turn = ++this.#turn;
    const response = await fetch(`/kiosk/words/${tag}.json`);
    if (!response.ok) throw new Error(`${tag}: ${response.status}`);
    const catalogue = await response.json();
    if (turn !== this.#turn) return;
    speak(catalogue);
    document.documentElement.lang = catalogue.language;
    document.documentElement.dir = catalogue.direction;
    for (const button of this.#buttons) {
      if (button.lang === tag) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
    for (const element of document.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
    for (const element of document.querySelectorAll("[data-say-label]")) element.setAttribute("aria-label", say(element.dataset.sayLabel));
    for (const listener of this.#listeners) listener();
  }
}

/** The same language, or the same without its region. @param {string} wanted @param {string[]} tags */
function bestOf(wanted, tags) {
  const lower = wanted.toLowerCase();
  const main = lower.split("-")[0];
  return tags.find((tag) => tag.toLowerCase() === lower) ?? tags.find((tag) => tag.toLowerCase() === main) ?? tags.find((tag) => tag.toLowerCase().split("-")[0] === main);
}

function kept() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage may be blocked: then the browser's language is used each time
  }
}

function keep(tag) {
  try {
    localStorage.setItem(KEY, tag);
  } catch {
    // The same.
  }
}
