/** The keypad for a code: large keys or a keyboard, digits that nobody reads, gone by itself when nobody types. */

import { el, icon } from "./dom.js";
import { say } from "./text.js";

const LEAST = 6;
const MOST = 12;
const LEFT_AFTER_MS = 20_000;
const TOLD_FOR_MS = 8000;

export class Pad {
  #root;
  #uses;
  #digits = "";
  #busy = false;
  #timer = 0;
  #clock = 0;
  #lockedUntil = 0;

  /**
   * @param {HTMLElement} root `[data-kiosk-pad]`
   * @param {{send: (pin: string) => void, open: (isOpen: boolean) => void}} uses
   */
  constructor(root, uses) {
    this.#root = root;
    this.#uses = uses;
    const keys = root.querySelector("[data-pad-keys]");
    const digit = (name) => el("button", { class: "pad-key", type: "button", data: { digit: name }, on: { click: () => this.#type(name) } });
    const back = el("button", { class: "pad-key pad-key-quiet", type: "button", data: { padDelete: "" }, on: { click: () => this.#delete() } }, icon("backspace"));
    const done = el("button", { class: "pad-key pad-key-done", type: "button", data: { padDone: "" }, on: { click: () => this.#done() } });
    keys.replaceChildren(...[..."123456789"].map(digit), back, digit("0"), done);
    root.querySelector("[data-pad-close]").addEventListener("click", () => this.close());
    root.addEventListener("keydown", (event) => this.#key(event));
    this.relabel();
  }

  get isOpen() {
    return !this.#root.hidden;
  }

  /** Somebody is at it. */
  get isUsed() {
    return this.isOpen && (this.#digits !== "" || this.#busy);
  }

  /** A code is on its way. */
  get isBusy() {
    return this.#busy;
  }

  open() {
    this.#root.hidden = false;
    this.#clear();
    this.#uses.open(true);
    this.#root.querySelector("[data-pad-shown]").focus();
    this.#stay();
  }

  close() {
    clearTimeout(this.#timer);
    this.wait(false);
    this.#root.hidden = true;
    this.#uses.open(false);
  }

  /** What the keyboard typed before the pad was open. @param {string} digit */
  begin(digit) {
    if (!this.isOpen) this.open();
    this.#type(digit);
  }

  /** In the language as it is now. */
  relabel() {
    const number = new Intl.NumberFormat(document.documentElement.lang || "en");
    for (const key of this.#root.querySelectorAll("[data-digit]")) key.textContent = number.format(Number(key.dataset.digit));
    this.#root.querySelector("[data-pad-delete]").setAttribute("aria-label", say("kiosk.code.delete"));
    this.#root.querySelector("[data-pad-done]").textContent = say("kiosk.code.send");
    this.#show();
  }

  /** @param {boolean} busy while the code is on its way */
  wait(busy) {
    this.#busy = busy;
    this.#root.toggleAttribute("data-busy", busy);
    if (busy) this.#tell(say("kiosk.code.busy"), "");
    else this.#clear();
  }

  /** It was not taken: the sentence, and another try. @param {string} sentence */
  refuse(sentence) {
    this.wait(false);
    this.#tell(sentence, "red");
    this.#stay();
  }

  /** No code is taken for so long. @param {number} seconds */
  lock(seconds) {
    this.wait(false);
    this.#lockedUntil = performance.now() + seconds * 1000;
    clearInterval(this.#clock);
    this.#clock = setInterval(() => this.#count(), 250);
    this.#count(true);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), Math.max(TOLD_FOR_MS, Math.min(seconds * 1000, 60_000)));
  }

  get #isLocked() {
    return performance.now() < this.#lockedUntil;
  }

  #count(first = false) {
    const left = Math.ceil((this.#lockedUntil - performance.now()) / 1000);
    this.#root.toggleAttribute("data-locked", left > 0);
    const line = this.#root.querySelector("[data-pad-wait]");
    line.textContent = left > 0 ? say("kiosk.code.wait", { count: left }) : "";
    if (first) this.#tell(line.textContent, "red"); // a screen reader hears it once, not every second
    if (left > 0) return;
    clearInterval(this.#clock);
    this.#tell("", "");
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const digit = digitOf(event);
    if (digit) this.#type(digit);
    else if (event.key === "Backspace") this.#delete();
    else if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && !event.target.closest("button")) this.#done();
    else return;
    event.preventDefault();
  }

  #type(digit) {
    if (this.#busy || this.#isLocked || this.#digits.length >= MOST) return;
    this.#digits += digit;
    this.#tell("", "");
    this.#show();
    this.#stay();
  }

  #delete() {
    if (this.#busy) return;
    this.#digits = this.#digits.slice(0, -1);
    this.#show();
    this.#stay();
  }

  #done() {
    if (this.#busy || this.#isLocked) return;
    if (this.#digits.length < LEAST) {
      this.#tell(say("kiosk.code.short", { count: LEAST }), "red");
      this.#stay();
      return;
    }
    const pin = this.#digits;
    clearTimeout(this.#timer);
    this.wait(true);
    this.#digits = "";
    this.#uses.send(pin);
  }

  #clear() {
    this.#digits = "";
    if (!this.#isLocked) this.#tell("", "");
    this.#show();
  }

  /** Dots to see, a number to hear: never the digits. */
  #show() {
    const count = this.#digits.length;
    const shown = this.#root.querySelector("[data-pad-shown]");
    shown.querySelector("[data-pad-dots]").replaceChildren(...Array.from({ length: Math.max(LEAST, count) }, (_, index) => el("span", { class: index < count ? "pad-dot pad-dot-full" : "pad-dot" })));
    shown.querySelector("[data-pad-said]").textContent = say("kiosk.code.typed", { count });
  }

  #tell(sentence, tone) {
    const line = this.#root.querySelector("[data-pad-told]");
    line.textContent = sentence;
    line.dataset.tone = tone;
  }

  #stay() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => !this.#busy && this.close(), LEFT_AFTER_MS);
  }
}

/** Also of keyboards whose digits are others, or need shift. @param {KeyboardEvent} event @returns {string | null} */
export function digitOf(event) {
  if (/^[0-9]$/.test(event.key)) return event.key;
  return event.key.length === 1 ? (/^(?:Digit|Numpad)([0-9])$/.exec(event.code)?.[1] ?? null) : null;
}
