/** Whether the server is reached, within seconds: its socket, the browser's word, and a look every few seconds. */

const LOOK_EVERY_MS = 5000;
const LOOK_AGAIN_MS = 1000;
const ANSWER_WITHIN_MS = 4000;
const LOST_AFTER = 2; // looks in vain; one may be a blink
const AWAY_AFTER_MS = 2000; // a blink of the socket is not worth a word

export class Reach {
  #changed;
  #connected = false;
  #inVain = 0;
  /** @type {Date | null} */
  #troubleSince = null;
  /** @type {Date | null} */
  #awaySince = null;
  #timer = 0;
  #patience = 0;
  #closed = false;

  /** @param {(awaySince: Date | null) => void} changed */
  constructor(changed) {
    this.#changed = changed;
    addEventListener("offline", this.#judge);
    addEventListener("online", this.#hurry);
    this.#timer = setTimeout(() => this.#look(), LOOK_EVERY_MS);
    this.#judge();
  }

  /** When the connection went away, or null. */
  get awaySince() {
    return this.#awaySince;
  }

  /** @param {boolean} connected of the socket of events */
  socket(connected) {
    this.#connected = connected;
    if (connected) this.#inVain = 0;
    this.#judge();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#patience);
    removeEventListener("offline", this.#judge);
    removeEventListener("online", this.#hurry);
  }

  async #look() {
    clearTimeout(this.#timer);
    try {
      await fetch("/health/live", { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
      this.#inVain = 0;
    } catch {
      this.#inVain += 1;
    }
    if (this.#closed) return;
    this.#judge();
    this.#timer = setTimeout(() => this.#look(), this.#inVain === 1 ? LOOK_AGAIN_MS : LOOK_EVERY_MS);
  }

  #hurry = () => this.#look();

  #judge = () => {
    if (this.#closed) return;
    clearTimeout(this.#patience);
    const lost = !navigator.onLine || this.#inVain >= LOST_AFTER;
    if (this.#connected && !lost) {
      this.#troubleSince = null;
      return this.#say(null);
    }
    this.#troubleSince ??= new Date();
    const left = AWAY_AFTER_MS - (Date.now() - this.#troubleSince.getTime());
    if (lost || left <= 0 || this.#awaySince) return this.#say(this.#awaySince ?? this.#troubleSince);
    this.#patience = setTimeout(this.#judge, Math.max(left, 50));
    return undefined;
  };

  #say(since) {
    if ((since === null) === (this.#awaySince === null)) return;
    this.#awaySince = since;
    this.#changed(since);
  }
}
