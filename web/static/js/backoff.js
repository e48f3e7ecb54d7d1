/** Pauses between tries: longer each time up to a limit, and half of each left to chance so that not all come back at once. */

export class Backoff {
  #firstMs;
  #longestMs;
  #tries = 0;

  /** @param {{firstMs?: number, longestMs?: number}} [limits] */
  constructor({ firstMs = 1000, longestMs = 15_000 } = {}) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
  }

  /** How long to wait before the next try, in ms. */
  next() {
    const full = Math.min(this.#longestMs, this.#firstMs * 2 ** this.#tries);
    this.#tries += 1;
    return Math.max(this.#firstMs, full * (0.5 + 0.5 * Math.random()));
  }

  reset() {
    this.#tries = 0;
  }
}
