/** The kiosk's own device as one of its cameras: published, shown as a mirror, and started again next time. */

import { DeviceCamera } from "./device-camera.js";
import { say, sayOr } from "./text.js";
import { Whip } from "./whip.js";

const KEY = "rollcall.kiosk.camera";
const DEVICE_AGAIN_MS = 10_000;

export class KioskCamera {
  #api;
  #parts;
  #cameraId;
  #changed;
  /** @type {"off" | "opening" | "on"} */
  #state = "off";
  #device = new DeviceCamera({ ended: () => this.#gone(say("device.gone")) });
  /** @type {Whip | null} */
  #whip = null;
  #timer = 0;

  /**
   * @param {import("./api.js").Api} api
   * @param {{bar: HTMLElement, button: HTMLButtonElement, said: HTMLElement, video: HTMLVideoElement}} parts
   * @param {string} cameraId of the kind `push`
   * @param {(on: boolean) => void} changed whether the circle shows this device's picture
   */
  constructor(api, parts, cameraId, changed) {
    this.#api = api;
    this.#parts = parts;
    this.#cameraId = cameraId;
    this.#changed = changed;
    parts.bar.hidden = false;
    parts.button.addEventListener("click", () => (this.#state === "off" ? this.start() : this.stop()));
    this.#show();
  }

  /** As it was before the screen was switched off, if the browser lets it without asking. */
  async resume() {
    if (kept() !== this.#cameraId) return;
    const permission = await navigator.permissions?.query({ name: "camera" }).catch(() => null);
    if (permission?.state === "prompt") return; // nobody may be there to answer
    this.start();
  }

  async start() {
    clearTimeout(this.#timer);
    this.#state = "opening";
    this.#show();
    try {
      const track = await this.#device.open();
      if (this.#state !== "opening") return this.#device.close(); // stopped meanwhile
      keep(this.#cameraId);
      this.#state = "on";
      this.#parts.video.srcObject = this.#device.stream;
      await this.#parts.video.play().catch(() => undefined);
      this.#changed(true);
      this.#whip = new Whip(this.#api, this.#cameraId, { track, onState: (state, reason) => this.#say(state, reason) });
      this.#whip.start();
      return this.#show();
    } catch (error) {
      if (kept() === this.#cameraId) return this.#gone(error.message);
      this.#state = "off";
      return this.#show(error.message);
    }
  }

  stop() {
    keep(null);
    this.#release();
    this.#state = "off";
    this.#show();
  }

  /** The language has changed; what was said of a fault is said anew when it comes again. */
  relabel() {
    this.#show();
  }

  /** The page is not this kiosk any more; next time it is, it goes on. */
  end() {
    this.#release();
    this.#state = "off";
    this.#parts.bar.hidden = true;
  }

  /** It worked before, so it is tried until it works again. */
  #gone(sentence) {
    this.#release();
    this.#state = "opening";
    this.#show(sentence);
    this.#timer = setTimeout(() => this.start(), DEVICE_AGAIN_MS);
  }

  #release() {
    clearTimeout(this.#timer);
    this.#whip?.stop();
    this.#whip = null;
    this.#device.close();
    this.#parts.video.srcObject = null;
    this.#changed(false);
  }

  #say(state, reason) {
    if (state === "waiting" || state === "refused") this.#show(sayOr(`publish.${reason}`, say(state === "refused" ? "publish.refused" : "publish.lost")));
    else if (state === "live") this.#show();
    this.#parts.bar.dataset.own = state;
  }

  #show(sentence = "") {
    this.#parts.bar.dataset.own = this.#state;
    this.#parts.button.querySelector("span").textContent = say(this.#state === "off" ? "kiosk.own.start" : "kiosk.own.stop");
    this.#parts.said.textContent = sentence;
  }
}

function kept() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage may be blocked: then it is asked for each time
  }
}

function keep(cameraId) {
  try {
    if (cameraId) localStorage.setItem(KEY, cameraId);
    else localStorage.removeItem(KEY);
  } catch {
    // The same.
  }
}
