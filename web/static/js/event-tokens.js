/** Where the token comes from that lets into the socket, and when the next one is due. */

const LONGEST_TIMER_MS = 2 ** 31 - 1;
const ANSWER_WITHIN_MS = 30_000;

/**
 * @typedef {string | {token: string, expiresIn?: number}} Token `expiresIn` in seconds; a JSON Web Token says it itself
 * @typedef {Token | (() => Promise<Token>)} Source
 */

export class Tokens {
  /** @type {Source | null} */
  #source;
  /** @type {Token | null} */
  #given;

  /** @param {Source | null} source */
  constructor(source) {
    this.#source = source;
    this.#given = typeof source === "function" ? null : source;
  }

  /** Whether there is another one when this one has run out. */
  get renews() {
    return typeof this.#source === "function";
  }

  /** The one that is to be sent, null where the cookie lets in. */
  get value() {
    return this.#given !== null && typeof this.#given === "object" ? this.#given.token : this.#given;
  }

  /** Asks for another one. Whoever does not answer is not waited for longer than half a minute. */
  async next() {
    if (typeof this.#source !== "function") return;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const late = new Promise((_, fail) => {
      timer = setTimeout(() => fail(new Error("no token has come in time")), ANSWER_WITHIN_MS);
    });
    try {
      this.#given = await Promise.race([this.#source(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * At four fifths of its life, and half a minute before its end where it is long enough for that.
   * @param {number} serverNow in ms
   * @returns {number} in ms; Infinity where there is no other, or nobody knows when this one ends
   */
  renewAfterMs(serverNow) {
    const left = this.#lifetimeMs(serverNow);
    if (!this.renews || !(left > 0) || left === Infinity) return Infinity;
    return Math.min(LONGEST_TIMER_MS, left > 60_000 ? Math.min(left * 0.8, left - 30_000) : left * 0.8);
  }

  /** @param {number} serverNow */
  #lifetimeMs(serverNow) {
    if (this.#given !== null && typeof this.#given === "object" && this.#given.expiresIn !== undefined) {
      return this.#given.expiresIn * 1000;
    }
    try {
      const [, claims] = (this.value ?? "").split(".");
      return JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/"))).exp * 1000 - serverNow;
    } catch {
      return Infinity; // an API key
    }
  }
}
