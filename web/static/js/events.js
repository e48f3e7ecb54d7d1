/**
 * The server's events in a page: one socket, as many subscriptions as wanted, and it comes back by itself.
 *
 *     const events = new Events();
 *     events.onState((state) => banner.hidden = state !== "reconnecting");
 *     const stop = events.subscribe("attendance", {}, (event) => show(event), () => loadAgain());
 *
 * @module events
 */

import { isShutOut } from "./standing.js";

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
 * @typedef {{cameraId?: string, personId?: string, type?: string}} Filter
 * @typedef {{filter?: Filter, snapshot?: boolean, since?: Cursor, settle?: boolean}} SubscribeOptions `settle`: onResync
 *   also once the subscription holds, so that nothing falls between what was read before it and the news
 * @typedef {"connecting" | "connected" | "reconnecting" | "stopped"} State
 */

/**
 * `connecting` until the first `ready`; `stopped` where the server said not to come back, or after close().
 * @callback OnState
 * @param {State} state
 * @param {{code: number, reason: string}} why the last close, code 0 where there was none
 */

/**
 * @callback OnEvent
 * @param {RollcallEvent} event
 * @param {{offset?: number, previous?: number}} place
 */

/**
 * Called when the state has to be loaded: with the snapshot, where one was asked for, and whenever the server could
 * not give all that was missed.
 * @callback OnResync
 * @param {object | null} snapshot
 * @param {{recovered: boolean}} how
 */

/**
 * @typedef {object} Subscription
 * @property {string} topic
 * @property {SubscribeOptions} options
 * @property {OnEvent} onEvent
 * @property {OnResync} onResync
 * @property {Cursor | null} cursor where to go on; null for a volatile topic, or before the first answer
 * @property {number} asked how often the server was asked, over all connections
 */

const SUBPROTOCOL = "rollcall.v1";
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15000;
const PING_EVERY_MS = 20000;
const SILENCE_MS = 45000;
const STEADY_AFTER_MS = 10000;
const CLOCK_AGAIN_MS = 60000;
const NOT_TO_COME_BACK = 4500;
const NOT_IN = 4501; // or not in time, which a network that stalls for some seconds is enough for

/** One connection to `/ws`, kept alive as long as the page wants it. */
export class Events {
  /** @type {State} */
  #state = "connecting";
  /** @type {string} */
  #url;
  /** @type {string | null} */
  #token;
  #self;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Map<number, Subscription>} */
  #subscriptions = new Map();
  /** @type {Set<OnState>} */
  #listeners = new Set();
  /** @type {Record<string, any>} */
  #user = {};
  #why = { code: 0, reason: "" };
  #nextId = 1;
  #failures = 0;
  #ready = false;
  #readyAt = 0;
  #heardAt = 0;
  /** The server's time at this page's time origin; this machine's own until the server has said it. */
  #serverOrigin = performance.timeOrigin;
  /** The best estimate of the minute that runs: whatever comes late makes the server look slow, never fast. */
  #freshOrigin = Number.NEGATIVE_INFINITY;
  #freshSince = 0;
  #retryTimer = 0;
  #pingTimer = 0;

