/**
 * The server's events: one socket, as many subscriptions as wanted, and it comes back by itself. For our own pages and,
 * as the package in clients/js, for other programs in browsers and in Node.
 *
 *     const events = new Events();
 *     events.onState((state) => banner.hidden = state !== "reconnecting");
 *     const stop = events.subscribe("attendance", {}, (event) => show(event), () => loadAgain());
 *
 * @module events
 */

import { addressOf } from "./event-address.js";
import { Subscription } from "./event-subscription.js";
import { Tokens } from "./event-tokens.js";
import { ServerClock } from "./server-clock.js";
import { isShutOut } from "./standing.js";

/**
 * @typedef {import("./event-subscription.js").SubscribeOptions} SubscribeOptions
 * @typedef {import("./event-subscription.js").OnEvent} OnEvent
 * @typedef {import("./event-subscription.js").OnResync} OnResync
 * @typedef {"connecting" | "connected" | "reconnecting" | "stopped"} State
 */

/**
 * `connecting` until the first `ready`; `stopped` where the server said not to come back, where no socket can be made, or
 * after close().
 * @callback OnState
 * @param {State} state
 * @param {{code: number, reason: string}} why the last close, code 0 where there was none
 */

const SUBPROTOCOL = "rollcall.v1";
const OPEN = 1;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15000;
const PING_EVERY_MS = 15000;
const STEADY_AFTER_MS = 10000;
const NOT_TO_COME_BACK = 4500;
const NOT_IN = 4501; // or not in time, which a network that stalls for some seconds is enough for
const AUTH_WITHIN_MS = 4000; // the server waits for 5 s: a 4501 before that is its answer
const REFUSALS = 3; // in a row, where nobody can be asked whether they are true
const UNAVAILABLE_MS = 1000;

/** One connection to `/ws`, kept alive as long as it is wanted. */
export class Events {
  /** @type {State} */
  #state = "connecting";
  #address;
  #webSocket;
  #tokens;
  #refused = 0;
  #refusedAtOnce = 0;
  #openedAt = 0;
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
  #pingedAt = 0;
  /** Which try it is: a token that comes late belongs to one that is over. */
  #tries = 0;
  #asking = false;
  #clock = new ServerClock();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #renewTimer;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #pingTimer;

  /**
   * Without a token the browser's session cookie lets it in. A function is asked for one at each connection, and for a
   * new one before the old one runs out.
   * @param {{url?: string, token?: import("./event-tokens.js").Source, self?: string, webSocket?: typeof WebSocket}} [options]
   *   the server of this page by default; `self`: what is read of /api/v1 to find out whether who was not let in is not
   *   let in any more; `webSocket`: where there is none of that name, as in Node before 22
   */
  constructor({ url, token, self = "auth/me", webSocket = globalThis.WebSocket } = {}) {
    if (!webSocket) throw new TypeError("There is no WebSocket here: hand one in as webSocket.");
    this.#address = addressOf(url);
    this.#tokens = new Tokens(token ?? null);
    this.#self = self;
    this.#webSocket = webSocket;
    globalThis.addEventListener?.("online", this.#hurry);
    globalThis.document?.addEventListener("visibilitychange", this.#hurry);
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
    return this.#clock.now;
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
    this.#subscriptions.set(id, new Subscription(topic, options, onEvent, onResync));
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
    if (!this.#tokens.renews) {
      this.#open();
      return;
    }
    const mine = ++this.#tries;
    this.#asking = true;
    const wanted = () => mine === this.#tries && this.#state !== "stopped";
    this.#tokens.next().then(
      () => wanted() && this.#open(),
      (error) => wanted() && this.#lost(0, String(error)),
    );
  }

  #open() {
    this.#asking = false;
    const socket = this.#made();
    if (!socket) return;
    this.#socket = socket;
    this.#openedAt = performance.now();
    this.#heardAt = this.#openedAt;
    socket.addEventListener("error", () => {}); // a close follows; with the package `ws` one that nobody hears ends the program
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
    clearInterval(this.#pingTimer);
    this.#pingedAt = 0;
    this.#pingTimer = setInterval(() => this.#mind(), PING_EVERY_MS);
  }

  /** null for an address that cannot be one of a socket, or that this page may not use: another try makes no difference. */
  #made() {
    try {
      return new this.#webSocket(this.#address.socket, [SUBPROTOCOL]);
    } catch (error) {
      this.#stop({ code: 0, reason: String(error) });
      return null;
    }
  }

