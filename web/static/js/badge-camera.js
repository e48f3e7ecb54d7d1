/** Badges as QR codes before this device's camera, read by the browser itself where it can (BarcodeDetector). */

import { LEAST, MOST } from "./badge-reader.js";
import { DeviceCamera } from "./device-camera.js";
import { say } from "./text.js";

const LOOK_EVERY_MS = 250;
const GONE_AFTER_MS = 3000; // a code that stays before the camera is read once
const OPEN_FOR_MS = 30_000; // where nobody holds one up, the camera is closed again
const WRONG_FOR_MS = 600_000; // a poster behind the queue is not held against the kiosk again and again
const MOST_WRONG = 50;
const FORMAT = "qr_code";

export class BadgeCamera {
  #root;
  #parts;
  #uses;
  /** @type {"missing" | "off" | "opening" | "on" | "following"} */
  #state = "missing";
  #detector = null;
  #device = new DeviceCamera({ ended: () => this.#shut(say("device.gone")) });
  #offered = false;
  #followed = false;
  /** @type {Map<string, number>} when each was seen last */
  #held = new Map();
  /** @type {Map<string, number>} what was no badge, and since when */
  #wrong = new Map();
  #turn = 0; // of the looking: one that was ended meanwhile does not go on
  #timer = 0;
  #left = 0;

  /**
   * @param {HTMLElement} root says its state as `data-qr`
   * @param {{bar: HTMLElement, button: HTMLButtonElement, said: HTMLElement, missing: HTMLElement, video: HTMLVideoElement}} parts
   * @param {{read: (badge: string) => Promise<boolean>, busy: () => boolean, shows: (on: boolean) => void}} uses `read`: false
   *   where that is no badge; `busy`: somebody types; `shows`: the video has a picture by this
   */
  constructor(root, parts, uses) {
    this.#root = root;
    this.#parts = parts;
    this.#uses = uses;
    parts.button.addEventListener("click", () => (this.#state === "off" ? this.#open() : this.#shut()));
    this.#show();
    this.#prepare();
  }

  /** Whether this kiosk takes badges. @param {boolean} on */
  offer(on) {
    this.#offered = on;
    if (!on && (this.#state === "opening" || this.#state === "on")) this.#shut();
    this.#go();
    this.#show();
  }

  /** This device's camera is on, or not any more, for faces: then its picture is looked at all the time. @param {boolean} on */
  follow(on) {
    if (on === this.#followed) return;
    if (on) this.#release();
    this.#followed = on;
    if (this.#state !== "missing") this.#state = on ? "following" : "off";
    this.#go();
    this.#show();
  }

  /** In the language as it is now. */
  relabel() {
    this.#show();
  }

  close() {
    this.#offered = false;
    if (this.#state === "opening" || this.#state === "on") this.#shut();
    this.#go();
    this.#show();
  }

  async #prepare() {
    try {
      const formats = await globalThis.BarcodeDetector.getSupportedFormats();
      if (!formats.includes(FORMAT)) return;
      this.#detector = new globalThis.BarcodeDetector({ formats: [FORMAT] });
    } catch {
      return; // there is none, or none that works
    }
    this.#state = this.#followed ? "following" : "off";
    this.#go();
    this.#show();
  }

  async #open() {
    this.#state = "opening";
    this.#show();
    try {
      await this.#device.open();
      if (this.#state !== "opening") return this.#device.close();
      this.#state = "on";
      this.#parts.video.srcObject = this.#device.stream;
      this.#uses.shows(true);
      await this.#parts.video.play().catch(() => undefined);
      this.#stay();
      this.#go();
      this.#show(say("kiosk.qr.hold"));
    } catch (error) {
      if (this.#state === "opening") this.#shut(error.message);
    }
  }

  #stay() {
    clearTimeout(this.#left);
    this.#left = setTimeout(() => this.#shut(), OPEN_FOR_MS);
  }

  #shut(sentence = "") {
    const shown = this.#state === "on";
    this.#release();
    if (this.#state !== "missing") this.#state = this.#followed ? "following" : "off";
    if (shown) this.#uses.shows(false);
    this.#go();
    this.#show(sentence);
  }

  #release() {
    clearTimeout(this.#left);
    if (this.#device.stream && this.#parts.video.srcObject === this.#device.stream) this.#parts.video.srcObject = null;
    this.#device.close();
  }

  /** Looks as long as there is something to look at. */
  #go() {
    clearTimeout(this.#timer);
    this.#turn += 1;
    if (this.#offered && (this.#state === "on" || this.#state === "following")) this.#look(this.#turn);
  }

  async #look(turn) {
    if (this.#parts.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && !this.#uses.busy()) {
      const codes = await this.#detector.detect(this.#parts.video).catch(() => []);
      if (turn !== this.#turn) return;
      const badge = this.#news(codes.map((code) => code.rawValue.trim()));
      if (badge) {
        if (this.#state === "on") this.#shut();
        if (!(await this.#uses.read(badge))) this.#remember(badge);
        this.#held.set(badge, performance.now()); // it may have been there all the while
      }
    }
    if (turn === this.#turn) this.#timer = setTimeout(() => this.#look(turn), LOOK_EVERY_MS);
  }

  #remember(badge) {
    this.#wrong.delete(badge);
    this.#wrong.set(badge, performance.now());
    if (this.#wrong.size > MOST_WRONG) this.#wrong.delete(this.#wrong.keys().next().value);
  }

  /** Nobody has held it up on purpose, and it was no badge a while ago. */
  #isPoster(value, now) {
    return this.#state === "following" && now - (this.#wrong.get(value) ?? -Infinity) < WRONG_FOR_MS;
  }

  /** The first that was not there before. @param {string[]} values @returns {string | undefined} */
  #news(values) {
    const now = performance.now();
    for (const [value, seen] of this.#held) if (now - seen > GONE_AFTER_MS) this.#held.delete(value);
    const seen = values.filter((value) => value.length >= LEAST && value.length <= MOST && !this.#isPoster(value, now));
    const badge = seen.find((value) => !this.#held.has(value));
    for (const value of seen) if (value === badge || this.#held.has(value)) this.#held.set(value, now);
    return badge;
  }

  #show(sentence = "") {
    this.#root.dataset.qr = this.#state;
    this.#parts.bar.hidden = !this.#offered || this.#state === "missing" || this.#state === "following";
    this.#parts.missing.hidden = !this.#offered || this.#state !== "missing";
    this.#parts.button.querySelector("span").textContent = say(this.#state === "off" ? "kiosk.qr.start" : "kiosk.qr.stop");
    this.#parts.said.textContent = sentence;
  }
}
