/** Badges read by a reader that types: fast, into nothing in particular, with Enter at the end. */

const GAP_MS = 60; // a reader types faster than anybody
export const LEAST = 6;
export const MOST = 128;

export class BadgeReader {
  #read;
  #typed = "";
  #lastAt = Number.NEGATIVE_INFINITY;

  /** @param {(badge: string) => void} read */
  constructor(read) {
    this.#read = read;
    document.addEventListener("keydown", this.#heard, { capture: true });
  }

  close() {
    document.removeEventListener("keydown", this.#heard, { capture: true });
  }

  #heard = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const inTime = event.timeStamp - this.#lastAt <= GAP_MS;
    this.#lastAt = event.timeStamp;
    if (event.key === "Enter") {
      const badge = inTime ? this.#typed.trim() : "";
      this.#typed = "";
      if (badge.length < LEAST) return;
      event.preventDefault(); // or the button with the focus would be pressed
      event.stopImmediatePropagation();
      this.#read(badge);
    } else if (event.key.length === 1) {
      this.#typed = inTime ? (this.#typed + event.key).slice(0, MOST + 1) : event.key;
    }
  };
}