  /**
   * Without a token the browser's session cookie lets it in.
   * @param {{url?: string, token?: string, self?: string}} [options] the socket of this page's server by default;
   *   `self`: what is read of /api/v1 to find out whether who was not let in is not let in any more
   */
  constructor({ url, token, self = "auth/me" } = {}) {
    const here = new URL("/ws", window.location.href);
    here.protocol = here.protocol === "https:" ? "wss:" : "ws:";
    this.#url = url ?? here.href;
    this.#token = token ?? null;
    this.#self = self;
    window.addEventListener("online", this.#hurry);
    document.addEventListener("visibilitychange", this.#hurry);
    this.#connect();
  }

  /** @returns {State} */
  get state() {
    return this.#state;
  }

  /** Who is signed in, as the server said in `ready`. */
  get user() {
    return this.#user;
  }

  /** The server's clock in ms since 1970: right also where this machine's is wrong, or is set while the page runs. */
  get serverNow() {
    return this.#serverOrigin + performance.now();
  }

  /**
   * Follow a topic until the returned function is called. With `snapshot` or `since` in the options the first answer
   * says where to begin; after a lost connection it goes on where it was.
   * @param {string} topic
   * @param {SubscribeOptions} options
   * @param {OnEvent} onEvent
   * @param {OnResync} [onResync]
   * @returns {() => void}
   */
  subscribe(topic, options, onEvent, onResync = () => {}) {
    const id = this.#nextId++;
    this.#subscriptions.set(id, { topic, options, onEvent, onResync, cursor: options.since ?? null, asked: 0 });
    if (this.#ready) this.#ask(id);
    return () => {
      if (this.#subscriptions.delete(id) && this.#ready) this.#send({ type: "unsubscribe", id });
    };
  }

  /**
   * Called at once with the state as it is, and whenever it changes.
   * @param {OnState} listener
   * @returns {() => void} stops it
   */
  onState(listener) {
    this.#listeners.add(listener);
    listener(this.#state, this.#why);
    return () => this.#listeners.delete(listener);
  }

  /** Close for good. */
  close() {
    this.#stop({ code: 1000, reason: "" });
    this.#subscriptions.clear();
    this.#socket?.close(1000);
    this.#socket = null;
  }

  #connect() {
    const socket = new WebSocket(this.#url, [SUBPROTOCOL]);
    this.#socket = socket;
    this.#heardAt = performance.now();
    socket.addEventListener("message", (message) => {
      if (socket === this.#socket) {
        this.#heardAt = performance.now();
        this.#receive(JSON.parse(message.data));
      }
    });
    socket.addEventListener("close", (close) => {
      if (socket === this.#socket) {
        this.#lost(close.code, close.reason);
      }
    });
    window.clearInterval(this.#pingTimer);
    this.#pingTimer = window.setInterval(() => this.#mind(), PING_EVERY_MS);
  }

  /** A socket can be dead without a close: nothing heard for long, and it is given up. */
  #mind() {
    if (performance.now() - this.#heardAt > SILENCE_MS) {
      const socket = this.#socket;
      this.#lost(1006, "");
      socket?.close();
    } else if (this.#ready) {
      this.#send({ type: "ping" });
    }
  }

  /** @param {Record<string, any>} message */
  #receive(message) {
    const subscription = this.#subscriptions.get(message.id);
    switch (message.type) {
      case "welcome":
        this.#serverOrigin = Date.parse(message.serverTime) - performance.now();
        this.#freshOrigin = this.#serverOrigin;
        this.#freshSince = performance.now();
        if (this.#token !== null) {
          this.#send({ type: "auth", token: this.#token });
        }
        break;
      case "ready":
        this.#ready = true;
        this.#readyAt = performance.now();
        this.#user = message.user;
        this.#say("connected");
        for (const id of this.#subscriptions.keys()) {
          this.#ask(id);
        }
        break;
      case "subscribed":
        if (subscription) {
          this.#subscribed(subscription, message);
        }
        break;
      case "event":
        if (subscription) {
          this.#event(subscription, message);
        }
        break;
      case "error":
        this.#error(message, subscription);
        break;
      default:
        break; // unsubscribed, pong
    }
  }

  /**
   * @param {Subscription} subscription
   * @param {Record<string, any>} message
   */
  #subscribed(subscription, message) {
    // Asked before, but the connection went before the answer: nobody knows what happened meanwhile.
    const lost = message.epoch !== undefined && !subscription.cursor && subscription.asked > 1;
    const recovered = message.recovered !== false && !lost;
    const settled = subscription.options.settle && !subscription.cursor; // what was read before may be older
    if (message.epoch !== undefined && !(subscription.cursor && recovered)) {
      subscription.cursor = { epoch: message.epoch, offset: message.offset };
    }
    if (!recovered || settled || message.snapshot !== undefined) {
      subscription.onResync(message.snapshot ?? null, { recovered });
    }
  }

  /**
   * @param {Subscription} subscription
   * @param {Record<string, any>} message
   */
  #event(subscription, message) {
    if (subscription.cursor && message.offset !== undefined) {
      if (message.previous > subscription.cursor.offset) {
        // Something is missing: come back with the cursor, and the server sends it.
        const socket = this.#socket;
        this.#lost(4000, "gap");
        socket?.close(4000);
        return;
      }
      if (message.offset <= subscription.cursor.offset) {
        return;
      }
      subscription.cursor.offset = message.offset;
    }
    this.#setClock(message.event.time);
    subscription.onEvent(message.event, { offset: message.offset, previous: message.previous });
  }

  /** What took the shortest way tells the server's time best; each minute anew, because clocks drift apart. */
  #setClock(time) {
    const now = performance.now();
    this.#freshOrigin = Math.max(this.#freshOrigin, Date.parse(time) - now);
    if (this.#freshOrigin > this.#serverOrigin) {
      this.#serverOrigin = this.#freshOrigin;
    }
    if (now - this.#freshSince > CLOCK_AGAIN_MS) {
      this.#serverOrigin = this.#freshOrigin;
      this.#freshOrigin = Number.NEGATIVE_INFINITY;
      this.#freshSince = now;
    }
  }

  /**
   * @param {Record<string, any>} message
   * @param {Subscription | undefined} subscription
   */
  #error(message, subscription) {
    if (message.code === "unavailable" && subscription) {
      const id = message.id;
      window.setTimeout(() => this.#ready && this.#subscriptions.has(id) && this.#ask(id), this.#pause());
      return;
    }
    console.warn(`events: ${message.code}`, subscription?.topic ?? "", message.message);
  }

  /** @param {number} id */
  #ask(id) {
    const subscription = this.#subscriptions.get(id);
    if (!subscription) return;
    subscription.asked += 1;
    const { topic, options, cursor } = subscription;
    this.#send({
      type: "subscribe",
      id,
      topic,
      ...(cursor ? { since: { epoch: cursor.epoch, offset: cursor.offset } } : {}),
      ...(options.filter ? { filter: options.filter } : {}),
      ...(options.snapshot ? { snapshot: true } : {}),
    });
  }

  /** @param {object} message */
  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify(message));
    }
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #lost(code, reason) {
    const steady = this.#ready && performance.now() - this.#readyAt > STEADY_AFTER_MS;
    this.#ready = false;
    this.#socket = null;
    window.clearInterval(this.#pingTimer);
    if (code === NOT_IN) {
      this.#askWhether({ code, reason });
    } else if (code >= NOT_TO_COME_BACK && code < 5000) {
      this.#stop({ code, reason });
      return;
    }
    this.#failures = steady ? 1 : this.#failures + 1;
    this.#why = { code, reason };
    this.#say("reconnecting");
    this.#retryTimer = window.setTimeout(() => this.#retry(), this.#pause());
  }

  /** It comes back meanwhile: the answer may be as slow as what has kept it out. @param {{code: number, reason: string}} why */
  async #askWhether(why) {
    if ((await isShutOut(this.#self, this.#token)) && this.#state === "reconnecting") {
      this.#socket?.close();
      this.#socket = null;
      this.#stop(why);
    }
  }

  /** Half of the pause is left to chance, so that not all pages come back at once. */
  #pause() {
    const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, this.#failures - 1));
    return full * (0.5 + 0.5 * Math.random());
  }

  #retry() {
    window.clearTimeout(this.#retryTimer);
    if (this.#state === "reconnecting" && !this.#socket) {
      this.#connect();
    }
  }

  /** The network is back, or somebody looks again: do not wait any longer. */
  #hurry = () => {
    if (!document.hidden) {
      this.#retry();
    }
  };

  /** @param {{code: number, reason: string}} why */
  #stop(why) {
    this.#ready = false;
    this.#why = why;
    window.clearTimeout(this.#retryTimer);
    window.clearInterval(this.#pingTimer);
    window.removeEventListener("online", this.#hurry);
    document.removeEventListener("visibilitychange", this.#hurry);
    this.#say("stopped");
  }

  /** @param {State} state */
  #say(state) {
    if (state !== this.#state || state === "stopped") {
      this.#state = state;
      for (const listener of this.#listeners) {
        listener(state, this.#why);
      }
    }
  }
}
