/** The server's time, told by what it says: right also where this machine's clock is wrong, or is set meanwhile. */

const AGAIN_MS = 60000;

export class ServerClock {
  /** The server's time at this page's time origin; this machine's own until the server has said it. */
  #origin = performance.timeOrigin;
  /** The best estimate of the minute that runs: whatever comes late makes the server look slow, never fast. */
  #fresh = Number.NEGATIVE_INFINITY;
  #since = 0;

  /** In ms since 1970. */
  get now() {
    return this.#origin + performance.now();
  }

  /** @param {string} time as it is there now */
  set(time) {
    this.#origin = Date.parse(time) - performance.now();
    this.#fresh = this.#origin;
    this.#since = performance.now();
  }

  /**
   * What took the shortest way tells it best; each minute anew, because clocks drift apart.
   * @param {string} time when something happened there
   */
  heard(time) {
    const now = performance.now();
    this.#fresh = Math.max(this.#fresh, Date.parse(time) - now);
    if (this.#fresh > this.#origin) {
      this.#origin = this.#fresh;
    }
    if (now - this.#since > AGAIN_MS) {
      this.#origin = this.#fresh;
      this.#fresh = Number.NEGATIVE_INFINITY;
      this.#since = now;
    }
  }
}
