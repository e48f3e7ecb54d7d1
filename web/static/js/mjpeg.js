/** A camera watched as a stream of JPEGs, where video cannot come: the newest picture wins, older ones are not decoded. */

import { ApiError } from "./api.js";
import { Backoff } from "./backoff.js";

const LARGEST_BYTES = 16 << 20;
const SILENCE_MS = 10_000;
const NOT_TO_COME_BACK = new Set([401, 403, 404]);

/**
 * @typedef {"idle" | "asking" | "live" | "waiting" | "refused" | "stopped"} State
 * @typedef {{bitmap: ImageBitmap, capturedAt: number | null, rtpTimestamp: number | null}} Picture the bitmap is closed after the call
 */

export class Mjpeg {
  #api;
  #path;
  #onPicture;
  #onState;
  /** @type {State} */
  #state = "idle";
  /** @type {AbortController | null} */
  #reading = null;
  #backoff = new Backoff();
  #timer = 0;
  #silence = 0;
  /** @type {Part | null} the newest that is not decoded yet */
  #newest = null;
  #decoding = false;
  framesDecoded = 0;

  /**
   * @param {import("./api.js").Api} api
   * @param {string} cameraId
   * @param {{onPicture: (picture: Picture) => void, onState?: (state: State, reason: string | null) => void, width?: number, fps?: number}} uses
   */
  constructor(api, cameraId, { onPicture, onState = () => undefined, width = 640, fps = 8 }) {
    this.#api = api;
    this.#path = `cameras/${cameraId}/mjpeg?width=${width}&fps=${fps}`;
    this.#onPicture = onPicture;
    this.#onState = onState;
  }

  get state() {
    return this.#state;
  }

  start() {
    if (this.#reading) return;
    clearTimeout(this.#timer);
    this.#read();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#cancel();
    this.#say("stopped", null);
  }

  async #read() {
    const reading = new AbortController();
    this.#reading = reading;
    this.#say("asking", null);
    let reason = "ended";
    try {
      const response = await this.#api.send("GET", this.#path, { signal: reading.signal });
      const parts = new Parts(response.headers.get("Content-Type") ?? "");
      const reader = response.body.getReader();
      this.#listen(reading);
      for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
        this.#listen(reading);
        for (const part of parts.feed(value)) this.#newest = part;
        this.#decode(reading);
      }
    } catch (error) {
      if (reading !== this.#reading) return; // stopped
      if (error instanceof ApiError && NOT_TO_COME_BACK.has(error.status)) {
        this.#cancel();
        this.#say("refused", error.code);
        return;
      }
      reason = error instanceof ApiError ? error.code : "lost";
    }
    if (reading !== this.#reading) return;
    this.#cancel();
    this.#say("waiting", reason);
    this.#timer = setTimeout(() => this.#read(), this.#backoff.next());
  }

  /** A connection can be dead without an end. */
  #listen(reading) {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => reading.abort(), SILENCE_MS);
  }

  async #decode(reading) {
    if (this.#decoding) return;
    this.#decoding = true;
    while (this.#newest && reading === this.#reading) {
      const { jpeg, capturedAt, rtpTimestamp } = this.#newest;
      this.#newest = null;
      try {
        const bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
        if (reading === this.#reading) {
          this.framesDecoded += 1;
          this.#backoff.reset();
          this.#say("live", null);
          this.#onPicture({ bitmap, capturedAt, rtpTimestamp });
        }
        bitmap.close();
      } catch {
        // One that is damaged is left out; the next one comes soon.
      }
    }
    this.#decoding = false;
  }

  #cancel() {
    const reading = this.#reading;
    this.#reading = null;
    this.#newest = null;
    clearTimeout(this.#silence);
    reading?.abort();
  }

  #say(state, reason) {
    if (state === this.#state) return;
    this.#state = state;
    this.#onState(state, reason);
  }
}

/** @typedef {{jpeg: Uint8Array, capturedAt: number | null, rtpTimestamp: number | null}} Part */

/** Takes a `multipart/x-mixed-replace` apart, whatever pieces it comes in. */
export class Parts {
  #delimiter;
  #held = new Uint8Array(0);

  /** @param {string} contentType with the boundary */
  constructor(contentType) {
    const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1] ?? "frame";
    this.#delimiter = `--${boundary.replace(/^--/, "")}`;
  }

  /** @param {Uint8Array} bytes @returns {Part[]} that are whole now */
  feed(bytes) {
    const held = new Uint8Array(this.#held.length + bytes.length);
    held.set(this.#held);
    held.set(bytes, this.#held.length);
    const parts = [];
    let from = 0;
    for (;;) {
      while (held[from] === 13 || held[from] === 10) from += 1; // the line's end after a picture
      const end = endOfHeaders(held, from);
      if (end < 0) break;
      const headers = this.#headers(new TextDecoder("latin1").decode(held.subarray(from, end)));
      const length = Number(headers.get("content-length"));
      if (!Number.isInteger(length) || length < 0 || length > LARGEST_BYTES) throw new Error("a part without its length");
      if (held.length < end + 4 + length) break;
      const at = Date.parse(headers.get("x-captured-at") ?? "");
      const stamp = headers.get("x-rtp-timestamp");
      parts.push({ jpeg: held.slice(end + 4, end + 4 + length), capturedAt: Number.isNaN(at) ? null : at, rtpTimestamp: stamp ? Number(stamp) : null });
      from = end + 4 + length;
    }
    if (held.length - from > LARGEST_BYTES) throw new Error("a part without an end");
    this.#held = held.slice(from);
    return parts;
  }

  #headers(text) {
    const lines = text.split("\r\n").filter((line) => line && !line.startsWith(this.#delimiter));
    return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")).trim().toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]));
  }
}

function endOfHeaders(bytes, from) {
  for (let index = from; index + 3 < bytes.length; index += 1) {
    if (bytes[index] === 13 && bytes[index + 1] === 10 && bytes[index + 2] === 13 && bytes[index + 3] === 10) return index;
  }
  return -1;
}
