/** Check-ins by code or badge: sent at once, or kept while there is no network and sent exactly once when it is back. */

import { ApiError } from "./api.js";
import { Outbox, OutboxFull } from "./outbox.js";

const LOCK = "rollcall.kiosk.outbox";
const KEPT_FOR_MS = 7 * 24 * 3600 * 1000; // what is older the server refuses
const ANSWER_WITHIN_MS = 10_000;
const AGAIN_MS = 15_000;
const REFUSED = new Set([400, 422]);
const SHUT_OUT = new Set([401, 403]); // a proxy says so as well, and may mean itself
const MADE_BEFORE = "idempotency_answer_lost"; // under this key there is an entry already

/**
 * @typedef {{pin: string} | {badge: string}} Means
 * @typedef {{kind: "greeted", greeting: any} | {kind: "kept", at: Date} | {kind: "wrong"} | {kind: "wait", seconds: number}
 *   | {kind: "full"} | {kind: "unable"} | {kind: "ended"} | {kind: "failed"}} Outcome
 */

export class CheckIns {
  #api;
  #kioskId;
  #path;
  #uses;
  #outbox = new Outbox();
  #sending = false;
  #expired = 0; // of this kiosk, and not told yet
  #timer = 0;
  #closed = false;

  /**
   * @param {import("./api.js").Api} api with the kiosk's own token
   * @param {string} kioskId
   * @param {{away: () => boolean, waiting: (count: number) => void, done: (sent: number, refused: number) => void,
   *   isShutOut: () => Promise<boolean | null>, ended: () => void}} uses `done`: some that waited have been sent, or refused for
   *   good; `isShutOut`: whether the server itself says that this screen is not paired any more
   */
  constructor(api, kioskId, uses) {
    this.#api = api;
    this.#kioskId = kioskId;
    this.#path = `kiosks/${kioskId}/check-ins`;
    this.#uses = uses;
  }

  /** @param {Means} means @returns {Promise<Outcome>} */
  async enter(means) {
    const entry = { key: newKey(), kioskId: this.#kioskId, deviceTime: new Date().toISOString(), ...read(means) };
    if (this.#uses.away()) return this.#keep(entry);
    try {
      return { kind: "greeted", greeting: await this.#send(entry) };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (SHUT_OUT.has(error.status) && (await this.#uses.isShutOut())) return { kind: "ended" };
      if (error.status === 429) return { kind: "wait", seconds: Math.max(1, error.retryAfterS ?? 60) };
      if (isWrong(error)) return { kind: "wrong" };
      if (REFUSED.has(error.status) || error.status === 404) return { kind: "failed" };
      return this.#keep(entry); // it may have arrived: under the same key it still counts once
    }
  }

  /** Sends what waits, the oldest first, and goes on until nothing does. */
  async flush() {
    clearTimeout(this.#timer);
    if (this.#closed || this.#sending || !Outbox.isPossible) return;
    this.#sending = true;
    let again = null;
    try {
      // Two pages of one device share the outbox: one of them sends.
      again = navigator.locks ? await navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => (lock ? this.#sendAll() : AGAIN_MS)) : await this.#sendAll();
    } catch {
      again = AGAIN_MS; // IndexedDB may be away for a moment
    } finally {
      this.#sending = false;
    }
    if (again !== null && !this.#closed) this.#timer = setTimeout(() => this.flush(), again);
  }

  /** Removes what is too old, tells how many wait, and sends them where the server is reached. */
  async start() {
    if (Outbox.isPossible) this.#expired += await this.#outbox.expire(this.#kioskId, Date.now() - KEPT_FOR_MS).catch(() => 0);
    await this.#count();
    await this.flush();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** @returns {Promise<number | null>} after how many ms to try again */
  async #sendAll() {
    let [sent, refused, again] = [0, this.#expired, null];
    this.#expired = 0;
    for (let entry = await this.#outbox.oldest(this.#kioskId); entry && !this.#closed; entry = await this.#outbox.oldest(this.#kioskId)) {
      try {
        if (!entry.code) throw new ApiError(422, {});
        await this.#send(entry);
        sent += 1;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (SHUT_OUT.has(error.status) && (await this.#uses.isShutOut())) {
          this.#uses.ended(); // what waits is kept for the next pairing
          break;
        }
        if (error.code === MADE_BEFORE) sent += 1;
        else if (REFUSED.has(error.status)) refused += 1;
        else {
          again = (error.retryAfterS ?? AGAIN_MS / 1000) * 1000;
          break;
        }
      }
      await this.#outbox.remove(entry.number);
      await this.#count();
    }
    if (sent + refused) this.#uses.done(sent, refused);
    return again;
  }

  #send({ key, deviceTime, means, code }) {
    // By `sentAt` the server learns how wrong the clock of this device is; it is no part of what must be the same.
    const body = { [means]: code, deviceTime, sentAt: new Date().toISOString() };
    return this.#api.post(this.#path, body, { key, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  }

  async #keep(entry) {
    if (!Outbox.isPossible) return { kind: "unable" };
    try {
      await this.#outbox.add(entry);
    } catch (error) {
      return { kind: error instanceof OutboxFull ? "full" : "unable" };
    }
    await this.#count();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), AGAIN_MS);
    return { kind: "kept", at: new Date(entry.deviceTime) };
  }

  async #count() {
    if (Outbox.isPossible) this.#uses.waiting(await this.#outbox.count(this.#kioskId).catch(() => 0));
  }
}

/** @param {ApiError} error */
function isWrong({ status, code, details }) {
  const ofCode = details.some((detail) => detail.field === "pin" || detail.field === "badge");
  return status === 422 && (code === "code_not_accepted" || (code === "validation_failed" && ofCode));
}

function read(means) {
  return "pin" in means ? { means: "pin", code: means.pin } : { means: "badge", code: means.badge };
}

/** Not by randomUUID, which a page without HTTPS does not have. */
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
