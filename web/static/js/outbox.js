/** Check-ins that wait for the network: in IndexedDB, sealed, in their order, a bounded number of them. */

const NAME = "rollcall-kiosk";
const MOST = 500; // of one kiosk: what waits for another must not fill it
const SEAL = "seal";
const LOCK = "rollcall.kiosk.seal";

/** @typedef {{number: number, key: string, kioskId: string, deviceTime: string, means: "pin" | "badge", code: string}} Waiting */

export class OutboxFull extends Error {}

export class Outbox {
  /** @type {Promise<IDBDatabase> | null} */
  #opening = null;

  /** Whether this browser can keep something sealed: only on HTTPS, or on the machine itself. */
  static get isPossible() {
    return typeof indexedDB === "object" && Boolean(globalThis.crypto?.subtle);
  }

  /**
   * Keeps one. It is on the disk when this returns.
   * @param {Omit<Waiting, "number">} entry
   * @throws {OutboxFull} where as many of its kiosk wait as may; @throws {DOMException} where the browser keeps nothing
   */
  add(entry) {
    return alone(() => this.#add(entry));
  }

  async #add({ code, ...open }) {
    const database = await this.#database();
    const seal = await this.#seal(database);
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, seal, new TextEncoder().encode(code));
    const transaction = database.transaction("waiting", "readwrite", { durability: "strict" });
    const waiting = transaction.objectStore("waiting");
    const done = finished(transaction);
    if ((await answer(waiting.index("kioskId").count(open.kioskId))) >= MOST) {
      transaction.abort();
      await done.catch(() => undefined);
      throw new OutboxFull();
    }
    waiting.add({ ...open, iv, sealed });
    await done;
  }

  /** @param {string} kioskId @returns {Promise<number>} */
  async count(kioskId) {
    const database = await this.#database();
    return answer(database.transaction("waiting").objectStore("waiting").index("kioskId").count(kioskId));
  }

  /** The oldest of this kiosk, opened. @param {string} kioskId @returns {Promise<Waiting | null>} */
  async oldest(kioskId) {
    const database = await this.#database();
    const index = database.transaction("waiting").objectStore("waiting").index("kioskId");
    const found = await answer(index.get(kioskId)); // of several the lowest primary key: the order in which they came
    if (!found) return null;
    const { iv, sealed, ...open } = found;
    try {
      const seal = await answer(database.transaction("seals").objectStore("seals").get(SEAL));
      const bytes = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, seal, sealed);
      return { ...open, code: new TextDecoder().decode(bytes) };
    } catch {
      return { ...open, code: "" }; // its seal is gone: it can be told of, and no more
    }
  }

  /** It has arrived, or never will. With the last one goes the seal. @param {number} number */
  remove(number) {
    return alone(() => this.#remove(number));
  }

  async #remove(number) {
    const database = await this.#database();
    const transaction = database.transaction(["waiting", "seals"], "readwrite", { durability: "strict" });
    const waiting = transaction.objectStore("waiting");
    const done = finished(transaction);
    waiting.delete(number);
    if ((await answer(waiting.count())) === 0) transaction.objectStore("seals").delete(SEAL);
    await done;
  }

  /**
   * Removes what is too old to be taken, of every kiosk: one that this device is not paired with any more never asks.
   * @param {string} kioskId @param {number} before in ms since 1970, by this device's clock
   * @returns {Promise<number>} how many of them were this kiosk's
   */
  expire(kioskId, before) {
    return alone(() => this.#expire(kioskId, before));
  }

  async #expire(kioskId, before) {
    const database = await this.#database();
    const transaction = database.transaction(["waiting", "seals"], "readwrite", { durability: "strict" });
    const waiting = transaction.objectStore("waiting");
    const done = finished(transaction);
    const old = (await answer(waiting.getAll())).filter(({ deviceTime }) => Date.parse(deviceTime) < before);
    for (const { number } of old) waiting.delete(number);
    if (old.length && (await answer(waiting.count())) === 0) transaction.objectStore("seals").delete(SEAL);
    await done;
    return old.filter((one) => one.kioskId === kioskId).length;
  }

  /** The key never leaves the browser: it can be used, not read. */
  async #seal(database) {
    const kept = await answer(database.transaction("seals").objectStore("seals").get(SEAL));
    if (kept) return kept;
    const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    const transaction = database.transaction("seals", "readwrite");
    const done = finished(transaction);
    transaction.objectStore("seals").put(made, SEAL);
    await done;
    return made;
  }

  #database() {
    this.#opening ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(NAME, 1);
      request.addEventListener("upgradeneeded", () => {
        const waiting = request.result.createObjectStore("waiting", { keyPath: "number", autoIncrement: true });
        waiting.createIndex("kioskId", "kioskId");
        waiting.createIndex("key", "key", { unique: true });
        request.result.createObjectStore("seals");
      });
      request.addEventListener("success", () => {
        request.result.addEventListener("close", () => { this.#opening = null; });
        resolve(request.result);
      });
      request.addEventListener("error", () => reject(request.error));
    }).catch((error) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }
}

/** The seal is made with the first and goes with the last: two pages of one device must not do both at once. */
function alone(work) {
  return navigator.locks ? navigator.locks.request(LOCK, work) : work();
}

function answer(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}

function finished(transaction) {
  const done = new Promise((resolve, reject) => {
    transaction.addEventListener("complete", () => resolve(undefined));
    transaction.addEventListener("abort", () => reject(transaction.error ?? new DOMException("Aborted", "AbortError")));
  });
  done.catch(() => undefined); // whoever waits for it is told
  return done;
}
