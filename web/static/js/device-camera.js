/** The camera of the device that this page is open on, and in words why it cannot be used. */

import { say } from "./text.js";

export class DeviceCamera {
  /** @type {MediaStream | null} */
  #stream = null;
  #ended;

  /** @param {{ended?: () => void}} [uses] `ended`: it was unplugged, or the permission was taken away */
  constructor({ ended = () => undefined } = {}) {
    this.#ended = ended;
  }

  /** @type {MediaStream | null} */
  get stream() {
    return this.#stream;
  }

  /** @returns {Promise<MediaStreamTrack>} @throws {Error} with a sentence to show */
  async open() {
    this.close();
    if (!navigator.mediaDevices?.getUserMedia) throw new Error(say("device.insecure"));
    try {
      const video = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 25, max: 30 } };
      this.#stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    } catch (error) {
      throw new Error(say({ NotFoundError: "device.missing", OverconstrainedError: "device.missing", NotReadableError: "device.busy", NotAllowedError: "device.denied" }[error.name] ?? "device.failed"), { cause: error });
    }
    const [track] = this.#stream.getVideoTracks();
    const stream = this.#stream;
    track.addEventListener("ended", () => {
      if (stream !== this.#stream) return;
      this.close();
      this.#ended();
    });
    return track;
  }

  close() {
    const stream = this.#stream;
    this.#stream = null;
    for (const track of stream?.getTracks() ?? []) track.stop();
  }
}
