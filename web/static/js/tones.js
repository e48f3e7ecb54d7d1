/** Short tones by which a kiosk is heard: up for a greeting, down for a refusal, one for a question. They can be muted. */

const KEY = "rollcall.kiosk.muted";
const LOUDNESS = 0.18;
const NOTE_S = 0.13;
/** Frequencies in Hz, one after the other. */
const TONES = { greeting: [660, 880], refused: [330, 247], asked: [523] };

export class Tones {
  #button;
  #muted = false;
  /** @type {AudioContext | null} */
  #context = null;

  /** @param {HTMLButtonElement} button switches the sound; `aria-pressed` while there is sound */
  constructor(button) {
    this.#button = button;
    try {
      this.#muted = localStorage.getItem(KEY) === "yes";
    } catch {
      // Storage may be blocked: the sound is on each time.
    }
    button.addEventListener("click", () => this.#toggle());
    // A browser lets a page be heard once somebody has touched it.
    for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, () => this.#wake(), { capture: true, passive: true });
    this.#show();
  }

  /** @param {"greeting" | "refused" | "asked"} kind */
  play(kind) {
    this.#button.dataset.played = kind;
    if (this.#muted) return;
    const context = this.#wake();
    if (context?.state !== "running") return; // not touched yet: a tone that comes later would be for nobody
    TONES[kind].forEach((hertz, index) => note(context, hertz, context.currentTime + index * NOTE_S));
  }

  #wake() {
    if (typeof globalThis.AudioContext !== "function") return null;
    if (!this.#context && !(navigator.userActivation?.hasBeenActive ?? true)) return null;
    this.#context ??= new AudioContext();
    if (this.#context.state === "suspended") this.#context.resume().catch(() => undefined);
    return this.#context;
  }

  #toggle() {
    this.#muted = !this.#muted;
    try {
      if (this.#muted) localStorage.setItem(KEY, "yes");
      else localStorage.removeItem(KEY);
    } catch {
      // The choice lasts for this page.
    }
    this.#show();
    this.play("asked");
  }

  #show() {
    this.#button.setAttribute("aria-pressed", String(!this.#muted));
    this.#button.querySelector("use").setAttribute("href", `/static/icons.svg#${this.#muted ? "muted" : "sound"}`);
  }
}

function note(context, hertz, at) {
  const tone = context.createOscillator();
  const loudness = context.createGain();
  tone.frequency.value = hertz;
  loudness.gain.setValueAtTime(0, at);
  loudness.gain.linearRampToValueAtTime(LOUDNESS, at + 0.015);
  loudness.gain.exponentialRampToValueAtTime(0.001, at + NOTE_S * 1.6);
  tone.connect(loudness).connect(context.destination);
  tone.start(at);
  tone.stop(at + NOTE_S * 1.7);
}
