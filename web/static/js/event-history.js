/** One stored topic, followed from now on and read backwards from where it was joined, without a gap between the two. */

const SPAN = 60; // offsets that are looked back on at once, where nothing is filtered
const SPAN_FILTERED = 1000; // of which the server passes over what is not wanted
const MOST_SPANS = 8; // for one press of the button: a filter may let hardly anything through

/** @typedef {{topic: string, offset: number, event: import("./events.js").RollcallEvent}} Entry */

export class EventHistory {
  #api;
  #topic;
  #filter;
  #epoch = "";
  #first = 0; // the offset after which everything has been read
  #left = false;
  #stop = () => undefined;

  /**
   * @param {import("./api.js").Api} api
   * @param {string} topic
   * @param {Record<string, string>} filter
   */
  constructor(api, topic, filter) {
    this.#api = api;
    this.#topic = topic;
    this.#filter = filter;
  }

  /** Whether there is nothing older to be had. */
  get exhausted() {
    return this.#first <= 0;
  }

  /**
   * Where the topic stands, and everything from there on; not followed where it was left before the server answered.
   * @param {import("./events.js").Events} events
   * @param {(entry: Entry) => void} heard
   * @param {() => void} lost what is held is no longer the history: begin anew
   */
  async join(events, heard, lost) {
    const { meta } = await this.#api.list("events", { topic: this.#topic });
    if (this.#left) return;
    const at = meta.next.lastIndexOf(":");
    this.#epoch = meta.next.slice(0, at);
    this.#first = Number(meta.next.slice(at + 1));
    const options = { filter: this.#filter, since: { epoch: this.#epoch, offset: this.#first } };
    this.#stop = events.subscribe(this.#topic, options, (event, { offset }) => heard({ topic: this.#topic, offset, event }), (_, { recovered }) => recovered || lost());
  }

  leave() {
    this.#left = true;
    this.#stop();
  }

  /** The next ones back, newest first; none where there are none. @returns {Promise<Entry[]>} */
  async older() {
    let span = Object.keys(this.#filter).length ? SPAN_FILTERED : SPAN;
    for (let tries = 0; tries < MOST_SPANS && this.#first > 0; ) {
      const after = Math.max(0, this.#first - span);
      const limit = this.#first - after;
      const { data, meta } = await this.#api.list("events", { ...this.#filter, topic: this.#topic, after: `${this.#epoch}:${after}`, limit });
      if (!meta.recovered) { // so far back nothing is kept: as near to it as there is something
        if (limit === 1) this.#first = 0;
        span = Math.max(1, Math.floor(limit / 2));
        continue;
      }
      const before = this.#first;
      this.#first = after;
      tries += 1;
      const found = data.filter(({ offset }) => offset <= before).map(({ offset, event }) => ({ topic: this.#topic, offset, event }));
      if (found.length) return found.reverse();
    }
    return [];
  }
}