  /** A socket can be dead without a close: nothing heard since it was asked, and it is given up. */
  #mind() {
    if (this.#heardAt < this.#pingedAt) {
      const socket = this.#socket;
      this.#lost(1006, "");
      socket?.close();
    } else {
      this.#pingedAt = performance.now();
      this.#send({ type: "ping" });
    }
  }

  /** Says who it is: at first, and again before the token runs out. */
  #authenticate() {
    if (this.#tokens.value === null) return;
    this.#send({ type: "auth", token: this.#tokens.value });
    this.#renewIn(this.#tokens.renewAfterMs(this.serverNow));
  }

  /** @param {number} ms */
  #renewIn(ms) {
    clearTimeout(this.#renewTimer);
    if (ms === Infinity) return;
    const socket = this.#socket;
    this.#renewTimer = setTimeout(() => {
      const here = () => socket !== null && socket === this.#socket;
      this.#tokens.next().then(
        () => here() && this.#authenticate(),
        () => here() && this.#renewIn(LONGEST_PAUSE_MS),
      );
    }, ms);
  }

  /** @param {Record<string, any>} message */
  #receive(message) {
    const subscription = this.#subscriptions.get(message.id);
    switch (message.type) {
      case "welcome":
        this.#clock.set(message.serverTime);
        this.#authenticate();
        break;
      case "ready":
        this.#user = message.user;
        this.#refused = 0;
        this.#refusedAtOnce = 0;
        if (this.#ready) break; // with a new token
        this.#ready = true;
        this.#readyAt = performance.now();
        for (const id of this.#subscriptions.keys()) {
          this.#ask(id);
        }
        this.#say("connected"); // last: who subscribes then asks by itself
        break;
      case "subscribed":
        if (subscription?.answered(message)) {
          this.#send({ type: "unsubscribe", id: message.id });
          this.#ask(message.id);
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
  #event(subscription, message) {
    if (subscription.lacks(message)) {
      // Something is missing: come back with the cursor, and the server sends it.
      const socket = this.#socket;
      this.#lost(4000, "gap");
      socket?.close(4000);
      return;
    }
    this.#clock.heard(message.event.time);
    subscription.happened(message);
  }

  /**
   * @param {Record<string, any>} message
   * @param {Subscription | undefined} subscription
   */
  #error(message, subscription) {
    if (message.code === "unavailable" && subscription) {
      const [id, socket] = [message.id, this.#socket]; // the next connection asks for all of them
      setTimeout(() => socket === this.#socket && this.#subscriptions.has(id) && this.#ask(id), UNAVAILABLE_MS);
      return;
    }
    if (subscription?.options.onError) {
      subscription.options.onError({ code: message.code, message: message.message });
    } else {
      console.warn(`events: ${message.code}`, subscription?.topic ?? "", message.message);
    }
  }

  /** @param {number} id */
  #ask(id) {
    const question = this.#subscriptions.get(id)?.question(id);
    if (question) this.#send(question);
  }

  /** @param {object} message */
  #send(message) {
    if (this.#socket?.readyState === OPEN) {
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
    this.#asking = false;
    this.#socket = null;
    clearInterval(this.#pingTimer);
    clearTimeout(this.#renewTimer);
    if (code === NOT_IN) {
      this.#refused += 1;
      if (performance.now() - this.#openedAt < AUTH_WITHIN_MS) this.#refusedAtOnce += 1;
      // Whoever can have another token tries that first.
      if (!this.#tokens.renews || this.#refused > 1) this.#askWhether({ code, reason });
    } else if (code >= NOT_TO_COME_BACK && code < 5000) {
      this.#stop({ code, reason });
      return;
    }
    this.#failures = steady ? 1 : this.#failures + 1;
    this.#why = { code, reason };
    this.#say("reconnecting");
    this.#retryTimer = setTimeout(() => this.#retry(), this.#pause());
  }

  /** It comes back meanwhile: the answer may be as slow as what has kept it out. @param {{code: number, reason: string}} why */
  async #askWhether(why) {
    const often = this.#refusedAtOnce >= REFUSALS;
    const over = (await isShutOut(this.#self, this.#tokens.value, this.#address.site)) ?? often;
    if (over && this.#state === "reconnecting") {
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
    clearTimeout(this.#retryTimer);
    if (this.#state === "reconnecting" && !this.#socket && !this.#asking) {
      this.#connect();
    }
  }

  /** The network is back, or somebody looks again: do not wait any longer. */
  #hurry = () => {
    if (!globalThis.document?.hidden) {
      this.#retry();
    }
  };

  /** @param {{code: number, reason: string}} why */
  #stop(why) {
    this.#ready = false;
    this.#why = why;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#renewTimer);
    clearInterval(this.#pingTimer);
    globalThis.removeEventListener?.("online", this.#hurry);
    globalThis.document?.removeEventListener("visibilitychange", this.#hurry);
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
