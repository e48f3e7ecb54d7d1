/** The camera of the device that this page is open on, and in words why it cannot be used. */

import { say } from "./text.js";

export class DeviceCamera {
  /** @type {MediaStream | null} */
  #stream = null;
  #turn = 0; // a permission that is given after all was closed is not used
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
    const turn = this.#turn;
    if (!navigator.mediaDevices?.getUserMedia) throw new Error(say("device.insecure"));
    let stream;
    try {
      const video = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 25, max: 30 } };
      stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    } catch (error) {
      throw new Error(say({ NotFoundError: "device.missing", OverconstrainedError: "device.missing", NotReadableError: "device.busy", NotAllowedError: "device.denied" }[error.name] ?? "device.failed"), { cause: error });
    }
    if (turn !== this.#turn) {
      for (const track of stream.getTracks()) track.stop();
      throw new Error(say("device.failed"));
    }
    this.#stream = stream;
    const [track] = stream.getVideoTracks();
    track.addEventListener("ended", () => {
      if (stream !== this.#stream) return;
      this.close();
      this.#ended();
    });
    return track;
  }

  close() {
    this.#turn += 1;
    const stream = this.#stream;
    this.#stream = null;
    for (const track of stream?.getTracks() ?? []) track.stop();
  }
}
