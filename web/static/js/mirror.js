/** The camera's live picture in the kiosk's circle, where this screen may see it; otherwise nothing. */

import { Live } from "./live.js";

const WIDTH = 960;

export class Mirror {
  #live;
  #holder;

  /**
   * @param {import("./api.js").Api} api
   * @param {HTMLElement} holder with a canvas and a video, mirrored by the stylesheet as a person expects of a mirror
   * @param {string} cameraId
   */
  constructor(api, holder, cameraId) {
    this.#holder = holder;
    this.#live = new Live(api, cameraId, {
      video: holder.querySelector("video"),
      canvas: holder.querySelector("canvas"),
      width: WIDTH,
      onChange: (situation) => this.#change(situation),
    });
  }

  start() {
    this.#live.start();
  }

  stop() {
    this.#live.stop();
    this.#holder.hidden = true;
  }

  /** A picture that stands still is no mirror. */
  #change({ shows }) {
    this.#holder.dataset.shows = shows;
    this.#holder.classList.toggle("is-blank", shows !== "video" && shows !== "pictures");
    this.#holder.hidden = false;
  }
}
