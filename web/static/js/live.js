/** A camera's live picture: video where it can come, single pictures where it cannot, and which of them it is. */

import { Mjpeg } from "./mjpeg.js";
import { Whep } from "./whep.js";

const VIDEO_AGAIN_MS = 60_000;

/**
 * What is shown now: `video` or `pictures`; `still` is the last one kept.
 * @typedef {"nothing" | "video" | "pictures" | "still"} Shows
 * @typedef {{rtpTimestamp: number | null, capturedAt: number | null, width: number, height: number}} Frame
 * @typedef {{shows: Shows, state: "idle" | "connecting" | "live" | "waiting" | "refused", reason: string | null, blocked: string | null}} Situation
 *   `blocked` says why video cannot come, while pictures stand in for it
 */

export class Live {
  #video;
  #canvas;
  #onFrame;
  #onChange;
  /** @type {Situation} */
  #state = { shows: "nothing", state: "idle", reason: null, blocked: null };
  #wanted = false;
  #whep;
  #mjpeg;
  #videoAgain = 0;
  /** Why video could not come when it was tried last, and until when that is believed. */
  #blockage = { reason: /** @type {string | null} */ (null), until: 0 };
  #turn = 0; // of the frame callbacks: those asked for before a stop are not heard

  /**
   * @param {import("./api.js").Api} api
   * @param {string} cameraId
   * @param {{video: HTMLVideoElement, canvas: HTMLCanvasElement, onFrame?: (frame: Frame) => void, onChange?: (situation: Situation) => void, width?: number}} uses
   *   the canvas lies under the video, and has the pictures and the last still
   */
  constructor(api, cameraId, { video, canvas, onFrame = () => undefined, onChange = () => undefined, width = 640 }) {
    this.#video = video;
    this.#canvas = canvas;
    this.#onFrame = onFrame;
    this.#onChange = onChange;
    this.#whep = new Whep(api, cameraId, { video, onState: (state, reason) => this.#videoIs(state, reason) });
    this.#mjpeg = new Mjpeg(api, cameraId, { width, onPicture: (picture) => this.#picture(picture), onState: (state, reason) => this.#picturesAre(state, reason) });
  }

  get situation() {
    return this.#state;
  }

  /** May be called as often as one likes. */
  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    if (performance.now() < this.#blockage.until) this.#standIn(this.#blockage.reason);
    else this.#whep.start();
  }

  /** The way to the server is free again: do not wait any longer. */
  hurry() {
    if (!this.#wanted || this.#state.state !== "waiting") return;
    if (this.#state.blocked) this.#mjpeg.start();
    else this.#whep.start();
  }

  /** Lets go of the connection; the last picture stays. */
  stop() {
    if (!this.#wanted) return;
    this.#wanted = false;
    this.#keep();
    clearTimeout(this.#videoAgain);
    this.#whep.stop();
    this.#mjpeg.stop();
    this.#change({ state: "idle", reason: null, blocked: null });
  }

  /** @returns {Promise<{mode: Shows, codec: string | null, framesDecoded: number, latencyMs: number | null}>} */
  async stats() {
    if (this.#state.shows !== "video") return { mode: this.#state.shows, codec: this.#state.shows === "pictures" ? "JPEG" : null, framesDecoded: this.#mjpeg.framesDecoded, latencyMs: null };
    return this.#whep.stats();
  }

  #videoIs(state, reason) {
    if (!this.#wanted) return;
    if (state === "live") {
      this.#blockage.until = 0;
      this.#mjpeg.stop();
      this.#change({ shows: "video", state: "live", reason: null, blocked: null });
      this.#follow();
      return;
    }
    if (this.#state.shows === "video") this.#keep();
    if (state === "blocked") {
      this.#blockage = { reason, until: performance.now() + VIDEO_AGAIN_MS };
      this.#standIn(reason);
    } else if (this.#state.blocked) {
      if (state === "refused") this.#change({ state, reason }); // otherwise pictures are shown meanwhile
    } else if (state === "waiting" || state === "refused") this.#change({ state, reason });
    else this.#change({ state: state === "idle" ? "idle" : "connecting" });
  }

  #standIn(reason) {
    this.#change({ blocked: reason });
    this.#mjpeg.start();
    clearTimeout(this.#videoAgain);
    this.#videoAgain = setTimeout(() => this.#whep.start(), this.#blockage.until - performance.now());
  }

  #picturesAre(state, reason) {
    if (!this.#wanted || !this.#state.blocked || this.#state.shows === "video") return;
    if (state === "waiting" || state === "refused") {
      this.#keep();
      this.#change({ state, reason });
    } else if (state === "asking" && this.#state.state !== "waiting") this.#change({ state: "connecting", reason: null });
  }

  #picture({ bitmap, capturedAt, rtpTimestamp }) {
    if (!this.#wanted || this.#state.shows === "video") return;
    this.#draw(bitmap, bitmap.width, bitmap.height);
    this.#change({ shows: "pictures", state: "live", reason: null });
    this.#onFrame({ rtpTimestamp, capturedAt, width: bitmap.width, height: bitmap.height });
  }

  /** Tells of every frame as it is put on the screen. */
  #follow() {
    const turn = ++this.#turn;
    const size = () => ({ width: this.#video.videoWidth, height: this.#video.videoHeight });
    const isOn = () => turn === this.#turn && this.#state.shows === "video";
    if ("requestVideoFrameCallback" in this.#video) {
      const next = (_now, frame) => {
        if (!isOn()) return;
        this.#onFrame({ rtpTimestamp: frame.rtpTimestamp ?? null, capturedAt: null, ...size() });
        this.#video.requestVideoFrameCallback(next);
      };
      this.#video.requestVideoFrameCallback(next);
      return;
    }
    const tick = () => {
      if (!isOn()) return;
      this.#onFrame({ rtpTimestamp: null, capturedAt: null, ...size() });
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  /** What was shown last stays on the canvas, while there is nothing newer. */
  #keep() {
    if (this.#state.shows === "video" && this.#video.videoWidth) this.#draw(this.#video, this.#video.videoWidth, this.#video.videoHeight);
    if (this.#state.shows !== "nothing") this.#change({ shows: "still" });
  }

  #draw(picture, width, height) {
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.#canvas.getContext("2d").drawImage(picture, 0, 0);
  }

  /** @param {Partial<Situation>} news */
  #change(news) {
    const before = this.#state;
    this.#state = { ...before, ...news };
    if (Object.keys(news).some((name) => before[name] !== this.#state[name])) this.#onChange(this.#state);
  }
}
