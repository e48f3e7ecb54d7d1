/** Several stored topics, followed and read backwards as one. */

import { EventHistory } from "./event-history.js";

/** @typedef {import("./event-history.js").Entry} Entry */

export class EventHistories {
  /** @type {EventHistory[]} */
  #all;
  #left = false;
  /** @type {Entry[]} read, and older than what another topic was read back to */
  #held = [];

  /**
   * @param {import("./api.js").Api} api
   * @param {string[]} topics
   * @param {Record<string, string>} filter
   */
  constructor(api, topics, filter) {
    this.#all = topics.map((topic) => new EventHistory(api, topic, filter));
  }

  /** Whether there is nothing older to be had. */
  get exhausted() {
    return this.#held.length === 0 && this.#all.every((one) => one.exhausted);
  }

  /**
   * All of them or none: where one fails, the others are left. What happens before all are joined is told after `joined`.
   * Nothing is called any more once they were left.
   * @param {import("./events.js").Events} events
   * @param {(entry: Entry) => void} heard
   * @param {() => void} lost what is held is no longer the history: begin anew
   * @param {() => void} joined
   */
  async join(events, heard, lost, joined) {
    /** @type {Entry[] | null} */
    let early = [];
    const tell = (/** @type {Entry} */ entry) => !this.#left && (early ? early.push(entry) : heard(entry));
    try {
      await Promise.all(this.#all.map((one) => one.join(events, tell, () => this.#left || lost())));
    } catch (error) {
      this.leave();
      throw error;
    }
    if (this.#left) return;
    joined();
    for (const entry of early) heard(entry);
    early = null;
  }

  leave() {
    this.#left = true;
    for (const one of this.#all) one.leave();
  }

  /** The next ones back, newest first. @returns {Promise<Entry[]>} */
  async older() {
    /** @type {string[]} */
    const ends = [];
    await Promise.all(this.#all.map(async (one) => {
      const found = await one.older();
      this.#held.push(...found);
      if (!one.exhausted && found.length) ends.push(found[found.length - 1].event.time);
    }));
    // Of topics that go back to different times, only what is newer than the nearest end is whole.
    const end = ends.sort().at(-1) ?? "";
    const whole = this.#held.filter(({ event }) => event.time >= end).sort((a, b) => (a.event.time < b.event.time ? 1 : -1));
    this.#held = this.#held.filter(({ event }) => event.time < end);
    return whole;
  }
}
