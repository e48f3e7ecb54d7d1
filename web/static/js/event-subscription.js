/** One topic that is followed: where it stands over all connections, and who is told. */

/**
 * What happened. Every event carries the resulting state, so one that is applied twice does no harm.
 * @typedef {object} RollcallEvent
 * @property {string} id
 * @property {string} type
 * @property {string} time
 * @property {string} source
 * @property {any} data
 */

/**
 * @typedef {{epoch: string, offset: number}} Cursor
 * @typedef {{cameraId?: string, personId?: string, departmentId?: string, type?: string}} Filter
 * @typedef {{filter?: Filter, snapshot?: boolean, since?: Cursor, settle?: boolean,
 *   onError?: (error: {code: string, message: string}) => void}} SubscribeOptions `snapshot`: onResync has the present
 *   state, at first and where history was lost; `settle`: onResync also once the subscription holds, so that nothing
 *   falls between what was read before it and the news; `onError`: it is refused
 */

/**
 * @callback OnEvent
 * @param {RollcallEvent} event
 * @param {{offset?: number, previous?: number, cursor?: Cursor}} place `cursor`: to go on from with `since` another time
 */

/**
 * Called when the state has to be loaded: with the snapshot, where one was asked for, and whenever the server could
 * not give all that was missed.
 * @callback OnResync
 * @param {object | null} snapshot
 * @param {{recovered: boolean, cursor?: Cursor}} how `cursor`: to go on from with `since`, also where nothing happens
 */

export class Subscription {
  topic;
  options;
  #onEvent;
  #onResync;
  /** @type {Cursor | null} where to go on; null for a volatile topic, or before the first answer */
  #cursor;
  /** How often the server was asked, over all connections. */
  #asked = 0;

  /**
   * @param {string} topic
   * @param {SubscribeOptions} options
   * @param {OnEvent} onEvent
   * @param {OnResync} onResync
   */
  constructor(topic, options, onEvent, onResync) {
    this.topic = topic;
    this.options = options;
    this.#onEvent = onEvent;
    this.#onResync = onResync;
    this.#cursor = options.since ?? null;
  }

  /**
   * The message that asks the server, from where it stands on.
   * @param {number} id
   */
  question(id) {
    this.#asked += 1;
    const { filter, snapshot } = this.options;
    return {
      type: "subscribe",
      id,
      topic: this.topic,
      ...(this.#cursor ? { since: this.#cursor } : {}),
      ...(filter ? { filter } : {}),
      ...(snapshot && !this.#cursor ? { snapshot: true } : {}), // beside what is older, it would be undone by that
    };
  }

  /**
   * Whether it is to be asked anew, for a snapshot.
   * @param {Record<string, any>} message `subscribed`
   */
  answered(message) {
    // Asked before, but the connection went before the answer: nobody knows what happened meanwhile.
    const lost = message.epoch !== undefined && !this.#cursor && this.#asked > 1;
    const recovered = message.recovered !== false && !lost;
    if (!recovered && this.#cursor && this.options.snapshot) {
      this.#cursor = null;
      return true;
    }
    const settled = this.options.settle && !this.#cursor; // what was read before may be older
    if (message.epoch !== undefined && !(this.#cursor && recovered)) {
      this.#cursor = { epoch: message.epoch, offset: message.offset };
    }
    if (!recovered || settled || message.snapshot !== undefined) {
      this.#onResync(message.snapshot ?? null, { recovered, ...(this.#cursor ? { cursor: this.#cursor } : {}) });
    }
    return false;
  }

  /** Whether something is missing before it. @param {Record<string, any>} message `event` */
  lacks({ offset, previous }) {
    return this.#cursor !== null && offset !== undefined && previous > this.#cursor.offset;
  }

  /** Tells it, unless it was told already. @param {Record<string, any>} message `event` */
  happened({ event, offset, previous }) {
    if (this.#cursor === null || offset === undefined) {
      this.#onEvent(event, { offset, previous });
    } else if (offset > this.#cursor.offset) {
      this.#cursor = { epoch: this.#cursor.epoch, offset };
      this.#onEvent(event, { offset, previous, cursor: this.#cursor });
    }
  }
}
